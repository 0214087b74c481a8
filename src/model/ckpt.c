/* ckpt: our checkpoint file.
 *
 * A framed file (base/frame.h): the header has name, dtype, n_weights, spec and recipe, the payload
 * the weights in ckpt_layout order, f32, f16 or bf16. The frame is verified as a whole before
 * anything in it is believed. An f32 file is used where it is mapped; half-precision ones are
 * converted once (round to nearest even on the way out). Left out: sparse or quantised weights. */
#include "model/ckpt.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/frame.h"
#include "base/mem.h"
#include "model/flowfeat.h"
#include "model/modelinput.h"

static const FrameKind frame_kind = {
    {'m', '3', 'c', 'k', 'p', 't', '\r', '\n'}, 1, "an m3 checkpoint"};
static const char *const dtype_names[] = {"f32", "f16", "bf16", NULL};
static const char *const head_names[] = {"absolute", "residual", "flow", NULL};

/* Half precision: bits of one number each way. */

static uint32_t float_bits(float f) {
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static float bits_float(uint32_t u) {
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static uint16_t f16_from(float f) {
    uint32_t sign = float_bits(f) >> 16 & 0x8000, mag = float_bits(f) & 0x7fffffff;
    if (mag >= 0x47800000) return (uint16_t)(sign | 0x7c00); /* 2^16 and beyond: infinity */
    if (mag < 0x38800000)
        return (uint16_t)(sign | (uint32_t)lrintf(fabsf(f) * 0x1p24f)); /* below 2^-14: subnormal */
    uint32_t r = mag - 0x38000000;
    return (uint16_t)(sign | (r + 0xfff + (r >> 13 & 1)) >> 13);
}

static float f16_to(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, e = h >> 10 & 31, m = h & 0x3ff;
    if (e == 31) return bits_float(sign | 0x7f800000 | m << 13);
    float mag = e == 0 ? (float)m * 0x1p-24f : bits_float((e + 112) << 23 | m << 13);
    return sign ? -mag : mag;
}

static uint16_t bf16_from(float f) {
    uint32_t u = float_bits(f);
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

static size_t dtype_bytes(CkptDtype d) { return d == CKPT_F32 ? 4 : 2; }

const char *ckpt_dtype_name(CkptDtype d) { return dtype_names[d]; }

static int find_name(const char *const *names, const char *name) {
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

int ckpt_dtype_parse(const char *name, CkptDtype *d, Err *err) {
    int i = find_name(dtype_names, name);
    if (i < 0) return err_input(err, "dtype: expected f32, f16 or bf16, got '%.20s'", name);
    *d = (CkptDtype)i;
    return 0;
}

static bool is_finite(float x) { return (float_bits(x) & 0x7f800000) != 0x7f800000; }

/* Index of the first weight that fails `ok`, or n. */
static size_t first_bad(const float *w, size_t n, CkptDtype as) {
    for (size_t i = 0; i < n; i++) {
        float x = as == CKPT_F16    ? f16_to(f16_from(w[i]))
                  : as == CKPT_BF16 ? bits_float((uint32_t)bf16_from(w[i]) << 16)
                                    : w[i];
        if (!is_finite(x)) return i;
    }
    return n;
}

static int bad_weight(const Ckpt *c, size_t i, const char *file, CkptDtype as, Err *err) {
    CkptTensor t[CKPT_MAX_TENSORS];
    size_t n_floats, n = ckpt_layout(&c->spec, t, CKPT_MAX_TENSORS, &n_floats), k = 0;
    while (k + 1 < n && t[k + 1].offset <= i) k++;
    return err_input(err, "%s: %s[%zu]: expected a number that is finite in %s, got %g", file,
                     t[k].name, i - t[k].offset, dtype_names[as], (double)c->weights[i]);
}

int ckpt_check_finite(const Ckpt *c, const char *file, Err *err) {
    size_t i = first_bad(c->weights, c->n_floats, CKPT_F32);
    return i == c->n_floats ? 0 : bad_weight(c, i, file, CKPT_F32, err);
}

/* Header, out. */

static void print_spec(JsonOut *o, const ModelSpec *s) {
    json_out_object(o);
    json_put_count(o, "n_feat", s->n_feat);
    json_put_count(o, "n_path", s->n_path);
    json_put_count(o, "dim", s->dim);
    json_put_count(o, "hidden", s->hidden);
    json_put_count(o, "n_layers", s->n_layers);
    json_put_count(o, "n_heads", s->n_heads);
    json_put_count(o, "mlp_in_extra", s->mlp_in_extra);
    json_put_count(o, "mlp_h1", s->mlp_h1);
    json_put_count(o, "mlp_h2", s->mlp_h2);
    json_put_count(o, "n_out", s->n_out);
    json_put_string(o, "head", head_names[s->head]);
    json_put_bool(o, "zero_rows", s->zero_rows);
    json_put_bool(o, "log_inputs", s->log_inputs);
    json_put_bool(o, "bidirectional", s->bidirectional);
    if (s->head == HEAD_FLOW) {
        char features[FLOWFEAT_FINGERPRINT];
        flowfeat_fingerprint(features);
        json_put_string(o, "features", features);
    }
    json_out_end(o, '}');
}

void ckpt_header_print(const Ckpt *c, JsonOut *o) {
    json_put_string(o, "name", c->name);
    json_put_string(o, "dtype", dtype_names[c->dtype]);
    json_put_count(o, "n_weights", c->n_floats);
    json_out_key(o, "spec");
    print_spec(o, &c->spec);
    json_out_key(o, "recipe");
    JsonDoc *doc = json_parse(c->recipe, strlen(c->recipe), "recipe", NULL);
    if (doc) {
        Json root = json_root(doc);
        json_copy(&root, o);
    } else {
        json_out_string(o, c->recipe);
    }
    json_close(doc);
}

static char *header_text(const Ckpt *c, size_t *len) {
    char *text = NULL;
    FILE *f = mem_stream_open(&text, len);
    JsonOut o;
    json_out_init(&o, f);
    json_out_object(&o);
    ckpt_header_print(c, &o);
    json_out_end(&o, '}');
    json_out_finish(&o);
    mem_stream_close(f);
    return text;
}

/* Header, in. */

static int need_name(const Json *j, const char *key, const char *const *names, int *which,
                     Err *err) {
    const char *s;
    if (json_need_string(j, key, &s, err) != 0) return -1;
    *which = find_name(names, s);
    return *which < 0 ? json_fail_member(j, key, err, "unknown value '%.40s'", s) : 0;
}

/* Weights mean nothing to features other than those they were trained on, even if there are as
 * many. */
static int check_features(const Json *spec, Err *err) {
    const char *of;
    char ours[FLOWFEAT_FINGERPRINT];
    flowfeat_fingerprint(ours);
    if (json_need_string(spec, "features", &of, err) != 0) return -1;
    return strcmp(of, ours) == 0
               ? 0
               : json_fail_member(
                     spec, "features", err,
                     "trained on other features than this program has (%.16s, here %s)", of, ours);
}

static int read_spec(const Json *root, ModelSpec *s, Err *err) {
    Json j, it;
    int head = 0;
    if (json_need(root, "spec", &j, err) != 0) return -1;
    if (json_need_u32(&j, "n_feat", UINT32_MAX, &s->n_feat, err) != 0 ||
        json_need_u32(&j, "dim", UINT32_MAX, &s->dim, err) != 0)
        return -1;
    if (json_need_u32(&j, "hidden", UINT32_MAX, &s->hidden, err) != 0 ||
        json_need_u32(&j, "n_layers", UINT32_MAX, &s->n_layers, err) != 0)
        return -1;
    if (json_need_u32(&j, "n_heads", UINT32_MAX, &s->n_heads, err) != 0 ||
        json_need_u32(&j, "mlp_in_extra", UINT32_MAX, &s->mlp_in_extra, err) != 0)
        return -1;
    if (json_need_u32(&j, "mlp_h1", UINT32_MAX, &s->mlp_h1, err) != 0 ||
        json_need_u32(&j, "mlp_h2", UINT32_MAX, &s->mlp_h2, err) != 0)
        return -1;
    if (json_need_u32(&j, "n_out", UINT32_MAX, &s->n_out, err) != 0 ||
        need_name(&j, "head", head_names, &head, err) != 0)
        return -1;
    s->head = (ModelHead)head;
    if (json_need_bool(&j, "zero_rows", &s->zero_rows, err) != 0 ||
        json_need_bool(&j, "log_inputs", &s->log_inputs, err) != 0)
        return -1;
    /* Files older than the flow model have none of these. */
    s->n_path = 0;
    s->bidirectional = false;
    if (json_find(&j, "n_path", &it) &&
        json_need_u32(&j, "n_path", UINT32_MAX, &s->n_path, err) != 0)
        return -1;
    if (json_find(&j, "bidirectional", &it) && json_bool(&it, &s->bidirectional, err) != 0)
        return -1;
    return s->head == HEAD_FLOW ? check_features(&j, err) : 0;
}

static char *recipe_text(const Json *recipe) {
    char *text = NULL;
    size_t len;
    FILE *f = mem_stream_open(&text, &len);
    JsonOut o;
    json_out_init(&o, f);
    json_copy(recipe, &o);
    mem_stream_close(f);
    return text;
}

static int read_header(Ckpt *c, const char *text, size_t len, Err *err) {
    JsonDoc *doc = json_parse(text, len, c->path, err);
    if (!doc) return -1;
    Json root = json_root(doc), j;
    const char *name;
    int dtype = 0, rc = -1;
    if (json_need_string(&root, "name", &name, err) == 0 &&
        need_name(&root, "dtype", dtype_names, &dtype, err) == 0 &&
        read_spec(&root, &c->spec, err) == 0 && modelspec_check(&c->spec, c->path, err) == 0 &&
        json_need(&root, "recipe", &j, err) == 0) {
        c->name = mem_strdup(name);
        c->dtype = (CkptDtype)dtype;
        c->recipe = recipe_text(&j);
        ckpt_layout(&c->spec, NULL, 0, &c->n_floats);
        rc = 0;
    }
    json_close(doc);
    return rc;
}

/* The file. */

static void convert_in(Ckpt *c, const char *payload) {
    c->weights = MEM_NEW(float, c->n_floats);
    for (size_t i = 0; i < c->n_floats; i++) {
        uint16_t h;
        memcpy(&h, payload + 2 * i, sizeof h);
        c->weights[i] = c->dtype == CKPT_F16 ? f16_to(h) : bits_float((uint32_t)h << 16);
    }
}

/* The view becomes the checkpoint's own, also after −1. */
static int load_file(Ckpt *c, Err *err) {
    Frame f;
    int rc = frame_open(&f, c->path, &frame_kind, err);
    c->view = f.view;
    if (rc != 0 || read_header(c, f.header, f.header_len, err) != 0) return -1;
    size_t need = c->n_floats * dtype_bytes(c->dtype);
    if (f.payload_len != need)
        return err_input(err, "%s: length: its dimensions need %zu bytes, got %zu", c->path,
                         f.view.len - f.payload_len + need, f.view.len);
    if (c->dtype == CKPT_F32) c->weights = (float *)(uintptr_t)f.payload;
    else convert_in(c, f.payload);
    return ckpt_check_finite(c, c->path, err);
}

int ckpt_load(Ckpt *c, const char *path, Err *err) {
    *c = (Ckpt){.path = file_is_dir(path) ? file_join(path, "model.m3") : mem_strdup(path)};
    if (load_file(c, err) == 0) return 0;
    ckpt_free(c);
    return -1;
}

static bool weights_are_mapped(const Ckpt *c) { return c->view.data && c->dtype == CKPT_F32; }

void ckpt_free(Ckpt *c) {
    if (!weights_are_mapped(c)) free(c->weights);
    if (c->view.data) file_view_close(&c->view);
    free(c->name);
    free(c->recipe);
    free(c->path);
    *c = (Ckpt){0};
}

void ckpt_sha256(const Ckpt *c, char hex[65]) {
    if (c->view.data) file_sha256(c->view.data, c->view.len, hex);
    else file_sha256(c->weights, c->n_floats * sizeof *c->weights, hex);
}

static void convert_out(const Ckpt *c, CkptDtype dtype, char *payload) {
    if (dtype == CKPT_F32) {
        memcpy(payload, c->weights, c->n_floats * sizeof *c->weights);
        return;
    }
    for (size_t i = 0; i < c->n_floats; i++) {
        uint16_t h = dtype == CKPT_F16 ? f16_from(c->weights[i]) : bf16_from(c->weights[i]);
        memcpy(payload + 2 * i, &h, sizeof h);
    }
}

/* Where a checkpoint named `path` goes; makes its directory. */
static int file_for(const char *path, char **file, Err *err) {
    size_t n = strlen(path);
    struct stat st;
    bool is_file = (n > 3 && strcmp(path + n - 3, ".m3") == 0) ||
                   (stat(path, &st) == 0 && !S_ISDIR(st.st_mode));
    if (!is_file && file_mkdirs(path, err) != 0) return -1;
    *file = is_file ? mem_strdup(path) : file_join(path, "model.m3");
    return 0;
}

/* Last part of a path, without slashes at its end and without ".m3". */
static char *name_of(const char *path) {
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/') start--;
    if (end - start > 3 && strncmp(path + end - 3, ".m3", 3) == 0) end -= 3;
    return mem_printf("%.*s", (int)(end - start), path + start);
}

static int write_file(const Ckpt *c, const char *file, CkptDtype dtype, Err *err) {
    FileOut o;
    size_t header_len, n = c->n_floats * dtype_bytes(dtype);
    if (file_out_open(&o, file, err) != 0) return -1;
    char *header = header_text(c, &header_len), *payload = mem_alloc(n, 1);
    convert_out(c, dtype, payload);
    frame_write(o.f, &frame_kind, header, header_len, payload, n);
    free(header);
    free(payload);
    return file_out_commit(&o, err);
}

int ckpt_save(const Ckpt *c, const char *path, CkptDtype dtype, Err *err) {
    size_t i = first_bad(c->weights, c->n_floats, dtype);
    char *file;
    if (i < c->n_floats) return bad_weight(c, i, path, dtype, err);
    if (file_for(path, &file, err) != 0) return -1;
    Ckpt out = *c; /* borrows everything but the name */
    out.name = c->name ? mem_strdup(c->name) : name_of(path);
    out.recipe = c->recipe ? c->recipe : (char[]){"{}"};
    out.dtype = dtype;
    int rc = write_file(&out, file, dtype, err);
    free(out.name);
    free(file);
    return rc;
}

int ckpt_check_cc(const Ckpt *c, Cc cc, Err *err) {
    if ((int)cc < MODELINPUT_N_CC) return 0;
    if (!c)
        return err_input(err, "cc: models have no place for %s; they know %s", netconf_cc_name(cc),
                         netconf_cc_list(MODELINPUT_N_CC).s);
    return err_input(
        err, "cc: checkpoint %s was not trained on %s; use --method sampled or packet, or cc=%s",
        c->name, netconf_cc_name(cc), netconf_cc_list(MODELINPUT_N_CC).s);
}
