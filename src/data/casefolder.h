/* casefolder: a folder of numbered cases, made in parallel, in pieces, and resumed. */
#ifndef M3_DATA_CASEFOLDER_H
#define M3_DATA_CASEFOLDER_H
#include <stdint.h>

#include "base/diag.h"
#include "base/json.h"
#include "base/ranks.h"

typedef struct {
    const char *out;    /* folder */
    const char *prefix; /* case 7 of "net" is out/net00007 */
    const char *what;   /* plural, for progress */
    uint64_t first, count;
    int threads;
    Ranks *ranks; /* that share the cases; NULL: this process makes all */
    /* Everything that a case depends on, as members of the open object of manifest.json. */
    void (*manifest)(const void *ctx, JsonOut *j);
    /* Writes case `index` into the empty folder `dir`. Called from several threads. */
    int (*make)(void *ctx, uint64_t index, const char *dir, Err *err);
    void *ctx;
} CaseFolder;

/* Makes the cases that aren't there. A case appears whole or not at all. A manifest with other
 * contents is refused, and nothing made; several runs may work on disjoint ranges of a folder.
 * After an error the cases begun are finished and no more are made. */
typedef struct {
    uint64_t n_made, n_kept;
} CaseFolderInfo;
int casefolder_run(const CaseFolder *s, const Log *log, CaseFolderInfo *info, Err *err);

#endif
