/* features_source: which files features were made from. */
#ifndef M3_FEATURES_FEATURES_SOURCE_H
#define M3_FEATURES_FEATURES_SOURCE_H
#include "base/diag.h"
#include "scenario/scenario.h"

/* The files and the SHA-256 digests of their contents, in hex; strings owned. NULL: there was none.
 */
typedef struct {
    char *topo, *topo_sha256;
    char *mix, *mix_sha256;
    int64_t mix_id;
    char *flows, *flows_sha256;
    char *command; /* that made the features */
} FeaturesSource;

/* features_source_init fills *src with the files that scenario s was loaded from with options o,
 * and digests them. Returns −1 if one cannot be read; *src is then empty. Release with
 * features_source_free. */
int features_source_init(FeaturesSource *src, const Scenario *s, const ScenarioOptions *o,
                         const char *command, Err *err);
/* features_source_free releases the strings; *src is then empty. */
void features_source_free(FeaturesSource *src);

/* features_source_check returns −1 unless the contents of the files that o names (topo_path,
 * mix_path, flows_path; NULL: not named) are the source's, and its mix_id (−1: not named) too. The
 * message begins with `file`, the name of the features file. */
int features_source_check(const FeaturesSource *src, const ScenarioOptions *o, const char *file,
                          Err *err);
#endif
