/* host: senders and receivers of flows, and the network interfaces (NICs) they share. Private to
 * this room. */
#ifndef M3_PACKET_HOST_H
#define M3_PACKET_HOST_H
#include "packet/port.h"

/* What a NIC knows of a flow, so that choosing the next one touches nothing else. */
typedef struct {
    int64_t next_at; /* pacing: the next packet leaves no earlier, ticks */
    uint32_t flow;   /* slot */
    uint8_t state;   /* NIC_… bits */
} NicEntry;
enum {
    NIC_LEFT = 1, /* there are bytes to send */
    NIC_ROOM = 2, /* the window isn't full */
    NIC_DONE = 4  /* all is acknowledged */
};

/* One for each directed link out of a host. */
typedef struct {
    NicEntry *list; /* flows in order of start */
    size_t n, cap;
    uint32_t served; /* index of the last entry served */
    uint32_t link;
    uint32_t wake; /* cell of the pending wake-up, or NONE */
} Nic;

/* host_start_flow appends the flow in a slot, if there is one, to its NIC's list and sends what can
 * be sent. */
void host_start_flow(PktSim *s, uint32_t slot);

/* host_transmit sends the next ACK or data packet of a host over link `link`, whose port p is free,
 * or sees to a wake-up when one may be sent. */
void host_transmit(PktSim *s, Port *p, uint32_t link);

/* host_on_free handles the end of a host's transmission. */
void host_on_free(PktSim *s, uint32_t link);

/* host_on_arrival handles the arrival of a data packet at its receiver, or of an ACK or NACK at its
 * sender. */
void host_on_arrival(PktSim *s, uint32_t id);

/* host_on_gone takes a packet that was dropped, or that ends at its receiver without an answer, out
 * of the network. Other than in compat its cell lets the sender know, after news_ticks, which
 * host_on_news handles: a drop arms the retransmission timer. host_news_ticks returns that time for
 * a network's longest hop. */
void host_on_gone(PktSim *s, uint32_t id, bool dropped);
void host_on_news(PktSim *s, uint32_t id);
int64_t host_news_ticks(const PktSim *s, int64_t longest_hop);

/* host_change_path has a flow go on by its new path. host_give_up ends one whose other end it never
 * reaches again. */
void host_change_path(PktSim *s, uint32_t slot);
void host_give_up(PktSim *s, uint32_t slot);

/* These handle timers and free their cells: a NIC's wake-up, a congestion control's timer, and the
 * retransmission timer. */
void host_on_wake(PktSim *s, uint32_t id);
void host_on_cc_timer(PktSim *s, uint32_t id);
void host_on_rto(PktSim *s, uint32_t id);
#endif
