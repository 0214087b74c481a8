/* Training and evaluation on data of flows, with a made-up data set: the flow weights and the
 * networks' quantiles by hand, a fresh model's errors are flowSim's, and, where the training
 * plug-in is built, that training learns what the data say, and that an interrupted run resumes
 * exactly. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/rng.h"
#include "evaluate/evaluate_flows.h"
#include "scratch_folder.h"
#include "traffic/sizebucket.h"
#include "train_case.h"

/* 10 networks of 12 paths with 2 links and 8 flows each: 4 of bucket 0, 4 of bucket 3, which stand
 * for 4 and 12. The truth is the fluid slowdown in bucket 0, and 1.5 to 2.5 times that in bucket 3,
 * all the higher the higher feature 5 is. */
enum { N_NETS = 10, N_PATHS = 12 * N_NETS, N_LINKS = 2 * N_PATHS, N_FLOWS = 8 * N_PATHS };

static void write_array(const char *dir, int k, const void *data) {
    static const size_t rows[] = {[FLOWDATA_PER_PATH] = N_PATHS,
                                  [FLOWDATA_PER_PATH_AND_END] = N_PATHS + 1,
                                  [FLOWDATA_PER_LINK] = N_LINKS,
                                  [FLOWDATA_PER_FLOW] = N_FLOWS};
    const FlowDataArray *a = &flowdata_arrays[k];
    char *path = mem_printf("%s/%s.npy", dir, a->name);
    NpyOut out;
    Err err = {0};
    assert_int_equal(npy_out_open(&out, path, a->type, rows[a->rows], a->n_cols, &err), 0);
    npy_out_append(&out, data, rows[a->rows] * a->n_cols * npy_type_size(a->type));
    assert_int_equal(npy_out_commit(&out, &err), 0);
    free(path);
}

static void print_ranges(JsonOut *j, const char *key, const char *const *names, int n) {
    json_out_key(j, key), json_out_array(j);
    for (int k = 0; k < n; k++) {
        json_out_array_compact(j);
        json_out_string(j, names[k]);
        json_out_number(j, -10), json_out_number(j, 10), json_out_number(j, 0),
            json_out_number(j, 1);
        json_out_end(j, ']');
    }
    json_out_end(j, ']');
}

static void write_manifest(const char *dir) {
    char *path = file_join(dir, "manifest.json");
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    JsonOut j;
    json_out_init(&j, f);
    json_out_object(&j);
    json_out_key(&j, "schema"), json_out_string(&j, "m3.flowset/1");
    json_out_key(&j, "n_networks"), json_out_int(&j, N_NETS);
    json_out_key(&j, "n_paths"), json_out_int(&j, N_PATHS);
    json_out_key(&j, "n_links"), json_out_int(&j, N_LINKS);
    json_out_key(&j, "n_flows"), json_out_int(&j, N_FLOWS);
    json_out_key(&j, "features"), json_out_object(&j);
    print_ranges(&j, "link", flowfeat_link_names, FLOWFEAT_N_LINK);
    print_ranges(&j, "path", flowfeat_path_names, FLOWFEAT_N_PATH);
    print_ranges(&j, "flow", flowfeat_flow_names, FLOWFEAT_N_FLOW);
    json_out_end(&j, '}');
    json_out_key(&j, "networks"), json_out_array(&j);
    for (int i = 0; i < N_NETS; i++) {
        char name[16];
        snprintf(name, sizeof name, "net%d", i);
        json_out_string(&j, name);
    }
    json_out_end(&j, ']');
    json_out_end(&j, '}');
    json_out_finish(&j);
    assert_int_equal(fclose(f), 0);
    free(path);
}

typedef struct {
    uint32_t link_start[N_PATHS + 1], flow_start[N_PATHS + 1], net[N_PATHS], draws[N_PATHS],
        bucket_count[N_PATHS * SIZEBUCKET_N];
    float link[N_LINKS * FLOWFEAT_N_LINK], path[N_PATHS * FLOWFEAT_N_PATH],
        flow[N_FLOWS * FLOWFEAT_N_FLOW], base[N_FLOWS], truth[N_FLOWS];
    uint8_t bucket[N_FLOWS];
} Arrays;

static void write_flowset(const char *dir) {
    Arrays *a = MEM_ZNEW(Arrays, 1);
    Rng rng = rng_stream(3, "flowset test", 0);
    for (uint32_t i = 0; i <= N_PATHS; i++) a->link_start[i] = 2 * i, a->flow_start[i] = 8 * i;
    for (uint32_t i = 0; i < N_PATHS; i++) {
        a->net[i] = i / 12;
        a->draws[i] = 1 + i % 2;
        a->bucket_count[i * SIZEBUCKET_N] = 4;
        a->bucket_count[i * SIZEBUCKET_N + 3] = 12;
    }
    for (uint32_t f = 0; f < N_FLOWS; f++) {
        float x = (float)rng_normal(&rng);
        a->flow[f * FLOWFEAT_N_FLOW + 5] = x;
        a->flow[f * FLOWFEAT_N_FLOW + 6] = f % 2 ? 1.0f : 0.0f;
        a->bucket[f] = f % 2 ? 3 : 0;
        a->base[f] = (float)exp(2 * rng_u01(&rng));
        a->truth[f] = a->base[f] * (f % 2 ? 2 + tanhf(x) / 2 : 1);
    }
    const void *data[FLOWDATA_N_ARRAYS] = {[FLOWDATA_LINK_START] = a->link_start,
                                           [FLOWDATA_LINK] = a->link,
                                           [FLOWDATA_PATH] = a->path,
                                           [FLOWDATA_FLOW_START] = a->flow_start,
                                           [FLOWDATA_FLOW] = a->flow,
                                           [FLOWDATA_BASE] = a->base,
                                           [FLOWDATA_TRUTH] = a->truth,
                                           [FLOWDATA_BUCKET] = a->bucket,
                                           [FLOWDATA_NET] = a->net,
                                           [FLOWDATA_DRAWS] = a->draws,
                                           [FLOWDATA_BUCKET_COUNT] = a->bucket_count};
    for (int k = 0; k < FLOWDATA_N_ARRAYS; k++) write_array(dir, k, data[k]);
    write_manifest(dir);
    free(a);
}

static int setup(void **state) {
    char *dir = scratch_folder("flowtrain");
    write_flowset(dir);
    *state = dir;
    return 0;
}

static int teardown(void **state) { return scratch_folder_remove(*state); }

static void load(FlowData *d, const char *dir) {
    Err err = {0};
    if (flowdata_load(d, dir, &err) != 0) fail_msg("%s", err.msg);
}

static ModelSpec small_spec(void) {
    ModelSpec s;
    assert_int_equal(modelspec_preset(&s, "flow", NULL), 0);
    s.dim = 8;
    s.hidden = 8;
    s.n_layers = 1;
    s.n_heads = 2;
    s.mlp_h1 = s.mlp_h2 = 16;
    return s;
}

/* ---- evaluation ---- */

static void test_weights_by_hand(void **state) {
    FlowData d;
    double w[SIZEBUCKET_N];
    load(&d, *state);
    flowdata_weights(&d, 1, w); /* drawn twice; 16 flows, of which 4 stand for 12 */
    assert_float_equal(w[0], 2.0 * 4 / 16 / 4, 1e-12);
    assert_float_equal(w[3], 2.0 * 12 / 16 / 4, 1e-12);
    assert_float_equal(w[1], 0, 0);
    flowdata_free(&d);
}

static void test_split_is_by_network(void **state) {
    FlowData d;
    size_t n_held, n_train;
    const DataSplit split = {.share = 0.4};
    load(&d, *state);
    uint32_t *held = flowdata_select(&d, &split, true, &n_held),
             *train = flowdata_select(&d, &split, false, &n_train);
    assert_true(n_held > 0 && n_train > 0 && n_held % 12 == 0);
    assert_int_equal(n_held + n_train, N_PATHS);
    for (size_t i = 0; i < n_held; i++)
        for (size_t k = 0; k < n_train; k++) assert_int_not_equal(d.net[held[i]], d.net[train[k]]);
    free(held);
    free(train);
    flowdata_free(&d);
}

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

static void test_networks_by_hand(void **state) {
    FlowData d;
    ModelSpec s = small_spec();
    Ckpt c = {.spec = s};
    EvaluateNet *nets;
    size_t n;
    uint32_t index[24];
    load(&d, *state);
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

/* ---- training ---- */

static void options(TrainOptions *o, const char *dir, const char *out) {
    train_defaults(o);
    o->spec = small_spec();
    o->dataset = dir;
    o->out = out;
    o->epochs = 40;
    o->batch = 16;
    o->n_flows = 6;
    o->lr = 0.02;
    o->dropout = 0;
    o->average = 0.9;
    o->split.share = 0.4;
    o->threads = 1;
    o->device = "cpu";
    o->dtype = CKPT_F32;
}

static void test_learns_and_resumes(void **state) {
    if (!plugin_exists()) skip(); /* built where libtorch is */
    char *a = mem_printf("%s/a", (char *)*state), *b = mem_printf("%s/b", (char *)*state);
    TrainOptions o;
    TrainResult r, again;
    Err err = {0};
    options(&o, *state, b);
    train_case_interrupted(&o);
    o.resume = true;
    if (train_case_run(&o, &r, &err) != 0) fail_msg("%s", err.msg);
    options(&o, *state, a);
    if (train_case_run(&o, &again, &err) != 0) fail_msg("%s", err.msg);
    assert_true(again.flowsim_error > 0.1 && again.held_out_error < 0.3 * again.flowsim_error);
    assert_true(again.held_out_loss < 0.2 * again.flowsim_loss);
    assert_true(r.held_out_loss == again.held_out_loss && r.held_out_error == again.held_out_error);
    train_case_same(a, b);
    free(a);
    free(b);
}

static void test_models_of_paths_are_refused(void **state) {
    if (!plugin_exists()) skip(); /* built where libtorch is */
    char *out = mem_printf("%s/c", (char *)*state);
    TrainOptions o;
    TrainResult r;
    Err err = {0};
    options(&o, *state, out);
    assert_int_equal(modelspec_preset(&o.spec, "compact", NULL), 0);
    assert_int_equal(train_case_run(&o, &r, &err), -1);
    assert_non_null(strstr(err.msg, "holds flows, and the model is one of paths"));
    free(out);
}

int main(void) {
    plugin_name();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_weights_by_hand, setup, teardown),
        cmocka_unit_test_setup_teardown(test_split_is_by_network, setup, teardown),
        cmocka_unit_test_setup_teardown(test_networks_by_hand, setup, teardown),
        cmocka_unit_test_setup_teardown(test_learns_and_resumes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_models_of_paths_are_refused, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
