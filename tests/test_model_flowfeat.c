/* Features of single flows, and data sets of them: values worked out by hand on tiny lots,
 * invariance under a change of units, sampling, then whole folders of networks: thread counts
 * agree, damaged data sets are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <math.h>
#include <cmocka.h>

#include "base/rng.h"
#include "data/flowdata.h"
#include "data/netdir.h"
#include "features/pathfluid.h"
#include "model/flowfeat_settings.h"
#include "net/wire.h"
#include "scratch_folder.h"
#include "traffic/sizebucket.h"

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
static double link_value(const FlowFeat *m, size_t link, const char *name) {
    return m->link[link * FLOWFEAT_N_LINK +
                   (size_t)index_of(flowfeat_link_names, FLOWFEAT_N_LINK, name)];
}
static double path_value(const FlowFeat *m, const char *name) {
    return m->path[index_of(flowfeat_path_names, FLOWFEAT_N_PATH, name)];
}

static void check_names(const char *const *names, int n) {
    for (int i = 0; i < n; i++) {
        assert_non_null(names[i]);
        assert_int_equal(index_of(names, n, names[i]), i); /* none twice */
    }
}

static void every_feature_has_its_name(void **state) {
    (void)state;
    check_names(flowfeat_link_names, FLOWFEAT_N_LINK);
    check_names(flowfeat_path_names, FLOWFEAT_N_PATH);
    check_names(flowfeat_flow_names, FLOWFEAT_N_FLOW);
}

/* Links of 10 Gb/s and 1 µs. */
static Lot plain_lot(uint32_t n_links, Arena *a) {
    Lot lot;
    lot_published(&lot, n_links, 10e9, a);
    lot.published = false;
    for (uint32_t l = 0; l < n_links; l++) lot.rate_bps[l] = 10e9;
    return lot;
}

/* Round trip of two such links: 4 µs, and 838.4 ns for the packet on each. */
static const double rtt_ns = 4000 + 2 * 838.4;

/* A lone flow of ten packets: it has a window for each round trip if that is small, and nothing
 * else delays it. */
static void lone_flow_by_hand(void **state) {
    (void)state;
    Arena a = {0};
    Lot lot = plain_lot(2, &a);
    LotFlow f = {.start_ns = 777, .size_b = 10000, .cap_bps = 10e9, .flow = 42, .s = 0, .d = 2};
    NetConf conf;
    FlowFeat m;
    netconf_default(&conf);
    conf.line_window_b = 20000;
    pathfluid_build(&m, &lot, &f, 1, 10, NULL, &a);
    flowfeat_set_conf(&m, &conf);
    double ideal_ns = 2000 + 2 * 838.4 + 9 * 838.4, bdp_bits = 10 * rtt_ns;
    near(lot_rtt_ns(&lot), rtt_ns);
    assert_true(m.n_links == 2 && m.n_flows == 1 && m.index[0] == 42 && m.bucket[0] == 2 &&
                m.base[0] == 1);
    near(flow_value(&m, 0, "size_per_packet_ln"), log(10) / 4);
    near(flow_value(&m, 0, "size_per_bdp_ln"), log(10480 * 8 / bdp_bits) / 4);
    near(flow_value(&m, 0, "size_per_window_ln"), log(0.5) / 4);
    near(flow_value(&m, 0, "latency_share"), (2000 + 838.4) / ideal_ns);
    near(flow_value(&m, 0, "ideal_fct_per_rtt_ln"), log(ideal_ns / rtt_ns) / 4);
    near(flow_value(&m, 0, "bucket_2"), 1);
    const char *none[] = {"single_packet",
                          "fluid_slowdown_ln",
                          "fluid_wait_per_rtt_ln1p",
                          "active_first_link_ln1p",
                          "old_queue_sum_per_rtt_ln1p",
                          "fair_share_ln",
                          "arrivals_in_life_max_ln1p",
                          "load_last_rtt_max_ln1p",
                          "bucket_0"};
    for (size_t k = 0; k < sizeof none / sizeof *none; k++) near(flow_value(&m, 0, none[k]), 0);
    near(path_value(&m, "window_per_bdp_ln"), log(20000 * 8 / bdp_bits));
    near(path_value(&m, "cc_dctcp"), 1);
    near(path_value(&m, "dctcp_k_per_bdp_ln1p"), log1p(conf.dctcp_k_b * 8 / bdp_bits));
    near(path_value(&m, "foreground_in_bucket_2"), 1);
    near(link_value(&m, 1, "is_last"), 1);
    near(link_value(&m, 0, "load"),
         10480 * 8 / bdp_bits); /* the span of one flow is a round trip */
    arena_free(&a);
}

/* A window of 2,000 bytes: after the first, one per round trip of packet and ACK. */
static void window_limits_a_lone_flow(void **state) {
    (void)state;
    Arena a = {0};
    Lot lot = plain_lot(2, &a);
    LotFlow f = {.size_b = 1000000, .cap_bps = 10e9, .s = 0, .d = 2};
    NetConf conf;
    FlowFeat m;
    netconf_default(&conf);
    conf.line_window_b = 2000;
    pathfluid_build(&m, &lot, &f, 1, 10, NULL, &a);
    flowfeat_set_conf(&m, &conf);
    double ack_rtt_ns = rtt_ns + 2 * 48, window_bits = 2 * 1048 * 8, bits = 1048000 * 8;
    double fct_ns = bits / window_bits * ack_rtt_ns - (ack_rtt_ns - window_bits / 10),
           base_ns = 2000 + 838.4;
    near(m.base[0], (fct_ns + base_ns) / (bits / 10 + base_ns));
    arena_free(&a);
}

/* Two flows share link 1 for long; a third, small one from the same host as the first finds them.
 */
static void queues_by_hand(void **state) {
    (void)state;
    Arena a = {0};
    Lot lot = plain_lot(2, &a);
    LotFlow f[3] = {
        {0, 10000000, 10e9, 0, 0, 2}, {0, 10000000, 10e9, 1, 1, 2}, {200000, 500, 10e9, 2, 0, 2}};
    NetConf conf;
    FlowFeat m;
    netconf_default(&conf);
    conf.line_window_b = 20000;
    conf.dctcp_k_b = 10000;
    pathfluid_build(&m, &lot, f, 3, 10, NULL, &a);
    flowfeat_set_conf(&m, &conf);
    double queue_ns = 2 * (160e3 - 5 * rtt_ns) / 10, ideal_ns = 2000 + 2 * 548 * 0.8;
    assert_int_equal(m.n_flows, 2);
    near(flow_value(&m, 1, "single_packet"), 1);
    near(flow_value(&m, 1, "active_first_link_ln1p"), log1p(1) / 2);
    near(flow_value(&m, 1, "active_last_link_ln1p"), log1p(2) / 2);
    near(flow_value(&m, 1, "old_queue_sum_per_rtt_ln1p"), log1p(queue_ns / rtt_ns));
    near(flow_value(&m, 1, "old_queue_last_link_per_rtt_ln1p"), log1p(queue_ns / rtt_ns));
    near(flow_value(&m, 1, "old_queue_per_ideal_fct_ln1p"), log1p(queue_ns / ideal_ns));
    near(flow_value(&m, 1, "queue_at_threshold_per_ideal_fct_ln1p"),
         log1p(8000 / ideal_ns)); /* K = 80 kbit */
    near(flow_value(&m, 1, "fresh_queue_sum_per_rtt_ln1p"), 0);
    near(flow_value(&m, 1, "in_flight_max_per_bdp_ln1p"), log1p(320e3 / (10 * rtt_ns)) / 2);
    near(flow_value(&m, 1, "fair_share_ln"), log(1 / 3.0) / 2);
    near(flow_value(&m, 1, "turns_at_host_per_ideal_fct_ln1p"), log1p(838.4 / ideal_ns));
    near(flow_value(&m, 0, "load_next_rtt_max_ln1p"),
         log1p(wire_bits(10000000) / (10 * rtt_ns)) / 2); /* the other starts with it */
    near(flow_value(&m, 0, "arrivals_in_life_max_ln1p"), log1p(2) / 4);
    near(link_value(&m, 1, "bits_from_previous_link"),
         (wire_bits(10000000) + 548 * 8) / (2 * wire_bits(10000000) + 548 * 8));
    near(link_value(&m, 0, "bits_of_foreground"), 1);
    arena_free(&a);
}

static LotFlow *random_flows(uint32_t n_links, size_t n, uint64_t seed, Arena *a) {
    LotFlow *f = ARENA_NEW(a, LotFlow, n);
    Rng r = rng_stream(seed, "flowmap test", 0);
    double t = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t s = (uint32_t)rng_below(&r, n_links),
                 d = s + 1 + (uint32_t)rng_below(&r, n_links - s);
        bool foreground = rng_below(&r, 3) == 0;
        t += rng_exponential(&r) * 20000;
        f[i] = (LotFlow){.start_ns = (int64_t)t * 10,
                         .size_b = (uint64_t)exp(rng_uniform(&r, 4, 13)),
                         .cap_bps = 10e9,
                         .flow = (uint32_t)i,
                         .s = (uint16_t)(foreground ? 0 : s),
                         .d = (uint16_t)(foreground ? n_links : d)};
    }
    return f;
}

/* The same network ten times as fast, with times a tenth: only the absolute scale may tell. */
static void features_are_free_of_scale(void **state) {
    (void)state;
    enum { N = 400, LINKS = 4 };
    Arena a = {0};
    for (int cc = 0; cc < CC_N; cc++) {
        Lot lot = plain_lot(LINKS, &a), fast = plain_lot(LINKS, &a);
        LotFlow *f = random_flows(LINKS, N, (uint64_t)cc, &a), *g = ARENA_NEW(&a, LotFlow, N);
        NetConf conf, quick;
        netconf_default(&conf);
        conf.cc = (Cc)cc;
        quick = conf;
        quick.dctcp_k_b /= 10, quick.dcqcn_kmin_b /= 10,
            quick.dcqcn_kmax_b /= 10; /* thresholds scale with the rate */
        quick.hpcc_ai_bps *= 10;
        quick.timely_tlow_ns /= 10, quick.timely_thigh_ns /= 10;
        fast.host_rate_bps *= 10;
        for (uint32_t l = 0; l < LINKS; l++) fast.rate_bps[l] *= 10, fast.delay_ns[l] /= 10;
        for (uint32_t v = 0; v <= LINKS; v++) fast.stub_delay_ns[v] /= 10;
        for (size_t i = 0; i < N; i++) {
            g[i] = f[i];
            g[i].start_ns /= 10;
            g[i].cap_bps *= 10;
        }
        FlowFeat m, n;
        pathfluid_build(&m, &lot, f, N, 100, NULL, &a);
        flowfeat_set_conf(&m, &conf);
        pathfluid_build(&n, &fast, g, N, 100, NULL, &a);
        flowfeat_set_conf(&n, &quick);
        assert_true(m.n_flows == n.n_flows && m.n_flows > 50);
        for (size_t i = 0; i < (size_t)m.n_flows * FLOWFEAT_N_FLOW; i++) near(n.flow[i], m.flow[i]);
        for (size_t i = 0; i < LINKS * FLOWFEAT_N_LINK; i++) near(n.link[i], m.link[i]);
        for (int i = 0; i < FLOWFEAT_N_PATH; i++) {
            bool absolute =
                strstr(flowfeat_path_names[i], "10gbps") || strstr(flowfeat_path_names[i], "10us");
            if (!absolute) near(n.path[i], m.path[i]);
            else assert_true(fabsf(n.path[i] - m.path[i]) > 0.5f);
        }
        arena_reset(&a);
    }
    arena_free(&a);
}

/* Few flows of a bucket are all taken; of many, an even sample; never more than asked for. */
static void samples_are_even(void **state) {
    (void)state;
    enum { N = 5000 };
    Arena a = {0};
    Lot lot = plain_lot(2, &a);
    LotFlow *f = ARENA_NEW(&a, LotFlow, N);
    NetConf conf;
    netconf_default(&conf);
    for (size_t i = 0; i < N; i++)
        f[i] = (LotFlow){.start_ns = (int64_t)i * 1000,
                         .size_b = i % 1000 == 7 ? 60000
                                   : i % 2       ? 300
                                                 : 5000,
                         .cap_bps = 10e9,
                         .s = 0,
                         .d = 2};
    FlowFeatPlan p;
    flowfeat_plan(&p, &lot, f, N, 100, &a);
    size_t taken[SIZEBUCKET_N] = {0}, last[SIZEBUCKET_N] = {0};
    for (size_t k = 0; k < p.arrivals.n; k++) {
        if (!(p.role[k] & FLOWFEAT_FOREGROUND)) continue;
        int b = sizebucket_of(f[p.arrivals.flow[k]].size_b);
        if (b < 3 && taken[b] > 0) assert_in_range(p.arrivals.flow[k] - last[b], 100, 110);
        last[b] = p.arrivals.flow[k];
        taken[b]++;
    }
    assert_true(p.bucket_count[0] == 2495 && p.bucket_count[1] == 2500 && p.bucket_count[2] == 0 &&
                p.bucket_count[3] == 5);
    assert_true(taken[3] == 5 && taken[0] == taken[1] && taken[0] >= 46 && p.n_foreground <= 100);
    flowfeat_plan(&p, &lot, f, N, N, &a);
    assert_int_equal(p.n_foreground, N);
    flowfeat_plan(&p, &lot, f, 0, 10, &a);
    assert_int_equal(p.arrivals.n, 0);
    arena_free(&a);
}

/* ---- data sets ---- */

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_feature_has_its_name),    cmocka_unit_test(lone_flow_by_hand),
        cmocka_unit_test(window_limits_a_lone_flow),     cmocka_unit_test(queues_by_hand),
        cmocka_unit_test(features_are_free_of_scale),    cmocka_unit_test(samples_are_even),
        cmocka_unit_test(threads_leave_no_trace),        cmocka_unit_test(data_sets_hold_the_truth),
        cmocka_unit_test(damaged_data_sets_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
