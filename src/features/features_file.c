/* features_file: Features as a framed file (base/frame.h).
 *
 *   header   schema, what the features are, where they are from, the network's settings, counts
 *   payload  for each path: n_draws, bucket_n (4), n_links, n_flows (u32, each), then by kind
 *              flows         the FlowFeat's scale and arrays (mapblock.h)
 *              percentiles   the PathFeat's base, base_count, conf and arrays; n_links counts its
 * rows slowdowns     Σ bucket_n floats each item filled up to a multiple of 8 bytes
 *
 * Nothing read is believed: after the frame's checksum every length is held against what is left of
 * the file, and every number against what it can be. What a file's values mean is up to the program
 * that made it, so the header has a fingerprint of the names of all inputs of models: features of
 * another version are refused rather than misread. */
#include "features/features_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/featarrays.h"
#include "base/frame.h"
#include "base/json.h"
#include "base/mem.h"
#include "traffic/sizebucket.h"

#define SCHEMA "m3.features/1"
enum { ALIGNMENT = 8, MAX_LINKS = 65535, MAX_DRAWS = 100000000 };
static const FrameKind frame_kind = {
    {'m', '3', 'f', 'e', 'a', 't', '\r', '\n'}, 1, "an m3 features file"};
static const char *const kind_names[] = {"flows", "percentiles", "fluid", "packets",
                                         NULL}; /* in the order of FeaturesKind */

/* ---- what both directions know ---- */

static void add_names(FILE *f, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++) fprintf(f, "%s\n", names[i]);
}

/* Of the names of all inputs: changes whenever numbers in a file would mean something else. */
static void fingerprint(char hex[65]) {
    char *text = NULL;
    size_t len;
    FILE *f = mem_stream_open(&text, &len);
    char flowfeat[FLOWFEAT_FINGERPRINT];
    flowfeat_fingerprint(flowfeat);
    fprintf(f, "%s\n", flowfeat);
    add_names(f, pathfeat_conf_names, PATHFEAT_N_CONF);
    mem_stream_close(f);
    file_sha256(text, len, hex);
    free(text);
}

static size_t n_slowdowns(const PathFeatures *p) {
    size_t n = 0;
    for (int b = 0; b < SIZEBUCKET_N; b++) n += p->bucket_n[b];
    return n;
}

enum { PATH_WORDS = 1 + SIZEBUCKET_N + 2 };

/* ---- out ---- */

static void put(FILE *f, const void *data, size_t n) {
    static const char zeros[ALIGNMENT] = {0};
    if (n > 0) fwrite(data, 1, n, f);
    fwrite(zeros, 1, (ALIGNMENT - n % ALIGNMENT) % ALIGNMENT, f);
}

static void put_arrays(FILE *f, const FeatArray *arrays, size_t n) {
    for (size_t i = 0; i < n; i++) put(f, featarrays_pointer(&arrays[i]), arrays[i].bytes);
}

static void put_path(FILE *f, FeaturesKind kind, const PathFeatures *p) {
    FeatArray arrays[FEATARRAYS_MAX];
    PathFeatures copy = *p;
    uint32_t words[PATH_WORDS] = {p->n_draws};
    memcpy(words + 1, p->bucket_n, sizeof p->bucket_n);
    if (kind == FEATURES_FLOWS)
        words[PATH_WORDS - 2] = p->flows.n_links, words[PATH_WORDS - 1] = p->flows.n_flows;
    if (kind == FEATURES_PERCENTILES) words[PATH_WORDS - 2] = p->percentiles->n_rows;
    put(f, words, sizeof words);
    if (kind == FEATURES_FLOWS) {
        put(f, &p->flows.scale, sizeof p->flows.scale);
        put_arrays(f, arrays, featarrays_flow_arrays(&copy.flows, arrays));
    } else if (kind == FEATURES_PERCENTILES) {
        put(f, p->percentiles->base, sizeof p->percentiles->base);
        put(f, p->percentiles->base_count, sizeof p->percentiles->base_count);
        put(f, p->percentiles->conf, sizeof p->percentiles->conf);
        put_arrays(f, arrays, featarrays_feature_arrays(copy.percentiles, arrays));
    } else {
        put(f, p->slowdown, n_slowdowns(p) * sizeof *p->slowdown);
    }
}

static void put_file(JsonOut *o, const char *key, const char *path, const char *sha256) {
    if (!path) {
        json_put_null(o, key);
        return;
    }
    json_put_object(o, key);
    json_put_string(o, "file", path);
    json_put_string(o, "sha256", sha256);
    json_out_end(o, '}');
}

static void put_int(JsonOut *o, const char *key, uint64_t x) {
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)x);
    json_put_string(o, key, text); /* a JSON number holds 53 bits */
}

static void put_header(JsonOut *o, const Features *f, const FeaturesSource *src) {
    char hex[65];
    fingerprint(hex);
    json_out_object(o);
    json_put_string(o, "schema", SCHEMA);
    json_put_string(o, "version", M3_VERSION);
    json_put_string(o, "kind", kind_names[f->kind]);
    json_put_string(o, "inputs", hex);
    put_file(o, "topo", src->topo, src->topo_sha256);
    put_file(o, "mix", src->mix, src->mix_sha256);
    json_put_int(o, "mix_id", src->mix_id);
    put_file(o, "flows", src->flows, src->flows_sha256);
    json_put_string(o, "command", src->command);
    netconf_put_texts(o, &f->conf);
    put_int(o, "seed", f->seed);
    put_int(o, "n_flows", f->n_flows);
    put_int(o, "n_drawn", f->n_drawn);
    put_int(o, "n_unique", f->n_unique);
    json_put_bool(o, "exhaustive", f->exhaustive);
    put_int(o, "n_events", f->n_events);
    put_int(o, "n_unfinished", f->n_unfinished);
    put_int(o, "n_path_flows", f->n_path_flows);
    put_int(o, "n_simulated", f->n_simulated);
    json_out_end(o, '}');
    json_out_finish(o);
}

void features_write(FILE *out, const Features *f, const FeaturesSource *src) {
    char *header = NULL, *payload = NULL;
    size_t header_len, payload_len;
    JsonOut o;
    FILE *h = mem_stream_open(&header, &header_len);
    json_out_init(&o, h);
    put_header(&o, f, src);
    mem_stream_close(h);
    FILE *p = mem_stream_open(&payload, &payload_len);
    for (size_t i = 0; i < f->n_unique; i++) put_path(p, f->kind, &f->paths[i]);
    mem_stream_close(p);
    frame_write(out, &frame_kind, header, header_len, payload, payload_len);
    free(header);
    free(payload);
}

/* ---- header, in ---- */

/* A whole number as put_int writes it. */
static int need_int(const Json *j, const char *key, uint64_t max, uint64_t *x, Err *err) {
    const char *text;
    char *end;
    if (json_need_string(j, key, &text, err) != 0) return -1;
    if (*text < '0' || *text > '9')
        return json_fail_member(j, key, err, "expected a whole number, got \"%.40s\"", text);
    *x = strtoull(text, &end, 10);
    return *end == '\0' && *x <= max
               ? 0
               : json_fail_member(j, key, err, "expected a whole number up to %llu, got \"%.40s\"",
                                  (unsigned long long)max, text);
}

static int read_file(const Json *j, const char *key, char **name, char **sha256, Err *err) {
    Json it;
    const char *path, *hex;
    if (json_need(j, key, &it, err) != 0) return -1;
    if (json_is_null(&it)) return 0;
    if (json_need_string(&it, "file", &path, err) != 0 ||
        json_need_string(&it, "sha256", &hex, err) != 0)
        return -1;
    *name = mem_strdup(path);
    *sha256 = mem_strdup(hex);
    return 0;
}

static int read_source(const Json *j, FeaturesSource *src, Err *err) {
    const char *command;
    uint64_t id = 0;
    if (read_file(j, "topo", &src->topo, &src->topo_sha256, err) != 0 ||
        read_file(j, "mix", &src->mix, &src->mix_sha256, err) != 0 ||
        read_file(j, "flows", &src->flows, &src->flows_sha256, err) != 0 ||
        json_need_string(j, "command", &command, err) != 0)
        return -1;
    if (json_need_uint(j, "mix_id", INT64_MAX, &id, err) != 0) return -1;
    src->mix_id = (int64_t)id;
    src->command = mem_strdup(command);
    return 0;
}

static int read_settings(const Json *j, NetConf *conf, Err *err) {
    Json net;
    if (json_need(j, "network", &net, err) != 0 || json_expect_object(&net, err) != 0) return -1;
    return netconf_read_texts(conf, &net, err);
}

static int read_kind(const Json *j, FeaturesKind *kind, const char *path, Err *err) {
    const char *text, *inputs;
    char hex[65];
    int k = 0;
    if (json_need_string(j, "schema", &text, err) != 0) return -1;
    if (strcmp(text, SCHEMA) != 0)
        return err_input(err, "%s: schema: expected %s, got \"%.40s\"", path, SCHEMA, text);
    if (json_need_string(j, "kind", &text, err) != 0 ||
        json_need_string(j, "inputs", &inputs, err) != 0)
        return -1;
    while (kind_names[k] && strcmp(kind_names[k], text) != 0) k++;
    if (!kind_names[k])
        return err_input(err,
                         "%s: kind: expected flows, percentiles, fluid or packets, got \"%.40s\"",
                         path, text);
    *kind = (FeaturesKind)k;
    fingerprint(hex);
    return strcmp(hex, inputs) == 0
               ? 0
               : err_input(
                     err,
                     "%s: made by a version of m3 whose models have other inputs; make it again",
                     path);
}

static int read_counts(const Json *j, Features *f, Err *err) {
    uint64_t drawn = 0, unique = 0;
    if (need_int(j, "seed", UINT64_MAX, &f->seed, err) != 0 ||
        need_int(j, "n_flows", UINT32_MAX, &f->n_flows, err) != 0)
        return -1;
    if (json_need_bool(j, "exhaustive", &f->exhaustive, err) != 0) return -1;
    if (need_int(j, "n_drawn", f->exhaustive ? UINT32_MAX : MAX_DRAWS, &drawn, err) != 0) return -1;
    if (need_int(j, "n_unique", drawn, &unique, err) != 0) return -1;
    if (need_int(j, "n_events", UINT64_MAX, &f->n_events, err) != 0 ||
        need_int(j, "n_unfinished", UINT64_MAX, &f->n_unfinished, err) != 0)
        return -1;
    if (need_int(j, "n_path_flows", UINT64_MAX, &f->n_path_flows, err) != 0) return -1;
    if (need_int(j, "n_simulated", f->n_path_flows, &f->n_simulated, err) != 0) return -1;
    f->n_drawn = (size_t)drawn;
    f->n_unique = (size_t)unique;
    return 0;
}

static int read_header(Features *f, FeaturesSource *src, const Frame *frame, const char *path,
                       Err *err) {
    JsonDoc *doc = json_parse(frame->header, frame->header_len, path, err);
    if (!doc) return -1;
    Json root = json_root(doc);
    int rc = read_kind(&root, &f->kind, path, err);
    if (rc == 0) rc = read_source(&root, src, err);
    if (rc == 0) rc = read_settings(&root, &f->conf, err);
    if (rc == 0) rc = read_counts(&root, f, err);
    json_close(doc);
    return rc;
}

/* ---- payload, in ---- */

typedef struct {
    const char *file, *at;
    size_t left, path;
    Err *err;
} Reader;

static int bad_path(const Reader *r, const char *why) {
    return err_input(r->err, "%s: path %zu: %s", r->file, r->path, why);
}

/* The next n bytes, or NULL if the file ends before. */
static const void *take(Reader *r, size_t n) {
    size_t whole = n + (ALIGNMENT - n % ALIGNMENT) % ALIGNMENT;
    if (whole < n || whole > r->left) {
        bad_path(r, "its lengths exceed the file");
        return NULL;
    }
    const void *p = r->at;
    r->at += whole;
    r->left -= whole;
    return p;
}

static int read_into(Reader *r, void *to, size_t n) {
    const void *p = take(r, n);
    if (!p) return -1;
    if (n > 0) memcpy(to, p, n);
    return 0;
}

static bool all_finite(const float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

static bool all_finite_d(const double *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

static bool all_at_least_1(const float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!(x[i] >= 1)) return false;
    return true;
}

static int read_arrays(Reader *r, const FeatArray *arrays, size_t n) {
    size_t total = 0;
    for (size_t i = 0; i < n; i++) total += arrays[i].bytes;
    if (total > r->left)
        return bad_path(r, "its lengths exceed the file"); /* before memory is asked for */
    featarrays_alloc(arrays, n);
    for (size_t i = 0; i < n; i++) {
        void *p = featarrays_pointer(&arrays[i]);
        if (read_into(r, p, arrays[i].bytes) != 0) return -1;
        bool fine = arrays[i].numbers == FEATARRAY_FLOATS
                        ? all_finite(p, arrays[i].bytes / sizeof(float))
                    : arrays[i].numbers == FEATARRAY_DOUBLES
                        ? all_finite_d(p, arrays[i].bytes / sizeof(double))
                        : true;
        if (!fine) return bad_path(r, "expected numbers that are finite");
    }
    return 0;
}

static int read_flows(Reader *r, PathFeatures *p, uint32_t n_links, uint32_t n_flows) {
    FeatArray arrays[FEATARRAYS_MAX];
    if (n_links < 1 || n_links > MAX_LINKS || n_flows > n_slowdowns(p))
        return bad_path(r, "impossible number of links or flows");
    p->flows = (FlowFeat){.n_links = n_links, .n_flows = n_flows};
    memcpy(p->flows.bucket_count, p->bucket_n, sizeof p->bucket_n);
    if (read_into(r, &p->flows.scale, sizeof p->flows.scale) != 0) return -1;
    if (!all_finite_d((const double *)(const void *)&p->flows.scale,
                      sizeof p->flows.scale / sizeof(double)))
        return bad_path(r, "expected numbers that are finite");
    if (read_arrays(r, arrays, featarrays_flow_arrays(&p->flows, arrays)) != 0) return -1;
    uint32_t seen[SIZEBUCKET_N] = {0};
    for (uint32_t i = 0; i < n_flows; i++) {
        if (p->flows.bucket[i] >= SIZEBUCKET_N) return bad_path(r, "a flow of no bucket");
        seen[p->flows.bucket[i]]++;
    }
    /* A bucket that has flows needs at least one described, and no more than there are. */
    for (int b = 0; b < SIZEBUCKET_N; b++)
        if (seen[b] > p->bucket_n[b] || (seen[b] == 0) != (p->bucket_n[b] == 0))
            return bad_path(r, "flows do not match their buckets");
    return all_at_least_1(p->flows.base, n_flows) ? 0
                                                  : bad_path(r, "expected slowdowns of at least 1");
}

static int read_percentiles(Reader *r, PathFeatures *p, uint32_t n_rows) {
    FeatArray arrays[FEATARRAYS_MAX];
    if (n_rows < 2 || n_rows > MAX_LINKS + 1) return bad_path(r, "impossible number of links");
    PathFeat *m = p->percentiles = MEM_ZNEW(PathFeat, 1);
    m->n_rows = n_rows;
    if (read_into(r, m->base, sizeof m->base) != 0 ||
        read_into(r, m->base_count, sizeof m->base_count) != 0 ||
        read_into(r, m->conf, sizeof m->conf) != 0 ||
        read_arrays(r, arrays, featarrays_feature_arrays(m, arrays)) != 0)
        return -1;
    if (!all_finite(m->base, PATHFEAT_N_BASE) || !all_finite(m->conf, PATHFEAT_N_CONF))
        return bad_path(r, "expected numbers that are finite");
    if (memcmp(m->base_count, p->bucket_n, sizeof p->bucket_n) != 0)
        return bad_path(r, "flows do not match their buckets");
    return all_at_least_1(m->base, PATHFEAT_N_BASE)
               ? 0
               : bad_path(r, "expected slowdowns of at least 1");
}

static int read_slowdowns(Reader *r, PathFeatures *p) {
    size_t n = n_slowdowns(p);
    if (n * sizeof(float) > r->left) return bad_path(r, "its lengths exceed the file");
    p->slowdown = MEM_NEW(float, n);
    if (read_into(r, p->slowdown, n * sizeof(float)) != 0) return -1;
    for (size_t i = 0; i < n; i++)
        if (!(isfinite(p->slowdown[i]) && p->slowdown[i] > 0))
            return bad_path(r, "expected slowdowns above 0");
    return 0;
}

static int read_path(Reader *r, FeaturesKind kind, PathFeatures *p) {
    uint32_t words[PATH_WORDS];
    if (read_into(r, words, sizeof words) != 0) return -1;
    p->n_draws = words[0];
    memcpy(p->bucket_n, words + 1, sizeof p->bucket_n);
    if (p->n_draws == 0) return bad_path(r, "expected at least one draw");
    if (kind == FEATURES_FLOWS)
        return read_flows(r, p, words[PATH_WORDS - 2], words[PATH_WORDS - 1]);
    if (kind == FEATURES_PERCENTILES) return read_percentiles(r, p, words[PATH_WORDS - 2]);
    return read_slowdowns(r, p);
}

static int read_payload(Features *f, const Frame *frame, const char *path, Err *err) {
    Reader r = {.file = path, .at = frame->payload, .left = frame->payload_len, .err = err};
    uint64_t draws = 0;
    if (f->n_unique > r.left / (PATH_WORDS * sizeof(uint32_t)))
        return err_input(err, "%s: %zu paths exceed the file", path, f->n_unique);
    f->paths = MEM_ZNEW(PathFeatures, f->n_unique);
    for (r.path = 0; r.path < f->n_unique; r.path++) {
        if (read_path(&r, f->kind, &f->paths[r.path]) != 0) return -1;
        draws += f->paths[r.path].n_draws;
    }
    if (r.left > 0)
        return err_input(err, "%s: %zu bytes too many behind its last path", path, r.left);
    if (draws != f->n_drawn)
        return err_input(err, "%s: expected %zu draws of paths, got %llu", path, f->n_drawn,
                         (unsigned long long)draws);
    return 0;
}

int features_read(Features *f, FeaturesSource *src, const char *path, Err *err) {
    Frame frame;
    *f = (Features){0};
    *src = (FeaturesSource){0};
    int rc = frame_open(&frame, path, &frame_kind, err);
    if (rc == 0) rc = read_header(f, src, &frame, path, err);
    if (rc == 0) rc = read_payload(f, &frame, path, err);
    frame_close(&frame);
    if (rc == 0) return 0;
    if (!f->paths) f->n_unique = 0;
    features_free(f);
    features_source_free(src);
    return -1;
}
