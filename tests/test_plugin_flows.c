/* The training plug-in on flow models: its forward is the C forward, its gradients are those of
 * finite differences, it learns a distribution, and a resumed run is the uninterrupted one to the
 * bit. Skipped where libtorch is not installed and the plug-in therefore not built. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "flowmodel_case.h"
#include "plugin.h"

static TorchFlowBatch batch_of(const FlowModelCase *d) {
    return (TorchFlowBatch){.n_paths = FLOWMODEL_CASE_N,
                            .n_flows = d->n_flows,
                            .link_start = d->link_start,
                            .link = d->link,
                            .path = d->path,
                            .flow_path = d->flow_path,
                            .flow = d->flow,
                            .base = d->base,
                            .truth = d->truth,
                            .weight = d->weight,
                            .level = flowmodel_levels,
                            .level_weight = d->level_weight};
}

static void check_forward(const TorchApi *api, bool bidirectional) {
    FlowModelCase *d = flowmodel_case_new();
    TorchFlowBatch batch = batch_of(d);
    ModelSpec s = flowmodel_case_spec(bidirectional);
    Ckpt c = flowmodel_case_busy(&s);
    TorchTrainer *t = plugin_trainer(api, &c.spec, c.weights, 0.5, 0); /* dropout must not show */
    float *ours = MEM_NEW(float, d->n_flows *FLOWMODEL_N_Q),
          *theirs = MEM_NEW(float, d->n_flows *FLOWMODEL_N_Q);
    flowmodel_forward(&c, d->maps, FLOWMODEL_CASE_N, ours, true, 2);
    PLUGIN_TRY(api->forward_flows(t, &batch, theirs, PLUGIN_ERRBUF));
    for (size_t i = 0; i < d->n_flows * FLOWMODEL_N_Q; i++)
        if (!(fabsf(ours[i] - theirs[i]) <= 1e-4f))
            fail_msg("flow %zu: %g in C, %g in libtorch", i / FLOWMODEL_N_Q, (double)ours[i],
                     (double)theirs[i]);
    api->destroy(t);
    free(ours);
    free(theirs);
    ckpt_free(&c);
    free(d);
}

static void forwards_agree(void **state) {
    if (!plugin_of(state)) skip();
    check_forward(plugin_of(state), true);
    check_forward(plugin_of(state), false);
}

/* The loss by its definition, from the C forward. */
static double loss_at(const FlowModelCase *d, const Ckpt *c) {
    float *q = MEM_NEW(float, d->n_flows *FLOWMODEL_N_Q);
    double sum = 0, weights = 0, levels = 0;
    flowmodel_forward(c, d->maps, FLOWMODEL_CASE_N, q, true, 1);
    for (int k = 0; k < FLOWMODEL_N_Q; k++) levels += (double)d->level_weight[k];
    for (uint32_t i = 0; i < d->n_flows; i++) {
        weights += (double)d->weight[i];
        for (uint32_t k = 0; k < FLOWMODEL_N_Q; k++) {
            double above = log((double)d->truth[i]) - (double)q[i * FLOWMODEL_N_Q + k],
                   p = (double)flowmodel_levels[k];
            sum += (double)d->weight[i] * (double)d->level_weight[k] *
                   (above > 0 ? p * above : (p - 1) * above);
        }
    }
    free(q);
    return sum / (weights * levels);
}

/* Along the gradient of each tensor: (L(w + h·u) − L(w − h·u)) / 2h = |g|. Clamps and normalisation
 * are not learned. */
static void gradients_are_finite_differences(void **state) {
    if (!plugin_of(state)) skip();
    const TorchApi *api = plugin_of(state);
    FlowModelCase *d = flowmodel_case_new();
    TorchFlowBatch batch = batch_of(d);
    ModelSpec s = flowmodel_case_spec(true);
    Ckpt c = flowmodel_case_busy(&s);
    TorchTrainer *trainer = plugin_trainer(api, &c.spec, c.weights, 0.5, 0);
    CkptTensor t[CKPT_MAX_TENSORS];
    size_t n_floats, n_tensors = ckpt_layout(&s, t, CKPT_MAX_TENSORS, &n_floats);
    float *g = MEM_NEW(float, n_floats), *w = MEM_NEW(float, n_floats);
    double loss;
    memcpy(w, c.weights, n_floats * sizeof *w);
    PLUGIN_TRY(api->gradients_flows(trainer, &batch, &loss, g, PLUGIN_ERRBUF));
    assert_float_equal(loss, loss_at(d, &c), 1e-5);
    for (size_t i = 0; i < n_tensors; i++) {
        double norm = 0;
        for (size_t k = 0; k < (size_t)t[i].rows * t[i].cols; k++)
            norm += (double)(g[t[i].offset + k] * g[t[i].offset + k]);
        norm = sqrt(norm);
        if (strncmp(t[i].name, "token", 5) == 0 || strncmp(t[i].name, "flow", 4) == 0) {
            assert_true(norm == 0);
            continue;
        }
        assert_true(norm > 0);
        double h = 1e-3 / norm < 0.01 ? 1e-3 / norm : 0.01, l[2];
        for (int side = 0; side < 2; side++) {
            memcpy(c.weights, w, n_floats * sizeof *w);
            for (size_t k = t[i].offset; k < t[i].offset + (size_t)t[i].rows * t[i].cols; k++)
                c.weights[k] += (float)((side ? -h : h) * (double)g[k] / norm);
            l[side] = loss_at(d, &c);
        }
        double slope = (l[0] - l[1]) / (2 * h);
        if (fabs(slope - norm) > 0.02 * norm + 2e-6)
            fail_msg("%s: gradient %g, finite difference %g", t[i].name, norm, slope);
    }
    api->destroy(trainer);
    free(g);
    free(w);
    ckpt_free(&c);
    free(d);
}

/* Steps reach what the data says: log slowdown uniform in [1, 2], whatever the features. */
static void learns_a_distribution(void **state) {
    if (!plugin_of(state)) skip();
    const TorchApi *api = plugin_of(state);
    FlowModelCase *d = flowmodel_case_new();
    TorchFlowBatch batch = batch_of(d);
    ModelSpec s = flowmodel_case_spec(true);
    Ckpt c = flowmodel_case_fresh(&s);
    TorchTrainer *t = plugin_trainer(api, &c.spec, c.weights, 0, 0.9);
    Rng rng = rng_stream(2, "truth", 0);
    double loss, mean[FLOWMODEL_N_Q] = {0};
    for (int k = 0; k < FLOWMODEL_N_Q; k++) d->level_weight[k] = 1;
    for (uint32_t i = 0; i < d->n_flows; i++) d->base[i] = d->weight[i] = 1;
    for (int step = 0; step < 1500; step++) {
        for (uint32_t i = 0; i < d->n_flows; i++) d->truth[i] = (float)exp(rng_uniform(&rng, 1, 2));
        PLUGIN_TRY(api->step_flows(t, &batch, step < 750 ? 1e-2 : 1e-3, &loss, PLUGIN_ERRBUF));
    }
    PLUGIN_TRY(api->average(t, c.weights, PLUGIN_ERRBUF));
    float *q = MEM_NEW(float, d->n_flows *FLOWMODEL_N_Q);
    flowmodel_forward(&c, d->maps, FLOWMODEL_CASE_N, q, true, 1);
    for (uint32_t i = 0; i < d->n_flows * FLOWMODEL_N_Q; i++)
        mean[i % FLOWMODEL_N_Q] += (double)q[i] / d->n_flows;
    for (int k = 0; k < FLOWMODEL_N_Q; k++)
        assert_float_equal(mean[k], 1 + flowmodel_levels[k], 0.04);
    free(q);
    api->destroy(t);
    ckpt_free(&c);
    free(d);
}

static void resumed_run_is_the_uninterrupted_one(void **state) {
    if (!plugin_of(state)) skip();
    const TorchApi *api = plugin_of(state);
    FlowModelCase *d = flowmodel_case_new();
    TorchFlowBatch batch = batch_of(d);
    ModelSpec s = flowmodel_case_spec(true);
    Ckpt c = flowmodel_case_fresh(&s), e = flowmodel_case_fresh(&s);
    char path[] = "/tmp/m3-flow-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    TorchTrainer *a = plugin_trainer(api, &c.spec, c.weights, 0.3, 0.9),
                 *b = plugin_trainer(api, &c.spec, c.weights, 0.3, 0.9);
    double loss;
    for (int i = 0; i < 3; i++) PLUGIN_TRY(api->step_flows(a, &batch, 1e-3, &loss, PLUGIN_ERRBUF));
    PLUGIN_TRY(api->save_state(a, path, PLUGIN_ERRBUF));
    for (int i = 0; i < 3; i++) PLUGIN_TRY(api->step_flows(a, &batch, 1e-3, &loss, PLUGIN_ERRBUF));
    PLUGIN_TRY(api->load_state(b, path, PLUGIN_ERRBUF));
    for (int i = 0; i < 3; i++) PLUGIN_TRY(api->step_flows(b, &batch, 1e-3, &loss, PLUGIN_ERRBUF));
    PLUGIN_TRY(api->weights(a, c.weights, PLUGIN_ERRBUF));
    PLUGIN_TRY(api->weights(b, e.weights, PLUGIN_ERRBUF));
    assert_memory_equal(c.weights, e.weights, c.n_floats * sizeof(float));
    PLUGIN_TRY(api->average(b, e.weights, PLUGIN_ERRBUF));
    assert_memory_not_equal(c.weights, e.weights, c.n_floats * sizeof(float));
    PLUGIN_TRY(api->average(a, c.weights, PLUGIN_ERRBUF));
    assert_memory_equal(c.weights, e.weights, c.n_floats * sizeof(float));
    unlink(path);
    api->destroy(a);
    api->destroy(b);
    ckpt_free(&c);
    ckpt_free(&e);
    free(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forwards_agree),
        cmocka_unit_test(gradients_are_finite_differences),
        cmocka_unit_test(learns_a_distribution),
        cmocka_unit_test(resumed_run_is_the_uninterrupted_one),
    };
    return cmocka_run_group_tests(tests, plugin_find, NULL);
}
