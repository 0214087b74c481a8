/* features_file: features on disk, so that a network can be asked about again without its flows
 * (spec/README.md). */
#ifndef M3_FEATURES_FEATURES_FILE_H
#define M3_FEATURES_FEATURES_FILE_H
#include <stdio.h>

#include "features/features.h"

/* Where features come from: files with the digests of their contents. Strings owned; NULL: none. */
typedef struct {
    char *topo, *topo_sha256;
    char *mix, *mix_sha256;
    int64_t mix_id;
    char *flows, *flows_sha256;
    char *command; /* that made them */
} FeaturesSource;
/* Digests the files that the scenario was loaded from. */
int features_source(FeaturesSource *src, const Scenario *s, const ScenarioOptions *o,
                    const char *command, Err *err);
void features_source_free(FeaturesSource *src);
/* −1 unless the files named in `o` (topo_path, mix_path, flows_path; NULL: not named) are those;
 * `file` begins the message. */
int features_source_check(const FeaturesSource *src, const ScenarioOptions *o, const char *file,
                          Err *err);

/* What features read from a file say under other settings of the network: *net = theirs, then
 * "key=value" of `set` (NULL-ended, or NULL). −1 for a setting of the traffic, or of the network
 * where its effect takes a new simulation. */
int features_settings(const Features *f, const char *const *set, NetConf *conf, Err *err);

/* All maps must be there. Write errors are found when `out` is committed. */
void features_write(FILE *out, const Features *f, const FeaturesSource *src);
/* Times are 0, since nothing is computed. −1: no such file, damaged, of another version, or made
 * for other inputs of models than this program's. features_free and features_source_free release;
 * on failure both are empty. */
int features_read(Features *f, FeaturesSource *src, const char *path, Err *err);
#endif
