/* netdir: folders of simulated networks: subdirectories with topo.json, scenario.json and flows.csv
 * (spec/README.md). */
#ifndef M3_DATA_NETDIR_H
#define M3_DATA_NETDIR_H
#include "scenario/scenario.h"

/* Names of the subdirectories of dir that hold a topo.json and a flows.csv, ascending; −1 if there
 * is none. netdir_free releases. */
int netdir_list(const char *dir, char ***names, size_t *n, Err *err);
void netdir_free(char **names, size_t n);

/* The network in dir: topology, flows (with what is known of their completion times) and settings.
 */
int netdir_load(Scenario *s, const char *dir, uint64_t seed, int threads, Err *err);
#endif
