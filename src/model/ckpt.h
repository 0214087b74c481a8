/* ckpt: checkpoint files: dimensions, named tensors, recipe; and the published pair of .bin files. */
#ifndef M3_MODEL_CKPT_H
#define M3_MODEL_CKPT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

typedef enum { CKPT_F32, CKPT_F16, CKPT_BF16 } CkptDtype;
/* What the MLP's 400 outputs mean. ABSOLUTE: slowdown = 1 + out (published). RESIDUAL: slowdown =
 * 1 + (base − 1)·exp(a) + softplus-like lift, a correction to flowSim's own percentiles: see model.c. */
typedef enum { HEAD_ABSOLUTE, HEAD_RESIDUAL } ModelHead;

typedef struct {
    uint32_t n_feat; /* 1019 */
    uint32_t dim, hidden, n_layers, n_heads;
    uint32_t mlp_in_extra;          /* inputs of the MLP beside dim + n_feat: 0, or 400 base + 4 counts with HEAD_RESIDUAL */
    uint32_t mlp_h1, mlp_h2, n_out; /* n_out 400 */
    ModelHead head;
    bool zero_rows; /* rows without any flow are fed as zeros (published C) */
} ModelSpec;
/* "paper": 576/1536/4/4, MLP 512-512; "compact": small enough for a few hundred samples. */
int modelspec_preset(ModelSpec *s, const char *name, Err *err);
int modelspec_check(const ModelSpec *s, const char *file, Err *err); /* plausible dimensions, no overflow */

/* Tensors in file order, row-major, out × in: embed.weight [dim, n_feat], embed.bias, for each layer l:
 * l.N.attn_norm, l.N.wq, .wk, .wv, .wo [dim, dim], l.N.ffn_norm, l.N.w1 [hidden, dim], .w2 [dim, hidden], .w3 [hidden, dim];
 * final_norm, output [dim, dim], mlp.0.weight [h1, in], mlp.0.bias, mlp.1.*, mlp.2.*, empty [100]. */
typedef struct {
    char name[32];
    uint32_t rows, cols; /* cols 1: a vector of `rows` */
    size_t offset;       /* in floats from the start of the weights */
} CkptTensor;
/* Fills up to `cap` tensors, returns how many there are; *n_floats = total. */
size_t ckpt_layout(const ModelSpec *s, CkptTensor *out, size_t cap, size_t *n_floats);

typedef struct {
    ModelSpec spec;
    char *name;      /* of the file or directory, for reports */
    char *recipe;    /* JSON text of how it was trained; "{}" if unknown */
    CkptDtype dtype; /* as stored */
    float *weights;  /* all tensors, f32 (mapped read-only, or converted) */
    size_t n_floats;
    char *path; /* file read from, or NULL */
    void *map;  /* private */
    size_t map_len;
} Ckpt;
/* `path`: a .m3 file, or a directory that holds model.m3. Length, magic, version, dimensions and checksum
 * are verified; every failure is one line. */
int ckpt_load(Ckpt *c, const char *path, Err *err);
/* Writes spec, recipe and weights; converts to dtype. Written beside and renamed. */
int ckpt_save(const Ckpt *c, const char *path, CkptDtype dtype, Err *err);
void ckpt_free(Ckpt *c);
/* Of the whole file, as sha256sum prints; for imported ones of the weights. */
void ckpt_sha256(const Ckpt *c, char hex[65]);

/* The published pair (docs: PIPELINE §6). Export needs HEAD_ABSOLUTE. */
int ckpt_import(Ckpt *c, const char *llama_bin, const char *mlp_bin, Err *err);
int ckpt_export(const Ckpt *c, const char *llama_bin, const char *mlp_bin, Err *err);
#endif
