/* credit: receivers that grant their senders credit (pulls), at the pace of their own link. For
 * controls with CongestionControl.credit. Private to this room. */
#ifndef M3_PACKET_CREDIT_H
#define M3_PACKET_CREDIT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct PktSim PktSim;
typedef struct PktCell PktCell;

/* One for each NIC: the flows that end behind it and want credit. */
typedef struct {
    uint32_t *list; /* [n] slots, in order of their first want */
    size_t n, cap, next;
    int64_t next_at; /* no credit before that tick */
    bool due;        /* the event of the next one is queued */
} Puller;

/* credit_new gives every NIC of a run its Puller; credit_free releases them. */
void credit_new(PktSim *s);
void credit_free(PktSim *s);

/* credit_join has a flow's receiver grant it credit, if it wants some: to be called when its first
 * packet has arrived, and when bytes have. */
void credit_join(PktSim *s, uint32_t slot);

/* credit_on_data has credit count anew from a data packet (or what trimming left of it) that says
 * so. */
void credit_on_data(PktSim *s, const PktCell *c, uint32_t payload_b);

/* credit_restart makes credit of a flow count from byte `from` on: its sender goes back to it. */
void credit_restart(PktSim *s, uint32_t slot, uint64_t from);

/* credit_leave ends the wants of a flow that has arrived in full. */
void credit_leave(PktSim *s, uint32_t slot);

/* credit_on_due handles the event of a NIC's next credit and frees its cell. */
void credit_on_due(PktSim *s, uint32_t id);
#endif
