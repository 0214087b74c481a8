/* nettraits: what kind of network a simulated one is, for evaluation by kind. */
#ifndef M3_DATA_NETTRAITS_H
#define M3_DATA_NETTRAITS_H
#include "base/diag.h"
#include "net/topo.h"

typedef enum { NET_LOAD, NET_OVERSUBSCRIPTION, NET_SIZES, NET_RATE, NET_N_TRAITS } NetTrait;
typedef struct {
    char label[NET_N_TRAITS][24]; /* its class by each trait; empty: unknown */
    double lost_share;            /* of the packets; 0 if unknown */
} NetTraits;
/* From the network's scenario.json and topology. */
int nettraits_read(NetTraits *t, const char *dir, const Topo *topo, Err *err);
/* Loses more than 1 % of its packets: congestion collapse. */
bool nettraits_collapsed(const NetTraits *t);
#endif
