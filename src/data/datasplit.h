/* datasplit: which scenarios of a data set are held out of training. */
#ifndef M3_DATA_DATASPLIT_H
#define M3_DATA_DATASPLIT_H
#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

/* Cuts the scenarios (or networks) of a data set into shares; share number `fold` is held out. */
typedef struct {
    double share; /* in [0, 1); 0: nothing is held out */
    uint32_t fold;
} DataSplit;

/* datasplit_check returns 0, or −1 with an input error that names --holdout or --fold unless share
 * is in [0, 1) and the fold lies within the data: (fold + 1) · share <= 1. */
int datasplit_check(const DataSplit *s, Err *err);

/* datasplit_is_held_out tells whether the scenario of this name is held out: a hash of the name,
 * uniform in [0, 1), falls in [fold · share, (fold + 1) · share). What follows a '#' in the name
 * (the number of a partial view) does not count, so all views of a scenario are on one side, in
 * every data set that holds it. */
bool datasplit_is_held_out(const char *name, const DataSplit *s);
#endif
