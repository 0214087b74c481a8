/* sim_series: time series of a simulation as CSV, of groups of links that an option names. */
#ifndef M3_CLI_SIM_SERIES_H
#define M3_CLI_SIM_SERIES_H
#include <stdio.h>

#include "net/topo.h"
#include "packet/series.h"

/* A row of the CSV for each interval and group. */
typedef struct {
    bool of_tiers;       /* links between two tiers; otherwise those between two nodes */
    uint32_t first_link; /* the ends of which name the group */
} SimSeriesGroup;
typedef struct {
    FILE *f;
    const Topo *topo;
    const char *const *tier_names; /* by tier; NULL: they are numbered */
    SimSeriesGroup *groups;        /* [spec.n_groups] */
    uint32_t *start, *link;        /* what spec points to */
    size_t n_link, cap_groups, cap_start, cap_link;
    uint8_t *taken;  /* [n_links] bit 0, 1: first link of a group of nodes, of tiers */
    SeriesSpec spec; /* PktOptions.series */
} SimSeries;

/* sim_series_init writes the CSV's header to f and sets up what `ports` asks for, a list of these,
 * divided by commas: "tiers", a group for each direction between two tiers; one of those by its
 * name, as "host-tor"; "all", a group for each two nodes and direction; one of those, as "0-16"
 * (FROM-TO). What is named twice is there once. Tiers are host, tor, fabric and spine in networks
 * of up to three tiers of switches in which links join neighbouring tiers only (two: without
 * fabric), and host, tier1, tier2 … in others. Topology and t must outlive the run. −1 with err if
 * something isn't there; the nearest name is suggested. sim_series_free releases, also after an
 * error. */
int sim_series_init(SimSeries *t, FILE *f, double interval_ns, const Topo *topo, const char *ports,
                    Err *err);
void sim_series_free(SimSeries *t);
#endif
