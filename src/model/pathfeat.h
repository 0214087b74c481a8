/* pathfeat: flows of one path → the published feature map, for inference and training alike.
 */
#ifndef M3_MODEL_PATHFEAT_H
#define M3_MODEL_PATHFEAT_H
#include <stdint.h>

#include "base/mem.h"
#include "base/stats.h"
#include "net/netconf.h"
#include "path/path.h"
#include "traffic/sizebucket.h"

enum {
    PATHFEAT_N_CONF = 19, /* configuration values appended to each row */
    PATHFEAT_N_PCT = SIZEBUCKET_N_FINE * STATS_N_PCT, /* 1000 */
    PATHFEAT_N = PATHFEAT_N_PCT + PATHFEAT_N_CONF,    /* 1019 */
    PATHFEAT_N_BASE = SIZEBUCKET_N * STATS_N_PCT      /* 400 */
};

/* Row 0: foreground flows; rows 1..n_links: background flows crossing link i−1. Percentiles of
 * buckets without flows are 0 here and their bit in `present` is clear; the model puts its learned
 * vector in their place. */
typedef struct {
    uint32_t n_rows;             /* n_links + 1 */
    float *pct;                  /* [n_rows × 1000] slowdown percentiles, bucket major */
    uint16_t *present;           /* [n_rows] bit b: bucket b has flows */
    uint32_t *count;             /* [n_rows × 10] flows per bucket */
    float base[PATHFEAT_N_BASE]; /* fluid slowdown percentiles of the foreground per output bucket;
                                    1 where empty */
    uint32_t base_count[SIZEBUCKET_N];
    float conf[PATHFEAT_N_CONF];
} PathFeat;

/* pathfeat_build makes the map of a path's n flows; slowdown: [n], that of flows[i]. All memory is
 * taken from `a`. */
void pathfeat_build(PathFeat *m, const Lot *lot, const LotFlow *flows, const float *slowdown,
                    size_t n, const NetConf *conf, Arena *a);
void pathfeat_conf(const Lot *lot, const NetConf *conf,
                   float out[PATHFEAT_N_CONF]); /* only the configuration values */
/* pathfeat_set_conf gives a map the configuration values of other settings. */
void pathfeat_set_conf(PathFeat *m, const NetConf *conf);
/* pathfeat_cc returns the congestion control whose flag is set among the configuration values, or
 * MODELINPUT_N_CC if none is. */
int pathfeat_cc(const float conf[PATHFEAT_N_CONF]);
/* Names of the 19 values, for docs and `--features` files. */
extern const char *const pathfeat_conf_names[PATHFEAT_N_CONF];

/* pathfeat_row writes row `row` as the model sees it, out [1019]: percentiles with `empty` (100
 * floats; NULL: zeros) in buckets without flows, then conf. zero_rows: a row without any flow is
 * all zeros but for conf (published C). */
void pathfeat_row(const PathFeat *m, uint32_t row, const float *empty, bool zero_rows, float *out);
#endif
