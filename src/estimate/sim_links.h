/* sim_links: what links did in a packet simulation, as CSV, table and JSON. */
#ifndef M3_ESTIMATE_SIM_LINKS_H
#define M3_ESTIMATE_SIM_LINKS_H
#include <stdio.h>

#include "base/json.h"
#include "net/topo.h"
#include "packet/linkstats.h"

/* sim_links_csv writes a row for each directed link, by ascending ids of its ends. Columns: from,
 * to, port (the tiers, as in time series), rate_bps, and the members of LinkStats. Fields of queues
 * are empty for hosts' links up, which have none. */
void sim_links_csv(FILE *f, const Topo *t, const LinkStats *links);

/* sim_links_table prints a line for each direction between two tiers and one for each of the n_top
 * links of highest utilisation; sim_links_json writes these, and the n_top links of the longest
 * queues at p99, as the member "links" of the open object. */
void sim_links_table(FILE *f, const Topo *t, const LinkStats *links, uint32_t n_top);
void sim_links_json(JsonOut *o, const Topo *t, const LinkStats *links, uint32_t n_top);
#endif
