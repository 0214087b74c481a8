/* port: the two ends of a directed link: the port that sends over it, with its queues, and the
 * buffer that its packets occupy at the switch they arrive at. Private to this room. */
#ifndef M3_PACKET_PORT_H
#define M3_PACKET_PORT_H
#include <stdbool.h>
#include <stdint.h>

#include "packet/cc.h"

typedef struct PktSim PktSim;
typedef struct PktCell PktCell;

/* Packets in order of arrival, linked through their cells; tail is valid unless head is NONE. */
typedef struct {
    uint32_t head, tail;
} PortQueue;

/* What ports of equal rate and delay have in common: few of these serve all, and stay cached. */
typedef struct {
    _Alignas(64) int64_t full_ticks; /* serialisation of a full data packet */
    int64_t ack_ticks;
    int64_t delay_ticks;
    CcMarking marking;
    double rate_bps, delay_ns;
} PortKind;

/* The sending end of a directed link: all that a packet meets of it lies in one cache line. Flags
 * are bytes of their own: as bits beside `kind`, which is read right after they were written, they
 * would have it wait for that. */
typedef struct {
    _Alignas(64) int64_t free_at; /* end of the last transmission, ticks */
    int64_t free_sched;           /* compat: when it began */
    PortQueue control;            /* queue 0: strict priority; of a host: its ACKs */
    union {
        PortQueue data; /* of a switch */
        uint32_t nic;   /* of a host, whose flows are its queue: index of the NIC */
    };
    uint64_t data_b;   /* waiting in `data` */
    uint64_t peak_b;   /* most that ever waited there */
    uint32_t sent_b;   /* in total, modulo 2^32: more than telemetry has room for */
    uint32_t free_tie; /* compat: of the event of its end */
    uint32_t kind;     /* index of the PortKind */
    bool at_host;
    bool away;        /* the link ends in another partition of a parallel run */
    bool free_queued; /* the end of the transmission is in the event queue */
    bool paused;      /* by PFC: data waits */
} Port;
_Static_assert(sizeof(Port) == 64, "a port is one cache line");

/* The receiving end of a directed link at a switch: what its packets hold of the buffer. */
typedef struct {
    uint64_t held_b;          /* reserve and shared part */
    uint64_t headroom_b;      /* headroom in use */
    uint64_t headroom_size_b; /* of WIRE's headroom */
    uint32_t sw;              /* the switch's node */
    uint8_t shift;            /* of the dynamic threshold */
    bool pausing;             /* the far end was told to pause */
} Ingress;

typedef struct {
    int64_t free_b; /* buffer − Σ headroom − Σ reserve: what can be shared; may be < 0 */
    uint64_t size_b, held_b;
    uint64_t shared_b; /* Σ over ingresses of what they hold above the reserve */
} Switch;

/* port_init sets up the sending and the receiving end of a link. Rates of hosts' links are at least
 * host_rate_bps. Takes the link's share from the buffer of the switch that it ends at. */
void port_init(PktSim *s, uint32_t link, double host_rate_bps);

/* port_set_rate gives a link another rate: what is being sent ends when it was to end. */
void port_set_rate(PktSim *s, uint32_t link, double rate_bps);

/* port_kick starts the next transmission of a link if there is one and the port is free, or sees to
 * it that this happens when it will be. */
void port_kick(PktSim *s, uint32_t link);

/* port_on_free handles the end of a switch's transmission that something waits for. */
void port_on_free(PktSim *s, uint32_t link);

/* port_drop loses a packet that came by c->in_link: counted, traced, its sender's timer set. */
void port_drop(PktSim *s, uint32_t id);
/* port_on_arrival handles the arrival of a packet at a switch: it is queued, sent on at once, or
 * dropped. */
void port_on_arrival(PktSim *s, uint32_t id);

/* port_on_pause handles the arrival of a pause or resume frame and frees its cell. */
void port_on_pause(PktSim *s, uint32_t id);

#endif
