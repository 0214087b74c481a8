/* pathgen: a folder of simulated parking lots, in the layout that `m3 dataset --scenarios` reads.
 */
#ifndef M3_DATA_PATHGEN_H
#define M3_DATA_PATHGEN_H
#include <stdint.h>

#include "base/diag.h"
#include "base/ranks.h"

typedef struct {
    const char *out;       /* folder to write */
    uint64_t first, count; /* paths first … first + count − 1 of the set */
    uint64_t seed;
    const char *sizes_dir; /* NULL: where they are found */
    int threads;
    Ranks *ranks; /* that share the paths; NULL: alone */
} PathGenOptions;

typedef struct {
    uint64_t n_made, n_kept; /* kept: there already */
} PathGenInfo;

/* Makes out/pathNNNNN/{scenario.json, flows.csv} for each path that isn't there yet, and
 * out/manifest.json. As netgen_run. */
int pathgen_run(const PathGenOptions *o, const Log *log, PathGenInfo *info, Err *err);
#endif
