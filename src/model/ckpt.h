/* ckpt: checkpoint files: dimensions, named tensors, recipe; and the published pair of .bin files.
 */
#ifndef M3_MODEL_CKPT_H
#define M3_MODEL_CKPT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/file.h"
#include "base/json.h"
#include "model/modelspec.h"
#include "net/netconf.h"

typedef enum { CKPT_F32, CKPT_F16, CKPT_BF16 } CkptDtype;
/* "paper": 576/1536/4/4, MLP 512-512, as published; "compact": residual head, small enough for a
 * few hundred samples; "flow": the flow model. */
int modelspec_preset(ModelSpec *s, const char *name, Err *err);
int modelspec_check(const ModelSpec *s, const char *file,
                    Err *err); /* plausible dimensions, no overflow */

/* Tensors in file order, row-major, out × in: embed.weight [dim, n_feat], embed.bias, for each
 * layer l: l.N.attn_norm, l.N.wq, .wk, .wv, .wo [dim, dim], l.N.ffn_norm, l.N.w1 [hidden, dim], .w2
 * [dim, hidden], .w3 [hidden, dim]; final_norm, output [dim, dim], mlp.0.weight [h1, in],
 * mlp.0.bias, mlp.1.*, mlp.2.*, empty [100]. HEAD_FLOW: instead of mlp.0.weight mlp.flow [h1, flow
 * features] and mlp.path [h1, dim + path features]; and instead of `empty` what inputs are clamped
 * to and normalised by: token.lo, .hi, .mean, .scale [n_feat], flow.lo, .hi, .mean, .scale. */
typedef struct {
    char name[32];
    uint32_t rows, cols; /* cols 1: a vector of `rows` */
    size_t offset;       /* in floats from the start of the weights */
} CkptTensor;
enum {
    CKPT_RESIDUAL_EXTRA = 404
}; /* inputs of the MLP that HEAD_RESIDUAL adds: 400 log base, 4 log1p of flow counts */
enum { CKPT_N_QUANTILES = 24 }; /* outputs with HEAD_FLOW */
enum {
    CKPT_MAX_LAYERS = 64,
    CKPT_N_LAYER_TENSORS = 9,
    CKPT_N_SHARED_TENSORS = 11,
    CKPT_N_FLOW_TENSORS = 19,
    CKPT_EMPTY = 100
};
enum { CKPT_MAX_TENSORS = CKPT_MAX_LAYERS * CKPT_N_LAYER_TENSORS + CKPT_N_FLOW_TENSORS };
/* Fills up to `cap` tensors, returns how many there are; *n_floats = total. */
size_t ckpt_layout(const ModelSpec *s, CkptTensor *out, size_t cap, size_t *n_floats);

/* ckpt_find returns the tensor of that name among the n of a layout, which must hold it (asserted).
 */
const CkptTensor *ckpt_find(const CkptTensor *t, size_t n, const char *name);

/* Starting weights of a training run: normal with deviation 1/sqrt(inputs), smaller where a layer
 * adds to the residual stream; norms 1, biases 0, and the last layer 0 with HEAD_RESIDUAL and
 * HEAD_FLOW (training starts at flowSim). Inputs are neither clamped nor scaled until training sets
 * what it saw. */
void ckpt_init_weights(const ModelSpec *s, uint64_t seed, float *w);

typedef struct {
    ModelSpec spec;
    char *name;      /* as saved, or of the file: for reports */
    char *recipe;    /* JSON object: how it was trained or where it is from; "{}" if unknown */
    CkptDtype dtype; /* as stored */
    float *weights;  /* all tensors, f32 (mapped read-only, or converted) */
    size_t n_floats;
    char *path;    /* file read from, or NULL */
    FileView view; /* private: the file, as long as `weights` points into it */
} Ckpt;
/* `path`: a .m3 file, or a directory that holds model.m3. Length, magic, version, dimensions,
 * checksum and the weights' being finite are verified; every failure is one line. On failure *c is
 * empty. */
int ckpt_load(Ckpt *c, const char *path, Err *err);
/* Writes spec, name (NULL: of the path), recipe (NULL: {}) and weights, converted to dtype. `path`:
 * a file if it ends in .m3 or is a device, else a directory, made if needed, that gets model.m3.
 * Written beside and renamed. */
int ckpt_save(const Ckpt *c, const char *path, CkptDtype dtype, Err *err);
void ckpt_free(Ckpt *c);
/* ckpt_check_cc returns 0 if the model was trained on congestion control cc, else −1 with an input
 * error that names what it knows and points to packet simulation. c NULL: whether any model can be
 * trained on it. */
int ckpt_check_cc(const Ckpt *c, Cc cc, Err *err);
/* Of the whole file, as sha256sum prints; for imported ones of the weights. */
void ckpt_sha256(const Ckpt *c, char hex[65]);
const char *ckpt_dtype_name(CkptDtype d);                       /* "f32", "f16", "bf16" */
int ckpt_dtype_parse(const char *name, CkptDtype *d, Err *err); /* −1: names what is valid */
int ckpt_check_finite(const Ckpt *c, const char *file,
                      Err *err); /* names the tensor and place that isn't */
void ckpt_header_print(
    const Ckpt *c, JsonOut *o); /* members name, dtype, n_weights, spec, recipe of an open object */

/* The published pair (docs: PIPELINE §6). The files' cos and sin tables must be those of base
 * 10000; where their bits differ from ours the recipe keeps them, so that export after import gives
 * back the same bytes. Export needs HEAD_ABSOLUTE and raw inputs. */
int ckpt_import(Ckpt *c, const char *llama_bin, const char *mlp_bin, Err *err);
int ckpt_export(const Ckpt *c, const char *llama_bin, const char *mlp_bin, Err *err);
#endif
