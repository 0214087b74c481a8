/* Features on disk: what is read back is what was written, and damage is refused. */
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
#include "base/mem.h"
#include "features/features_file.h"
#include "features/features_share.h"
#include "model/featarrays.h"

#define NET "tests/cli/net/"

static const ScenarioOptions drawn = {.topo_path = NET "clos.json",
                                      .mix_path = NET "mix.json",
                                      .mix_id = -1,
                                      .n_flows = 2000,
                                      .seed = 5,
                                      .threads = 2};

static void scratch_file(char path[32]) {
    strcpy(path, "/tmp/m3-test-XXXXXX");
    close(mkstemp(path));
}

static void make(Features *f, FeaturesSource *src, FeaturesKind kind, uint64_t n_paths) {
    FeaturesOptions o = {.kind = kind, .n_paths = n_paths, .seed = 5, .threads = 2};
    Scenario s;
    Err err = {0};
    if (scenario_load(&s, &drawn, NULL, &err) != 0 || features_draw(f, &s, &o, NULL, &err) != 0 ||
        features_simulate(f, 0, f->n_unique, &err) != 0 ||
        features_source_init(src, &s, &drawn, "m3 test", &err) != 0)
        fail_msg("%s", err.msg);
    features_finish(f);
    scenario_free(&s);
}

static void write_to(const char *path, const Features *f, const FeaturesSource *src) {
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    features_write(out, f, src);
    assert_int_equal(fclose(out), 0);
}

/* Features written, read back and written again give the same file. (That they give the same
 * estimate is in test_estimate.c.) */
static void check_round_trip(FeaturesKind kind, uint64_t n_paths) {
    Features f, back;
    FeaturesSource src, src_back;
    Err err = {0};
    char path[32], again[32], sha[65], sha_again[65];
    make(&f, &src, kind, n_paths);
    scratch_file(path);
    scratch_file(again);
    write_to(path, &f, &src);
    if (features_read(&back, &src_back, path, &err) != 0) fail_msg("%s", err.msg);
    assert_int_equal(back.kind, f.kind);
    assert_int_equal(back.seed, 5);
    assert_int_equal(back.n_unique, f.n_unique);
    assert_string_equal(src_back.topo, NET "clos.json");
    assert_true(netconf_same(&back.conf, &f.conf));
    write_to(again, &back, &src_back);
    assert_int_equal(file_digest(path, sha, &err), 0);
    assert_int_equal(file_digest(again, sha_again, &err), 0);
    assert_string_equal(sha, sha_again);
    unlink(path);
    unlink(again);
    features_free(&f);
    features_free(&back);
    features_source_free(&src);
    features_source_free(&src_back);
}

static void round_trips(void **state) {
    (void)state;
    static const FeaturesKind kinds[] = {FEATURES_FLOWS, FEATURES_PERCENTILES, FEATURES_FLUID};
    for (int k = 0; k < 3; k++) {
        check_round_trip(kinds[k], 20);
        check_round_trip(kinds[k], 0); /* all paths */
    }
}

/* ---- other ranks ---- */

/* What another rank makes of a path's bytes is written as the same file. */
static void check_share(FeaturesKind kind) {
    Features f, heard;
    FeaturesSource src;
    RanksOut out = {0};
    Err err = {0};
    char path[32], again[32], sha[65], sha_again[65];
    make(&f, &src, kind, 20);
    for (size_t i = 0; i < f.n_unique; i++) features_share_put(&f.paths[i], &out);
    RanksIn in = {out.data, out.data + out.len};
    heard = f;
    heard.paths = MEM_ZNEW(PathFeatures, f.n_unique);
    for (size_t i = 0; i < f.n_unique; i++) features_share_get(&heard.paths[i], &in);
    assert_ptr_equal(in.at, in.end);
    scratch_file(path);
    scratch_file(again);
    write_to(path, &f, &src);
    write_to(again, &heard, &src);
    assert_int_equal(file_digest(path, sha, &err), 0);
    assert_int_equal(file_digest(again, sha_again, &err), 0);
    assert_string_equal(sha, sha_again);
    for (size_t i = 0; i < f.n_unique; i++) {
        assert_int_equal(heard.paths[i].n_links, f.paths[i].n_links);
        assert_memory_equal(heard.paths[i].links, f.paths[i].links,
                            f.paths[i].n_links * sizeof *f.paths[i].links);
        assert_ptr_not_equal(heard.paths[i].links, f.paths[i].links);
    }
    unlink(path);
    unlink(again);
    free(out.data);
    heard.use = (NetUse){0};
    features_free(&heard);
    features_free(&f);
    features_source_free(&src);
}

static void shares(void **state) {
    (void)state;
    static const FeaturesKind kinds[] = {FEATURES_FLOWS, FEATURES_PERCENTILES, FEATURES_FLUID};
    for (int k = 0; k < 3; k++) check_share(kinds[k]);
}

/* ---- damage ---- */

typedef struct {
    char *data;
    size_t len;
} Image;

static Image load(const char *path) {
    FileView v;
    Err err = {0};
    assert_int_equal(file_view(&v, path, &err), 0);
    Image i = {MEM_NEW(char, v.len), v.len};
    memcpy(i.data, v.data, v.len);
    file_view_close(&v);
    return i;
}

static void store(const char *path, const Image *i) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(i->data, 1, i->len, f), i->len);
    assert_int_equal(fclose(f), 0);
}

static void refuse(const char *path, const char *why) {
    Features f;
    FeaturesSource src;
    Err err = {0};
    assert_int_equal(features_read(&f, &src, path, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    if (strncmp(err.msg, path, strlen(path)) != 0 || !strstr(err.msg, why))
        fail_msg("expected \"%s\", got \"%s\"", why, err.msg);
    assert_null(f.paths);
    assert_null(src.topo);
}

/* Damage that the checksum does not show. */
static void store_sealed(const char *path, const Image *i) {
    uint64_t len = i->len, sum;
    memcpy(i->data + 16, &len, sizeof len);
    sum = file_checksum(i->data, i->len - sizeof sum);
    memcpy(i->data + i->len - sizeof sum, &sum, sizeof sum);
    store(path, i);
}

static size_t payload_of(const Image *i) {
    uint32_t header_len;
    memcpy(&header_len, i->data + 12, sizeof header_len);
    return (24 + (size_t)header_len + 63) / 64 * 64;
}

static void write_features(const char *path, FeaturesKind kind) {
    Features f;
    FeaturesSource src;
    make(&f, &src, kind, 4);
    write_to(path, &f, &src);
    features_free(&f);
    features_source_free(&src);
}

/* A file of four paths for a flow model, whose name goes to `path`, and its bytes. */
static Image flow_features(char path[32]) {
    scratch_file(path);
    write_features(path, FEATURES_FLOWS);
    return load(path);
}

static void damaged_files(void **state) {
    (void)state;
    char path[32];
    Image whole = flow_features(path), i;
    for (size_t len = 0; len < whole.len; len += len < 40 ? 1 : 997) {
        i = (Image){whole.data, len};
        store(path, &i);
        refuse(path, len < 32 ? "not an m3 features file" : "length");
    }
    for (size_t at = 24; at + 8 < whole.len; at += 501) {
        whole.data[at] ^= 4;
        store(path, &whole);
        refuse(path, "checksum");
        whole.data[at] ^= 4;
    }
    whole.data[8] = 7;
    store_sealed(path, &whole);
    refuse(path, "expected 1, got 7");
    free(whole.data);
    unlink(path);
}

static void patch(const char *path, const Image *whole, size_t at, const void *with, size_t n,
                  const char *why) {
    Image i = {MEM_NEW(char, whole->len), whole->len};
    memcpy(i.data, whole->data, whole->len);
    memcpy(i.data + at, with, n);
    store_sealed(path, &i);
    refuse(path, why);
    free(i.data);
}

/* Files whose checksum is right and whose content is not. */
static void hostile_files(void **state) {
    (void)state;
    char path[32];
    Image whole = flow_features(path);
    static const uint32_t zero = 0, huge = 0xFFFFFFF0, one = 1;
    static const float nan = NAN;
    static const double nan_d = NAN;
    size_t at = payload_of(&whole);
    patch(path, &whole, at, &zero, 4, "path 0: expected at least one draw");
    patch(path, &whole, at, &huge, 4, "draws of paths");
    patch(path, &whole, at + 20, &zero, 4, "path 0: impossible number");
    patch(path, &whole, at + 20, &huge, 4, "path 0: impossible number");
    patch(path, &whole, at + 24, &huge, 4, "path 0: ");
    patch(path, &whole, at + 32, &nan_d, 8, "path 0: expected numbers that are finite");
    patch(path, &whole, at + 32 + sizeof(FlowFeatScale), &nan, 4,
          "path 0: expected numbers that are finite");
    patch(path, &whole, at + 4, &one, 4, "path 0: ");
    Image longer = {mem_calloc(whole.len + 64, 1), whole.len + 64};
    memcpy(longer.data, whole.data, whole.len);
    store_sealed(path, &longer);
    refuse(path, "too many behind its last path");
    static const char *const words[][3] = {
        {"\"schema\": \"m3.features/1\"", "\"schema\": \"m3.features/9\"", "schema: expected"},
        {"\"kind\": \"flows\"", "\"kind\": \"fruit\"", "kind: expected"},
        {"\"inputs\": \"", "\"inputs\": \"x", "other inputs"},
        {"\"n_drawn\": \"4\"", "\"n_drawn\": \"5\"", "expected 5 draws"},
        {"\"n_unique\": \"", "\"n_unique\": \"9", "n_unique"},
        {"\"cc\": \"dctcp\"", "\"cc\": \"dctcq\"", "network"},
        {"\"exhaustive\": f", "\"exhaustive\": g", ""}};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        char *text = memmem(whole.data, at, words[k][0], strlen(words[k][0]));
        assert_non_null(text);
        patch(path, &whole, (size_t)(text - whole.data), words[k][1], strlen(words[k][1]),
              words[k][2]);
    }
    free(longer.data);
    free(whole.data);
    unlink(path);
}

/* Hostile files of the other kinds. A path begins with 7 words: draws, 4 counts, 2 lengths, and 4
 * bytes of padding. */
static void hostile_files_of_other_kinds(void **state) {
    (void)state;
    enum { BODY = 32 };
    static const uint32_t huge = 0x20000000, one = 1;
    static const float zero = 0, half = 0.5f, nan = NAN;
    char path[32];
    scratch_file(path);
    write_features(path, FEATURES_PERCENTILES);
    Image whole = load(path);
    size_t at = payload_of(&whole);
    patch(path, &whole, at + 20, &one, 4, "path 0: impossible number of links");
    patch(path, &whole, at + 20, &huge, 4, "path 0: impossible number of links");
    patch(path, &whole, at + BODY, &nan, 4, "path 0: expected numbers that are finite");
    patch(path, &whole, at + BODY, &half, 4, "path 0: expected slowdowns of at least 1");
    patch(path, &whole, at + 4, &huge, 4, "path 0: flows do not match their buckets");
    free(whole.data);
    write_features(path, FEATURES_FLUID);
    whole = load(path);
    at = payload_of(&whole);
    patch(path, &whole, at + BODY, &zero, 4, "path 0: expected slowdowns above 0");
    patch(path, &whole, at + BODY, &nan, 4, "path 0: expected slowdowns above 0");
    patch(path, &whole, at + 4, &huge, 4, "path 0: its lengths exceed the file");
    free(whole.data);
    unlink(path);
}

/* ---- what goes with a file ---- */

static void sources_and_settings(void **state) {
    (void)state;
    Features f;
    FeaturesSource src;
    Err err = {0};
    NetConf conf;
    make(&f, &src, FEATURES_FLUID, 5);
    assert_int_equal(features_source_check(&src, &drawn, "f", &err), 0);
    assert_int_equal(features_source_check(&src, &(ScenarioOptions){.mix_id = -1}, "f", &err), 0);
    ScenarioOptions other = drawn;
    other.topo_path = NET "graph.json";
    assert_int_equal(features_source_check(&src, &other, "f", &err), -1);
    assert_non_null(
        strstr(err.msg, "f: made with another topology (" NET "clos.json), got " NET "graph.json"));
    other = drawn;
    other.mix_id = 4;
    assert_int_equal(features_source_check(&src, &other, "f", &err), -1);
    other = drawn;
    other.flows_path = NET "flows.csv";
    assert_int_equal(features_source_check(&src, &other, "f", &err), -1);
    assert_non_null(strstr(err.msg, "made without a flow file"));
    assert_int_equal(
        features_settings(&f, (const char *const[]){"cc=hp", "window=12KB", NULL}, &conf, &err), 0);
    assert_int_equal(conf.cc, CC_HPCC);
    assert_true(conf.line_window_b == 12e3 && conf.buffer_b == f.conf.buffer_b);
    assert_int_equal(
        features_settings(&f, (const char *const[]){"max_load=0.4", NULL}, &conf, &err), -1);
    assert_non_null(strstr(err.msg, "--set max_load=0.4: changes the traffic"));
    assert_int_equal(features_settings(&f, (const char *const[]){"windw=4KB", NULL}, &conf, &err),
                     -1);
    assert_non_null(strstr(err.msg, "did you mean 'window'"));
    features_free(&f);
    features_source_free(&src);
}

/* What a refused features file leaves: no paths. Under UndefinedBehaviorSanitizer, arithmetic on
 * the null pointer would end the test. */
static void no_features_are_freed(void **state) {
    (void)state;
    Features f = {0};
    features_drop(&f, 0, 0);
    features_free(&f);
    assert_null(f.paths);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips),
        cmocka_unit_test(shares),
        cmocka_unit_test(damaged_files),
        cmocka_unit_test(hostile_files),
        cmocka_unit_test(hostile_files_of_other_kinds),
        cmocka_unit_test(sources_and_settings),
        cmocka_unit_test(no_features_are_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
