/* flowfeat_settings: the features that depend on the network's settings. */
#ifndef M3_MODEL_FLOWFEAT_SETTINGS_H
#define M3_MODEL_FLOWFEAT_SETTINGS_H
#include "model/flowfeat.h"
#include "net/netconf.h"

/* flowfeat_set_conf writes all values of *m that depend on the settings: those in m->path and
 * m->flow, and m->base. It may be called any number of times; the last call counts. m->state must
 * not be NULL. Costs some 100 ns a flow. */
void flowfeat_set_conf(FlowFeat *m, const NetConf *conf);

/* flowfeat_overflow returns a ratio ≥ 0: the windows of the flows that are active on the path's
 * fullest link at the 99th percentile over time, over a switch's buffer; 0 with PFC, which keeps
 * buffers from overflowing. Of 133 training networks without PFC that had a path above 1, 40 lost
 * over 1 % of their packets (ckpts/README.md). Valid whatever settings *m was last given. */
double flowfeat_overflow(const FlowFeat *m, const NetConf *conf);

/* flowfeat_cc returns the congestion control whose flag is set among a path's features
 * [FLOWFEAT_N_PATH], which is all that a data set keeps of it; CC_DCTCP where none is set. */
Cc flowfeat_cc(const float *path);
#endif
