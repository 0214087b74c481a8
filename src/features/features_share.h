/* features_share: a path's features as bytes, for the other ranks. */
#ifndef M3_FEATURES_FEATURES_SHARE_H
#define M3_FEATURES_FEATURES_SHARE_H
#include "base/ranks.h"
#include "features/features.h"

/* features_share_put appends what simulating a path has made of it. features_share_get makes the
 * same of *p, which was drawn and not simulated, from what another rank has put. */
void features_share_put(const PathFeatures *p, RanksOut *out);
void features_share_get(PathFeatures *p, RanksIn *in);
#endif
