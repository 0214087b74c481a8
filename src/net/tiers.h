/* tiers: what tiers of nodes are called, and which one a name means. */
#ifndef M3_NET_TIERS_H
#define M3_NET_TIERS_H
#include "net/topo.h"

/* tiers_names returns the names of tiers 0, 1, …: host, tor, fabric, spine, where links join
 * neighbouring tiers only and there are three tiers of switches at most; else NULL. */
const char *const *tiers_names(const Topo *t);

/* tiers_name prints a tier's name into `out`, "tor" or "tier1", and returns its length. */
int tiers_name(const char *const *names, int tier, char *out, size_t size);

/* tiers_find returns the tier that `len` bytes of text name, by its name, another one in use (leaf
 * or rack for tor, agg for fabric, core for spine) or its number (tier2); −1: none. */
int tiers_find(const Topo *t, const char *text, size_t len);
#endif
