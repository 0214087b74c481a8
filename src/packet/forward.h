/* forward: networks whose switches decide packet by packet: as links fail, degrade and come back,
 * and as routings other than ECMP ask for. Private to this room. */
#ifndef M3_PACKET_FORWARD_H
#define M3_PACKET_FORWARD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "net/netconf.h"
#include "net/timeline.h"

typedef struct PktSim PktSim;
typedef struct PktCell PktCell;

/* What such a run has in addition. */
typedef struct Forward {
    const Timeline *timeline; /* the run's, or `own` */
    Timeline own;             /* of a network that stays as it is: one phase */
    TimelinePhase whole;
    Routing routing;
    uint32_t *turn; /* [n_nodes] next hops that each switch has taken in turn */
    uint64_t seed;  /* of random next hops */
    int64_t gap;    /* between flowlets, ticks */
    uint64_t *held; /* [n_slots][n_words] packets that receivers have beyond the first missing
                       one: of packet k bit k modulo n_held */
    uint32_t n_held, n_words;
    int64_t delay;                /* from a change of links to that of routes, ticks */
    size_t next_links, next_ways; /* phases whose links, and whose routes, come next */
    const TimelinePhase *links, *ways;
    int64_t *lost_until; /* [n_links] what is on a link loses its packets if it entered before */
    bool final;          /* no change of routes is to come */
} Forward;

/* forward_init prepares a run and applies what came before its start; forward_n_kinds returns how
 * many kinds of ports there may be (PktSim.kinds). */
void forward_init(PktSim *s);
void forward_free(Forward *f);
uint32_t forward_n_kinds(const Timeline *t);

/* forward_grow makes room for a receiver's packets in as many slots as PktSim has; forward_start
 * begins one without any. */
void forward_grow(PktSim *s);
void forward_start(PktSim *s, uint32_t slot);

/* forward_reserve instead sets memory aside for n slots, which takes no room until it is used;
 * false: refused. forward_release gives it back. */
bool forward_reserve(Forward *f, size_t n);
void forward_release(Forward *f, size_t n);

/* forward_holds returns whether a receiver may keep a packet before which others are missing, and
 * keeps it; forward_take returns whether it has kept the one that begins at `byte`, and drops it
 * from what is kept. */
bool forward_holds(PktSim *s, uint32_t slot, uint64_t byte, uint64_t expected);
bool forward_take(PktSim *s, uint32_t slot, uint64_t byte);

/* forward_reorders returns whether packets of a flow may overtake each other. */
static inline bool forward_reorders(const Forward *f) { return f && f->n_held > 0; }

/* forward_next returns the link by which a packet leaves the switch that it came to by in_link, by
 * the routes of the present; NONE: there is none. */
uint32_t forward_next(PktSim *s, const PktCell *c, uint32_t in_link);

/* forward_path fills `links` with a flow's path by the routes of the present, those of the whole
 * network if one end is cut off (then it returns false), and *n with their number. */
bool forward_path(const PktSim *s, uint32_t src, uint32_t dst, uint16_t sport, uint16_t dport,
                  uint32_t *links, uint32_t *n);

/* forward_is_hopeless returns whether two hosts don't reach each other and never will. */
bool forward_is_hopeless(const PktSim *s, uint32_t src, uint32_t dst);

/* forward_loses returns whether a packet that arrives was on a dead link. */
bool forward_loses(const PktSim *s, const PktCell *c);

/* forward_on_change handles the event of the next change, and frees its cell after the last. */
void forward_on_change(PktSim *s, uint32_t id);
#endif
