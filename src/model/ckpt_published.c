/* ckpt_published: reads and writes the pair of .bin files of the published m3 (spec/README.md says
 * what is in them).
 *
 * Both files are a few int32 and then float32 without names, so all that can be verified is that
 * the dimensions are plausible and fit each other, that the length is exact, that numbers are
 * finite, and that the transformer's cos and sin tables are rotary embeddings of base 10000, which
 * our forward computes itself. The tables of the published exporter come from another libm than
 * ours and differ in last bits: such entries are kept in the recipe as
 * ("rope_bits": index, bits, …), so that export ∘ import is the identity on bytes. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/ckpt_published.h"
#include "model/pathfeat.h"

/* Integers at the head of the two files. The longest sequence sets the length of the tables, which
 * are read whole: 65,536 rows are far beyond any path. Ours have 16 rows, as the published ones. */
enum { N_LLAMA_INTS = 7, N_MLP_INTS = 5, MAX_SEQ = 1 << 16, DEFAULT_SEQ = 16 };
enum {
    DIM,
    HIDDEN,
    N_LAYERS,
    N_HEADS,
    N_KV_HEADS,
    VOCAB,
    SEQ
};                                                 /* int32 of the transformer's file */
enum { MLP_IN, MLP_H1, MLP_H2, MLP_OUT, MLP_PCT }; /* of the MLP's */
static const double table_tolerance =
    2e-2; /* float32 angles of long sequences are that far off in published tables */

/* Tensors in the order of the published files: each kind of all layers in turn. t[n_llama − 1] is
 * the output matrix, before which the cos and sin tables stand; the MLP's tensors follow. */
typedef struct {
    CkptTensor t[CKPT_MAX_TENSORS];
    size_t n_llama, n, n_table; /* n_table: floats of both tables */
} PublishedOrder;

static void put_tensor(PublishedOrder *o, const CkptTensor *layout, size_t n, const char *name) {
    assert(o->n < CKPT_MAX_TENSORS);
    o->t[o->n++] = *ckpt_find(layout, n, name);
}

static void order_of(PublishedOrder *o, const ModelSpec *s, uint32_t n_seq) {
    static const char *const of_layers[] = {"attn_norm", "wq", "wk", "wv", "wo",
                                            "ffn_norm",  "w1", "w2", "w3"};
    static const char *const of_mlp[] = {"mlp.0.weight", "mlp.0.bias", "mlp.1.weight", "mlp.1.bias",
                                         "mlp.2.weight", "mlp.2.bias", "empty"};
    CkptTensor t[CKPT_MAX_TENSORS];
    size_t n_floats, n = ckpt_layout(s, t, CKPT_MAX_TENSORS, &n_floats);
    assert(n <= CKPT_MAX_TENSORS);
    o->n = 0;
    put_tensor(o, t, n, "embed.weight");
    put_tensor(o, t, n, "embed.bias");
    for (size_t k = 0; k < sizeof of_layers / sizeof *of_layers; k++)
        for (uint32_t l = 0; l < s->n_layers; l++) {
            char name[sizeof t->name];
            snprintf(name, sizeof name, "l.%u.%s", l, of_layers[k]);
            put_tensor(o, t, n, name);
        }
    put_tensor(o, t, n, "final_norm");
    put_tensor(o, t, n, "output");
    o->n_llama = o->n;
    for (size_t k = 0; k < sizeof of_mlp / sizeof *of_mlp; k++) put_tensor(o, t, n, of_mlp[k]);
    assert(o->n == n);
    o->n_table = (size_t)n_seq * (s->dim / s->n_heads / 2) * 2;
}

static size_t n_of(const CkptTensor *t) { return (size_t)t->rows * t->cols; }

static size_t floats_in(const PublishedOrder *o, size_t first, size_t end) {
    size_t n = 0;
    for (size_t i = first; i < end; i++) n += n_of(&o->t[i]);
    return n;
}

/* Entry i of cos then sin, each [n_seq × head_dim/2]. */
static float table_entry(const ModelSpec *s, uint32_t n_seq, size_t i) {
    size_t half = s->dim / s->n_heads / 2, k = i % (n_seq * half), at = k / half;
    double angle = (double)at * pow(10000.0, -(double)(k % half) / (double)half);
    return (float)(i < n_seq * half ? cos(angle) : sin(angle));
}

static int view_bin(FileView *v, const char *path, int32_t *head, size_t n, Err *err) {
    if (file_view(v, path, err) != 0) return -1;
    if (v->len >= n * sizeof *head) {
        memcpy(head, v->data, n * sizeof *head);
        return 0;
    }
    err_input(err, "%s: length: expected at least the %zu bytes of its dimensions, got %zu", path,
              n * sizeof *head, v->len);
    file_view_close(v);
    return -1;
}

static int check_length(const FileView *v, const char *path, size_t n_ints, size_t n_floats,
                        Err *err) {
    size_t want = 4 * (n_ints + n_floats);
    return v->len == want ? 0
                          : err_input(err, "%s: length: its dimensions need %zu bytes, got %zu",
                                      path, want, v->len);
}

static int check_llama(const int32_t *h, const char *path, Err *err) {
    if (h[VOCAB] >= 0)
        return err_input(err,
                         "%s: vocab_size: expected −1019 (features, own output matrix), got %d",
                         path, h[VOCAB]);
    if (h[N_KV_HEADS] != h[N_HEADS])
        return err_input(err, "%s: n_kv_heads: must equal n_heads %d, got %d", path, h[N_HEADS],
                         h[N_KV_HEADS]);
    if (h[SEQ] < 1 || h[SEQ] > MAX_SEQ)
        return err_input(err, "%s: max_seq_len: must be in 1..%d, got %d", path, MAX_SEQ, h[SEQ]);
    return 0;
}

/* Its dimensions alone, so that a message about the MLP's can name the other file. */
static int check_transformer(const ModelSpec *s, const char *path, Err *err) {
    ModelSpec alone = *s;
    alone.mlp_h1 = alone.mlp_h2 = 1;
    alone.n_out = PATHFEAT_N_BASE;
    return modelspec_check(&alone, path, err);
}

static int check_mlp(const int32_t *h, const ModelSpec *s, const char *path, Err *err) {
    int64_t in = (int64_t)s->dim + s->n_feat;
    if (h[MLP_IN] != in)
        return err_input(err, "%s: inputs: the transformer's file needs %lld, got %d", path,
                         (long long)in, h[MLP_IN]);
    if (h[MLP_PCT] != CKPT_EMPTY)
        return err_input(err, "%s: percentiles: must be %d, got %d", path, CKPT_EMPTY, h[MLP_PCT]);
    return 0;
}

/* A negative count becomes a huge one, which modelspec_check refuses; −INT32_MIN is handled without
 * overflow. */
static ModelSpec spec_of(const int32_t *llama, const int32_t *mlp) {
    return (ModelSpec){.n_feat = 0u - (uint32_t)llama[VOCAB],
                       .dim = (uint32_t)llama[DIM],
                       .hidden = (uint32_t)llama[HIDDEN],
                       .n_layers = (uint32_t)llama[N_LAYERS],
                       .n_heads = (uint32_t)llama[N_HEADS],
                       .mlp_h1 = (uint32_t)mlp[MLP_H1],
                       .mlp_h2 = (uint32_t)mlp[MLP_H2],
                       .n_out = (uint32_t)mlp[MLP_OUT],
                       .head = HEAD_ABSOLUTE,
                       .zero_rows = true};
}

static const char *take(const char *p, float *w, const CkptTensor *t) {
    memcpy(w + t->offset, p, n_of(t) * sizeof *w);
    return p + n_of(t) * sizeof *w;
}

static int read_table(const ModelSpec *s, uint32_t n_seq, const PublishedOrder *o, const char *p,
                      const char *path, JsonOut *bits, Err *err) {
    for (size_t i = 0; i < o->n_table; i++) {
        float got, want = table_entry(s, n_seq, i);
        uint32_t u, u_want;
        memcpy(&got, p + 4 * i, sizeof got);
        if (!(fabs((double)got - (double)want) <= table_tolerance))
            return err_input(err, "%s: rotary tables[%zu]: base 10000 has %g there, got %g", path,
                             i, (double)want, (double)got);
        memcpy(&u, &got, sizeof u);
        memcpy(&u_want, &want, sizeof u_want);
        if (u == u_want) continue;
        json_out_int(bits, (int64_t)i);
        json_out_int(bits, u);
    }
    return 0;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The recipe up to the open list "rope_bits". */
static void recipe_begin(JsonOut *o, char **text, size_t *len, const char *llama, const char *mlp,
                         uint32_t n_seq) {
    json_out_init(o, mem_stream_open(text, len));
    json_out_object(o);
    json_put_string(o, "source", "published .bin pair");
    json_put_string(o, "llama", llama);
    json_put_string(o, "mlp", mlp);
    json_put_int(o, "max_seq_len", n_seq);
    json_put_array_compact(o, "rope_bits");
}

static void recipe_end(JsonOut *o) {
    json_out_end(o, ']');
    json_out_end(o, '}');
    mem_stream_close(o->f);
}

/* Fills weights and recipe from files whose lengths are right. */
static int read_pair(Ckpt *c, const PublishedOrder *o, uint32_t n_seq, const FileView *lv,
                     const FileView *mv, const char *llama_bin, const char *mlp_bin, Err *err) {
    size_t len;
    JsonOut out;
    recipe_begin(&out, &c->recipe, &len, base_name(llama_bin), base_name(mlp_bin), n_seq);
    const char *p = lv->data + 4 * N_LLAMA_INTS, *q = mv->data + 4 * N_MLP_INTS;
    for (size_t i = 0; i + 1 < o->n_llama; i++) p = take(p, c->weights, &o->t[i]);
    int rc = read_table(&c->spec, n_seq, o, p, llama_bin, &out, err);
    take(p + 4 * o->n_table, c->weights, &o->t[o->n_llama - 1]);
    for (size_t i = o->n_llama; i < o->n; i++) q = take(q, c->weights, &o->t[i]);
    recipe_end(&out);
    return rc;
}

static int import_views(Ckpt *c, const int32_t *lh, const int32_t *mh, const FileView *lv,
                        const FileView *mv, const char *llama_bin, const char *mlp_bin, Err *err) {
    c->spec = spec_of(lh, mh);
    if (check_llama(lh, llama_bin, err) != 0 || check_transformer(&c->spec, llama_bin, err) != 0)
        return -1;
    if (modelspec_check(&c->spec, mlp_bin, err) != 0 || check_mlp(mh, &c->spec, mlp_bin, err) != 0)
        return -1;
    PublishedOrder o;
    order_of(&o, &c->spec, (uint32_t)lh[SEQ]);
    if (check_length(lv, llama_bin, N_LLAMA_INTS, floats_in(&o, 0, o.n_llama) + o.n_table, err) !=
        0)
        return -1;
    if (check_length(mv, mlp_bin, N_MLP_INTS, floats_in(&o, o.n_llama, o.n), err) != 0) return -1;
    ckpt_layout(&c->spec, NULL, 0, &c->n_floats);
    c->weights = MEM_NEW(float, c->n_floats);
    c->name = mem_strdup(base_name(llama_bin));
    if (read_pair(c, &o, (uint32_t)lh[SEQ], lv, mv, llama_bin, mlp_bin, err) != 0) return -1;
    char *both = mem_printf("%s, %s", llama_bin, mlp_bin);
    int rc = ckpt_check_finite(c, both, err);
    free(both);
    return rc;
}

int ckpt_import(Ckpt *c, const char *llama_bin, const char *mlp_bin, Err *err) {
    FileView lv, mv;
    int32_t lh[N_LLAMA_INTS], mh[N_MLP_INTS];
    *c = (Ckpt){.dtype = CKPT_F32};
    if (view_bin(&lv, llama_bin, lh, N_LLAMA_INTS, err) != 0) return -1;
    if (view_bin(&mv, mlp_bin, mh, N_MLP_INTS, err) != 0) {
        file_view_close(&lv);
        return -1;
    }
    int rc = import_views(c, lh, mh, &lv, &mv, llama_bin, mlp_bin, err);
    file_view_close(&lv);
    file_view_close(&mv);
    if (rc != 0) ckpt_free(c);
    return rc;
}

/* What an import left in the recipe about the tables; defaults where there is nothing. */
static void recipe_tables(const Ckpt *c, uint32_t *n_seq, JsonDoc **doc, Json *root) {
    Json j;
    uint64_t n;
    *n_seq = DEFAULT_SEQ;
    *doc =
        json_parse(c->recipe ? c->recipe : "{}", c->recipe ? strlen(c->recipe) : 2, "recipe", NULL);
    if (!*doc) return;
    *root = json_root(*doc);
    if (json_find(root, "max_seq_len", &j) && json_uint(&j, MAX_SEQ, &n, NULL) == 0 && n > 0)
        *n_seq = (uint32_t)n;
}

static float *make_table(const Ckpt *c, uint32_t n_seq, const PublishedOrder *o, const JsonDoc *doc,
                         const Json *root) {
    float *table = MEM_NEW(float, o->n_table);
    Json bits, it;
    for (size_t i = 0; i < o->n_table; i++) table[i] = table_entry(&c->spec, n_seq, i);
    if (!doc || !json_find(root, "rope_bits", &bits)) return table;
    for (bool ok = json_first(&bits, &it); ok; ok = json_next(&it)) {
        uint64_t at, u;
        if (json_uint(&it, o->n_table - 1, &at, NULL) != 0 || !json_next(&it) ||
            json_uint(&it, UINT32_MAX, &u, NULL) != 0)
            break;
        memcpy(&table[at], &(uint32_t){(uint32_t)u}, sizeof *table);
    }
    return table;
}

static void put(FILE *f, const Ckpt *c, const CkptTensor *t) {
    fwrite(c->weights + t->offset, sizeof(float), n_of(t), f);
}

static int write_llama(const Ckpt *c, const PublishedOrder *o, uint32_t n_seq, const float *table,
                       const char *path, Err *err) {
    const ModelSpec *s = &c->spec;
    const int32_t head[N_LLAMA_INTS] = {
        (int32_t)s->dim,     (int32_t)s->hidden,  (int32_t)s->n_layers, (int32_t)s->n_heads,
        (int32_t)s->n_heads, -(int32_t)s->n_feat, (int32_t)n_seq};
    FileOut out;
    if (file_out_open(&out, path, err) != 0) return -1;
    fwrite(head, sizeof head, 1, out.f);
    for (size_t i = 0; i + 1 < o->n_llama; i++) put(out.f, c, &o->t[i]);
    fwrite(table, sizeof *table, o->n_table, out.f);
    put(out.f, c, &o->t[o->n_llama - 1]);
    return file_out_commit(&out, err);
}

static int write_mlp(const Ckpt *c, const PublishedOrder *o, const char *path, Err *err) {
    const ModelSpec *s = &c->spec;
    const int32_t head[N_MLP_INTS] = {(int32_t)(s->dim + s->n_feat), (int32_t)s->mlp_h1,
                                      (int32_t)s->mlp_h2, (int32_t)s->n_out, CKPT_EMPTY};
    FileOut out;
    if (file_out_open(&out, path, err) != 0) return -1;
    fwrite(head, sizeof head, 1, out.f);
    for (size_t i = o->n_llama; i < o->n; i++) put(out.f, c, &o->t[i]);
    return file_out_commit(&out, err);
}

int ckpt_export(const Ckpt *c, const char *llama_bin, const char *mlp_bin, Err *err) {
    if (c->spec.head != HEAD_ABSOLUTE || c->spec.log_inputs)
        return err_input(
            err, "%s: export: the published format has no residual head and no scaled inputs",
            c->name ? c->name : "checkpoint");
    uint32_t n_seq;
    JsonDoc *doc;
    Json root;
    PublishedOrder o;
    recipe_tables(c, &n_seq, &doc, &root);
    order_of(&o, &c->spec, n_seq);
    float *table = make_table(c, n_seq, &o, doc, &root);
    int rc = write_llama(c, &o, n_seq, table, llama_bin, err);
    if (rc == 0) rc = write_mlp(c, &o, mlp_bin, err);
    free(table);
    json_close(doc);
    return rc;
}
