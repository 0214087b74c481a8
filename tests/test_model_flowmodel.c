/* The flow model: what its outputs are by construction, mixtures against theory, and, where
 * libtorch is installed, that the training plug-in computes the same, has the right gradients and
 * goes on from a saved state to the bit. */
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

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/flowmodel.h"
#include "model/nn_exp.h"
#include "plugin.h"

enum { N_MAPS = 70, MAX_LINKS = 6, MAX_FLOWS = 5, N_Q = FLOWMODEL_N_Q };

/* Paths of 1..6 links and 0..5 flows with features of order 1, in the C model's and the plug-in's
 * form. */
typedef struct {
    FlowFeat map[N_MAPS];
    const FlowFeat *maps[N_MAPS];
    float link[N_MAPS * MAX_LINKS * FLOWFEAT_N_LINK], path[N_MAPS * FLOWFEAT_N_PATH];
    float flow[N_MAPS * MAX_FLOWS * FLOWFEAT_N_FLOW], base[N_MAPS * MAX_FLOWS],
        truth[N_MAPS * MAX_FLOWS], weight[N_MAPS * MAX_FLOWS];
    float level_weight[N_Q];
    uint32_t link_start[N_MAPS + 1], flow_path[N_MAPS * MAX_FLOWS], n_flows;
    TorchFlowBatch batch;
} Data;

static void fill(Rng *rng, float *x, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] = (float)rng_normal(rng);
}

static Data *make_data(void) {
    Data *d = MEM_ZNEW(Data, 1);
    Rng rng = rng_stream(7, "flowmodel test", 0);
    fill(&rng, d->link, sizeof d->link / sizeof *d->link);
    fill(&rng, d->path, sizeof d->path / sizeof *d->path);
    fill(&rng, d->flow, sizeof d->flow / sizeof *d->flow);
    for (uint32_t i = 0; i < N_MAPS; i++) {
        FlowFeat *m = &d->map[i];
        *m = (FlowFeat){.n_links = 1 + i % MAX_LINKS, .n_flows = i % (MAX_FLOWS + 1)};
        m->link = d->link + (size_t)d->link_start[i] * FLOWFEAT_N_LINK;
        m->path = d->path + (size_t)i * FLOWFEAT_N_PATH;
        m->flow = d->flow + (size_t)d->n_flows * FLOWFEAT_N_FLOW;
        m->base = d->base + d->n_flows;
        d->link_start[i + 1] = d->link_start[i] + m->n_links;
        for (uint32_t k = 0; k < m->n_flows; k++, d->n_flows++) {
            d->flow_path[d->n_flows] = i;
            d->base[d->n_flows] = (float)exp(rng_exponential(&rng));
            d->truth[d->n_flows] = (float)exp(rng_exponential(&rng));
            d->weight[d->n_flows] = (float)rng_u01(&rng);
        }
        d->maps[i] = m;
    }
    for (int k = 0; k < N_Q; k++) d->level_weight[k] = (float)rng_uniform(&rng, 0.5, 2);
    d->batch = (TorchFlowBatch){.n_paths = N_MAPS,
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
    return d;
}

static ModelSpec small_spec(bool bidirectional) {
    ModelSpec s;
    assert_int_equal(modelspec_preset(&s, "flow", NULL), 0);
    s.dim = 8;
    s.hidden = 12;
    s.n_heads = 2;
    s.mlp_h1 = 7;
    s.mlp_h2 = 6;
    s.bidirectional = bidirectional;
    assert_int_equal(modelspec_check(&s, "small", NULL), 0);
    return s;
}

static Ckpt fresh(const ModelSpec *s) {
    Ckpt c = {.spec = *s};
    ckpt_layout(s, NULL, 0, &c.n_floats);
    c.weights = MEM_NEW(float, c.n_floats);
    ckpt_init_weights(s, 1, c.weights);
    return c;
}

static CkptTensor tensor(const Ckpt *c, const char *name) {
    CkptTensor t[CKPT_MAX_TENSORS];
    size_t n_floats, n = ckpt_layout(&c->spec, t, CKPT_MAX_TENSORS, &n_floats);
    for (size_t i = 0; i < n; i++)
        if (strcmp(t[i].name, name) == 0) return t[i];
    fail_msg("no tensor %s", name);
    return (CkptTensor){.cols = 0};
}

static void set(const Ckpt *c, const char *name, float lo, float hi) {
    CkptTensor t = tensor(c, name);
    for (size_t k = 0; k < t.rows; k++) c->weights[t.offset + k] = k % 2 ? lo : hi;
}

/* Nothing at zero, inputs clamped and scaled: every part of the formula shows. */
static Ckpt busy(const ModelSpec *s) {
    Ckpt c = fresh(s);
    Rng rng = rng_stream(5, "flowmodel weights", 0);
    for (size_t i = 0; i < c.n_floats; i++) c.weights[i] += (float)(0.1 * rng_normal(&rng));
    for (int i = 0; i < 2; i++) {
        char name[16];
        const char *of = i ? "flow" : "token";
        snprintf(name, sizeof name, "%s.lo", of), set(&c, name, -1, -1.5f);
        snprintf(name, sizeof name, "%s.hi", of), set(&c, name, 1.25f, 0.75f);
        snprintf(name, sizeof name, "%s.mean", of), set(&c, name, 0.25f, -0.5f);
        snprintf(name, sizeof name, "%s.scale", of), set(&c, name, 2, 0.5f);
    }
    return c;
}

/* ---- the forward pass ---- */

static void test_fresh_model_is_a_narrow_logistic_around_flowsim(void **state) {
    (void)state;
    Data *d = make_data();
    ModelSpec s = small_spec(true);
    Ckpt c = fresh(&s);
    float *out = MEM_NEW(float, d->n_flows *N_Q);
    flowmodel_forward(&c, d->maps, N_MAPS, out, true, 1);
    for (uint32_t i = 0; i < d->n_flows; i++)
        for (int k = 0; k < N_Q; k++) {
            double p = (double)flowmodel_levels[k],
                   want = log((double)d->base[i]) + 0.1 * log(2) * log(p / (1 - p));
            assert_float_equal(out[i * N_Q + (uint32_t)k], want, 1e-5);
        }
    free(out);
    ckpt_free(&c);
    free(d);
}

static void test_quantiles_ascend_from_one(void **state) {
    (void)state;
    Data *d = make_data();
    ModelSpec s = small_spec(true);
    Ckpt c = busy(&s);
    float *out = MEM_NEW(float, d->n_flows *N_Q), *raw = MEM_NEW(float, d->n_flows *N_Q);
    bool clipped = false;
    flowmodel_forward(&c, d->maps, N_MAPS, out, false, 1);
    flowmodel_forward(&c, d->maps, N_MAPS, raw, true, 1);
    for (size_t i = 0; i < d->n_flows * N_Q; i++) {
        assert_true(out[i] >= 1);
        if (i % N_Q) assert_true(out[i] >= out[i - 1] && raw[i] > raw[i - 1]);
        clipped = clipped || raw[i] < 0;
        assert_float_equal(out[i], expf(fmaxf(raw[i], 0)), 1e-5f * out[i]);
    }
    assert_true(clipped);
    free(out);
    free(raw);
    ckpt_free(&c);
    free(d);
}

static void test_threads_and_neighbours_do_not_show(void **state) {
    (void)state;
    Data *d = make_data();
    ModelSpec s = small_spec(false);
    Ckpt c = busy(&s);
    size_t n = d->n_flows * N_Q, at = 0;
    float *one = MEM_NEW(float, n), *four = MEM_NEW(float, n), alone[MAX_FLOWS * N_Q];
    flowmodel_forward(&c, d->maps, N_MAPS, one, true, 1);
    flowmodel_forward(&c, d->maps, N_MAPS, four, true, 4);
    assert_memory_equal(one, four, n * sizeof *one);
    for (size_t i = 0; i < N_MAPS; i++) {
        flowmodel_forward(&c, d->maps + i, 1, alone, true, 1);
        for (size_t k = 0; k < d->map[i].n_flows * N_Q; k++)
            assert_float_equal(alone[k], one[at++], 1e-5);
    }
    flowmodel_forward(&c, d->maps, 0, one, true, 1); /* no path at all */
    free(one);
    free(four);
    ckpt_free(&c);
    free(d);
}

/* The middle quantile's distance from flowSim depends on features within the range only. */
static void test_inputs_are_clamped(void **state) {
    (void)state;
    Data *d = make_data();
    ModelSpec s = small_spec(true);
    Ckpt c = busy(&s);
    FlowFeat m = d->map[5];
    const FlowFeat *maps[1] = {&m};
    float before[MAX_FLOWS * N_Q], after[MAX_FLOWS * N_Q];
    m.link[3] = m.path[1] = m.flow[2] = 100;
    flowmodel_forward(&c, maps, 1, before, true, 1);
    m.link[3] = m.path[1] = m.flow[2] = 200;
    flowmodel_forward(&c, maps, 1, after, true, 1);
    assert_memory_equal(before, after, m.n_flows * N_Q * sizeof *before);
    m.path[1] = 0;
    flowmodel_forward(&c, maps, 1, after, true, 1);
    assert_memory_not_equal(before, after, m.n_flows * N_Q * sizeof *before);
    ckpt_free(&c);
    free(d);
}

static void test_range_names_the_furthest(void **state) {
    (void)state;
    Data *d = make_data();
    ModelSpec s = small_spec(true);
    Ckpt c = fresh(&s);
    FlowFeat m = d->map[5];
    FlowRange r = flowmodel_range(&c, &m);
    assert_null(r.name);
    assert_int_equal(r.n_outside, 0);
    set(&c, "flow.hi", 10, 10);
    set(&c, "token.lo", -20, -20);
    m.flow[FLOWFEAT_N_FLOW + 3] = 12;
    m.path[4] = -25;
    r = flowmodel_range(&c, &m);
    assert_int_equal(r.n_outside, 2);
    assert_string_equal(r.name, flowfeat_path_names[4]);
    assert_float_equal(r.value, -25, 0);
    assert_float_equal(r.lo, -20, 0);
    c.weights[tensor(&c, "flow.scale").offset + 3] = 10; /* now 20 deviations against 5 */
    r = flowmodel_range(&c, &m);
    assert_string_equal(r.name, flowfeat_flow_names[3]);
    ckpt_free(&c);
    free(d);
}

static void test_saved_and_loaded(void **state) {
    (void)state;
    char path[] = "/tmp/m3-flow-XXXXXX";
    ModelSpec s = small_spec(true);
    Ckpt a = busy(&s), b;
    Err err = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    char *file = mem_printf("%s.m3", path);
    if (ckpt_save(&a, file, CKPT_F32, &err) != 0 || ckpt_load(&b, file, &err) != 0)
        fail_msg("%s", err.msg);
    assert_memory_equal(&a.spec, &b.spec, sizeof a.spec);
    assert_memory_equal(a.weights, b.weights, a.n_floats * sizeof(float));
    unlink(file);
    unlink(path);
    free(file);
    ckpt_free(&a);
    ckpt_free(&b);
}

static void test_cdf_inverts_quantiles(void **state) {
    (void)state;
    float q[N_Q];
    for (int k = 0; k < N_Q; k++) q[k] = 3 + logf(flowmodel_levels[k] / (1 - flowmodel_levels[k]));
    for (int k = 0; k + 1 < N_Q; k++) {
        float mid = (flowmodel_levels[k] + flowmodel_levels[k + 1]) / 2;
        assert_float_equal(flowmodel_cdf(q, q[k]), flowmodel_levels[k], 1e-6);
        assert_float_equal(flowmodel_cdf(q, (q[k] + q[k + 1]) / 2), mid, 1e-6);
    }
    assert_float_equal(flowmodel_cdf(q, -10), 0, 0);
    assert_float_equal(flowmodel_cdf(q, 20), 1, 0);
}

/* ---- the training plug-in ---- */

static void check_forward(const TorchApi *api, bool bidirectional) {
    Data *d = make_data();
    ModelSpec s = small_spec(bidirectional);
    Ckpt c = busy(&s);
    TorchTrainer *t = plugin_trainer(api, &c.spec, c.weights, 0.5, 0); /* dropout must not show */
    float *ours = MEM_NEW(float, d->n_flows *N_Q), *theirs = MEM_NEW(float, d->n_flows *N_Q);
    flowmodel_forward(&c, d->maps, N_MAPS, ours, true, 2);
    PLUGIN_TRY(api->forward_flows(t, &d->batch, theirs, PLUGIN_ERRBUF));
    for (size_t i = 0; i < d->n_flows * N_Q; i++)
        if (!(fabsf(ours[i] - theirs[i]) <= 1e-4f))
            fail_msg("flow %zu: %g in C, %g in libtorch", i / N_Q, (double)ours[i],
                     (double)theirs[i]);
    api->destroy(t);
    free(ours);
    free(theirs);
    ckpt_free(&c);
    free(d);
}

static void test_forwards_agree(void **state) {
    if (!plugin_of(state)) skip();
    check_forward(plugin_of(state), true);
    check_forward(plugin_of(state), false);
}

/* The loss by its definition, from the C forward. */
static double loss_at(const Data *d, const Ckpt *c) {
    float *q = MEM_NEW(float, d->n_flows *N_Q);
    double sum = 0, weights = 0, levels = 0;
    flowmodel_forward(c, d->maps, N_MAPS, q, true, 1);
    for (int k = 0; k < N_Q; k++) levels += (double)d->level_weight[k];
    for (uint32_t i = 0; i < d->n_flows; i++) {
        weights += (double)d->weight[i];
        for (uint32_t k = 0; k < N_Q; k++) {
            double above = log((double)d->truth[i]) - (double)q[i * N_Q + k],
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
static void test_gradients_are_finite_differences(void **state) {
    if (!plugin_of(state)) skip();
    const TorchApi *api = plugin_of(state);
    Data *d = make_data();
    ModelSpec s = small_spec(true);
    Ckpt c = busy(&s);
    TorchTrainer *trainer = plugin_trainer(api, &c.spec, c.weights, 0.5, 0);
    CkptTensor t[CKPT_MAX_TENSORS];
    size_t n_floats, n_tensors = ckpt_layout(&s, t, CKPT_MAX_TENSORS, &n_floats);
    float *g = MEM_NEW(float, n_floats), *w = MEM_NEW(float, n_floats);
    double loss;
    memcpy(w, c.weights, n_floats * sizeof *w);
    PLUGIN_TRY(api->gradients_flows(trainer, &d->batch, &loss, g, PLUGIN_ERRBUF));
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
static void test_learns_a_distribution(void **state) {
    if (!plugin_of(state)) skip();
    const TorchApi *api = plugin_of(state);
    Data *d = make_data();
    ModelSpec s = small_spec(true);
    Ckpt c = fresh(&s);
    TorchTrainer *t = plugin_trainer(api, &c.spec, c.weights, 0, 0.9);
    Rng rng = rng_stream(2, "truth", 0);
    double loss, mean[N_Q] = {0};
    for (int k = 0; k < N_Q; k++) d->level_weight[k] = 1;
    for (uint32_t i = 0; i < d->n_flows; i++) d->base[i] = d->weight[i] = 1;
    for (int step = 0; step < 1500; step++) {
        for (uint32_t i = 0; i < d->n_flows; i++) d->truth[i] = (float)exp(rng_uniform(&rng, 1, 2));
        PLUGIN_TRY(api->step_flows(t, &d->batch, step < 750 ? 1e-2 : 1e-3, &loss, PLUGIN_ERRBUF));
    }
    PLUGIN_TRY(api->average(t, c.weights, PLUGIN_ERRBUF));
    float *q = MEM_NEW(float, d->n_flows *N_Q);
    flowmodel_forward(&c, d->maps, N_MAPS, q, true, 1);
    for (uint32_t i = 0; i < d->n_flows * N_Q; i++) mean[i % N_Q] += (double)q[i] / d->n_flows;
    for (int k = 0; k < N_Q; k++) assert_float_equal(mean[k], 1 + flowmodel_levels[k], 0.04);
    free(q);
    api->destroy(t);
    ckpt_free(&c);
    free(d);
}

static void test_resumed_run_is_the_uninterrupted_one(void **state) {
    if (!plugin_of(state)) skip();
    const TorchApi *api = plugin_of(state);
    Data *d = make_data();
    ModelSpec s = small_spec(true);
    Ckpt c = fresh(&s), e = fresh(&s);
    char path[] = "/tmp/m3-flow-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    TorchTrainer *a = plugin_trainer(api, &c.spec, c.weights, 0.3, 0.9),
                 *b = plugin_trainer(api, &c.spec, c.weights, 0.3, 0.9);
    double loss;
    for (int i = 0; i < 3; i++)
        PLUGIN_TRY(api->step_flows(a, &d->batch, 1e-3, &loss, PLUGIN_ERRBUF));
    PLUGIN_TRY(api->save_state(a, path, PLUGIN_ERRBUF));
    for (int i = 0; i < 3; i++)
        PLUGIN_TRY(api->step_flows(a, &d->batch, 1e-3, &loss, PLUGIN_ERRBUF));
    PLUGIN_TRY(api->load_state(b, path, PLUGIN_ERRBUF));
    for (int i = 0; i < 3; i++)
        PLUGIN_TRY(api->step_flows(b, &d->batch, 1e-3, &loss, PLUGIN_ERRBUF));
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

/* Against the C library in double precision, for every length of an array's end, at the edges and
 * beyond. */
static void exponentials(void **state) {
    (void)state;
    enum { N = 20007 };
    float *x = MEM_NEW(float, N), *e = MEM_NEW(float, N), *silu = MEM_NEW(float, N),
          *softplus = MEM_NEW(float, N);
    for (int i = 0; i < N; i++) e[i] = silu[i] = softplus[i] = x[i] = (float)(i - N / 2) / 120;
    nn_exp(e, N);
    nn_silu(silu, N);
    nn_softplus(softplus, N);
    for (int i = 0; i < N; i++) {
        double v = (double)x[i], want = v / (1 + exp(-v));
        assert_true(fabs((double)e[i] / exp(v) - 1) < 3e-7);
        assert_true(fabs((double)silu[i] - want) <= 3e-7 * fabs(want));
        assert_true(fabs((double)softplus[i] / (v > 30 ? v : log1p(exp(v))) - 1) < 4e-7);
    }
    for (size_t n = 1; n < 20; n++) {
        float part[20] = {0};
        memcpy(part, x + 9000, n * sizeof *part);
        part[n] = 7;
        nn_exp(part, n);
        assert_memory_equal(part, e + 9000, n * sizeof *part);
        assert_true(part[n] == 7);
    }
    float edge[] = {-1000, 1000, 0, -0.0f, INFINITY, -INFINITY};
    nn_exp(edge, 6);
    for (int i = 0; i < 6; i++) assert_true(isfinite(edge[i]) && edge[i] > 0);
    assert_true(edge[2] == 1 && edge[3] == 1);
    free(x);
    free(e);
    free(silu);
    free(softplus);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exponentials),
        cmocka_unit_test(test_fresh_model_is_a_narrow_logistic_around_flowsim),
        cmocka_unit_test(test_quantiles_ascend_from_one),
        cmocka_unit_test(test_threads_and_neighbours_do_not_show),
        cmocka_unit_test(test_inputs_are_clamped),
        cmocka_unit_test(test_range_names_the_furthest),
        cmocka_unit_test(test_saved_and_loaded),
        cmocka_unit_test(test_cdf_inverts_quantiles),
        cmocka_unit_test(test_forwards_agree),
        cmocka_unit_test(test_gradients_are_finite_differences),
        cmocka_unit_test(test_learns_a_distribution),
        cmocka_unit_test(test_resumed_run_is_the_uninterrupted_one)};
    return cmocka_run_group_tests(tests, plugin_find, NULL);
}
