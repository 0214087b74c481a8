/* Tests of src/base: oracles (known digests, exact statistics, invariants of streams), then the
 * wording of errors that users meet. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/diag.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"
#include "base/stats.h"
#include "base/units.h"
#include "base/words.h"

static void test_err_kinds(void **state) {
    (void)state;
    Err e = {0};
    assert_int_equal(err_input(&e, "a.json: %s", "bad\nthing"), -1);
    assert_int_equal(e.kind, ERR_INPUT);
    assert_string_equal(e.msg, "a.json: bad thing"); /* always one line */
    err_wrap(&e, "mix %d", 3);
    assert_string_equal(e.msg, "mix 3: a.json: bad thing");
    err_wrap(&e, "two\nlines");
    assert_string_equal(e.msg, "two lines: mix 3: a.json: bad thing");
    assert_int_equal(err_io(NULL, "ignored"), -1);
    err_input(&e, "%s", "\x1b[2J red\x07 \xc2\x9b\xc2\xa0\x7f é \t\xc2"); /* no terminal obeys */
    assert_string_equal(e.msg, "?[2J red? ??\xc2\xa0? é  \xc2");
}

static void test_arena_alignment_and_reuse(void **state) {
    (void)state;
    Arena a = {0};
    for (int round = 0; round < 3; round++) {
        unsigned char *prev = NULL;
        for (size_t i = 1; i < 400; i++) {
            unsigned char *p = arena_alloc(&a, i, 3);
            assert_int_equal((uintptr_t)p % 64, 0);
            memset(p, (int)i, i * 3);
            if (prev) assert_int_equal(prev[0], (i - 1) & 255); /* neighbours don't overlap */
            prev = p;
        }
        arena_reset(&a);
    }
    void *first = arena_alloc(&a, 1, 1000000);
    arena_reset(&a);
    arena_reset(&a);
    void *again = arena_alloc(&a, 1, 1000000);
    arena_reset(&a);
    assert_ptr_equal(again, arena_alloc(&a, 1, 1000000)); /* settled on one block */
    arena_reset(&a);
    char *newest = arena_alloc(&a, 1000, 100);
    arena_trim(&a, newest, 3, 100);
    assert_ptr_equal(newest + 320, arena_alloc(&a, 1, 1)); /* 300 bytes, aligned to 64 */
    assert_non_null(first);
    arena_free(&a);
}

static void test_streams_are_independent_and_repeatable(void **state) {
    (void)state;
    Rng a = rng_stream(1, "sizes", 0), b = rng_stream(1, "sizes", 0);
    Rng others[] = {rng_stream(2, "sizes", 0), rng_stream(1, "gaps", 0), rng_stream(1, "sizes", 1)};
    int same[3] = {0};
    for (int i = 0; i < 1000; i++) {
        uint64_t x = rng_next(&a);
        assert_true(x == rng_next(&b));
        for (int k = 0; k < 3; k++) same[k] += x == rng_next(&others[k]);
    }
    for (int k = 0; k < 3; k++) assert_int_equal(same[k], 0);
}

static void test_rng_moments(void **state) {
    (void)state;
    Rng r = rng_stream(7, "test", 0);
    enum { N = 200000 };
    double u = 0, z = 0, z2 = 0, e = 0;
    for (int i = 0; i < N; i++) {
        double x = rng_u01(&r), n = rng_normal(&r);
        assert_true(x >= 0 && x < 1);
        u += x;
        z += n;
        z2 += n * n;
        e += rng_exponential(&r);
    }
    /* five standard errors */
    assert_true(fabs(u / N - 0.5) < 5 * 0.2887 / sqrt(N));
    assert_true(fabs(z / N) < 5 / sqrt(N));
    assert_true(fabs(z2 / N - 1) < 5 * sqrt(2.0 / N));
    assert_true(fabs(e / N - 1) < 5 / sqrt(N));
}

static void test_below_is_unbiased(void **state) {
    (void)state;
    Rng r = rng_stream(3, "test", 0);
    enum { N = 300000, K = 7 };
    int count[K] = {0};
    for (int i = 0; i < N; i++) count[rng_below(&r, K)]++;
    double chi2 = 0, expect = (double)N / K;
    for (int k = 0; k < K; k++) chi2 += (count[k] - expect) * (count[k] - expect) / expect;
    assert_true(chi2 < 22.5); /* 6 degrees of freedom, p = 0.001 */
    for (int i = 0; i < 1000; i++)
        assert_true(rng_below(&r, UINT64_C(1) << 63) < UINT64_C(1) << 63);
}

static void test_alias_matches_weights(void **state) {
    (void)state;
    const double w[] = {0, 1, 2.5, 0, 10, 0.5};
    RngAlias a;
    rng_alias_init(&a, w, 6);
    Rng r = rng_stream(5, "alias", 0);
    enum { N = 280000 };
    int count[6] = {0};
    for (int i = 0; i < N; i++) count[rng_alias_draw(&a, &r)]++;
    rng_alias_free(&a);
    for (int i = 0; i < 6; i++) {
        double p = w[i] / 14;
        assert_true(fabs(count[i] - N * p) <= 5 * sqrt(N * p * (1 - p)));
    }
    assert_int_equal(count[0] + count[3], 0);
}

static void test_percentile_definition(void **state) {
    (void)state;
    /* floor((n−1)·p/100 + 0.5), by hand */
    assert_int_equal(stats_rank(1, 99), 0);
    assert_int_equal(stats_rank(3, 25), 1); /* 0.5 rounds up, not to even */
    assert_int_equal(stats_rank(101, 1), 1);
    assert_int_equal(stats_rank(10, 100), 9);
    assert_int_equal(stats_rank(10, 0), 0);
    /* numpy.percentile([1, 2, 4, 8], p) for 0, 25, 50, 90, 100 */
    const double four[] = {1, 2, 4, 8}, at[] = {0, 25, 50, 90, 100}, is[] = {1, 1.75, 3, 6.8, 8};
    for (int i = 0; i < 5; i++) assert_true(fabs(stats_between(four, 4, at[i]) - is[i]) < 1e-12);
    assert_true(fabs(stats_between(four, 1, 50) - 1) < 1e-12);
    float a[200], p[STATS_N_PCT];
    for (int i = 0; i < 200; i++) a[i] = (float)((i * 37) % 200);
    stats_sort_f32(a, 200);
    stats_percentiles_f32(a, 200, p);
    for (int i = 0; i < STATS_N_PCT; i++)
        assert_true((double)p[i] == floor(199 * (i + 1) / 100.0 + 0.5));
}

/* Groups that are empty, at both ends and in between. */
static void test_group(void **state) {
    (void)state;
    const uint32_t group_of[] = {4, 1, 4, 2, 1, 4, 1};
    uint32_t start[7], order[7];
    stats_group(group_of, 7, 6, start, order);
    assert_memory_equal(start, ((uint32_t[]){0, 0, 3, 4, 4, 7, 7}), sizeof start);
    assert_memory_equal(order, ((uint32_t[]){1, 4, 6, 3, 0, 2, 5}), sizeof order);
    stats_group(NULL, 0, 2, start, order);
    assert_memory_equal(start, ((uint32_t[]){0, 0, 0}), 3 * sizeof *start);
}

static void test_float_sort(void **state) {
    (void)state;
    Rng r = rng_stream(1, "sort", 0);
    for (size_t n = 0; n < 20000; n = n * 3 + 1) {
        float *a = MEM_NEW(float, n), *b = MEM_NEW(float, n);
        double sum = 0, sum_sorted = 0;
        for (size_t i = 0; i < n; i++) sum += a[i] = b[i] = (float)(rng_normal(&r) * 1e3);
        stats_sort_f32(a, n);
        for (size_t i = 0; i < n; i++) sum_sorted += a[i];
        for (size_t i = 1; i < n; i++) assert_true(a[i - 1] <= a[i]);
        assert_true(fabs(sum - sum_sorted) < 1e-6 * (1 + fabs(sum)) + 1e-3);
        free(a);
        free(b);
    }
}

/* Every way to write a unit, with what it stands for; 0: refused, with the reason given. */
static void test_units(void **state) {
    (void)state;
    typedef int (*Parse)(const char *, const char *, double *, Err *);
    static const struct {
        Parse parse;
        const char *text;
        double want;
        const char *why;
    } cases[] = {
        {units_parse_rate, "10Gbps", 10e9, NULL},
        {units_parse_rate, " 2.5 gb/s ", 2.5e9, NULL},
        {units_parse_rate, "10gbps", 10e9, NULL},
        {units_parse_rate, "1Tbit/s", 1e12, NULL},
        {units_parse_rate, "100Mbits/s", 100e6, NULL},
        {units_parse_rate, "64kbps", 64e3, NULL},
        {units_parse_rate, "400G", 400e9, NULL},
        {units_parse_rate, "1Gib/s", 1073741824.0, NULL},
        {units_parse_rate, "1e9bps", 1e9, NULL},
        {units_parse_rate, "100b/s", 100, NULL},
        {units_parse_rate, "1GBps", 8e9, NULL},
        {units_parse_rate, "1.25GB/s", 10e9, NULL},
        {units_parse_rate, "100MB/s", 8e8, NULL},
        {units_parse_rate, "10gB/s", 80e9, NULL},
        {units_parse_rate, "1GiBps", 8589934592.0, NULL},
        {units_parse_rate, "1GiB/s", 8589934592.0, NULL},
        {units_parse_rate, "1KiB/s", 8192, NULL},
        {units_parse_rate, "64KBps", 512e3, NULL},
        {units_parse_rate, "1Gbyte/s", 8e9, NULL},
        {units_parse_rate, "25000000000.0", 25e9, NULL},
        {units_parse_rate, "10GBPS", 0, "got '10GBPS' (bits are b as in Gbps, bytes B"},
        {units_parse_rate, "10", 0, "10 without a unit (10 bps?)"},
        {units_parse_rate, "10KB", 0, "bytes B as in GB/s"},
        {units_parse_rate, "10us", 0, "expected a rate"},
        {units_parse_size, "18KB", 18000, NULL},
        {units_parse_size, "18kB", 18000, NULL},
        {units_parse_size, "400KiB", 409600, NULL},
        {units_parse_size, "2 MiB", 2097152, NULL},
        {units_parse_size, "1GiB", 1073741824, NULL},
        {units_parse_size, "1TB", 1e12, NULL},
        {units_parse_size, "64K", 64000, NULL},
        {units_parse_size, "12B", 12, NULL},
        {units_parse_size, "12 bytes", 12, NULL},
        {units_parse_size, "15000", 15000, NULL},
        {units_parse_size, "18", 0, "18 without a unit (18 B?)"},
        {units_parse_size, "18Kb", 0, "(b is bits; bytes are B)"},
        {units_parse_size, "18KB/s", 0, "expected a size"},
        {units_parse_time, "1us", 1000, NULL},
        {units_parse_time, "1\u00b5s", 1000, NULL},
        {units_parse_time, "1\u03bcs", 1000, NULL},
        {units_parse_time, "500ps", 0.5, NULL},
        {units_parse_time, "3ms", 3e6, NULL},
        {units_parse_time, "5s", 5e9, NULL},
        {units_parse_time, "1min", 60e9, NULL},
        {units_parse_time, "2h", 7200e9, NULL},
        {units_parse_time, "5", 0, "got '5' (without a unit)"},
        {units_parse_time, "1Ms", 0, "expected a time"},
        {units_parse_share, "0.05", 0.05, NULL},
        {units_parse_share, "7%", 0.07, NULL}, /* 7/100, to the bit, not 7 · 0.01 */
        {units_parse_share, "-1%", -0.01, NULL},
        {units_parse_share, "%", 0, "expected a number, got '%'"},
        {units_parse_share, "x%", 0, "expected a number, got 'x'"},
        {units_parse_share, "5%%", 0, "expected a number, got '5%'"},
    };
    double x;
    Err e = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int rc = cases[i].parse(cases[i].text, "x", &x, &e);
        if (cases[i].why && (rc == 0 || !strstr(e.msg, cases[i].why)))
            fail_msg("'%s': %s", cases[i].text, rc == 0 ? "accepted" : e.msg);
        if (!cases[i].why && (rc != 0 || x != cases[i].want))
            fail_msg("'%s': got %g, %s", cases[i].text, x, rc != 0 ? e.msg : "");
    }
    uint64_t n;
    assert_int_equal(units_parse_count("10M", "n", &n, &e), 0);
    assert_true(n == 10000000);
    assert_int_equal(units_parse_time("0", "t", &x, &e), 0);
    static const char *const bad[] = {"",      "x",      "10parsec", "nan", "inf",
                                      "1e400", "-1Gbps", "0x10",     "1 0"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(units_parse_rate(bad[i], "--rate", &x, &e), -1);
        assert_non_null(strstr(e.msg, "--rate: expected a rate like 10Gbps"));
    }
    assert_int_equal(units_parse_count("1.5", "n", &n, &e), -1);
    assert_string_equal(units_count(1234567).s, "1,234,567");
    assert_string_equal(units_per_s(0.25).s, "0.25/s");
    assert_string_equal(units_per_s(999.4).s, "999/s");
    assert_string_equal(units_per_s(999.6).s, "1 k/s");
    assert_string_equal(units_per_s(17432).s, "17.4 k/s");
    assert_string_equal(units_per_s(3e6).s, "3 M/s");
    assert_string_equal(units_rate(40e9).s, "40 Gbit/s");
}

static void test_json_reads_name_the_place(void **state) {
    (void)state;
    const char *text = "{\"pods\": [{\"racks\": 3}, {\"racks\": \"x\", \"n\": -1.5}], \"on\": 1}";
    Err e = {0};
    JsonDoc *d = json_parse(text, strlen(text), "t.json", &e);
    assert_non_null(d);
    Json root = json_root(d), pods, pod, v;
    bool on = false;
    double x;
    uint64_t u;
    assert_int_equal(json_need(&root, "pods", &pods, &e), 0);
    assert_int_equal(json_len(&pods), 2);
    assert_true(json_first(&pods, &pod) && json_next(&pod));
    assert_int_equal(json_need(&pod, "racks", &v, &e), 0);
    assert_int_equal(json_number(&v, &x, &e), -1);
    assert_string_equal(e.msg, "t.json: .pods[1].racks: expected a number, got a string");
    assert_int_equal(json_need(&pod, "n", &v, &e), 0);
    assert_int_equal(json_uint(&v, 10, &u, &e), -1);
    assert_string_equal(e.msg,
                        "t.json: .pods[1].n: expected a whole number from 0 to 10, got -1.5");
    assert_int_equal(json_need(&pod, "tor", &v, &e), -1);
    assert_string_equal(e.msg, "t.json: .pods[1]: missing key \"tor\"");
    assert_true(json_find(&root, "on", &v));
    assert_int_equal(json_bool(&v, &on, &e), 0);
    assert_true(on);
    static const char *const known[] = {"pods", "off", NULL};
    assert_int_equal(json_only_keys(&root, known, &e), -1);
    assert_string_equal(e.msg, "t.json: unknown key \"on\"");
    assert_int_equal(json_only_keys(&pods, known, &e), -1); /* elements of arrays have no keys */
    assert_string_equal(e.msg, "t.json: .pods: expected an object, got an array");
    json_close(d);
}

static void test_json_cut_anywhere_is_refused(void **state) {
    (void)state;
    const char *text = "{\"a\": [1, 2, {\"b\": \"c\"}], \"d\": null}";
    for (size_t n = 0; n < strlen(text); n++) {
        Err e = {0};
        assert_null(json_parse(text, n, "cut.json", &e));
        assert_int_equal(strncmp(e.msg, "cut.json: ", 10), 0);
        assert_int_equal(e.kind, ERR_INPUT);
    }
    Err e = {0};
    assert_null(json_parse("{} x", 4, "t", &e)); /* something behind the end */
    assert_null(json_parse("{}\0", 3, "t", &e));
}

static void test_json_needs_a_member_of_its_type(void **state) {
    (void)state;
    const char *text = "{\"net\": {\"s\": \"x\", \"n\": 2.5, \"u\": 7, \"b\": true, \"a\": [1]}}";
    Err e = {0};
    JsonDoc *d = json_parse(text, strlen(text), "t.json", &e);
    assert_non_null(d);
    Json root = json_root(d), net, a;
    const char *s = NULL;
    double x = 0;
    uint64_t u = 0;
    uint32_t u32 = 0;
    bool b = false;
    assert_int_equal(json_need(&root, "net", &net, &e), 0);
    assert_int_equal(json_need_string(&net, "s", &s, &e), 0);
    assert_string_equal(s, "x");
    assert_int_equal(json_need_number(&net, "n", &x, &e), 0);
    assert_true(x == 2.5);
    assert_int_equal(json_need_uint(&net, "u", 7, &u, &e), 0);
    assert_int_equal(u, 7);
    assert_int_equal(json_need_u32(&net, "u", 7, &u32, &e), 0);
    assert_int_equal(u32, 7);
    assert_int_equal(json_need_bool(&net, "b", &b, &e), 0);
    assert_true(b);
    assert_int_equal(json_need_array(&net, "a", &a, &e), 0);
    assert_int_equal(json_len(&a), 1);
    assert_int_equal(json_need_u32(&net, "u", 6, &u32, &e), -1);
    assert_string_equal(e.msg, "t.json: .net.u: expected a whole number from 0 to 6, got 7");
    assert_int_equal(json_need_array(&net, "s", &a, &e), -1);
    assert_string_equal(e.msg, "t.json: .net.s: expected an array, got a string");
    assert_int_equal(json_need_string(&net, "z", &s, &e), -1);
    assert_string_equal(e.msg, "t.json: .net: missing key \"z\"");
    assert_int_equal(json_fail_member(&net, "s", &e, "expected %d", 3), -1);
    assert_string_equal(e.msg, "t.json: .net.s: expected 3");
    json_close(d);
}

static void test_json_puts_members(void **state) {
    (void)state;
    char *text = NULL;
    size_t len = 0;
    JsonOut o;
    json_out_init(&o, mem_stream_open(&text, &len));
    json_out_object(&o);
    json_put_string(&o, "s", "x");
    json_put_string(&o, "none", NULL);
    json_put_number(&o, "n", 0.1);
    json_put_number(&o, "nan", NAN);
    json_put_int(&o, "i", INT64_MIN);
    json_put_count(&o, "u", UINT64_MAX);
    json_put_bool(&o, "b", true);
    json_put_null(&o, "z");
    json_put_seconds(&o, "t", 1.23456789);
    json_put_object(&o, "o");
    json_out_end(&o, '}');
    json_put_array(&o, "a");
    json_out_count(&o, 1);
    json_out_end(&o, ']');
    json_put_array_compact(&o, "c");
    json_out_int(&o, 1), json_out_int(&o, 2);
    json_out_end(&o, ']');
    json_out_end(&o, '}');
    json_out_finish(&o);
    mem_stream_close(o.f);
    assert_string_equal(text,
                        "{\n  \"s\": \"x\",\n  \"none\": null,\n  \"n\": 0.1,\n  \"nan\": null,\n"
                        "  \"i\": -9223372036854775808,\n  \"u\": 18446744073709551615,\n"
                        "  \"b\": true,\n  \"z\": null,\n  \"t\": 1.234568,\n  \"o\": {},\n"
                        "  \"a\": [\n    1\n  ],\n  \"c\": [1, 2]\n}\n");
    free(text);
}

static void test_json_writer_round_trips(void **state) {
    (void)state;
    char *buf = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&buf, &len);
    static const double xs[] = {0.1, 1.0 / 3, 1e300, -2.5e-17, 12345678901.0, 1.00050048828125};
    JsonOut o;
    json_out_init(&o, f);
    json_out_object(&o);
    json_out_key(&o, "x");
    json_out_array_compact(&o);
    for (int i = 0; i < 6; i++) json_out_number(&o, xs[i]);
    json_out_end(&o, ']');
    json_out_key(&o, "quote\"\n");
    json_out_string(&o, "back\\slash");
    json_out_key(&o, "nan");
    json_out_number(&o, NAN);
    json_out_key(&o, "none");
    json_out_object(&o);
    json_out_end(&o, '}');
    json_out_end(&o, '}');
    json_out_finish(&o);
    fclose(f);
    Err e = {0};
    JsonDoc *d = json_parse(buf, len, "w", &e);
    assert_non_null(d);
    Json root = json_root(d), arr, it, v;
    assert_true(json_find(&root, "x", &arr) && json_len(&arr) == 6);
    int i = 0;
    for (bool ok = json_first(&arr, &it); ok; ok = json_next(&it)) {
        double x;
        assert_int_equal(json_number(&it, &x, &e), 0);
        assert_true(x == xs[i++]);
    }
    const char *s;
    assert_true(json_find(&root, "quote\"\n", &v));
    assert_int_equal(json_string(&v, &s, &e), 0);
    assert_string_equal(s, "back\\slash");
    assert_true(json_find(&root, "nan", &v) && json_is_null(&v));
    json_close(d);
    free(buf);
}

static void test_nearest_name(void **state) {
    (void)state;
    static const char *const names[] = {"threads", "topo", "mix", NULL};
    assert_string_equal(words_nearest("thraeds", names), "threads");
    assert_string_equal(words_nearest("tpo", names), "topo");
    assert_null(words_nearest("zzz", names));
}

static void test_file_out_is_all_or_nothing(void **state) {
    (void)state;
    char path[] = "/tmp/m3-test-XXXXXX", text[16] = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, "old", 3) == 3);
    close(fd);
    FileOut o;
    Err e = {0};
    assert_int_equal(file_out_open(&o, path, &e), 0);
    fputs("new", o.f);
    fflush(o.f);
    FileView v;
    assert_int_equal(file_view(&v, path, &e), 0);
    memcpy(text, v.data, v.len);
    assert_string_equal(text, "old"); /* until the commit */
    file_view_close(&v);
    assert_int_equal(file_out_commit(&o, &e), 0);
    assert_int_equal(file_view(&v, path, &e), 0);
    memcpy(text, v.data, v.len);
    assert_string_equal(text, "new");
    file_view_close(&v);
    unlink(path);
    assert_int_equal(file_out_open(&o, "/nonexistent/dir/x", &e), -1);
    assert_int_equal(e.kind, ERR_IO);
    if (file_exists("/dev/full")) {
        assert_int_equal(file_out_open(&o, "/dev/full", &e), 0);
        fputs("x", o.f);
        assert_int_equal(file_out_commit(&o, &e), -1);
        assert_int_equal(e.kind, ERR_IO);
    }
    assert_int_equal(file_view(&v, "/nonexistent", &e), -1);
    assert_int_equal(e.kind, ERR_INPUT);
    assert_int_equal(file_view(&v, "/tmp", &e), -1);
}

static void touch(const char *path) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
}

static void test_shipped_files_are_found(void **state) {
    (void)state;
    char dir[] = "/tmp/m3-test-XXXXXX", before[4096];
    assert_non_null(mkdtemp(dir));
    assert_non_null(getcwd(before, sizeof before));
    char *name = mem_printf("m3-shipped-%ld", (long)getpid()), *program = file_program_dir(),
         *above = mem_printf("%s/../%s", program, name);
    assert_null(file_find_shipped(name));
    touch(above);
    assert_int_equal(chdir(dir), 0);
    char *found = file_find_shipped(name);
    if (program[0] == '/') assert_string_equal(found, above); /* beside the program's folder */
    free(found);
    touch(name);
    found = file_find_shipped(name);
    assert_string_equal(found, name); /* the working directory goes first */
    unlink(name);
    assert_int_equal(chdir(before), 0);
    unlink(above);
    rmdir(dir);
    free(found);
    free(name);
    free(program);
    free(above);
}

/* In a child process, since its standard input is replaced. */
static int view_piped_stdin(void) {
    static const char text[] = "all of it";
    int ends[2];
    Err e = {0};
    FileView v;
    if (pipe(ends) != 0 || write(ends[1], text, strlen(text)) != (ssize_t)strlen(text)) return 1;
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    for (int again = 0; again < 2; again++) {
        if (file_view(&v, "-", &e) != 0) return 2;
        bool same = v.len == strlen(text) && memcmp(v.data, text, v.len) == 0;
        file_view_close(&v);
        if (!same) return 3;
    }
    close(STDIN_FILENO);
    return file_view(&v, "-", &e) == -1 && e.kind == ERR_INPUT ? 0 : 4;
}

static void test_stdin_is_kept_for_another_view(void **state) {
    (void)state;
    pid_t pid = fork();
    if (pid == 0) _exit(view_piped_stdin());
    int status = -1;
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_stdin_is_one_input(void **state) {
    (void)state;
    static const char *const what[] = {"--mix", "--topo", "--flows"};
    Err e = {0};
    assert_int_equal(file_check_stdin(3, (const char *[]){"-", NULL, "f"}, what, &e), 0);
    assert_int_equal(file_check_stdin(3, (const char *[]){"-", NULL, "-"}, what, &e), -1);
    assert_int_equal(e.kind, ERR_INPUT);
    assert_non_null(strstr(e.msg, "--flows"));
    assert_non_null(strstr(e.msg, "--mix"));
}

static void test_sha256_known_answers(void **state) {
    (void)state;
    char hex[65];
    file_sha256("", 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    file_sha256("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const char *two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    file_sha256(two, strlen(two), hex);
    assert_string_equal(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void test_checksum_sees_every_bit(void **state) {
    (void)state;
    unsigned char a[100];
    for (int i = 0; i < 100; i++) a[i] = (unsigned char)(i * 7);
    uint64_t h = file_checksum(a, 100);
    for (int bit = 0; bit < 800; bit++) {
        a[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_true(file_checksum(a, 100) != h);
        a[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    for (size_t n = 0; n < 100; n++) assert_true(file_checksum(a, n) != h);
    unsigned char zero[64] = {0};
    assert_true(file_checksum(zero, 32) != file_checksum(zero, 64));
}

typedef struct {
    int hits[1000];
    int worst_worker[1000];
} Hits;

static void hit(void *ctx, size_t item, int worker) {
    Hits *h = ctx;
    h->hits[item]++;
    h->worst_worker[item] = worker;
}

static void test_par_for_visits_each_once(void **state) {
    (void)state;
    for (int threads = 1; threads <= 8; threads *= 2) {
        Hits h = {0};
        par_for(1000, threads, hit, &h);
        for (int i = 0; i < 1000; i++) {
            assert_int_equal(h.hits[i], 1);
            assert_in_range(h.worst_worker[i], 0, threads - 1);
        }
    }
    par_for(0, 4, hit, NULL);
}

/* Items from FIRST_BAD on fail, FIRST_BAD last of all those begun, and worker 0 fails with a higher
 * item: neither the first failure in time nor that of the first worker is the lowest. */
enum { TRY_ITEMS = 64, FIRST_BAD = 10 };
typedef struct {
    int threads;
    atomic_int runs[TRY_ITEMS];
    atomic_bool bad_begun, first_worker_failed;
} Tries;

/* 1 s at most: a loop that never gets there fails the test rather than hang it. */
static void await(const atomic_bool *flag) {
    for (int ms = 0; ms < 1000 && !atomic_load(flag); ms++) usleep(1000);
}

static int try_item(void *ctx, size_t item, int worker, Err *err) {
    Tries *t = ctx;
    atomic_fetch_add(&t->runs[item], 1);
    bool parallel = t->threads > 1;
    if (item < FIRST_BAD) {
        if (parallel && worker == 0) await(&t->bad_begun);
        return 0;
    }
    if (item == FIRST_BAD) atomic_store(&t->bad_begun, true);
    if (parallel && worker != 0) await(&t->first_worker_failed);
    if (parallel && item == FIRST_BAD) usleep(20000); /* until the other failures are known */
    if (worker == 0) atomic_store(&t->first_worker_failed, true);
    return err_input(err, "item %zu is bad", item);
}

static void test_par_try_reports_the_lowest_failure(void **state) {
    (void)state;
    static const int threads[] = {1, 2, 8};
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        Tries t = {.threads = threads[i]};
        Err e = {0};
        assert_int_equal(par_try(TRY_ITEMS, t.threads, try_item, &t, &e), -1);
        assert_int_equal(e.kind, ERR_INPUT);
        assert_string_equal(e.msg, "item 10 is bad");
        int beyond = 0;
        for (int k = 0; k < TRY_ITEMS; k++) {
            if (k <= FIRST_BAD) assert_int_equal(t.runs[k], 1);
            else beyond += t.runs[k];
        }
        assert_true(t.threads > 1 ? t.first_worker_failed : beyond == 0);
        assert_true(beyond < t.threads); /* nothing is begun after a failure */
    }
    Tries none = {.threads = 1};
    assert_int_equal(par_try(FIRST_BAD, 1, try_item, &none, NULL), 0);
    assert_int_equal(par_try(0, 8, try_item, NULL, NULL), 0);
}

static int stop_at_three(void *ctx, size_t item, int worker, Err *err) {
    (void)worker;
    const bool *also_bad = ctx;
    if (item == 3) return err_stopped(err);
    return item == 2 && *also_bad ? err_io(err, "disk full") : 0;
}

static int count_run(void *ctx, size_t item, int worker, Err *err) {
    (void)item, (void)worker, (void)err;
    atomic_fetch_add((atomic_int *)ctx, 1);
    return 0;
}

static int stop_at_half(void *ctx, size_t item, int worker, Err *err) {
    (void)worker, (void)err;
    DiagStop *stop = ctx;
    if (item == 50) diag_stop_request(stop);
    return 0;
}

/* Long enough that other workers than the first get items, too. */
static int is_under(void *ctx, size_t item, int worker, Err *err) {
    (void)item, (void)worker;
    usleep(1000);
    return diag_stop_current() == ctx ? 0 : err_input(err, "under another request");
}

/* A request to stop holds for the loops of the thread that is under it, and for no others. */
static void test_stop_of_one_call(void **state) {
    (void)state;
    int flag = 0;
    DiagStop one = {.also = &flag}, other = {0};
    Err e = {0};
    atomic_int n = 0;
    assert_null(diag_stop_under(&one));
    assert_int_equal(par_try(100, 4, is_under, &one, &e), 0);
    assert_int_equal(par_try(100, 4, count_run, &n, &e), 0);
    assert_int_equal(par_try(100, 4, stop_at_half, &one, &e), -1);
    assert_int_equal(e.kind, ERR_STOPPED);
    assert_ptr_equal(diag_stop_under(&other), &one);
    assert_int_equal(par_try(100, 4, count_run, &n, &e), 0);
    assert_int_equal(n, 200);
    one = (DiagStop){.also = &flag};
    diag_stop_under(&one);
    assert_false(diag_stop_requested());
    flag = 1;
    assert_true(diag_stop_requested());
    assert_int_equal(par_try(100, 4, count_run, &n, &e), -1);
    assert_int_equal(n, 200);
    assert_ptr_equal(diag_stop_under(NULL), &one);
    assert_false(diag_stop_requested());
}

static void test_par_try_is_interrupted(void **state) {
    (void)state;
    Err e = {0};
    bool also_bad = false;
    assert_int_equal(par_try(8, 1, stop_at_three, &also_bad, &e), -1);
    assert_int_equal(e.kind, ERR_STOPPED);
    also_bad = true;
    assert_int_equal(par_try(8, 2, stop_at_three, &also_bad, &e), -1);
    assert_string_equal(e.msg, "disk full"); /* says more than "interrupted" */
    pid_t pid = fork();                      /* a request to stop cannot be taken back */
    if (pid == 0) {
        atomic_int n = 0;
        diag_catch_signals();
        raise(SIGTERM);
        bool ok = par_try(100, 1, count_run, &n, &e) == -1 && e.kind == ERR_STOPPED && n == 0;
        _exit(ok ? 0 : 1);
    }
    int status = -1;
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err_kinds),
        cmocka_unit_test(test_arena_alignment_and_reuse),
        cmocka_unit_test(test_streams_are_independent_and_repeatable),
        cmocka_unit_test(test_rng_moments),
        cmocka_unit_test(test_below_is_unbiased),
        cmocka_unit_test(test_alias_matches_weights),
        cmocka_unit_test(test_percentile_definition),
        cmocka_unit_test(test_float_sort),
        cmocka_unit_test(test_group),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_json_reads_name_the_place),
        cmocka_unit_test(test_json_cut_anywhere_is_refused),
        cmocka_unit_test(test_json_needs_a_member_of_its_type),
        cmocka_unit_test(test_json_puts_members),
        cmocka_unit_test(test_json_writer_round_trips),
        cmocka_unit_test(test_nearest_name),
        cmocka_unit_test(test_file_out_is_all_or_nothing),
        cmocka_unit_test(test_shipped_files_are_found),
        cmocka_unit_test(test_stdin_is_kept_for_another_view),
        cmocka_unit_test(test_stdin_is_one_input),
        cmocka_unit_test(test_sha256_known_answers),
        cmocka_unit_test(test_checksum_sees_every_bit),
        cmocka_unit_test(test_par_for_visits_each_once),
        cmocka_unit_test(test_par_try_reports_the_lowest_failure),
        cmocka_unit_test(test_par_try_is_interrupted),
        cmocka_unit_test(test_stop_of_one_call),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
