/* The flow model: what its outputs are by construction, and mixtures against theory (that the
 * training plug-in computes the same is in test_plugin_flows.c). */
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
#include "flowmodel_case.h"
#include "model/flowmodel.h"
#include "model/nn_exp.h"

static void test_fresh_model_is_a_narrow_logistic_around_flowsim(void **state) {
    (void)state;
    FlowModelCase *d = flowmodel_case_new();
    ModelSpec s = flowmodel_case_spec(true);
    Ckpt c = flowmodel_case_fresh(&s);
    float *out = MEM_NEW(float, d->n_flows *FLOWMODEL_N_Q);
    flowmodel_forward(&c, d->maps, FLOWMODEL_CASE_N, out, true, 1);
    for (uint32_t i = 0; i < d->n_flows; i++)
        for (int k = 0; k < FLOWMODEL_N_Q; k++) {
            double p = (double)flowmodel_levels[k],
                   want = log((double)d->base[i]) + 0.1 * log(2) * log(p / (1 - p));
            assert_float_equal(out[i * FLOWMODEL_N_Q + (uint32_t)k], want, 1e-5);
        }
    free(out);
    ckpt_free(&c);
    free(d);
}

static void test_quantiles_ascend_from_one(void **state) {
    (void)state;
    FlowModelCase *d = flowmodel_case_new();
    ModelSpec s = flowmodel_case_spec(true);
    Ckpt c = flowmodel_case_busy(&s);
    float *out = MEM_NEW(float, d->n_flows *FLOWMODEL_N_Q),
          *raw = MEM_NEW(float, d->n_flows *FLOWMODEL_N_Q);
    bool clipped = false;
    flowmodel_forward(&c, d->maps, FLOWMODEL_CASE_N, out, false, 1);
    flowmodel_forward(&c, d->maps, FLOWMODEL_CASE_N, raw, true, 1);
    for (size_t i = 0; i < d->n_flows * FLOWMODEL_N_Q; i++) {
        assert_true(out[i] >= 1);
        if (i % FLOWMODEL_N_Q) assert_true(out[i] >= out[i - 1] && raw[i] > raw[i - 1]);
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
    FlowModelCase *d = flowmodel_case_new();
    ModelSpec s = flowmodel_case_spec(false);
    Ckpt c = flowmodel_case_busy(&s);
    size_t n = d->n_flows * FLOWMODEL_N_Q, at = 0;
    float *one = MEM_NEW(float, n), *four = MEM_NEW(float, n),
          alone[FLOWMODEL_CASE_MAX_FLOWS * FLOWMODEL_N_Q];
    flowmodel_forward(&c, d->maps, FLOWMODEL_CASE_N, one, true, 1);
    flowmodel_forward(&c, d->maps, FLOWMODEL_CASE_N, four, true, 4);
    assert_memory_equal(one, four, n * sizeof *one);
    for (size_t i = 0; i < FLOWMODEL_CASE_N; i++) {
        flowmodel_forward(&c, d->maps + i, 1, alone, true, 1);
        for (size_t k = 0; k < d->map[i].n_flows * FLOWMODEL_N_Q; k++)
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
    FlowModelCase *d = flowmodel_case_new();
    ModelSpec s = flowmodel_case_spec(true);
    Ckpt c = flowmodel_case_busy(&s);
    FlowFeat m = d->map[5];
    const FlowFeat *maps[1] = {&m};
    float before[FLOWMODEL_CASE_MAX_FLOWS * FLOWMODEL_N_Q],
        after[FLOWMODEL_CASE_MAX_FLOWS * FLOWMODEL_N_Q];
    m.link[3] = m.path[1] = m.flow[2] = 100;
    flowmodel_forward(&c, maps, 1, before, true, 1);
    m.link[3] = m.path[1] = m.flow[2] = 200;
    flowmodel_forward(&c, maps, 1, after, true, 1);
    assert_memory_equal(before, after, m.n_flows * FLOWMODEL_N_Q * sizeof *before);
    m.path[1] = 0;
    flowmodel_forward(&c, maps, 1, after, true, 1);
    assert_memory_not_equal(before, after, m.n_flows * FLOWMODEL_N_Q * sizeof *before);
    ckpt_free(&c);
    free(d);
}

static void test_range_names_the_furthest(void **state) {
    (void)state;
    FlowModelCase *d = flowmodel_case_new();
    ModelSpec s = flowmodel_case_spec(true);
    Ckpt c = flowmodel_case_fresh(&s);
    FlowFeat m = d->map[5];
    FlowRange r = flowmodel_range(&c, &m);
    assert_null(r.name);
    assert_int_equal(r.n_outside, 0);
    flowmodel_case_set(&c, "flow.hi", 10, 10);
    flowmodel_case_set(&c, "token.lo", -20, -20);
    m.flow[FLOWFEAT_N_FLOW + 3] = 12;
    m.path[4] = -25;
    r = flowmodel_range(&c, &m);
    assert_int_equal(r.n_outside, 2);
    assert_string_equal(r.name, flowfeat_path_names[4]);
    assert_float_equal(r.value, -25, 0);
    assert_float_equal(r.lo, -20, 0);
    c.weights[flowmodel_case_tensor(&c, "flow.scale").offset + 3] =
        10; /* now 20 deviations against 5 */
    r = flowmodel_range(&c, &m);
    assert_string_equal(r.name, flowfeat_flow_names[3]);
    ckpt_free(&c);
    free(d);
}

static void test_saved_and_loaded(void **state) {
    (void)state;
    char path[] = "/tmp/m3-flow-XXXXXX";
    ModelSpec s = flowmodel_case_spec(true);
    Ckpt a = flowmodel_case_busy(&s), b;
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
    float q[FLOWMODEL_N_Q];
    for (int k = 0; k < FLOWMODEL_N_Q; k++)
        q[k] = 3 + logf(flowmodel_levels[k] / (1 - flowmodel_levels[k]));
    for (int k = 0; k + 1 < FLOWMODEL_N_Q; k++) {
        float mid = (flowmodel_levels[k] + flowmodel_levels[k + 1]) / 2;
        assert_float_equal(flowmodel_cdf(q, q[k]), flowmodel_levels[k], 1e-6);
        assert_float_equal(flowmodel_cdf(q, (q[k] + q[k + 1]) / 2), mid, 1e-6);
    }
    assert_float_equal(flowmodel_cdf(q, -10), 0, 0);
    assert_float_equal(flowmodel_cdf(q, 20), 1, 0);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
