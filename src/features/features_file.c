/* features_file: Features as a framed file (base/frame.h).
 *
 *   header   JSON: schema, kind of features, the files they were made from, the network's settings,
 *            counts
 *   payload  for each path: n_draws, bucket_n[4], two lengths (u32 each); then by kind
 *              flows        lengths n_links, n_flows; the FlowFeat's scale and arrays
 *              percentiles  lengths n_rows, 0; the PathFeat's base, base_count, conf and arrays
 *              fluid, packets
 *                           lengths 0, 0; slowdown, Σ bucket_n floats
 *            each item padded to a multiple of 8 bytes; arrays as model/featarrays.h lists them
 *
 *          then, if the header has "windows": sizes (u64), slowdowns (float), windows (u32) and
 *          censored (u8) of the flows that were measured in packet windows, class_share (doubles)
 *
 * A file is untrusted input, also where its checksum is right: every length is checked against what
 * is left of the file before memory is asked for, and every number against what it can be. What
 * the numbers mean depends on the program that wrote them, so the header has a fingerprint of the
 * names of all inputs of models, and features of another version are refused rather than misread.
 */
#include "features/features_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/frame.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/featarrays.h"
#include "path/pathset.h"
#include "traffic/sizebucket.h"

#define SCHEMA "m3.features/1"
enum {
    PADDING = 8,      /* items begin at multiples of it */
    MAX_LINKS = 65535 /* of a path: LotFlow counts them in 16 bits */
};
static const FrameKind frame_kind = {
    {'m', '3', 'f', 'e', 'a', 't', '\r', '\n'}, 1, "an m3 features file"};
static const char *const kind_names[] = {[FEATURES_FLOWS] = "flows",
                                         [FEATURES_PERCENTILES] = "percentiles",
                                         [FEATURES_FLUID] = "fluid",
                                         [FEATURES_PACKETS] = "packets",
                                         NULL};

/* ---- what writing and reading share ---- */

/* The SHA-256 of the names of all models' inputs, in hex: it changes whenever numbers in a file
 * would mean something else. */
static void fingerprint(char hex[65]) {
    char *text = NULL;
    size_t len;
    FILE *f = mem_stream_open(&text, &len);
    char flowfeat[FLOWFEAT_FINGERPRINT];
    flowfeat_fingerprint(flowfeat);
    fprintf(f, "%s\n", flowfeat);
    for (size_t i = 0; i < PATHFEAT_N_CONF; i++) fprintf(f, "%s\n", pathfeat_conf_names[i]);
    mem_stream_close(f);
    file_sha256(text, len, hex);
    free(text);
}

/* What every path begins with. */
typedef struct {
    uint32_t n_draws, bucket_n[SIZEBUCKET_N];
    uint32_t lengths[2];
} PathHeader;

/* What is kept of a flow measured in a window. */
typedef struct {
    uint64_t *size_b;
    float *slowdown;
    uint32_t *window;
    uint8_t *censored;
} WindowColumns;
enum { WINDOW_FLOW_B = sizeof(uint64_t) + sizeof(float) + sizeof(uint32_t) + sizeof(uint8_t) };

static WindowColumns columns_new(size_t n) {
    return (WindowColumns){MEM_NEW(uint64_t, n), MEM_NEW(float, n), MEM_NEW(uint32_t, n),
                           MEM_NEW(uint8_t, n)};
}

static void columns_free(WindowColumns *c) {
    free(c->size_b);
    free(c->slowdown);
    free(c->window);
    free(c->censored);
}

static size_t padding(size_t n) { return (PADDING - n % PADDING) % PADDING; }

static size_t n_slowdowns(const PathFeatures *p) {
    size_t n = 0;
    for (int b = 0; b < SIZEBUCKET_N; b++) n += p->bucket_n[b];
    return n;
}

/* ---- writing: payload ---- */

static void put(FILE *f, const void *data, size_t n) {
    static const char zeros[PADDING] = {0};
    if (n > 0) fwrite(data, 1, n, f);
    fwrite(zeros, 1, padding(n), f);
}

static void put_path(FILE *f, FeaturesKind kind, const PathFeatures *p) {
    FeatArray arrays[FEATARRAYS_MAX];
    size_t n_arrays = 0;
    FlowFeat flows = p->flows; /* featarrays wants to be able to change the pointers */
    PathHeader head = {.n_draws = p->n_draws};
    memcpy(head.bucket_n, p->bucket_n, sizeof head.bucket_n);
    if (kind == FEATURES_FLOWS) {
        head.lengths[0] = flows.n_links;
        head.lengths[1] = flows.n_flows;
        put(f, &head, sizeof head);
        put(f, &flows.scale, sizeof flows.scale);
        n_arrays = featarrays_flow_arrays(&flows, arrays);
    } else if (kind == FEATURES_PERCENTILES) {
        PathFeat *m = p->percentiles;
        head.lengths[0] = m->n_rows;
        put(f, &head, sizeof head);
        put(f, m->base, sizeof m->base);
        put(f, m->base_count, sizeof m->base_count);
        put(f, m->conf, sizeof m->conf);
        n_arrays = featarrays_feature_arrays(m, arrays);
    } else {
        put(f, &head, sizeof head);
        put(f, p->slowdown, n_slowdowns(p) * sizeof *p->slowdown);
    }
    for (size_t i = 0; i < n_arrays; i++) put(f, featarrays_pointer(&arrays[i]), arrays[i].bytes);
}

static void put_windows(FILE *f, const Windows *w) {
    WindowColumns c = columns_new(w->n_flows);
    for (size_t i = 0; i < w->n_flows; i++) {
        const WindowFlow *x = &w->flows[i];
        c.size_b[i] = x->size_b;
        c.slowdown[i] = x->slowdown;
        c.window[i] = x->window;
        c.censored[i] = x->censored;
    }
    put(f, c.size_b, w->n_flows * sizeof *c.size_b);
    put(f, c.slowdown, w->n_flows * sizeof *c.slowdown);
    put(f, c.window, w->n_flows * sizeof *c.window);
    put(f, c.censored, w->n_flows * sizeof *c.censored);
    put(f, w->class_share, sizeof w->class_share);
    columns_free(&c);
}

/* ---- writing: header ---- */

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

/* As text, since a JSON number is exact only up to 53 bits. */
static void put_u64(JsonOut *o, const char *key, uint64_t x) {
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)x);
    json_put_string(o, key, text);
}

static void put_windows_header(JsonOut *o, const Windows *w) {
    json_put_object(o, "windows");
    put_u64(o, "n_flows", w->n_flows);
    put_u64(o, "n_windows", w->n_windows);
    json_put_bool(o, "whole", w->whole);
    put_u64(o, "n_hops", w->n_hops);
    put_u64(o, "n_packets", w->n_packets);
    put_u64(o, "n_drops", w->n_drops);
    put_u64(o, "n_timeouts", w->n_timeouts);
    put_u64(o, "n_run_flows", w->n_run_flows);
    json_put_number(o, "max_load", w->max_load);
    json_put_number(o, "run_hops", w->run_hops);
    json_put_number(o, "capacity", w->capacity);
    json_put_number(o, "capacity_error", w->capacity_error);
    json_out_end(o, '}');
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
    put_u64(o, "seed", f->seed);
    put_u64(o, "n_flows", f->n_flows);
    put_u64(o, "n_drawn", f->n_drawn);
    put_u64(o, "n_unique", f->n_unique);
    json_put_bool(o, "exhaustive", f->exhaustive);
    json_put_number(o, "base_bdp_b", f->base_bdp_b);
    json_put_number(o, "max_load", f->max_load);
    put_u64(o, "n_events", f->n_events);
    put_u64(o, "n_unfinished", f->n_unfinished);
    put_u64(o, "n_path_flows", f->n_path_flows);
    put_u64(o, "n_simulated", f->n_simulated);
    if (f->windows.n_flows > 0) put_windows_header(o, &f->windows);
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
    if (f->windows.n_flows > 0) put_windows(p, &f->windows);
    mem_stream_close(p);
    frame_write(out, &frame_kind, header, header_len, payload, payload_len);
    free(header);
    free(payload);
}

/* ---- reading: header ---- */

/* Reads a number that put_u64 wrote, at most max. */
static int need_u64(const Json *j, const char *key, uint64_t max, uint64_t *x, Err *err) {
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

/* Reads what the features were made from: files and settings. */
static int read_inputs(const Json *j, FeaturesSource *src, NetConf *conf, Err *err) {
    const char *command;
    uint64_t id = 0;
    Json net;
    if (read_file(j, "topo", &src->topo, &src->topo_sha256, err) != 0 ||
        read_file(j, "mix", &src->mix, &src->mix_sha256, err) != 0 ||
        read_file(j, "flows", &src->flows, &src->flows_sha256, err) != 0 ||
        json_need_string(j, "command", &command, err) != 0)
        return -1;
    if (json_need_uint(j, "mix_id", INT64_MAX, &id, err) != 0) return -1;
    src->mix_id = (int64_t)id;
    src->command = mem_strdup(command);
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

/* Older files do not have every number. */
static int read_optional(const Json *j, const char *key, double *x, Err *err) {
    Json v;
    *x = 0;
    if (!json_find(j, key, &v)) return 0;
    if (json_number(&v, x, err) != 0) return -1;
    return *x >= 0 ? 0 : json_fail(&v, err, "must be at least 0");
}

static int read_counts(const Json *j, Features *f, Err *err) {
    uint64_t drawn = 0, unique = 0;
    if (need_u64(j, "seed", UINT64_MAX, &f->seed, err) != 0 ||
        need_u64(j, "n_flows", UINT32_MAX, &f->n_flows, err) != 0 ||
        json_need_bool(j, "exhaustive", &f->exhaustive, err) != 0 ||
        read_optional(j, "base_bdp_b", &f->base_bdp_b, err) != 0 ||
        read_optional(j, "max_load", &f->max_load, err) != 0 ||
        need_u64(j, "n_drawn", f->exhaustive ? UINT32_MAX : PATHSET_MAX_DRAWS, &drawn, err) != 0 ||
        need_u64(j, "n_unique", drawn, &unique, err) != 0 ||
        need_u64(j, "n_events", UINT64_MAX, &f->n_events, err) != 0 ||
        need_u64(j, "n_unfinished", UINT64_MAX, &f->n_unfinished, err) != 0 ||
        need_u64(j, "n_path_flows", UINT64_MAX, &f->n_path_flows, err) != 0 ||
        need_u64(j, "n_simulated", f->n_path_flows, &f->n_simulated, err) != 0)
        return -1;
    f->n_drawn = (size_t)drawn;
    f->n_unique = (size_t)unique;
    return 0;
}

static int read_windows_header(const Json *root, Features *f, Err *err) {
    Json j;
    Windows *w = &f->windows;
    uint64_t n_windows = 0, n_flows = 0;
    if (!json_find(root, "windows", &j)) return 0;
    if (need_u64(&j, "n_flows", UINT32_MAX, &n_flows, err) != 0 ||
        need_u64(&j, "n_windows", n_flows, &n_windows, err) != 0 ||
        json_need_bool(&j, "whole", &w->whole, err) != 0 ||
        need_u64(&j, "n_hops", UINT64_MAX, &w->n_hops, err) != 0 ||
        need_u64(&j, "n_packets", UINT64_MAX, &w->n_packets, err) != 0 ||
        need_u64(&j, "n_drops", UINT64_MAX, &w->n_drops, err) != 0 ||
        need_u64(&j, "n_timeouts", UINT64_MAX, &w->n_timeouts, err) != 0 ||
        need_u64(&j, "n_run_flows", UINT32_MAX, &w->n_run_flows, err) != 0 ||
        json_need_number(&j, "max_load", &w->max_load, err) != 0 ||
        json_need_number(&j, "run_hops", &w->run_hops, err) != 0 ||
        json_need_number(&j, "capacity", &w->capacity, err) != 0 ||
        json_need_number(&j, "capacity_error", &w->capacity_error, err) != 0)
        return -1;
    if (n_flows == 0 || n_windows == 0)
        return json_fail(&j, err, "expected windows with at least one flow");
    if (!(w->capacity > 0) || !(w->capacity_error >= 0) || !(w->run_hops >= 0) ||
        !(w->max_load >= 0))
        return json_fail(&j, err, "expected positive numbers");
    w->n_flows = (size_t)n_flows;
    w->n_windows = (uint32_t)n_windows;
    f->windows_conf = f->conf;
    return 0;
}

static int read_header(Features *f, FeaturesSource *src, const Frame *frame, const char *path,
                       Err *err) {
    JsonDoc *doc = json_parse(frame->header, frame->header_len, path, err);
    if (!doc) return -1;
    Json root = json_root(doc);
    int rc = read_kind(&root, &f->kind, path, err);
    if (rc == 0) rc = read_inputs(&root, src, &f->conf, err);
    if (rc == 0) rc = read_counts(&root, f, err);
    if (rc == 0) rc = read_windows_header(&root, f, err);
    json_close(doc);
    return rc;
}

/* ---- reading: payload ---- */

typedef struct {
    const char *file;
    const char *at; /* the next byte */
    size_t left;    /* bytes from there to the end of the payload */
    size_t path;    /* number of the path, for messages */
    Err *err;
} FeaturesReader;

static int bad_path(const FeaturesReader *r, const char *why) {
    return err_input(r->err, "%s: path %zu: %s", r->file, r->path, why);
}

/* Copies the next n bytes and passes over their padding. */
static int get(FeaturesReader *r, void *to, size_t n) {
    if (n > r->left || padding(n) > r->left - n) return bad_path(r, "its lengths exceed the file");
    if (n > 0) memcpy(to, r->at, n);
    r->at += n + padding(n);
    r->left -= n + padding(n);
    return 0;
}

static bool all_finite(const float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

static bool all_finite_f64(const double *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

static bool all_at_least_1(const float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!(x[i] >= 1)) return false;
    return true;
}

/* Allocates the arrays in one block and reads them. */
static int get_arrays(FeaturesReader *r, const FeatArray *arrays, size_t n) {
    size_t total = 0;
    for (size_t i = 0; i < n; i++) total += arrays[i].bytes;
    if (total > r->left) return bad_path(r, "its lengths exceed the file");
    featarrays_alloc(arrays, n);
    for (size_t i = 0; i < n; i++) {
        void *p = featarrays_pointer(&arrays[i]);
        size_t bytes = arrays[i].bytes;
        if (get(r, p, bytes) != 0) return -1;
        if ((arrays[i].numbers == FEATARRAY_FLOATS && !all_finite(p, bytes / sizeof(float))) ||
            (arrays[i].numbers == FEATARRAY_DOUBLES && !all_finite_f64(p, bytes / sizeof(double))))
            return bad_path(r, "expected numbers that are finite");
    }
    return 0;
}

static int read_flows(FeaturesReader *r, PathFeatures *p, uint32_t n_links, uint32_t n_flows) {
    FeatArray arrays[FEATARRAYS_MAX];
    FlowFeat *m = &p->flows;
    if (n_links < 1 || n_links > MAX_LINKS || n_flows > n_slowdowns(p))
        return bad_path(r, "impossible number of links or flows");
    *m = (FlowFeat){.n_links = n_links, .n_flows = n_flows};
    memcpy(m->bucket_count, p->bucket_n, sizeof m->bucket_count);
    if (get(r, &m->scale, sizeof m->scale) != 0) return -1;
    if (!all_finite_f64((const double *)(const void *)&m->scale, sizeof m->scale / sizeof(double)))
        return bad_path(r, "expected numbers that are finite");
    if (get_arrays(r, arrays, featarrays_flow_arrays(m, arrays)) != 0) return -1;
    uint32_t described[SIZEBUCKET_N] = {0};
    for (uint32_t i = 0; i < n_flows; i++) {
        if (m->bucket[i] >= SIZEBUCKET_N) return bad_path(r, "a flow of no bucket");
        described[m->bucket[i]]++;
    }
    /* Of a bucket that has flows at least one is described, and no more than it has. */
    for (int b = 0; b < SIZEBUCKET_N; b++)
        if (described[b] > p->bucket_n[b] || (described[b] == 0) != (p->bucket_n[b] == 0))
            return bad_path(r, "flows do not match their buckets");
    return all_at_least_1(m->base, n_flows) ? 0 : bad_path(r, "expected slowdowns of at least 1");
}

static int read_percentiles(FeaturesReader *r, PathFeatures *p, uint32_t n_rows) {
    FeatArray arrays[FEATARRAYS_MAX];
    if (n_rows < 2 || n_rows > MAX_LINKS + 1) return bad_path(r, "impossible number of links");
    PathFeat *m = p->percentiles = MEM_ZNEW(PathFeat, 1);
    m->n_rows = n_rows;
    if (get(r, m->base, sizeof m->base) != 0 || get(r, m->base_count, sizeof m->base_count) != 0 ||
        get(r, m->conf, sizeof m->conf) != 0 ||
        get_arrays(r, arrays, featarrays_feature_arrays(m, arrays)) != 0)
        return -1;
    if (!all_finite(m->base, PATHFEAT_N_BASE) || !all_finite(m->conf, PATHFEAT_N_CONF))
        return bad_path(r, "expected numbers that are finite");
    if (memcmp(m->base_count, p->bucket_n, sizeof p->bucket_n) != 0)
        return bad_path(r, "flows do not match their buckets");
    return all_at_least_1(m->base, PATHFEAT_N_BASE)
               ? 0
               : bad_path(r, "expected slowdowns of at least 1");
}

static int read_path(FeaturesReader *r, FeaturesKind kind, PathFeatures *p) {
    PathHeader head;
    if (get(r, &head, sizeof head) != 0) return -1;
    p->n_draws = head.n_draws;
    memcpy(p->bucket_n, head.bucket_n, sizeof p->bucket_n);
    if (p->n_draws == 0) return bad_path(r, "expected at least one draw");
    if (kind == FEATURES_FLOWS) return read_flows(r, p, head.lengths[0], head.lengths[1]);
    if (kind == FEATURES_PERCENTILES) return read_percentiles(r, p, head.lengths[0]);

    size_t n = n_slowdowns(p);
    if (n * sizeof(float) > r->left) return bad_path(r, "its lengths exceed the file");
    p->slowdown = MEM_NEW(float, n);
    if (get(r, p->slowdown, n * sizeof(float)) != 0) return -1;
    for (size_t i = 0; i < n; i++)
        if (!(isfinite(p->slowdown[i]) && p->slowdown[i] > 0))
            return bad_path(r, "expected slowdowns above 0");
    return 0;
}

static int bad_windows(const FeaturesReader *r, const char *why) {
    return err_input(r->err, "%s: windows: %s", r->file, why);
}

static int check_windows(const FeaturesReader *r, const Windows *w) {
    double share = 0;
    for (size_t i = 0; i < w->n_flows; i++) {
        const WindowFlow *x = &w->flows[i];
        if (x->size_b == 0 || x->size_b > FLOWS_MAX_SIZE_B)
            return bad_windows(r, "a flow of impossible size");
        if (!(isfinite(x->slowdown) && x->slowdown >= 1))
            return bad_windows(r, "expected slowdowns of at least 1");
        if (x->window >= w->n_windows) return bad_windows(r, "a flow of no window");
    }
    for (int k = 0; k < WINDOWS_N_CLASSES; k++) {
        if (!(w->class_share[k] >= 0 && w->class_share[k] <= 1))
            return bad_windows(r, "expected shares from 0 to 1");
        share += w->class_share[k];
    }
    return fabs(share - 1) < 1e-6 ? 0 : bad_windows(r, "expected shares that add up to 1");
}

static int read_windows(FeaturesReader *r, Windows *w) {
    size_t n = w->n_flows;
    if (n > r->left / WINDOW_FLOW_B) return bad_windows(r, "more flows than the file holds");
    WindowColumns c = columns_new(n);
    w->flows = MEM_NEW(WindowFlow, n);
    int rc = get(r, c.size_b, n * sizeof *c.size_b);
    if (rc == 0) rc = get(r, c.slowdown, n * sizeof *c.slowdown);
    if (rc == 0) rc = get(r, c.window, n * sizeof *c.window);
    if (rc == 0) rc = get(r, c.censored, n * sizeof *c.censored);
    if (rc == 0) rc = get(r, w->class_share, sizeof w->class_share);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        w->flows[i] = (WindowFlow){c.size_b[i], c.slowdown[i], c.window[i], c.censored[i] != 0};
        w->n_censored += w->flows[i].censored;
    }
    columns_free(&c);
    return rc == 0 ? check_windows(r, w) : -1;
}

static int read_payload(Features *f, const Frame *frame, const char *path, Err *err) {
    FeaturesReader r = {.file = path, .at = frame->payload, .left = frame->payload_len, .err = err};
    uint64_t draws = 0;
    if (f->n_unique > r.left / sizeof(PathHeader))
        return err_input(err, "%s: %zu paths exceed the file", path, f->n_unique);
    f->paths = MEM_ZNEW(PathFeatures, f->n_unique);
    for (r.path = 0; r.path < f->n_unique; r.path++) {
        if (read_path(&r, f->kind, &f->paths[r.path]) != 0) return -1;
        draws += f->paths[r.path].n_draws;
    }
    if (f->windows.n_flows > 0 && read_windows(&r, &f->windows) != 0) return -1;
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
