/* Where the tail comes from: parts of it against counting single flows and against theory, loads by
 * tier against arithmetic.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "estimate/aggregate.h"
#include "estimate/estimate.h"
#include "estimate/report.h"
#include "net/wire.h"
#include "scratch_folder.h"

#define NET "tests/cli/net/"

static void near(double got, double want, double tolerance) {
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.12g, want %.12g ± %g", got, want, tolerance);
}

/* ---- parts of the tail ---- */

enum { PATHS = 40, MAX_FLOWS = 30 };

/* Single flows, some of them equal, on paths drawn once to four times. */
typedef struct {
    AggregatePath paths[PATHS];
    float slowdown[PATHS][MAX_FLOWS];
    size_t n[PATHS];
} SingleFlows;

static void make_flows(SingleFlows *s) {
    Rng r = rng_stream(11, "test", 0);
    *s = (SingleFlows){0};
    for (size_t i = 0; i < PATHS; i++) {
        AggregatePath *p = &s->paths[i];
        p->n_draws = 1 + (uint32_t)rng_below(&r, 4);
        p->slowdown = s->slowdown[i];
        for (int b = 0; b < SIZEBUCKET_N; b++) p->count[b] = (uint32_t)rng_below(&r, 7);
        if (i == 0) p->count[0] = 1;
        for (int b = 0; b < SIZEBUCKET_N; b++) s->n[i] += p->count[b];
        for (size_t k = 0; k < s->n[i]; k++)
            s->slowdown[i][k] = 1 + (float)rng_below(&r, 50) / 10 + (i % 7 == 0 ? 2 : 0);
    }
}

static void a_path_has_the_flows_at_or_above_the_p99(void **state) {
    (void)state;
    SingleFlows s;
    make_flows(&s);
    Slowdowns all;
    double share[PATHS], p99[PATHS], want[PATHS], sum = 0, got = 0;
    AggregateTail tail = {share, p99};
    AggregateOptions o = {.seed = 1};
    aggregate_tail(s.paths, PATHS, &o, 2, &all, &tail);
    double from = all.dist[RESULT_ALL].q[RESULT_P99].value;
    for (size_t i = 0; i < PATHS; i++) {
        size_t n = 0;
        for (size_t k = 0; k < s.n[i]; k++) n += (double)s.slowdown[i][k] >= from;
        want[i] = s.n[i] ? s.paths[i].n_draws * (double)n / (double)s.n[i] : 0;
        sum += want[i];
    }
    assert_true(sum > 0);
    for (size_t i = 0; i < PATHS; i++) {
        near(share[i], want[i] / sum, 1e-9);
        got += share[i];
    }
    near(got, 1, 1e-12);
}

static void a_path_s_p99_is_that_of_its_own_flows(void **state) {
    (void)state;
    SingleFlows s;
    make_flows(&s);
    Slowdowns all, own;
    double share[PATHS], p99[PATHS];
    AggregateTail tail = {share, p99};
    aggregate_tail(s.paths, PATHS, &(AggregateOptions){.seed = 1}, 2, &all, &tail);
    for (size_t i = 0; i < PATHS; i++) {
        aggregate(&s.paths[i], 1, &(AggregateOptions){.exhaustive = true}, 1, &own);
        double want = own.dist[RESULT_ALL].q[RESULT_P99].value;
        if (isnan(want)) assert_true(isnan(p99[i]));
        else near(p99[i], want, 1e-6 * want);
    }
}

/* Uniform on [1, 3] and [1, 5], weights 1 and 3: the flows above x are (3 − x)/2 and 3 (5 − x)/4.
 */
static void lines_are_cut_where_the_tail_begins(void **state) {
    (void)state;
    float pct[2][SIZEBUCKET_N * STATS_N_PCT] = {{0}};
    for (int p = 1; p <= STATS_N_PCT; p++) {
        pct[0][p - 1] = (float)(1 + 2 * p / 100.0);
        pct[1][p - 1] = (float)(1 + 4 * p / 100.0);
    }
    AggregatePath paths[2] = {{.n_draws = 1, .count = {5}, .pct = pct[0]},
                              {.n_draws = 3, .count = {9}, .pct = pct[1]}};
    Slowdowns all;
    double share[2], p99[2];
    AggregateTail tail = {share, p99};
    aggregate_tail(paths, 2, &(AggregateOptions){.exhaustive = true}, 1, &all, &tail);
    near(share[0], 0, 1e-6); /* the p99 is above 3 */
    near(share[1], 1, 1e-6);
    near(p99[0], 2.98, 1e-5);
    near(p99[1], 4.96, 1e-5);
    paths[1].n_draws = 0; /* not drawn: all of the tail is on the other */
    aggregate_tail(paths, 2, &(AggregateOptions){.exhaustive = true}, 1, &all, &tail);
    near(share[0], 1, 1e-12);
}

static void all_flows_equal_are_all_of_the_tail(void **state) {
    (void)state;
    float ones[4] = {1, 1, 1, 1};
    AggregatePath paths[2] = {{.n_draws = 1, .count = {4}, .slowdown = ones},
                              {.n_draws = 3, .count = {0, 2}, .slowdown = ones}};
    Slowdowns all;
    double share[2], p99[2];
    AggregateTail tail = {share, p99};
    aggregate_tail(paths, 2, &(AggregateOptions){.seed = 1}, 1, &all, &tail);
    near(share[0], 0.25, 1e-12);
    near(share[1], 0.75, 1e-12);
}

/* ---- a network ---- */

/* Two flows of 10 MB, a second apart, in a Clos of 8 hosts with 10 Gbit/s: one within a rack, one
 * across pods. */
static void loads_are_bits_over_what_the_rate_allows(void **state) {
    (void)state;
    char *dir = scratch_folder("origin"), *flows = file_join(dir, "flows.csv");
    FILE *f = fopen(flows, "w");
    assert_non_null(f);
    fputs("src,dst,size_b,start_ns\n0,1,10000000,0\n0,7,10000000,1000000000\n", f);
    assert_int_equal(fclose(f), 0);
    ScenarioOptions so = {
        .topo_path = NET "clos.json", .flows_path = flows, .mix_id = -1, .seed = 1};
    Scenario s;
    Estimate e;
    Err err = {0};
    if (scenario_load(&s, &so, NULL, &err) != 0) fail_msg("%s", err.msg);
    EstimateOptions eo = {.method = METHOD_FLOWSIM, .seed = 1, .threads = 1};
    if (estimate_run(&s, &eo, NULL, &e, &err) != 0) fail_msg("%s", err.msg);
    const Origin *o = &e.origin;
    double load = wire_bits(10000000) / 1e10;
    assert_int_equal(o->net.n_hosts, 8);
    assert_int_equal(o->net.tier_nodes[0], 8);
    assert_int_equal(o->classes[0].from_tier, 0);
    assert_int_equal(o->classes[0].n_links, 8);
    near(o->classes[0].load_max, 2 * load, 1e-12); /* both leave host 0 */
    near(o->classes[0].load_mean, 2 * load / 8, 1e-12);
    assert_int_equal(o->classes[1].to_tier, 0);
    near(o->classes[1].load_max, load, 1e-12);
    near(o->classes[1].load_mean, 2 * load / 8, 1e-12);
    const OriginClass *up = &o->classes[2]; /* one flow, at 40 Gbit/s */
    assert_int_equal(up->from_tier, 1);
    assert_int_equal(up->to_tier, 2);
    near(up->load_max, load / 4, 1e-12);
    near(up->load_mean, load / 4 / up->n_links, 1e-12);
    assert_int_equal(o->links[0].link.from_id, s.topo.node_id[s.topo.host_node[0]]);
    near(o->links[0].link.load, 2 * load, 1e-12);
    near(o->links[0].tail_share, 1, 1e-12); /* all paths cross it */
    scenario_free(&s);
    free(flows);
    assert_int_equal(scratch_folder_remove(dir), 0);
}

/* Two flows of one size at once between the racks of two hosts each, over two parallel cables,
 * which their ports' hashes tell apart: the cables have the same ends and the same load, and each
 * of them is crossed by one of the two flows. */
static void parallel_cables_are_told_apart(void **state) {
    (void)state;
    char *dir = scratch_folder("origin"), *flows = file_join(dir, "flows.csv"),
         *topo = file_join(dir, "topology.txt");
    FILE *f = fopen(topo, "w");
    assert_non_null(f);
    fputs("4 2 4\n2 3\n0 2 10Gbps 1us 0\n1 3 10Gbps 1us 0\n2 3 10Gbps 1us 0\n2 3 10Gbps 1us 0\n",
          f);
    assert_int_equal(fclose(f), 0);
    f = fopen(flows, "w");
    assert_non_null(f);
    fputs("src,dst,size_b,start_ns\n", f);
    for (int i = 0; i < 8; i++) fprintf(f, "0,1,100000,%d000000000\n", i);
    assert_int_equal(fclose(f), 0);
    ScenarioOptions so = {.topo_path = topo, .flows_path = flows, .mix_id = -1, .seed = 1};
    Scenario s;
    Estimate e;
    Err err = {0};
    if (scenario_load(&s, &so, NULL, &err) != 0) fail_msg("%s", err.msg);
    EstimateOptions eo = {.method = METHOD_FLOWSIM, .seed = 1, .threads = 1};
    if (estimate_run(&s, &eo, NULL, &e, &err) != 0) fail_msg("%s", err.msg);
    const OriginLink *cable[2];
    int n = 0;
    for (uint32_t i = 0; i < e.origin.n_links; i++)
        if (e.origin.links[i].link.from_id == 2 && e.origin.links[i].link.to_id == 3)
            cable[n++] = &e.origin.links[i];
    assert_int_equal(n, 2);
    near(cable[0]->link.load, cable[1]->link.load, 0);
    near(cable[0]->tail_share, 0.5, 1e-12);
    near(cable[1]->tail_share, 0.5, 1e-12);
    scenario_free(&s);
    free(topo);
    free(flows);
    assert_int_equal(scratch_folder_remove(dir), 0);
}

/* What the JSON says of the origin. */
static char *origin_text(int threads, Estimate *e) {
    ScenarioOptions so = {.topo_path = NET "clos.json",
                          .mix_path = NET "mix.json",
                          .mix_id = -1,
                          .n_flows = 20000,
                          .seed = 3,
                          .threads = threads};
    EstimateOptions eo = {.method = METHOD_FLOWSIM, .n_paths = 60, .seed = 3, .threads = threads};
    Scenario s;
    Err err = {0};
    if (scenario_load(&s, &so, NULL, &err) != 0) fail_msg("%s", err.msg);
    if (estimate_run(&s, &eo, NULL, e, &err) != 0) fail_msg("%s", err.msg);
    scenario_free(&s);
    char *text;
    size_t len;
    FILE *f = mem_stream_open(&text, &len);
    JsonOut o;
    json_out_init(&o, f);
    json_out_object(&o);
    report_put_origin(&o, &e->origin);
    json_out_end(&o, '}');
    mem_stream_close(f);
    return text;
}

static void classes_share_the_whole_tail(void **state) {
    (void)state;
    Estimate e;
    char *one = origin_text(1, &e), *eight = origin_text(8, &e);
    assert_string_equal(one, eight);
    double sum = 0;
    for (uint32_t i = 0; i < e.origin.n_classes; i++) sum += e.origin.classes[i].tail_share;
    near(sum, 1, 1e-9);
    assert_true(e.origin.n_paths > 1);
    for (uint32_t i = 1; i < e.origin.n_paths; i++)
        assert_true(e.origin.paths[i].tail_share <= e.origin.paths[i - 1].tail_share);
    for (uint32_t i = 1; i < e.origin.n_links; i++)
        assert_true(e.origin.links[i].link.load <= e.origin.links[i - 1].link.load);
    near(e.origin.links[0].link.load, e.max_load, 1e-12);
    near(e.origin.tail_from, e.slowdown.dist[RESULT_ALL].q[RESULT_P99].value, 0);
    free(one);
    free(eight);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_has_the_flows_at_or_above_the_p99),
        cmocka_unit_test(a_path_s_p99_is_that_of_its_own_flows),
        cmocka_unit_test(lines_are_cut_where_the_tail_begins),
        cmocka_unit_test(all_flows_equal_are_all_of_the_tail),
        cmocka_unit_test(loads_are_bits_over_what_the_rate_allows),
        cmocka_unit_test(parallel_cables_are_told_apart),
        cmocka_unit_test(classes_share_the_whole_tail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
