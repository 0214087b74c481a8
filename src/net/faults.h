/* faults: links and switches that have failed, and links that are worse than they were built. */
#ifndef M3_NET_FAULTS_H
#define M3_NET_FAULTS_H
#include "net/topo.h"

/* ORDER FAULT: fault_names. A failed link or switch is taken out; a degraded link has another rate
 * or loses packets; an event is a fault, or the end of faults, at a time (timeline.h). */
typedef enum { FAULT_FAIL, FAULT_DEGRADE, FAULT_EVENT, N_FAULT_KINDS, FAULT_RESTORE } FaultKind;
extern const char *const fault_names[]; /* "fail", "degrade", "events"; "restore" */

/* Faults as they are written (spec/README.md, Faults). To begin with, all zero. */
typedef struct {
    FaultKind kind;
    char *text;
} Fault;
typedef struct Faults {
    Fault *list;
    size_t n, cap;
} Faults;

/* faults_add adds what `text` says: one fault, several joined by '+', or "none". −1 with an input
 * error that begins with the kind's name if it is not of such a form. faults_add_all copies all of
 * another list; faults_free releases. */
int faults_add(Faults *f, FaultKind kind, const char *text, Err *err);
void faults_add_all(Faults *f, const Faults *from);
void faults_free(Faults *f);

/* What faults came to. */
typedef struct {
    uint32_t n_failed, n_degraded; /* cables */
    uint32_t n_switches;           /* that are gone: failed, or without a link to the rest */
    uint64_t first_switch;         /* the id of one of these, the smallest */
} FaultsInfo;

/* faults_count returns how many faults are of a kind. */
size_t faults_count(const Faults *f, FaultKind kind);

/* faults_apply makes the topology that is left of t, whatever events there are; shares are drawn by
 * `seed`, so that a larger share of the same links holds the smaller one. Hosts keep their index.
 * topo_free releases. −1 with an input error that names a fault that fits nothing, or the hosts
 * that were cut off. */
int faults_apply(Topo *out, const Topo *t, const Faults *f, uint64_t seed, FaultsInfo *info,
                 Err *err);

/* faults_remark notes what is missing. */
void faults_remark(const FaultsInfo *info, const Topo *t, const Log *log);
#endif
