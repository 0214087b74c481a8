/* faults_private: what faults do to a list of cables, for one network (faults) and for one that
 * changes (timeline). Private to this room. */
#ifndef M3_NET_FAULTS_PRIVATE_H
#define M3_NET_FAULTS_PRIVATE_H
#include "net/faults.h"
#include "net/topo_private.h"

typedef struct {
    const Topo *t;     /* without these faults */
    TopoCable *cables; /* [n_links / 2] as they are now; cable k is links 2k and 2k + 1 of t */
    uint8_t *failed, *degraded;
    uint32_t *part; /* [n_nodes] of faults_find_parts */
} FaultsBuild;

void faults_build_init(FaultsBuild *b, const Topo *t);
void faults_build_free(FaultsBuild *b);

/* faults_hit applies a fault, or the end of some. −1 if it fits nothing. */
int faults_hit(FaultsBuild *b, const Fault *fault, uint64_t seed, Err *err);

/* faults_find_parts numbers the parts that the cables left connect, and returns the one with most
 * hosts. */
uint32_t faults_find_parts(FaultsBuild *b);

/* faults_keep returns whether a cable is one of a part's. */
bool faults_keep(const FaultsBuild *b, uint32_t part, uint32_t cable);

/* faults_build makes the topology of a part: nodes and cables in the order of b->t. */
int faults_build(const FaultsBuild *b, uint32_t part, Topo *out, FaultsInfo *info, Err *err);

/* faults_split_event reads an event: its time, and what happens then, whose text is the event's. −1
 * with an input error if it is not of that form. */
int faults_split_event(const Fault *event, double *at_ns, Fault *what, Err *err);
#endif
