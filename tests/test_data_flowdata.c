/* Data sets of flows: what is made of folders of networks holds their truth, thread counts agree,
 * the split is by network, weights by hand, damaged data sets are refused. */
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

#include "base/rng.h"
#include "data/flowdata.h"
#include "data/netdir.h"
#include "flowset_case.h"
#include "scratch_folder.h"
#include "traffic/sizebucket.h"

/* ---- made of networks ---- */

static void near(double got, double want) {
    if (fabs(got - want) > 1e-5 * fmax(1, fabs(want)))
        fail_msg("got %.9g, expected %.9g", got, want);
}

static int index_of(const char *const *names, int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) return i;
    fail_msg("no feature is called %s", name);
    return -1;
}

static double flow_value(const FlowFeat *m, size_t flow, const char *name) {
    return m->flow[flow * FLOWFEAT_N_FLOW +
                   (size_t)index_of(flowfeat_flow_names, FLOWFEAT_N_FLOW, name)];
}

static void write_network(const char *root, int i) {
    static const char *const cc[] = {"dctcp", "dcqcn", "hp"};
    static const int param[][2] = {{10, 0}, {30, 70}, {80, 60}};
    char *dir = mem_printf("%s/net%d", root, i), *path[3];
    Err err = {0};
    assert_int_equal(file_mkdirs(dir, &err), 0);
    const char *names[3] = {"topo.json", "scenario.json", "flows.csv"};
    FILE *f[3];
    for (int k = 0; k < 3; k++) {
        path[k] = file_join(dir, names[k]);
        assert_non_null(f[k] = fopen(path[k], "w"));
        free(path[k]);
    }
    fputs("{\"clos\": {\"pods\": 1, \"racks_per_pod\": 2, \"hosts_per_rack\": 3, \"fabs_per_pod\": "
          "2, \"spines_per_plane\": 0}}",
          f[0]);
    fprintf(f[1],
            "{\"cc\": \"%s\", \"bfsz\": 30, \"window\": 15000, \"enable_pfc\": 1, \"param_1\": %d, "
            "\"param_2\": %d}",
            cc[i], param[i][0], param[i][1]);
    fputs("flow,src,dst,size_b,start_ns,fct_ns,ideal_fct_ns\n", f[2]);
    Rng r = rng_stream((uint64_t)i, "flowset test", 0);
    double t = 0;
    for (int k = 0; k < 300; k++) {
        uint32_t src = (uint32_t)rng_below(&r, 6), dst = (src + 1 + (uint32_t)rng_below(&r, 5)) % 6;
        double size = floor(exp(rng_uniform(&r, 5, 11))), ideal = floor(4000 + size);
        t += floor(3000 * rng_exponential(&r));
        fprintf(f[2], "%d,%u,%u,%.0f,%.0f,", k, src, dst, size, t);
        if (k % 50 == 49) fprintf(f[2], ",%.0f\n", ideal); /* unfinished */
        else fprintf(f[2], "%.0f,%.0f\n", floor(ideal * (1 + rng_exponential(&r))), ideal);
    }
    for (int k = 0; k < 3; k++) assert_int_equal(fclose(f[k]), 0);
    free(dir);
}

static char *make_root(void) {
    char *root = scratch_folder("flowset");
    for (int i = 0; i < 3; i++) write_network(root, i);
    return root;
}

static FlowDataInfo make(const char *root, const char *out, int threads) {
    FlowDataInfo info;
    Err err = {0};
    FlowDataOptions o = {
        .networks = root, .out = out, .n_paths = 40, .max_flows = 8, .seed = 3, .threads = threads};
    if (flowdata_make(&o, NULL, &info, &err) != 0) fail_msg("%s", err.msg);
    return info;
}

static void threads_leave_no_trace(void **state) {
    (void)state;
    char *root = make_root(), *one = file_join(root, "one"), *many = file_join(root, "many");
    make(root, one, 1);
    make(root, many, 3);
    scratch_folder_same(one, many, "manifest.json");
    for (int k = 0; k < FLOWDATA_N_ARRAYS; k++) {
        char *name = mem_printf("%s.npy", flowdata_arrays[k].name);
        scratch_folder_same(one, many, name);
        free(name);
    }
    free(one);
    free(many);
    scratch_folder_remove(root);
}

/* Truth is what the file says; every path has flows; ranges are those of the arrays; a flow that
 * did not finish is not there. */
static void data_sets_hold_the_truth(void **state) {
    (void)state;
    char *root = make_root(), *out = file_join(root, "out");
    FlowDataInfo info = make(root, out, 0);
    FlowData d;
    Err err = {0};
    if (flowdata_load(&d, out, &err) != 0) fail_msg("%s", err.msg);
    assert_true(d.n_networks == 3 && d.n_paths == info.n_paths && d.n_flows == info.n_flows &&
                info.n_unfinished > 0);
    Scenario s;
    assert_int_equal(strcmp(d.network[1], "net1"), 0);
    char *dir = file_join(root, "net1");
    assert_int_equal(netdir_load(&s, dir, 1, 1, &err), 0);
    size_t draws = 0;
    for (size_t p = 0; p < d.n_paths; p++) {
        FlowFeat m = flowdata_map(&d, p);
        assert_true(m.n_flows > 0 && m.n_flows <= 8 && (m.n_links == 2 || m.n_links == 4));
        draws += d.net[p] == 1 ? d.draws[p] : 0;
        for (size_t i = 0; d.net[p] == 1 && i < m.n_flows; i++) {
            float truth = d.truth[d.flow_start[p] + i];
            size_t k = 0;
            while (k < s.flows.n && (float)(s.flows.fct_ns[k] / s.flows.ideal_fct_ns[k]) != truth)
                k++;
            assert_true(k < s.flows.n && sizebucket_of(s.flows.size_b[k]) == m.bucket[i]);
            near(flow_value(&m, i, "size_per_packet_ln"),
                 log((double)s.flows.size_b[k] / 1000) / 4);
        }
    }
    assert_in_range(draws, 30, 40);
    int size = index_of(flowfeat_flow_names, FLOWFEAT_N_FLOW, "size_per_packet_ln");
    double sum = 0, least = INFINITY;
    for (size_t i = 0; i < d.n_flows; i++) {
        sum += d.flow[i * FLOWFEAT_N_FLOW + (size_t)size];
        least = fmin(least, d.flow[i * FLOWFEAT_N_FLOW + (size_t)size]);
    }
    near(d.flow_range[size].mean, sum / (double)d.n_flows);
    near(d.flow_range[size].min, least);
    scenario_free(&s);
    flowdata_free(&d);
    free(dir);
    free(out);
    scratch_folder_remove(root);
}

static void damaged_data_sets_are_refused(void **state) {
    (void)state;
    char *root = make_root(), *out = file_join(root, "out");
    make(root, out, 0);
    for (int k = 0; k < FLOWDATA_N_ARRAYS; k++) {
        char *path = mem_printf("%s/%s.npy", out, flowdata_arrays[k].name);
        FileView v;
        FlowData d;
        Err err = {0};
        assert_int_equal(file_view(&v, path, NULL), 0);
        size_t len = v.len;
        file_view_close(&v);
        char *copy = mem_printf("cp '%s' '%s.keep'", path, path),
             *back = mem_printf("mv '%s.keep' '%s'", path, path);
        assert_int_equal(system(copy), 0);
        assert_int_equal(truncate(path, (off_t)len - 4), 0);
        assert_int_equal(flowdata_load(&d, out, &err), -1);
        assert_non_null(strstr(err.msg, flowdata_arrays[k].name));
        assert_int_equal(system(back), 0);
        free(copy);
        free(back);
        free(path);
    }
    char *nowhere = file_join(root, "nowhere");
    FlowDataInfo info;
    Err err = {0};
    FlowDataOptions o = {.networks = nowhere, .out = out, .n_paths = 1, .max_flows = 1};
    assert_int_equal(flowdata_make(&o, NULL, &info, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    free(nowhere);
    free(out);
    scratch_folder_remove(root);
}

/* ---- made up ---- */

static int setup(void **state) {
    char *dir = scratch_folder("flowset");
    flowset_case_write(dir);
    *state = dir;
    return 0;
}

static int teardown(void **state) { return scratch_folder_remove(*state); }

static void weights_by_hand(void **state) {
    FlowData d;
    double w[SIZEBUCKET_N];
    flowset_case_load(&d, *state);
    flowdata_weights(&d, 1, w); /* drawn twice; 16 flows, of which 4 stand for 12 */
    assert_float_equal(w[0], 2.0 * 4 / 16 / 4, 1e-12);
    assert_float_equal(w[3], 2.0 * 12 / 16 / 4, 1e-12);
    assert_float_equal(w[1], 0, 0);
    flowdata_free(&d);
}

static void split_is_by_network(void **state) {
    FlowData d;
    size_t n_held, n_train;
    const DataSplit split = {.share = 0.4};
    flowset_case_load(&d, *state);
    uint32_t *held = flowdata_select(&d, &split, true, &n_held),
             *train = flowdata_select(&d, &split, false, &n_train);
    assert_true(n_held > 0 && n_train > 0 && n_held % 12 == 0);
    assert_int_equal(n_held + n_train, FLOWSET_N_PATHS);
    for (size_t i = 0; i < n_held; i++)
        for (size_t k = 0; k < n_train; k++) assert_int_not_equal(d.net[held[i]], d.net[train[k]]);
    free(held);
    free(train);
    flowdata_free(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_leave_no_trace),
        cmocka_unit_test(data_sets_hold_the_truth),
        cmocka_unit_test(damaged_data_sets_are_refused),
        cmocka_unit_test_setup_teardown(weights_by_hand, setup, teardown),
        cmocka_unit_test_setup_teardown(split_is_by_network, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
