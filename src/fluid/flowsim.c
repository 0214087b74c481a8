/* flowsim: event-driven max-min fair fluid simulation of a parking lot (the paper's flowSim).
 *
 * Between two events, arrivals and completions, every active flow is served at its max-min fair
 * rate (maxmin.c). Flows on the same links with the same cap form a class: they have the same rate
 * at all times, so one number serves for all of them, the virtual service time of generalised
 * processor sharing (Parekh and Gallager, IEEE/ACM Transactions on Networking, 1993): `served`, the
 * bits that each flow of the class has been given since the class became busy. A flow that arrives
 * at served = V completes when served reaches V + its bits. A heap orders a class's flows by that;
 * the network's next completion is the least over classes of (heap top − served) / rate.
 *
 * Cost: an event takes O(log n) for the n active flows of its class. Only where a link is
 * overloaded before or after it, rates are computed anew, in a time that depends on the number of
 * classes (L (L + 1) / 2 on L links, times that of different caps) but not on that of flows. State
 * is brought up to date lazily: `served` is as of time `since`, and `finish`, the time of the next
 * completion, stays valid until the class's rate changes or its first flow does.
 *
 * Precision does not degrade with the length of a run: time is an int64 of ns (base_ns) plus a
 * double below REBASE_NS, exact to 2^-33 ns; `served` starts at 0 with each busy period of its
 * class and is subtracted from itself and all heap keys when it exceeds REBASE_BITS, so that it is
 * exact to 2^-29 bits beside the rounding of the flows' own sizes. Rates are in bits/ns (Gb/s).
 *
 * For sampled flows the state of the links is recorded at their arrival (path/arrivals.h). That
 * visits all active flows, so it is meant for a few hundred flows of a run; it costs the others a
 * comparison.
 *
 * Left out: propagation and store-and-forward delays (path/lot.h adds them to both sides of a
 * slowdown), queues, and any time that senders take to find their rate. */
#include "fluid/flowsim.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fluid/maxmin.h"
#include "net/wire.h"

enum { HEAP_ARITY = 4 }; /* four entries of 16 bytes are a cache line */
/* How far time and service may grow before they are rebased. Once per ms, or 2 MB of service, the
 * cost of going over a class's heap does not show. */
static const double REBASE_NS = 1 << 20, REBASE_BITS = 1 << 24;
/* Finite, so that rebasing can subtract from it. */
static const double NEVER_NS = 1e300;

/* An active flow in its class's heap: it completes when served reaches `bits`. */
typedef struct {
    double bits;
    size_t flow;
} HeapEntry;

typedef struct {
    double served, since; /* bits that each flow of this busy period was given until time `since` */
    double rate;          /* bits/ns from then on */
    double finish;        /* time of the next completion */
    HeapEntry *heap;      /* has room for all flows the class will ever have */
    uint32_t n_active;    /* entries in the heap now */
} FluidClass;

typedef struct {
    Maxmin mm;
    FluidClass *classes;       /* [mm.n_classes] in maxmin's order, ascending by cap */
    uint32_t *number, *sorted; /* the class of flow i is sorted[number[i]] */
    const LotFlow *flows;
    double *fct_ns;  /* out */
    int64_t base_ns; /* now is base_ns + t; all other times count from base_ns */
    double t;
    double next;    /* time of the next completion, INFINITY if there is none */
    uint32_t first; /* the class that completes then */
    uint32_t n_active;
    FlowsimStats stats;
    const ArrivalSample *sample; /* NULL: none */
    size_t n_sampled;            /* sampled flows that have arrived */
} FlowSim;

/* ---- heap: the entry with the fewest bits at [0] ---- */

/* Adds an entry to a heap of n. */
static void heap_push(HeapEntry *h, uint32_t n, HeapEntry e) {
    while (n > 0) {
        uint32_t up = (n - 1) / HEAP_ARITY;
        if (h[up].bits <= e.bits) break;
        h[n] = h[up];
        n = up;
    }
    h[n] = e;
}

/* Removes the entry with the fewest bits of a heap of n. */
static void heap_pop(HeapEntry *h, uint32_t n) {
    HeapEntry last = h[--n];
    uint32_t at = 0;
    for (uint32_t child; (child = at * HEAP_ARITY + 1) < n; at = child) {
        uint32_t end = child + HEAP_ARITY < n ? child + HEAP_ARITY : n;
        for (uint32_t i = child + 1; i < end; i++)
            if (h[i].bits < h[child].bits) child = i;
        if (last.bits <= h[child].bits) break;
        h[at] = h[child];
    }
    h[at] = last;
}

/* ---- classes ---- */

typedef struct {
    double cap_bps;
    uint32_t ends; /* s << 16 | d; 0: free */
    uint32_t class;
} ClassSlot;

/* A hash table of classes (s, d, cap), which numbers them in the order of their first flow. Open
 * addressing, at most half full. */
typedef struct {
    MaxminClass *classes; /* [capacity] .n counts the class's flows */
    uint32_t n, capacity;
    ClassSlot *slots; /* [mask + 1] */
    uint32_t mask;
} ClassTable;

/* Returns the slot of a class: its own, or the free one where it belongs. */
static inline ClassSlot *class_slot(const ClassTable *t, uint32_t ends, double cap_bps) {
    uint64_t bits;
    memcpy(&bits, &cap_bps, sizeof bits);
    for (uint32_t i = (uint32_t)((bits ^ ends) * 0x9E3779B97F4A7C15u >> 32);; i++) {
        ClassSlot *slot = &t->slots[i & t->mask];
        if (slot->ends == 0 || (slot->ends == ends && slot->cap_bps == cap_bps)) return slot;
    }
}

static void class_table_grow(ClassTable *t, Arena *a) {
    const MaxminClass *old = t->classes;
    t->capacity = t->capacity ? t->capacity * 2 : 64;
    t->mask = t->capacity * 2 - 1;
    t->slots =
        memset(ARENA_NEW(a, ClassSlot, t->mask + 1), 0, ((size_t)t->mask + 1) * sizeof *t->slots);
    t->classes = ARENA_NEW(a, MaxminClass, t->capacity);
    for (uint32_t c = 0; c < t->n; c++) {
        uint32_t ends = (uint32_t)old[c].s << 16 | old[c].d;
        t->classes[c] = old[c];
        *class_slot(t, ends, old[c].cap) = (ClassSlot){old[c].cap, ends, c};
    }
}

/* Returns the number of flow f's class, which is added if new, and counts the flow. */
static inline uint32_t count_flow(ClassTable *t, const LotFlow *f, Arena *a) {
    uint32_t ends = (uint32_t)f->s << 16 | f->d;
    if (t->n == t->capacity) class_table_grow(t, a);
    ClassSlot *slot = class_slot(t, ends, f->cap_bps);
    if (slot->ends == 0) {
        *slot = (ClassSlot){f->cap_bps, ends, t->n};
        t->classes[t->n++] = (MaxminClass){.s = f->s, .d = f->d, .cap = f->cap_bps};
    }
    t->classes[slot->class].n++;
    return slot->class;
}

typedef struct {
    double cap;
    uint32_t number;
} CapOrder;

static int by_cap(const void *a, const void *b) {
    const CapOrder *x = a, *y = b;
    return x->cap != y->cap ? (x->cap > y->cap) - (x->cap < y->cap)
                            : (x->number > y->number) - (x->number < y->number);
}

/* Returns the classes as maxmin wants them: ascending by cap, which is in bits/ns and no more than
 * any of the class's links carries. sorted[number] is where a class went. */
static MaxminClass *sort_classes(const ClassTable *t, const double *link_rate, uint32_t *sorted,
                                 Arena *a) {
    CapOrder *order = ARENA_NEW(a, CapOrder, t->n);
    for (uint32_t c = 0; c < t->n; c++) {
        double cap = t->classes[c].cap * 1e-9;
        for (uint32_t l = t->classes[c].s; l < t->classes[c].d; l++)
            cap = link_rate[l] < cap ? link_rate[l] : cap;
        order[c] = (CapOrder){cap, c};
    }
    qsort(order, t->n, sizeof *order, by_cap);
    MaxminClass *out = ARENA_NEW(a, MaxminClass, t->n);
    for (uint32_t c = 0; c < t->n; c++) {
        const MaxminClass *k = &t->classes[order[c].number];
        out[c] = (MaxminClass){.s = k->s, .d = k->d, .cap = order[c].cap};
        sorted[order[c].number] = c;
    }
    return out;
}

/* Groups the n flows into classes: fills sim->number, ->sorted, ->classes and ->mm. */
static void make_classes(FlowSim *sim, const Lot *lot, size_t n, Arena *a) {
    ClassTable table = {0};
    sim->number = ARENA_NEW(a, uint32_t, n);
    for (size_t i = 0; i < n; i++) sim->number[i] = count_flow(&table, &sim->flows[i], a);
    double *link_rate = ARENA_NEW(a, double, lot->n_links);
    for (uint32_t l = 0; l < lot->n_links; l++) link_rate[l] = lot->rate_bps[l] * 1e-9;
    sim->sorted = ARENA_NEW(a, uint32_t, table.n);
    MaxminClass *classes = sort_classes(&table, link_rate, sim->sorted, a);
    maxmin_init(&sim->mm, link_rate, lot->n_links, classes, table.n, a);
    sim->classes = ARENA_NEW(a, FluidClass, table.n);
    HeapEntry *entries = ARENA_NEW(a, HeapEntry, n);
    for (uint32_t c = 0; c < table.n; c++) {
        sim->classes[sim->sorted[c]] = (FluidClass){.heap = entries};
        entries += table.classes[c].n;
    }
}

/* ---- link state at a sampled arrival ---- */

/* Adds one active flow of class k to `sum`. Its sender has put on the wire what the flow's own rate
 * has allowed since its start; what of that was not served waits. */
static void add_flow_state(const FlowSim *sim, const MaxminClass *k, const HeapEntry *e,
                           double served, LinkState *sum) {
    const LotFlow *f = &sim->flows[e->flow];
    double left = e->bits - served, given = wire_bits(f->size_b) - left,
           age = (double)(sim->base_ns - f->start_ns) + sim->t;
    double waits = fmin(left, k->cap * age - given);
    sum->left_bits += (float)left;
    if (waits < 1) return; /* less than a bit is rounding */
    /* The first ACKs take a round trip to the sender, and what it sends then takes part of one more
     * to the link: before two are over, its reaction to congestion cannot show there. */
    Backlog *b = age < 2 * sim->sample->rtt_ns ? &sum->before_feedback : &sum->after_feedback;
    b->bits += (float)waits;
    b->n++;
    b->rate += (float)k->rate;
}

static void add_backlog(Backlog *to, const Backlog *b) {
    to->bits += b->bits;
    to->n += b->n;
    to->rate += b->rate;
}

/* Adds the active flows of a class to the state of its links, those that wait to one of them. */
static void add_class_state(const FlowSim *sim, uint32_t class, LinkState *state) {
    const MaxminLink *link = sim->mm.links;
    const MaxminClass *k = &sim->mm.classes[class];
    const FluidClass *c = &sim->classes[class];
    LinkState sum = {.n_active = (float)c->n_active};
    double served = c->served + (sim->t - c->since) * c->rate;
    for (uint32_t i = 0; i < c->n_active; i++) add_flow_state(sim, k, &c->heap[i], served, &sum);

    /* They wait on the link of theirs with the highest demand over its rate. */
    uint32_t tightest = k->s;
    for (uint32_t l = k->s; l < k->d; l++) {
        state[l].n_active += sum.n_active;
        state[l].left_bits += sum.left_bits;
        if (link[l].demand * link[tightest].rate > link[tightest].demand * link[l].rate)
            tightest = l;
    }
    add_backlog(&state[tightest].before_feedback, &sum.before_feedback);
    add_backlog(&state[tightest].after_feedback, &sum.after_feedback);
}

/* Records the state of the links if flow i, which is about to join, is sampled. Rates are those
 * before its arrival. */
static void record_state(FlowSim *sim, size_t i) {
    const ArrivalSample *sample = sim->sample;
    if (sim->n_sampled >= sample->n || sample->flow[sim->n_sampled] != i) return;
    LinkState *state = sample->state + sim->n_sampled++ * sim->mm.n_links;
    memset(state, 0, sim->mm.n_links * sizeof *state);
    for (uint32_t word = 0; word < sim->mm.n_words; word++)
        for (uint64_t active = sim->mm.active[word]; active; active &= active - 1)
            add_class_state(sim, word * 64 + (uint32_t)__builtin_ctzll(active), state);
}

/* ---- the run ---- */

/* Brings a class's service up to now, and starts it from 0 again where it has grown too large. */
static inline void catch_up(const FlowSim *sim, FluidClass *c) {
    c->served += (sim->t - c->since) * c->rate;
    c->since = sim->t;
    if (c->served <= REBASE_BITS) return;
    for (uint32_t i = 0; i < c->n_active; i++) c->heap[i].bits -= c->served;
    c->served = 0;
}

/* Sets the time of a class's next completion, given the bits that its first flow has left. */
static inline void predict_finish(const FlowSim *sim, FluidClass *c, double bits) {
    double finish = sim->t + bits / c->rate;
    c->finish = finish < NEVER_NS ? finish : NEVER_NS;
}

/* Moves base_ns to now, so that t stays small. A t above 2^53 ns, the end of a flow that lasts for
 * more than 100 days, is a whole number anyway; base_ns must not overflow. */
static void rebase_time(FlowSim *sim) {
    if (sim->t > 0x1p53 || sim->base_ns > INT64_MAX - (1LL << 54)) return;
    double shift = floor(sim->t);
    sim->base_ns += (int64_t)shift;
    sim->t -= shift;
    sim->next -= shift;
    for (uint32_t i = 0; i < sim->mm.n_classes; i++) {
        sim->classes[i].since -= shift;
        sim->classes[i].finish -= shift;
    }
}

/* Adds flow i to its class. Until rates are computed anew it is served at the class's present one,
 * or, where the class was idle, at its cap. */
static inline void admit(FlowSim *sim, size_t i, uint32_t class) {
    FluidClass *c = &sim->classes[class];
    if (c->n_active == 0) {
        c->served = 0;
        c->since = sim->t;
        c->rate = sim->mm.classes[class].cap;
    }
    double given = c->served + (sim->t - c->since) * c->rate,
           bits = wire_bits(sim->flows[i].size_b);
    if (given > REBASE_BITS) {
        catch_up(sim, c);
        given = c->served;
    }
    heap_push(c->heap, c->n_active++, (HeapEntry){given + bits, i});
    if (c->heap[0].flow == i) {
        predict_finish(sim, c, bits);
        if (c->finish < sim->next) {
            sim->next = c->finish;
            sim->first = class;
        }
    }
    maxmin_join(&sim->mm, class);
    sim->stats.events++;
    if (++sim->n_active > sim->stats.max_active) sim->stats.max_active = sim->n_active;
}

/* Takes out the flows of a class that complete now: its first one and all with the same bits. */
static inline void complete(FlowSim *sim, uint32_t class) {
    FluidClass *c = &sim->classes[class];
    catch_up(sim, c);
    /* Rounding must not keep the first one. */
    c->served = c->served < c->heap[0].bits ? c->heap[0].bits : c->served;
    do {
        size_t i = c->heap[0].flow;
        sim->fct_ns[i] = (double)(sim->base_ns - sim->flows[i].start_ns) + sim->t;
        heap_pop(c->heap, c->n_active--);
        maxmin_leave(&sim->mm, class);
        sim->stats.events++;
        sim->n_active--;
    } while (c->n_active > 0 && c->heap[0].bits <= c->served);
    if (c->n_active > 0) predict_finish(sim, c, c->heap[0].bits - c->served);
}

/* Finds the class that completes next; if `refilled`, it first gives classes the rates that maxmin
 * has computed. */
static inline void reschedule(FlowSim *sim, bool refilled) {
    uint32_t first = 0;
    double next = INFINITY;
    for (uint32_t w = 0; w < sim->mm.n_words; w++) {
        for (uint64_t active = sim->mm.active[w]; active; active &= active - 1) {
            uint32_t i = w * 64 + (uint32_t)__builtin_ctzll(active);
            FluidClass *c = &sim->classes[i];
            if (refilled && c->rate != sim->mm.classes[i].rate) {
                catch_up(sim, c);
                c->rate = sim->mm.classes[i].rate;
                predict_finish(sim, c, c->heap[0].bits - c->served);
            }
            if (c->finish < next) {
                next = c->finish;
                first = i;
            }
        }
    }
    sim->next = next;
    sim->first = first;
}

/* Moves on to the start of flow i and admits all flows that start then; returns the first flow
 * after them. */
static inline size_t arrive(FlowSim *sim, size_t i, size_t n) {
    int64_t start_ns = sim->flows[i].start_ns;
    if (sim->n_active == 0) {
        sim->base_ns = start_ns;
        sim->t = 0;
    } else {
        double t = (double)(start_ns - sim->base_ns);
        if (t > sim->t) sim->t = t;
    }
    do {
        if (sim->sample) record_state(sim, i);
        admit(sim, i, sim->sorted[sim->number[i]]);
    } while (++i < n && sim->flows[i].start_ns == start_ns);
    return i;
}

void flowsim_run_sampled(const Lot *lot, const LotFlow *flows, size_t n, double *fct_ns,
                         const ArrivalSample *sample, FlowsimStats *stats, Arena *a) {
    FlowSim sim = {.flows = flows, .fct_ns = fct_ns, .sample = sample, .next = INFINITY};
    if (n > 0) make_classes(&sim, lot, n, a);
    for (size_t i = 0; i < n || sim.n_active > 0;) {
        bool arrival =
            i < n && (sim.n_active == 0 || (double)(flows[i].start_ns - sim.base_ns) < sim.next);
        if (arrival) {
            i = arrive(&sim, i, n);
        } else {
            if (sim.next > sim.t) sim.t = sim.next;
            complete(&sim, sim.first);
        }
        if (sim.t > REBASE_NS) rebase_time(&sim);
        if (maxmin_fill(&sim.mm)) {
            sim.stats.fills++;
            reschedule(&sim, true);
        } else if (!arrival) {
            reschedule(&sim, false);
        }
    }
    if (stats) *stats = sim.stats;
}

void flowsim_run(const Lot *lot, const LotFlow *flows, size_t n, double *fct_ns,
                 FlowsimStats *stats, Arena *a) {
    flowsim_run_sampled(lot, flows, n, fct_ns, NULL, stats, a);
}
