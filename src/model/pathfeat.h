/* feature: flows of one path → feature map, shared by inference and training (docs: PIPELINE §5). */
#ifndef M3_MODEL_PATHFEAT_H
#define M3_MODEL_PATHFEAT_H
#include <stdint.h>

#include "base/mem.h"
#include "base/stats.h"
#include "net/netconf.h"
#include "path/path.h"

enum {
    FEATURE_N_CONF = 19,                        /* configuration values appended to each row */
    FEATURE_N_PCT = STATS_N_IN * STATS_N_PCT,   /* 1000 */
    FEATURE_N = FEATURE_N_PCT + FEATURE_N_CONF, /* 1019 */
    FEATURE_N_BASE = STATS_N_OUT * STATS_N_PCT  /* 400 */
};

/* Row 0: foreground flows; rows 1..n_links: background flows crossing link i−1. Percentiles of buckets
 * without flows are 0 here and their bit in `present` is clear; the model puts its learned vector there. */
typedef struct {
    uint32_t n_rows;            /* n_links + 1 */
    float *pct;                 /* [n_rows × 1000] slowdown percentiles, bucket major */
    uint16_t *present;          /* [n_rows] bit b: bucket b has flows */
    uint32_t *count;            /* [n_rows × 10] flows per bucket */
    float base[FEATURE_N_BASE]; /* fluid slowdown percentiles of the foreground per output bucket; 1 where empty */
    uint32_t base_count[STATS_N_OUT];
    float conf[FEATURE_N_CONF];
} FeatureMap;

/* slowdown[i] belongs to flows[i]. Everything is taken from `a`. */
void feature_build(FeatureMap *m, const Lot *lot, const LotFlow *flows, const float *slowdown, size_t n, const NetConf *conf, Arena *a);
void feature_conf(const Lot *lot, const NetConf *conf, float out[FEATURE_N_CONF]); /* only the configuration values */
/* The map as feature_build would have made it under other settings. */
void feature_apply(FeatureMap *m, const NetConf *conf);
/* Names of the 19 values, for docs and `--features` files. */
extern const char *const feature_conf_names[FEATURE_N_CONF];

/* Row `row` as the model sees it, 1019 floats: percentiles with `empty` (100 floats; NULL: zeros) in buckets
 * without flows, then conf. zero_rows: a row without any flow is all zeros but for conf (published C). */
void feature_row(const FeatureMap *m, uint32_t row, const float *empty, bool zero_rows, float *out);
#endif
