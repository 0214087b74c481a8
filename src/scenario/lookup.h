/* lookup: where the files are that a mix file names. */
#ifndef M3_SCENARIO_LOOKUP_H
#define M3_SCENARIO_LOOKUP_H
#include <stddef.h>

#include "base/diag.h"

/* The look-ups for one mix file. Paths that had to be found by name are kept for one remark, since
 * the mixes of a file share most of them. */
typedef struct {
    const char *file; /* the mix file */
    char *dir;        /* its folder */
    struct LookupMoved {
        char *written, *found;
    } * moved; /* [n] */
    size_t n, cap;
} Lookup;

/* lookup_init begins the look-ups for a mix file, whose name is to outlive them; lookup_free
 * releases. */
void lookup_init(Lookup *l, const char *file);
void lookup_free(Lookup *l);

/* lookup_resolve replaces *path (owned by the caller; NULL stays) by where the file is: as seen
 * from the mix file's folder, then from the working directory, then a file of the same name beside
 * the mix file or in a folder beside its folder, the alphabetically first. If it is nowhere, *path
 * becomes its place beside the mix file, so that opening it names that. */
void lookup_resolve(Lookup *l, char **path);

/* lookup_remark notes which paths do not exist as they are written and what was taken instead: the
 * first in a line, the others only if verbose. */
void lookup_remark(const Lookup *l, const Log *log);

/* lookup_typed resolves a path typed on the command line: as seen from the working directory, then
 * from the folder of the mix file (NULL: there is none). */
void lookup_typed(const char *mix_file, char **path);
#endif
