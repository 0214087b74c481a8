/* Features of single flows: their names, and which flows of a path are sampled (what values they
 * take is tested with the simulation that they are of, in test_features_pathfluid.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/flowfeat.h"
#include "traffic/sizebucket.h"

static int index_of(const char *const *names, int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) return i;
    fail_msg("no feature is called %s", name);
    return -1;
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

/* Few flows of a bucket are all taken; of many, an even sample; never more than asked for. */
static void samples_are_even(void **state) {
    (void)state;
    enum { N = 5000 };
    Arena a = {0};
    Lot lot;
    lot_published(&lot, 2, 10e9, &a);
    LotFlow *f = ARENA_NEW(&a, LotFlow, N);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_feature_has_its_name),
        cmocka_unit_test(samples_are_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
