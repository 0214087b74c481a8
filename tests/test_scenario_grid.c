/* Grids of settings: lists and ranges of --set, their combinations, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scenario/grid.h"

static Grid grid_of(const char *const *assignments) {
    Grid g;
    Err err = {0};
    grid_init(&g);
    for (; *assignments; assignments++)
        if (grid_add(&g, *assignments, &err) != 0) fail_msg("%s", err.msg);
    return g;
}

/* The values of one --set, joined by blanks. */
static void expect_values(const char *assignment, const char *want) {
    Grid g = grid_of((const char *const[]){assignment, NULL});
    char got[512] = "";
    for (size_t i = 0; i < g.n; i++) {
        if (i > 0) strcat(got, " ");
        strcat(got, grid_value(&g, i, 0));
    }
    assert_string_equal(got, want);
    grid_free(&g);
}

static void values_lists_and_ranges(void **state) {
    (void)state;
    expect_values("window=18KB", "18KB");
    expect_values("cc=dctcp,hp", "dctcp hp");
    expect_values("window=5KB..8KB:1KB", "5KB 6KB 7KB 8KB");
    expect_values("window=5KB..8KB:2KB", "5KB 7KB");
    expect_values("window=8KB..5KB:-1KB", "8KB 7KB 6KB 5KB");
    expect_values("window=5KB..5KB:1KB", "5KB");
    expect_values("window=1KB,5KB..7KB:1KB,30000", "1KB 5KB 6KB 7KB 30000");
    expect_values("buffer=900KB..1.1MB:100KB", "900KB 1000KB 1100KB");
    expect_values("hpcc_ai=900Mbps..1.1Gbps:100Mb/s", "900Mb/s 1000Mb/s 1100Mb/s");
    expect_values("timely_tlow=40us..0.06ms:10us", "40us 50us 60us");
    expect_values("timely_tlow=40µs..50µs:10µs", "40µs 50µs");
    expect_values("n_flows=1M..2M:500k", "1000k 1500k 2000k");
    expect_values("max_load=5e-1..0.7:0.1", "0.5 0.6 0.7");
    expect_values("hpcc_eta=80%..90%:5%", "80% 85% 90%");
    expect_values("dctcp_k=5000..7000:1000", "5000 6000 7000");
    expect_values("sizes=../a.txt,b..c:1", "../a.txt b..c:1"); /* file names are no ranges */
}

/* Sums of 0.05 would drift and lose the last value; every text reads back as the decimal fraction
 * it shows. */
static void ranges_do_not_drift(void **state) {
    (void)state;
    expect_values("hpcc_eta=0.7..0.95:0.05", "0.7 0.75 0.8 0.85 0.9 0.95");
    Grid g = grid_of((const char *const[]){"max_load=0.001..0.999:0.001", NULL});
    assert_int_equal(g.n, 999);
    for (size_t i = 0; i < g.n; i++)
        assert_true(strtod(grid_value(&g, i, 0), NULL) == (double)(i + 1) / 1000);
    grid_free(&g);
}

static void last_axis_is_fastest(void **state) {
    (void)state;
    Grid g = grid_of((const char *const[]){"cc=dctcp,hp", "pfc=on", "window=1KB,2KB,3KB", NULL});
    assert_int_equal(g.n, 6);
    assert_string_equal(grid_value(&g, 4, 0), "hp");
    assert_string_equal(grid_value(&g, 4, 1), "on");
    assert_string_equal(grid_value(&g, 4, 2), "2KB");
    assert_string_equal(grid_value(&g, 2, 0), "dctcp");
    assert_string_equal(grid_value(&g, 2, 2), "3KB");
    grid_free(&g);
}

static void refuse(const char *assignment, const char *why) {
    Grid g;
    Err err = {0};
    grid_init(&g);
    assert_int_equal(grid_add(&g, assignment, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    if (!strstr(err.msg, why))
        fail_msg("%s: expected \"%s\", got \"%s\"", assignment, why, err.msg);
    grid_free(&g);
}

static void bad_grids(void **state) {
    (void)state;
    refuse("windw=5KB", "did you mean 'window'");
    refuse("window", "key=value");
    refuse("=5KB", "key=value");
    refuse("window=", "nothing");
    refuse("window=5KB,,6KB", "nothing");
    refuse("window=5XB", "size like");
    refuse("window=5KB..30KB", "lo..hi:step");
    refuse("window=5KB..30KB:", "lo..hi:step");
    refuse("window=5KB..30KB:1KB:2KB", "lo..hi:step");
    refuse("window=5KB..30KB:0KB", "step is 0");
    refuse("window=5KB..30KB:-1KB", "empty");
    refuse("window=30KB..5KB:1KB", "empty");
    refuse("window=5..30KB:1KB", "units");
    refuse("window=5KB..30KB:1XB", "units");
    refuse("window=0KB..2KB:1KB", "must be in");
    refuse("max_load=0.5..1.5:0.5", "must be in (0, 1)");
    refuse("buffer=1..1e12:1", "combinations");
    refuse("buffer=1..1e300:1e-300", "combinations");
    Grid g = grid_of((const char *const[]){"window=1B..100B:1B", NULL});
    Err err = {0};
    assert_int_equal(grid_add(&g, "buffer=1B..100B:1B", &err), -1);
    assert_non_null(strstr(err.msg, "10000 combinations"));
    grid_free(&g);
    g = grid_of((const char *const[]){"window=1B", NULL});
    assert_int_equal(grid_add(&g, "window=2B", &err), -1);
    assert_non_null(strstr(err.msg, "set twice"));
    grid_free(&g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_lists_and_ranges),
        cmocka_unit_test(ranges_do_not_drift),
        cmocka_unit_test(last_axis_is_fastest),
        cmocka_unit_test(bad_grids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
