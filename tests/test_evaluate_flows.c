/* Evaluation on data of flows: networks' quantiles by hand, on a made-up data set. */
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

#include "evaluate/evaluate_flows.h"
#include "flowset_case.h"
#include "scratch_folder.h"

static int setup(void **state) {
    char *dir = scratch_folder("flowset");
    flowset_case_write(dir);
    *state = dir;
    return 0;
}

static int teardown(void **state) { return scratch_folder_remove(*state); }

/* The weighted quantile of one network's flows, sorted by value. */
static double weighted_quantile(const FlowData *d, uint32_t net, int bucket, double p,
                                const float *value) {
    double total = 0, below = 0, last = 0;
    for (int pass = 0; pass < 2; pass++) {
        last = 0;
        for (;;) { /* the next larger value, and the weight at it */
            double next = INFINITY, here = 0;
            for (size_t i = 0; i < d->n_paths; i++)
                for (uint32_t f = d->flow_start[i]; d->net[i] == net && f < d->flow_start[i + 1];
                     f++)
                    if ((bucket < 0 || d->bucket[f] == bucket) && (double)value[f] > last &&
                        (double)value[f] < next)
                        next = (double)value[f];
            if (!isfinite(next)) break;
            for (size_t i = 0; i < d->n_paths; i++) {
                double w[SIZEBUCKET_N];
                flowdata_weights(d, i, w);
                for (uint32_t f = d->flow_start[i]; d->net[i] == net && f < d->flow_start[i + 1];
                     f++)
                    if ((bucket < 0 || d->bucket[f] == bucket) && (double)value[f] == next)
                        here += w[d->bucket[f]];
            }
            last = next;
            if (pass == 0) total += here;
            else if ((below += here) >= p * total) return last;
        }
    }
    return last;
}

static void networks_by_hand(void **state) {
    FlowData d;
    ModelSpec s = flowset_case_spec();
    Ckpt c = {.spec = s};
    EvaluateNet *nets;
    size_t n;
    uint32_t index[24];
    flowset_case_load(&d, *state);
    ckpt_layout(&s, NULL, 0, &c.n_floats);
    c.weights = MEM_NEW(float, c.n_floats);
    ckpt_init_weights(&s, 1, c.weights);
    for (uint32_t i = 0; i < 24; i++) index[i] = 12 * 3 + i; /* networks 3 and 4 */
    evaluate_flows(&d, index, 24, &c, 2, &nets, &n);
    assert_int_equal(n, 2);
    assert_string_equal(nets[1].name, "net4");
    for (uint32_t i = 0; i < 2; i++)
        for (int k = 0; k < EVALUATE_N_SHOWN; k++) {
            double p = evaluate_percentiles[k] / 100.0;
            for (int row = 0; row < RESULT_N_DISTS; row++) {
                const EvaluateQuantile *q = &nets[i].q[row][k];
                if (row == 2 || row == 3) {
                    assert_true(isnan(q->truth));
                    continue;
                }
                int bucket = row == RESULT_ALL ? -1 : row - 1;
                assert_float_equal(q->truth, weighted_quantile(&d, 3 + i, bucket, p, d.truth),
                                   1e-5);
                assert_float_equal(q->flowsim, weighted_quantile(&d, 3 + i, bucket, p, d.base),
                                   1e-5);
            }
            /* A fresh model spreads each flow a little around flowSim. */
            assert_true(fabs(nets[i].q[RESULT_ALL][k].m3 / nets[i].q[RESULT_ALL][k].flowsim - 1) <
                        0.2);
        }
    double sum = 0;
    for (int i = 0; i < 2; i++)
        sum += fabs(nets[i].q[1][RESULT_P90].m3 / nets[i].q[1][RESULT_P90].truth - 1) / 2;
    assert_float_equal(evaluate_nets_cell_error(nets, n, 1, RESULT_P90, false), sum, 1e-12);
    assert_float_equal(evaluate_nets_cell_error(nets, n, 1, RESULT_P90, true), 0,
                       1e-12); /* there the truth is flowSim's */
    assert_true(evaluate_nets_mean_error(nets, n, true) > 0.1);
    evaluate_nets_free(nets, n);
    ckpt_free(&c);
    flowdata_free(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(networks_by_hand, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
