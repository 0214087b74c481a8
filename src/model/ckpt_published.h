/* ckpt_published: the pair of .bin files in which the published m3 keeps its model. */
#ifndef M3_MODEL_CKPT_PUBLISHED_H
#define M3_MODEL_CKPT_PUBLISHED_H
#include "model/ckpt.h"

/* ckpt_import reads a transformer file and an MLP file into *c; release with ckpt_free. The
 * transformer's cos and sin tables must be those of base 10000; where their bits differ from ours
 * the recipe keeps them, so that export after import gives back the same bytes. −1 with an input
 * error that names the file and what does not fit; *c is then empty. */
int ckpt_import(Ckpt *c, const char *llama_bin, const char *mlp_bin, Err *err);
/* ckpt_export writes the two files. −1 with an input error unless the model has the published form
 * (HEAD_ABSOLUTE, raw inputs), or on I/O errors; nothing is left half written. */
int ckpt_export(const Ckpt *c, const char *llama_bin, const char *mlp_bin, Err *err);
#endif
