/* Parsimon: lone flows, flows that share one link, and the published results. */
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
#include "estimate/linkcluster.h"
#include "estimate/parsimon.h"

#define SHARED "../shared"

/* Runs flows of the 256-host network, given as lines of a CSV file. */
static Slowdowns run_with(const char *lines, ParsimonOptions po, ParsimonInfo *info) {
    char path[] = "/tmp/m3-parsimon-XXXXXX.csv";
    int fd = mkstemps(path, 4);
    Err err = {0};
    Scenario s;
    Slowdowns out;
    ScenarioOptions so = {.topo_path = "spec/clos-256-2to1.json", .flows_path = path, .mix_id = -1};
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "w");
    fprintf(f, "flow,src,dst,size_b,start_ns\n%s", lines);
    fclose(f);
    if (scenario_load(&s, &so, NULL, &err) != 0) fail_msg("%s", err.msg);
    unlink(path);
    if (parsimon_run(&s, &po, NULL, &out, info, &err) != 0) fail_msg("%s", err.msg);
    assert_int_equal(info->n_left_out, 0);
    scenario_free(&s);
    return out;
}

static Slowdowns run_flows(const char *lines, int threads) {
    ParsimonInfo info;
    return run_with(lines, (ParsimonOptions){.seed = 1, .threads = threads}, &info);
}

static double highest(const Slowdowns *r) { return r->dist[RESULT_ALL].percentiles[99]; }

/* Far apart in time, flows have the slowdown 1 but for what their acknowledgements take. */
static void lone_flows(void **state) {
    (void)state;
    Slowdowns r = run_flows("0,0,255,100,0\n1,0,8,5000,1000000000\n2,40,41,300000,2000000000\n", 1);
    if (!(highest(&r) < 1.01)) fail_msg("slowdown %g", highest(&r));
}

/* Two equal flows of one host at once: each link of the second half is shared only where they
 * really share it, which is the host's own. */
static void shared_source(void **state) {
    (void)state;
    Slowdowns r = run_flows("0,0,255,1000000,0\n1,0,8,1000000,0\n", 1);
    if (!(highest(&r) > 1.9 && highest(&r) < 2.1)) fail_msg("slowdown %g", highest(&r));
}

/* Loads a published mix and runs it; false where the files are not there. */
static bool run_published(int64_t mix_id, uint64_t n_flows, bool independent, int threads,
                          Slowdowns *out) {
    Err err = {0};
    Scenario s;
    ParsimonInfo info;
    ScenarioOptions so = {.mix_path = SHARED "/paper/mix/sec5.2-dctcp-192.json",
                          .mix_id = mix_id,
                          .n_flows = n_flows,
                          .seed = 1,
                          .threads = threads};
    ParsimonOptions po = {.independent = independent, .seed = 1, .threads = threads};
    if (!file_is_dir(SHARED "/paper/mix")) return false;
    if (scenario_load(&s, &so, NULL, &err) != 0) fail_msg("%s", err.msg);
    if (parsimon_run(&s, &po, NULL, out, &info, &err) != 0) fail_msg("%s", err.msg);
    scenario_free(&s);
    return true;
}

/* p99 of all flows and of flows below 10 KB, published for 10 M flows of mix 66 (parsimon_p99 of
 * sec5.2-truth-third.csv). 200,000 flows are another draw: 6 %. */
static void published_tail(void **state) {
    (void)state;
    char line[256], bucket[32];
    int id, seen = 0;
    double truth, parsimon;
    Slowdowns r;
    if (!run_published(66, 200000, false, 2, &r)) skip();
    FILE *f = fopen(SHARED "/paper/published/sec5.2-truth-third.csv", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "%d,%31[^,],%lf,%lf", &id, bucket, &truth, &parsimon) != 4 || id != 66)
            continue;
        static const char *const names[] = {"all", "<1KB", "1-10KB", "10-50KB", ">=50KB"};
        int d = 0;
        while (d < 5 && strcmp(names[d], bucket) != 0) d++;
        assert_true(d < 5);
        double p99 = r.dist[d].q[RESULT_P99].value;
        if (fabs(p99 / parsimon - 1) > 0.06)
            fail_msg("%s: %g, published %g", bucket, p99, parsimon);
        seen++;
    }
    fclose(f);
    assert_int_equal(seen, 5);
}

/* A link's shape from n flows of these sizes at these gaps. */
static LinkShape shape_of(const float *sizes_b, const float *gaps_ns, size_t n, double load) {
    LinkShape s = {.rate_bps = 10e9, .delay_ns = 1000, .load = load};
    float values[64];
    memcpy(values, sizes_b, n * sizeof *values);
    linkcluster_quantiles(values, n, s.size_b);
    memcpy(values, gaps_ns, n * sizeof *values);
    linkcluster_quantiles(values, n, s.gap_ns);
    return s;
}

/* Quantiles are those of the values. Links are alike below each limit and not at it: 5 % off in all
 * sizes or gaps, 12 % off; loads 0.004 and 0.006 apart; another rate. A link that is like two
 * leaders has the first; one that is like a member alone leads. */
static void alike(void **state) {
    (void)state;
    float size[3] = {300, 100, 200}, gap[3] = {5, 5, 50}, more[3];
    LinkShape s[5], a = shape_of(size, gap, 3, 0.5), b = a;
    assert_true(a.size_b[0] == 100 && a.size_b[500] == 200 && a.size_b[999] == 300);
    assert_true(linkcluster_alike(&a, &b));
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < 3; i++) more[i] = size[i] * (k ? 1.12f : 1.05f);
        b = shape_of(more, gap, 3, 0.5);
        assert_true(linkcluster_alike(&a, &b) == !k);
        for (int i = 0; i < 3; i++) more[i] = gap[i] * (k ? 1.12f : 1.05f);
        b = shape_of(size, more, 3, 0.5);
        assert_true(linkcluster_alike(&a, &b) == !k);
        b = shape_of(size, gap, 3, k ? 0.506 : 0.504);
        assert_true(linkcluster_alike(&a, &b) == !k);
    }
    b = a;
    b.rate_bps = 40e9;
    assert_false(linkcluster_alike(&a, &b));
    static const double loads[5] = {0.5, 0.504, 0.508, 0.504, 0.9};
    static const uint32_t expected[5] = {0, 0, 2, 0, 4};
    uint32_t leader[5];
    for (int i = 0; i < 5; i++) s[i] = shape_of(size, gap, 3, loads[i]);
    assert_int_equal(linkcluster_group(s, 5, leader), 3);
    assert_memory_equal(leader, expected, sizeof leader);
}

/* Two hosts send the same flows to two others, or one of them half as many: of equal hosts one
 * up-link and one down-link are simulated, of different ones both. Slowdowns stay the same. */
static void clusters(void **state) {
    (void)state;
    size_t n_simulated[2];
    for (int half = 0; half < 2; half++) {
        char lines[40000], *at = lines;
        int id = 0;
        for (int i = 0; i < 400; i++)
            for (int host = 0; host < 2; host++) {
                if (half && host && i % 2) continue;
                at += snprintf(at, 48, "%d,%d,%d,20000,%d\n", id++, host, 255 - host, i * 40000);
            }
        ParsimonInfo all, some;
        Slowdowns a = run_with(lines, (ParsimonOptions){.seed = 1, .threads = 1}, &all),
                  b = run_with(lines, (ParsimonOptions){.cluster = true, .seed = 1, .threads = 1},
                               &some);
        assert_int_equal(all.n_simulated, all.n_links);
        assert_int_equal(some.n_links, all.n_links);
        assert_true(some.n_simulated < all.n_links && some.n_packets < all.n_packets);
        if (fabs(highest(&b) / highest(&a) - 1) > 0.01)
            fail_msg("slowdown %g, with clusters %g", highest(&a), highest(&b));
        n_simulated[half] = some.n_simulated;
    }
    assert_true(n_simulated[1] >= n_simulated[0] + 2);
}

static void threads_agree(void **state) {
    (void)state;
    Slowdowns a, b, c;
    if (!run_published(5, 5000, false, 1, &a)) skip();
    run_published(5, 5000, false, 4, &b);
    run_published(5, 5000, true, 4, &c);
    assert_memory_equal(a.dist[0].percentiles, b.dist[0].percentiles, sizeof a.dist[0].percentiles);
    assert_true(a.dist[0].q[RESULT_P99].value != c.dist[0].q[RESULT_P99].value);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lone_flows),     cmocka_unit_test(shared_source),
        cmocka_unit_test(published_tail), cmocka_unit_test(alike),
        cmocka_unit_test(clusters),       cmocka_unit_test(threads_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
