/* random_checkpoint: small random weights of a preset, for tests in which any model will do.
 * Release with free(c->weights). */
#ifndef M3_TESTS_RANDOM_CHECKPOINT_H
#define M3_TESTS_RANDOM_CHECKPOINT_H
#include "base/mem.h"
#include "base/rng.h"
#include "model/ckpt.h"

static inline void random_checkpoint(Ckpt *c, const char *preset) {
    Err err = {0};
    Rng rng = rng_stream(9, "weights", 0);
    static char name[] = "random";
    *c = (Ckpt){.name = name};
    if (modelspec_preset(&c->spec, preset, &err) != 0) diag_die("%s", err.msg);
    ckpt_layout(&c->spec, NULL, 0, &c->n_floats);
    c->weights = MEM_NEW(float, c->n_floats);
    for (size_t i = 0; i < c->n_floats; i++) c->weights[i] = (float)(0.02 * rng_normal(&rng));
}
#endif
