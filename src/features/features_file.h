/* features_file: features on disk, so that a network can be estimated again without its flows.
 * spec/README.md has the format. */
#ifndef M3_FEATURES_FEATURES_FILE_H
#define M3_FEATURES_FEATURES_FILE_H
#include <stdio.h>

#include "features/features.h"
#include "features/features_source.h"

/* features_write writes features and where they are from to `out`; none may have been dropped. What
 * it writes does not depend on threads or time. Write errors are left in `out`'s error state, which
 * whoever commits the file reads. */
void features_write(FILE *out, const Features *f, const FeaturesSource *src);

/* features_read fills *f and *src from a file; wall times are 0, since nothing was computed.
 * Returns −1 if there is no such file, if it is damaged or of another version, or if the models'
 * inputs in it are not those of this program; *f and *src are then empty. Release with
 * features_free and features_source_free. */
int features_read(Features *f, FeaturesSource *src, const char *path, Err *err);
#endif
