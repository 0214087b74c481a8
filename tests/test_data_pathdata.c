/* pathdata: truth by hand, same bytes whatever is interrupted or threaded, the split,
 * and damaged inputs. Scenarios are made here; nothing outside is needed. */
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

#include "data/pathdata.h"
#include "data/pathsample.h"
#include "traffic/sizebucket.h"

/* ---- a folder of made-up scenarios ---- */

enum { N_SCENARIOS = 5, N_FLOWS = 80 };

static void write_text(const char *dir, const char *name, const char *text) {
    char *path = file_join(dir, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    free(path);
}

static void write_flows(const char *dir, uint64_t seed, uint32_t n_hosts) {
    char *path = file_join(dir, "flows.csv");
    FILE *f = fopen(path, "wb");
    Rng r = rng_stream(seed, "test", 0);
    double t = 0;
    assert_non_null(f);
    fputs("flow,src,dst,size_b,start_ns,fct_ns,ideal_fct_ns\n", f);
    for (int i = 0; i < N_FLOWS; i++) {
        uint32_t src = i % 3 == 0 ? 0 : (uint32_t)rng_below(&r, n_hosts - 1);
        uint32_t dst =
            i % 3 == 0 ? n_hosts - 1 : src + 1 + (uint32_t)rng_below(&r, n_hosts - 1 - src);
        double size = floor(exp(rng_uniform(&r, log(100), log(100000)))),
               ideal = 4000 + size * 0.84;
        t += floor(8000 * rng_exponential(&r));
        fprintf(f, "%d,%u,%u,%.0f,%.0f,%.0f,%.0f\n", i, src, dst, size, t,
                ideal * (1 + rng_exponential(&r)), ideal);
    }
    assert_int_equal(fclose(f), 0);
    free(path);
}

static void write_scenario(const char *root, int i) {
    static const char *const cc[] = {"dctcp", "dcqcn_paper_vwin", "hp", "timely_vwin"};
    static const int param[][2] = {{10, 0}, {30, 70}, {80, 60}, {50, 120}};
    char *dir = mem_printf("%s/s%d", root, i), text[256];
    Err err = {0};
    assert_int_equal(file_mkdirs(dir, &err), 0);
    snprintf(text, sizeof text,
             "{\"n_hosts\": %d, \"cc\": \"%s\", \"enable_pfc\": 1, \"buffer_kb\": 300, "
             "\"window_b\": 15000, \"param_1\": %d, \"param_2\": %d}",
             3 + 2 * (i % 3), cc[i % 4], param[i % 4][0], param[i % 4][1]);
    write_text(dir, "scenario.json", text);
    write_flows(dir, (uint64_t)i, 3 + 2 * (uint32_t)(i % 3));
    free(dir);
}

typedef struct {
    char root[32], in[64], out[2][64];
} World;

static int setup(void **state) {
    World *w = MEM_ZNEW(World, 1);
    Err err = {0};
    char root[] = "/tmp/m3-data-XXXXXX";
    assert_non_null(mkdtemp(root));
    snprintf(w->root, sizeof w->root, "%s", root);
    snprintf(w->in, sizeof w->in, "%s/in", root);
    for (int k = 0; k < 2; k++) snprintf(w->out[k], sizeof w->out[k], "%s/out%d", root, k);
    assert_int_equal(file_mkdirs(w->in, &err), 0);
    for (int i = 0; i < N_SCENARIOS; i++) write_scenario(w->in, i);
    *state = w;
    return 0;
}

static int teardown(void **state) {
    World *w = *state;
    char *command = mem_printf("rm -rf '%s'", w->root);
    int rc = system(command);
    free(command);
    free(w);
    return rc;
}

static void make(const World *w, int k, uint32_t views, int threads, PathDataInfo *info) {
    PathDataOptions o = {
        .scenarios = w->in, .out = w->out[k], .views = views, .seed = 7, .threads = threads};
    Err err = {0};
    if (pathdata_make(&o, NULL, info, &err) != 0) fail_msg("%s", err.msg);
}

static void assert_same_file(const World *w, const char *name) {
    FileView v[2];
    Err err = {0};
    for (int k = 0; k < 2; k++) {
        char *path = file_join(w->out[k], name);
        if (file_view(&v[k], path, &err) != 0) fail_msg("%s", err.msg);
        free(path);
    }
    assert_int_equal(v[0].len, v[1].len);
    assert_memory_equal(v[0].data, v[1].data, v[0].len);
    for (int k = 0; k < 2; k++) file_view_close(&v[k]);
}

static void assert_same_data(const World *w) {
    assert_same_file(w, "manifest.json");
    for (int k = 0; k < PATHDATA_N_ARRAYS; k++) {
        char name[32];
        snprintf(name, sizeof name, "%s.npy", pathdata_arrays[k].name);
        assert_same_file(w, name);
    }
}

static void overwrite(const World *w, int k, const char *file, long at, const void *bytes,
                      size_t n) {
    char *path = file_join(w->out[k], file);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    free(path);
}

/* ---- tests ---- */

static void test_truth_by_hand(void **state) {
    (void)state;
    /* Foreground on two links: 500 B (slowdown 2 and 3, bucket 0), 20 KB (1.5, bucket 2), one
     * unfinished, and one background. */
    uint32_t src[] = {0, 0, 0, 0, 1}, dst[] = {2, 2, 2, 2, 2};
    uint64_t size[] = {500, 999, 20000, 60000, 400};
    int64_t start[] = {0, 1, 2, 3, 4};
    double fct[] = {3000, 8000, 30000, NAN, 99000}, ideal[] = {1000, 4000, 20000, 50000, 1000};
    Flows f = {.n = 5,
               .src = src,
               .dst = dst,
               .size_b = size,
               .start_ns = start,
               .fct_ns = fct,
               .ideal_fct_ns = ideal};
    float pct[PATHFEAT_N_BASE];
    uint32_t count[SIZEBUCKET_N];
    Arena a = {0};
    pathsample_truth(&f, 0, 5, 2, NULL, pct, count, &a);
    assert_int_equal(count[0], 2);
    assert_int_equal(count[1], 0);
    assert_int_equal(count[2], 1);
    assert_int_equal(count[3], 0);
    /* rank floor((2 - 1)·p/100 + 0.5): the smaller up to p49, then the larger */
    for (int p = 1; p <= 100; p++) {
        assert_true(pct[p - 1] == (p < 50 ? 2.0f : 3.0f));
        assert_true(pct[100 + p - 1] == 1.0f);
        assert_true(pct[200 + p - 1] == 1.5f);
    }
    bool keep[] = {false, true};
    pathsample_truth(&f, 0, 2, 2, keep, pct, count, &a);
    assert_int_equal(count[0], 1);
    assert_true(pct[0] == 2.0f);
    arena_free(&a);
}

static void test_threads_do_not_show(void **state) {
    World *w = *state;
    PathDataInfo info;
    make(w, 0, 3, 1, &info);
    assert_int_equal(info.n_samples, 4 * N_SCENARIOS);
    assert_int_equal(info.n_reused, 0);
    make(w, 1, 3, 4, &info);
    assert_same_data(w);
    char *parts = file_join(w->out[0], "parts");
    assert_false(file_is_dir(parts));
    free(parts);
}

/* The last scenario is broken at first: the others stay as parts and are used by the next run. */
static void test_resumes_to_the_same_bytes(void **state) {
    World *w = *state;
    PathDataInfo info;
    make(w, 0, 2, 2, &info);
    char *last = mem_printf("%s/s%d", w->in, N_SCENARIOS - 1);
    write_text(last, "flows.csv",
               "flow,src,dst,size_b,start_ns,fct_ns,ideal_fct_ns\n0,0,x,1,1,1,1\n");
    PathDataOptions o = {.scenarios = w->in, .out = w->out[1], .views = 2, .seed = 7, .threads = 2};
    Err err = {0};
    assert_int_equal(pathdata_make(&o, NULL, &info, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_non_null(strstr(err.msg, "flows.csv"));
    char *manifest = file_join(w->out[1], "manifest.json");
    assert_false(file_exists(manifest));
    write_scenario(w->in, N_SCENARIOS - 1);
    overwrite(w, 1, "parts/s1.part", -8, "damaged!", 8);
    write_scenario(w->in, 0); /* the same bytes again: still valid */
    make(w, 1, 2, 2, &info);
    assert_int_equal(info.n_reused, N_SCENARIOS - 2);
    assert_same_data(w);
    free(manifest);
    free(last);
}

static void test_parts_of_other_settings_are_not_used(void **state) {
    World *w = *state;
    PathDataInfo info;
    char *last = mem_printf("%s/s%d", w->in, N_SCENARIOS - 1);
    write_text(last, "scenario.json", "{}");
    PathDataOptions o = {.scenarios = w->in, .out = w->out[0], .views = 2, .seed = 8, .threads = 1};
    assert_int_equal(pathdata_make(&o, NULL, &info, NULL), -1);
    write_scenario(w->in, N_SCENARIOS - 1);
    make(w, 0, 2, 1, &info); /* another seed */
    assert_int_equal(info.n_reused, 0);
    free(last);
}

static void test_whole_and_views(void **state) {
    World *w = *state;
    PathDataInfo info;
    PathData d;
    Err err = {0};
    make(w, 0, 9, 2, &info);
    if (pathdata_load(&d, w->out[0], &err) != 0) fail_msg("%s", err.msg);
    assert_int_equal(d.n, 10 * N_SCENARIOS);
    bool smaller = false;
    for (size_t i = 0; i < d.n; i += 10) {
        uint64_t whole = 0;
        for (int b = 0; b < SIZEBUCKET_N; b++) whole += d.truth_count[i * 4 + (size_t)b];
        for (size_t k = i; k < i + 10; k++) {
            PathFeat m = pathdata_map(&d, k), first = pathdata_map(&d, i);
            uint64_t n = 0;
            assert_int_equal(m.n_rows, first.n_rows);
            assert_memory_equal(m.conf, first.conf, sizeof m.conf);
            for (int b = 0; b < SIZEBUCKET_N; b++) {
                n += d.truth_count[k * 4 + (size_t)b];
                assert_int_equal(d.truth_count[k * 4 + (size_t)b],
                                 m.base_count[b]); /* fluid and truth count the same flows */
            }
            assert_in_range(n, 1, whole);
            smaller |= n < whole / 2;
        }
    }
    assert_true(smaller);
    pathdata_free(&d);
}

static void test_skip_cc(void **state) {
    World *w = *state;
    PathDataInfo info;
    PathDataOptions o = {.scenarios = w->in, .out = w->out[0], .skip_cc = "timely", .threads = 1};
    Err err = {0};
    assert_int_equal(pathdata_make(&o, NULL, &info, &err), 0);
    assert_int_equal(info.n_skipped, 1);
    assert_int_equal(info.n_samples, N_SCENARIOS - 1);
    o.skip_cc = "tcp";
    assert_int_equal(pathdata_make(&o, NULL, &info, &err), -1);
    assert_int_equal(strncmp(err.msg, "--skip-cc", 9), 0);
}

static void test_split(void **state) {
    (void)state;
    int n_held = 0;
    for (int i = 0; i < 5000; i++) {
        char name[32], view[40];
        int in_folds = 0;
        snprintf(name, sizeof name, "path%d", i);
        snprintf(view, sizeof view, "path%d#3", i);
        for (uint32_t fold = 0; fold < 5; fold++) {
            DataSplit s = {0.2, fold};
            assert_int_equal(datasplit_is_held_out(name, &s), datasplit_is_held_out(view, &s));
            in_folds += datasplit_is_held_out(name, &s);
        }
        assert_int_equal(in_folds, 1);
        DataSplit first = {0.2, 0}, none = {0, 0};
        n_held += datasplit_is_held_out(name, &first);
        assert_false(datasplit_is_held_out(name, &none));
    }
    assert_in_range(n_held, 1000 - 150, 1000 + 150); /* binomial: 5 standard deviations are 141 */
    Err err = {0};
    DataSplit beyond = {0.2, 5}, all = {1, 0};
    assert_int_equal(datasplit_check(&beyond, &err), -1);
    assert_int_equal(datasplit_check(&all, &err), -1);
}

static void refuse_scenario(World *w, const char *json, const char *expected) {
    char *dir = mem_printf("%s/s0", w->in);
    PathDataInfo info;
    PathDataOptions o = {.scenarios = w->in, .out = w->out[0], .threads = 1};
    Err err = {0};
    write_text(dir, "scenario.json", json);
    assert_int_equal(pathdata_make(&o, NULL, &info, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    if (!strstr(err.msg, "s0/scenario.json") || !strstr(err.msg, expected))
        fail_msg("expected '%s' in '%s'", expected, err.msg);
    free(dir);
}

static void test_hostile_scenarios(void **state) {
    World *w = *state;
    refuse_scenario(w, "", "");
    refuse_scenario(w, "[]", "expected an object");
    refuse_scenario(w, "{\"n_hosts\": 3", "");
    refuse_scenario(w, "{\"cc\": \"hp\"}", "n_hosts");
    refuse_scenario(w, "{\"n_hosts\": 2}", ".n_hosts: must be at least 3");
    refuse_scenario(w, "{\"n_hosts\": 1e9}", ".n_hosts");
    refuse_scenario(w, "{\"n_hosts\": 3, \"cc\": \"tcp\"}", ".cc");
    refuse_scenario(w, "{\"n_hosts\": 3, \"cc\": \"hp\", \"enable_pfc\": 2}", ".enable_pfc");
    refuse_scenario(w,
                    "{\"n_hosts\": 3, \"cc\": \"hp\", \"enable_pfc\": 1, \"buffer_kb\": -1, "
                    "\"window_b\": 1, \"param_1\": 80, \"param_2\": 50}",
                    "buffer");
    refuse_scenario(w,
                    "{\"n_hosts\": 3, \"cc\": \"hp\", \"enable_pfc\": 1, \"buffer_kb\": 300, "
                    "\"window_b\": 9000, \"param_1\": 8000, \"param_2\": 50}",
                    "eta");
}

static void test_hostile_data_sets(void **state) {
    World *w = *state;
    PathDataInfo info;
    PathData d;
    Err err = {0};
    assert_int_equal(pathdata_load(&d, w->out[0], &err), -1);
    make(w, 0, 0, 1, &info);
    float nan_value = NAN, zero = 0;
    uint32_t high = 1u << 30;
    overwrite(w, 0, "conf.npy", -4, &nan_value, 4);
    assert_int_equal(pathdata_load(&d, w->out[0], &err), -1);
    assert_non_null(strstr(err.msg, "conf.npy: row 4: expected finite"));
    make(w, 0, 0, 1, &info);
    overwrite(w, 0, "truth.npy", -4, &zero, 4);
    assert_int_equal(pathdata_load(&d, w->out[0], &err), -1);
    assert_non_null(strstr(err.msg, "truth.npy"));
    make(w, 0, 0, 1, &info);
    overwrite(w, 0, "row_start.npy", -8, &high, 4);
    assert_int_equal(pathdata_load(&d, w->out[0], &err), -1);
    assert_non_null(strstr(err.msg, "row_start.npy"));
    make(w, 0, 0, 1, &info);
    char *cut = file_join(w->out[0], "pct.npy");
    assert_int_equal(truncate(cut, 1000), 0);
    assert_int_equal(pathdata_load(&d, w->out[0], &err), -1);
    assert_non_null(strstr(err.msg, "pct.npy"));
    write_text(w->out[0], "manifest.json", "{\"schema\": \"m3.dataset/9\"}");
    assert_int_equal(pathdata_load(&d, w->out[0], &err), -1);
    assert_non_null(strstr(err.msg, ".schema: expected m3.dataset/1"));
    free(cut);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_truth_by_hand),
        cmocka_unit_test_setup_teardown(test_threads_do_not_show, setup, teardown),
        cmocka_unit_test_setup_teardown(test_resumes_to_the_same_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parts_of_other_settings_are_not_used, setup, teardown),
        cmocka_unit_test_setup_teardown(test_whole_and_views, setup, teardown),
        cmocka_unit_test_setup_teardown(test_skip_cc, setup, teardown),
        cmocka_unit_test(test_split),
        cmocka_unit_test_setup_teardown(test_hostile_scenarios, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile_data_sets, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
