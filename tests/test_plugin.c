/* The training plug-in: its forward is the C forward, its gradients are those of finite
 * differences, a resumed run is the uninterrupted one to the bit. Skipped where libtorch is not
 * installed and the plug-in therefore not built. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/pathmodel.h"
#include "plugin.h"

enum { N_PATHS = 5, MAX_LINKS = 6, MAX_ROWS = N_PATHS * (MAX_LINKS + 1) };

static const ModelSpec residual = {.n_feat = 1019,
                                   .dim = 8,
                                   .hidden = 12,
                                   .n_layers = 2,
                                   .n_heads = 2,
                                   .mlp_in_extra = 404,
                                   .mlp_h1 = 6,
                                   .mlp_h2 = 5,
                                   .n_out = 400,
                                   .head = HEAD_RESIDUAL,
                                   .log_inputs = true};
static const ModelSpec absolute = {.n_feat = 1019,
                                   .dim = 8,
                                   .hidden = 12,
                                   .n_layers = 2,
                                   .n_heads = 2,
                                   .mlp_h1 = 6,
                                   .mlp_h2 = 5,
                                   .n_out = 400,
                                   .head = HEAD_ABSOLUTE,
                                   .zero_rows = true};

/* Paths of 0, 1, 2, 4 and 6 links with random percentiles, some buckets empty and one row without
 * any flow. */
typedef struct {
    PathFeat map[N_PATHS];
    const PathFeat *maps[N_PATHS];
    uint32_t row_start[N_PATHS + 1];
    float pct[MAX_ROWS * 1000], conf[N_PATHS * 19], base[N_PATHS * 400], base_count[N_PATHS * 4],
        truth[N_PATHS * 400];
    uint16_t present[MAX_ROWS];
    uint32_t count[MAX_ROWS * 10];
    uint8_t truth_present[N_PATHS * 4];
    TorchBatch batch;
} Data;

static void fill_row(Rng *rng, float *pct, uint16_t present) {
    for (int b = 0; b < 10; b++) {
        double x = 1;
        for (int k = 0; k < 100; k++)
            pct[b * 100 + k] = present >> b & 1 ? (float)(x += 0.05 * rng_exponential(rng)) : 0;
    }
}

static Data *make_data(void) {
    static const uint32_t links[N_PATHS] = {0, 1, 2, 4, 6};
    Data *d = MEM_ZNEW(Data, 1);
    Rng rng = rng_stream(3, "torch test", 0);
    uint32_t row = 0;
    for (size_t i = 0; i < N_PATHS; i++) {
        PathFeat *m = &d->map[i];
        *m = (PathFeat){.n_rows = links[i] + 1,
                        .pct = d->pct + row * 1000,
                        .present = d->present + row,
                        .count = d->count + row * 10};
        for (uint32_t r = 0; r < m->n_rows; r++) {
            m->present[r] = i == 3 && r == 2 ? 0 : (uint16_t)(rng_below(&rng, 1023) + 1);
            fill_row(&rng, m->pct + r * 1000, m->present[r]);
            for (uint32_t b = 0; b < 10; b++) m->count[r * 10 + b] = m->present[r] >> b & 1;
        }
        for (int k = 0; k < 19; k++)
            d->conf[i * 19 + (size_t)k] = m->conf[k] = (float)rng_uniform(&rng, 0, 5);
        for (int b = 0; b < 4; b++) {
            m->base_count[b] = (uint32_t)rng_below(&rng, 100);
            d->base_count[i * 4 + (size_t)b] = log1pf((float)m->base_count[b]);
            d->truth_present[i * 4 + (size_t)b] = m->base_count[b] > 20;
        }
        for (size_t k = 0; k < 400; k++) {
            d->base[i * 400 + k] = m->base[k] = (float)(1 + rng_exponential(&rng));
            d->truth[i * 400 + k] =
                d->truth_present[i * 4 + k / 100] ? (float)(1 + rng_exponential(&rng)) : NAN;
        }
        d->maps[i] = m;
        d->row_start[i] = row;
        row += m->n_rows;
    }
    d->row_start[N_PATHS] = row;
    d->batch = (TorchBatch){.n = N_PATHS,
                            .row_start = d->row_start,
                            .pct = d->pct,
                            .present = d->present,
                            .conf = d->conf,
                            .base = d->base,
                            .base_count = d->base_count,
                            .truth = d->truth,
                            .truth_present = d->truth_present};
    return d;
}

/* Weights with nothing left at zero, so that every path of the gradient is open. */
static float *make_weights(const ModelSpec *s, size_t *n) {
    ckpt_layout(s, NULL, 0, n);
    float *w = MEM_NEW(float, *n);
    Rng rng = rng_stream(5, "torch test weights", 0);
    ckpt_init_weights(s, 1, w);
    for (size_t i = 0; i < *n; i++) w[i] += (float)(0.05 * rng_normal(&rng));
    return w;
}

static TorchTrainer *make_trainer(const TorchApi *api, const ModelSpec *s, double dropout) {
    size_t n;
    float *w = make_weights(s, &n);
    TorchTrainer *t = plugin_trainer(api, s, w, dropout, 0);
    free(w);
    return t;
}

static void check_forward(const TorchApi *api, const ModelSpec *s) {
    Data *d = make_data();
    Ckpt c = {.spec = *s};
    c.weights = make_weights(s, &c.n_floats);
    TorchTrainer *t = make_trainer(api, s, 0.5); /* dropout must not show */
    float ours[N_PATHS * 400], theirs[N_PATHS * 400];
    pathmodel_forward(&c, d->maps, N_PATHS, ours, true, 1);
    PLUGIN_TRY(api->forward(t, &d->batch, theirs, PLUGIN_ERRBUF));
    for (size_t i = 0; i < N_PATHS * 400; i++)
        if (!(fabsf(ours[i] - theirs[i]) <= 1e-4f * (1 + fabsf(ours[i]))))
            fail_msg("path %zu cell %zu: %g in C, %g in libtorch", i / 400, i % 400,
                     (double)ours[i], (double)theirs[i]);
    api->destroy(t);
    ckpt_free(&c);
    free(d);
}

static void test_forwards_agree(void **state) {
    if (!plugin_of(state)) skip();
    check_forward(plugin_of(state), &residual);
    check_forward(plugin_of(state), &absolute);
}

static double loss_at(const TorchApi *api, TorchTrainer *t, const Data *d, const float *w) {
    float out[N_PATHS * 400];
    double sum = 0, n = 0;
    PLUGIN_TRY(api->set_weights(t, w, PLUGIN_ERRBUF));
    PLUGIN_TRY(api->forward(t, &d->batch, out, PLUGIN_ERRBUF));
    for (size_t i = 0; i < N_PATHS * 400; i++)
        if (d->truth_present[i / 100]) {
            sum += fabs((double)out[i] / (double)d->truth[i] - 1);
            n++;
        }
    return sum / n;
}

/* Along random directions within each tensor: (L(w + h·u) − L(w − h·u)) / 2h = g · u. The loss has
 * kinks (absolute values, ReLU) and floats round, so single directions may be off; a wrong formula
 * would be off in all of them. */
static void check_gradients(const TorchApi *api, const ModelSpec *s) {
    Data *d = make_data();
    size_t n_floats, n_tensors;
    CkptTensor t[CKPT_MAX_TENSORS];
    float *w = make_weights(s, &n_floats), *g = MEM_NEW(float, n_floats),
          *moved = MEM_NEW(float, n_floats);
    TorchTrainer *trainer = make_trainer(api, s, 0.5);
    n_tensors = ckpt_layout(s, t, CKPT_MAX_TENSORS, &n_floats);
    double loss;
    PLUGIN_TRY(api->gradients(trainer, &d->batch, &loss, g, PLUGIN_ERRBUF));
    assert_true(fabs(loss - loss_at(api, trainer, d, w)) < 1e-5);
    for (size_t i = 0; i < n_tensors; i++) {
        /* Along the gradient itself, where the change is largest against rounding. */
        size_t len = (size_t)t[i].rows * t[i].cols;
        double norm = 0;
        for (size_t k = 0; k < len; k++)
            norm += (double)g[t[i].offset + k] * (double)g[t[i].offset + k];
        norm = sqrt(norm);
        assert_true(norm > 0);
        double h = 1e-3 / norm < 0.02 ? 1e-3 / norm : 0.02,
               l[2]; /* the loss moves by about 1e-3, or the weights by 0.02 */
        for (int side = 0; side < 2; side++) {
            memcpy(moved, w, n_floats * sizeof *w);
            for (size_t k = 0; k < len; k++)
                moved[t[i].offset + k] +=
                    (float)((side ? -h : h) * (double)g[t[i].offset + k] / norm);
            l[side] = loss_at(api, trainer, d, moved);
        }
        double slope = (l[0] - l[1]) / (2 * h);
        if (fabs(slope - norm) > 0.02 * norm + 2e-6)
            fail_msg("%s: gradient %g, finite difference %g", t[i].name, norm, slope);
    }
    api->destroy(trainer);
    free(w);
    free(g);
    free(moved);
    free(d);
}

static void test_gradients_are_finite_differences(void **state) {
    if (!plugin_of(state)) skip();
    check_gradients(plugin_of(state), &residual);
    check_gradients(plugin_of(state), &absolute);
}

static void test_steps_decrease_the_loss(void **state) {
    if (!plugin_of(state)) skip();
    const TorchApi *api = plugin_of(state);
    Data *d = make_data();
    TorchTrainer *t = make_trainer(api, &residual, 0);
    double first = 0, last = 0;
    for (int i = 0; i < 60; i++)
        PLUGIN_TRY(api->step(t, &d->batch, 3e-3, i == 0 ? &first : &last, PLUGIN_ERRBUF));
    assert_true(last < 0.8 * first);
    api->destroy(t);
    free(d);
}

/* With a gradient that is zero nothing moves but what decays: the transformer's matrices, by 1 − lr
 * · decay. */
static void test_decay_is_for_matrices_of_the_transformer_only(void **state) {
    if (!plugin_of(state)) skip();
    const TorchApi *api = plugin_of(state);
    Data *d = make_data();
    size_t n;
    CkptTensor t[CKPT_MAX_TENSORS];
    float *w = make_weights(&residual, &n), *after = MEM_NEW(float, n);
    size_t n_tensors = ckpt_layout(&residual, t, CKPT_MAX_TENSORS, &n);
    TorchTrainer *trainer = make_trainer(api, &residual, 0);
    double loss;
    memset(d->truth_present, 0, sizeof d->truth_present);
    PLUGIN_TRY(api->step(trainer, &d->batch, 0.1, &loss, PLUGIN_ERRBUF));
    assert_true(loss == 0);
    PLUGIN_TRY(api->weights(trainer, after, PLUGIN_ERRBUF));
    for (size_t i = 0; i < n_tensors; i++) {
        bool decays = t[i].cols > 1 && strncmp(t[i].name, "mlp", 3) != 0;
        float before = w[t[i].offset], want = decays ? before * (1 - 0.1f * 0.02f) : before;
        if (fabsf(after[t[i].offset] - want) > 1e-6f * fabsf(want))
            fail_msg("%s moved from %g to %g", t[i].name, (double)before,
                     (double)after[t[i].offset]);
    }
    api->destroy(trainer);
    free(w);
    free(after);
    free(d);
}

static void test_resumed_run_is_the_uninterrupted_one(void **state) {
    if (!plugin_of(state)) skip();
    const TorchApi *api = plugin_of(state);
    Data *d = make_data();
    size_t n;
    float *w = make_weights(&residual, &n), *w2 = MEM_NEW(float, n);
    char path[] = "/tmp/m3-state-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    TorchTrainer *a = make_trainer(api, &residual, 0.3), *b = make_trainer(api, &residual, 0.3);
    double loss_a, loss_b;
    for (int i = 0; i < 3; i++) PLUGIN_TRY(api->step(a, &d->batch, 1e-3, &loss_a, PLUGIN_ERRBUF));
    PLUGIN_TRY(api->save_state(a, path, PLUGIN_ERRBUF));
    for (int i = 0; i < 3; i++) PLUGIN_TRY(api->step(a, &d->batch, 1e-3, &loss_a, PLUGIN_ERRBUF));
    PLUGIN_TRY(
        api->step(b, &d->batch, 1e-2, &loss_b, PLUGIN_ERRBUF)); /* elsewhere, before it is loaded */
    PLUGIN_TRY(api->load_state(b, path, PLUGIN_ERRBUF));
    for (int i = 0; i < 3; i++) PLUGIN_TRY(api->step(b, &d->batch, 1e-3, &loss_b, PLUGIN_ERRBUF));
    assert_true(loss_a == loss_b);
    PLUGIN_TRY(api->weights(a, w, PLUGIN_ERRBUF));
    PLUGIN_TRY(api->weights(b, w2, PLUGIN_ERRBUF));
    assert_memory_equal(w, w2, n * sizeof *w);
    unlink(path);
    api->destroy(a);
    api->destroy(b);
    free(w);
    free(w2);
    free(d);
}

static void assert_state_refused(const TorchApi *api, TorchTrainer *t, const char *path,
                                 const char *expected) {
    char errbuf[512] = "";
    assert_int_equal(api->load_state(t, path, PLUGIN_ERRBUF), -1);
    if (!strstr(errbuf, expected)) fail_msg("expected '%s' in '%s'", expected, errbuf);
}

static void test_damaged_states_are_refused(void **state) {
    if (!plugin_of(state)) skip();
    const TorchApi *api = plugin_of(state);
    char path[] = "/tmp/m3-state-XXXXXX", said[512] = "";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    TorchTrainer *a = make_trainer(api, &residual, 0), *other = make_trainer(api, &absolute, 0);
    PLUGIN_TRY(api->save_state(a, path, PLUGIN_ERRBUF));
    assert_state_refused(api, other, path, "length");
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    fseek(f, 5000, SEEK_SET);
    fputc(0x5a, f);
    fputc(0xa5, f);
    fclose(f);
    assert_state_refused(api, a, path, "checksum");
    assert_int_equal(truncate(path, 999), 0);
    assert_state_refused(api, a, path, "length");
    assert_int_equal(truncate(path, 0), 0);
    assert_state_refused(api, a, path, "not a training state");
    unlink(path);
    assert_state_refused(api, a, path, "cannot open");
    assert_int_equal(api->save_state(a, "/nonexistent/state", said, sizeof said), -1);
    assert_non_null(strstr(said, "cannot write"));
    close(fd);
    api->destroy(a);
    api->destroy(other);
}

static void test_unknown_device_is_an_error(void **state) {
    if (!plugin_of(state)) skip();
    const TorchApi *api = plugin_of(state);
    size_t n;
    float *w = make_weights(&residual, &n);
    TorchOptions o = plugin_options(0, 0);
    char errbuf[512] = "";
    strcpy(o.device, "abacus");
    assert_null(api->create(&residual, w, &o, PLUGIN_ERRBUF));
    assert_string_equal(errbuf, "device: expected auto, cpu or cuda, got 'abacus'");
    free(w);
}

static void test_missing_plugin_is_an_error(void **state) {
    if (!plugin_of(state)) skip();
    Err err = {0};
    char *old = mem_strdup(getenv("M3_TORCH_PLUGIN"));
    setenv("M3_TORCH_PLUGIN", "/nonexistent/m3-torch.so", 1);
    assert_null(torch_load(&err));
    assert_non_null(strstr(err.msg, "/nonexistent/m3-torch.so"));
    setenv("M3_TORCH_PLUGIN", old, 1);
    free(old);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forwards_agree),
        cmocka_unit_test(test_gradients_are_finite_differences),
        cmocka_unit_test(test_steps_decrease_the_loss),
        cmocka_unit_test(test_decay_is_for_matrices_of_the_transformer_only),
        cmocka_unit_test(test_resumed_run_is_the_uninterrupted_one),
        cmocka_unit_test(test_damaged_states_are_refused),
        cmocka_unit_test(test_unknown_device_is_an_error),
        cmocka_unit_test(test_missing_plugin_is_an_error)};
    return cmocka_run_group_tests(tests, plugin_find, NULL);
}
