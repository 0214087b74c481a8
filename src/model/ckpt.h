/* ckpt: checkpoint files: dimensions, weights, and the recipe they were made with. */
#ifndef M3_MODEL_CKPT_H
#define M3_MODEL_CKPT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/file.h"
#include "base/json.h"
#include "model/ckpt_layout.h"
#include "model/modelspec.h"
#include "net/netconf.h"

/* How weights are stored. */
typedef enum { CKPT_F32, CKPT_F16, CKPT_BF16 } CkptDtype;
/* A checkpoint in memory; ckpt_free releases. */
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
/* ckpt_load reads a .m3 file, or model.m3 in a directory. Length, magic, version, dimensions,
 * checksum and that all weights are finite are verified. −1 with one line that names the file and
 * what is wrong; *c is then empty. */
int ckpt_load(Ckpt *c, const char *path, Err *err);
/* ckpt_save writes spec, name (NULL: of the path), recipe (NULL: {}) and weights, converted to
 * dtype, to a file if path ends in .m3 or is a device, else to model.m3 in that directory, which is
 * made if needed. Written beside and renamed. −1 on I/O errors. */
int ckpt_save(const Ckpt *c, const char *path, CkptDtype dtype, Err *err);
void ckpt_free(Ckpt *c);
/* ckpt_check_cc returns 0 if the model was trained on congestion control cc, else −1 with an input
 * error that names what it knows and points to packet simulation. c NULL: whether any model can be
 * trained on it. */
int ckpt_check_cc(const Ckpt *c, Cc cc, Err *err);
/* ckpt_sha256 gives the SHA-256 of the whole file as sha256sum prints it; of an imported
 * checkpoint, that of its weights. */
void ckpt_sha256(const Ckpt *c, char hex[65]);
/* ckpt_dtype_name returns "f32", "f16" or "bf16"; ckpt_dtype_parse reads one of them, or returns −1
 * with an input error that lists them. */
const char *ckpt_dtype_name(CkptDtype d);
int ckpt_dtype_parse(const char *name, CkptDtype *d, Err *err);
/* ckpt_check_finite returns 0, or −1 with an input error that names the tensor and place of the
 * first weight that is not finite. */
int ckpt_check_finite(const Ckpt *c, const char *file, Err *err);
/* ckpt_header_print writes the members name, dtype, n_weights, spec and recipe of the open object.
 */
void ckpt_header_print(const Ckpt *c, JsonOut *o);
#endif
