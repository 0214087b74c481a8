/* topo_save: topologies to files. */
#ifndef M3_NET_TOPO_SAVE_H
#define M3_NET_TOPO_SAVE_H
#include "net/topo.h"

/* topo_save_is_hpcc returns whether a file of that name is the HPCC authors' topology.txt: those
 * that end in .txt are. */
bool topo_save_is_hpcc(const char *path);
/* topo_save writes a topology that topo_load reads back: as the HPCC authors' topology.txt if the
 * path ends in .txt, otherwise as a graph in JSON. Rates and delays are exact in both; pods are
 * kept in JSON only. −1 as topo_save_hpcc and file_out_commit (base/file.h). */
int topo_save(const Topo *t, const char *path, Err *err);
int topo_save_json(const Topo *t, const char *path, Err *err);
/* topo_save_hpcc returns −1 with an input error unless ids are 0..n−1, as that format demands. */
int topo_save_hpcc(const Topo *t, const char *path, Err *err);
#endif
