/* flowslot: the active flows. A flow has a slot from its start until both its ends are done and
 * none of its packets is in the network; slots are reused, so that memory follows the active flows.
 * Private to this room. */
#ifndef M3_PACKET_FLOWSLOT_H
#define M3_PACKET_FLOWSLOT_H
#include <stdbool.h>
#include <stdint.h>

#include "packet/cc.h"

typedef struct PktSim PktSim;

/* The sender's end. */
typedef struct {
    uint64_t size_b, nxt, una; /* in bytes: size, next to send, first unacknowledged */
    uint64_t nxt_max;          /* what is below is a retransmission */
    uint64_t rate_window_b;    /* payload bytes in flight at cc.rate_bps */
    uint32_t index;            /* in Flows; NONE: slot not in use */
    uint32_t pos;              /* in its NIC's list, NONE: left it */
    uint32_t nic;
    uint32_t n_packets;                    /* in the network, ACKs and credit included */
    int64_t pace_ticks;                    /* of a full packet at the present rate */
    uint32_t last_wire_b;                  /* of the last packet sent */
    uint32_t timer[CC_N_TIMERS];           /* cells, NONE: not armed */
    uint32_t rto;                          /* cell or NONE */
    uint64_t rto_una;                      /* una when it was armed */
    int64_t last_sent;                     /* ticks; of the last data packet */
    uint32_t flowlet;                      /* how many gaps there were before it */
    uint64_t path_since;                   /* bytes before that may have taken another path */
    uint8_t n_rto;                         /* in a row without progress */
    bool asks;                             /* the next packet says that the timer expired */
    uint32_t touched_window, touched_step; /* parallel runs: the last part_touch */
    CcFlow cc;
} FlowSlot;

/* The receiver's end: in a parallel run, another partition may have it. */
typedef struct {
    _Alignas(64) uint64_t size_b;
    uint64_t expected;  /* next byte */
    uint64_t granted;   /* credit: the byte up to which the sender may send */
    uint64_t trimmed;   /* least byte from `expected` on whose packet came without payload */
    uint64_t nack_for;  /* last expected byte a NACK was sent for */
    int64_t nack_after; /* or after this time anyway */
    int64_t started;    /* ticks */
    uint32_t index;     /* in Flows */
    bool wants;         /* credit: is in the list of its NIC's Puller */
} FlowSink;

/* flowslot_start gives flow `index` of the list a slot, looks up its paths and starts its
 * congestion control; the caller has it sent. Returns the slot, NONE for a flow that still waits
 * for others, or whose hosts never reach each other again. */
uint32_t flowslot_start(PktSim *s, uint32_t index);

/* flowslot_find_paths looks up the paths of a flow again, and returns whether they have changed.
 * flowslot_set_hop_rates does so with the rates of the links. */
bool flowslot_find_paths(PktSim *s, uint32_t slot);
void flowslot_set_hop_rates(PktSim *s, uint32_t slot);

/* flowslot_meet sees to it that the receiver's end and the paths of flow `index`, whose slot is
 * another rank's, are known here: its packets come by. */
void flowslot_meet(PktSim *s, uint32_t slot, uint32_t index);

/* flowslot_release gives a slot back if the flow has left its NIC and has no packet in the network;
 * to be called whenever either comes true. */
void flowslot_release(PktSim *s, uint32_t slot);

/* flowslot_give_back does so in any case. */
void flowslot_give_back(PktSim *s, uint32_t slot);
#endif
