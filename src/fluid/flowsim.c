/* flowsim: an event-driven fluid simulation whose events cost the same however many flows are
 * active.
 *
 * Flows with the same interval and the same cap form a class. All active flows of a class have the
 * same rate at all times, so the class keeps one number for all of them: `served`, the bits that a
 * flow present since the class became busy has been given (virtual service time, as in generalised
 * processor sharing: Parekh and Gallager 1993). A flow that arrives when served = V is done when
 * served = V + its bits; a heap orders the flows of a class by that. The next completion is the
 * least over classes of (heap top − served) / rate.
 *
 * A class is touched only by its own events and when its rate changes: `served` is as of the time
 * `since`, and `finish`, the time of its next completion, stands until then. An arrival that leaves
 * all rates as they are touches neither: it is compared with the earliest completion, and that is
 * all.
 *
 * Accuracy: FCTs are good to 1e-9 relative however long the run. Time is an int64 of nanoseconds
 * (base_ns) plus a double that is kept below REBASE_NS; `served` starts at 0 with each busy period
 * of its class and is brought back to 0 with all heap keys before it exceeds REBASE_BITS. Rates are
 * in bits/ns (Gb/s).
 *
 * Watched flows record, as they arrive, how full the links of the lot are (net/watch.h). That walks
 * over all active flows, so it is meant for a few hundred flows of a run; the others pay one
 * comparison.
 *
 * Simulates no propagation delay: path/lot adds the latency of an idle network to both sides of the
 * ratio when it makes slowdowns of completion times. */
#include "fluid/flowsim.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fluid/maxmin.h"
#include "net/wire.h"

enum { HEAP_ARITY = 4 };
static const double REBASE_NS = 1 << 20, REBASE_BITS = 1 << 24, NEVER_NS = 1e300;

/* A flow in its class's heap: done when served reaches `bits`. */
typedef struct {
    double bits;
    size_t flow;
} Entry;

typedef struct {
    double served, since; /* bits given to each flow of this busy period, as of time `since` */
    double rate, finish;  /* bits/ns from then on; time of the next completion */
    Entry *heap;          /* room for all flows the class will ever have */
    uint32_t n_active;    /* in the heap now */
} Class;

typedef struct {
    Maxmin mm;
    Class *classes;
    uint32_t *of, *rank; /* the class of flow i is rank[of[i]] */
    const LotFlow *flows;
    double *fct_ns;
    int64_t base_ns; /* now = base_ns + t */
    double t;
    double next;    /* time of the next completion, … */
    uint32_t first; /* … and its class */
    uint32_t n_active;
    FlowsimStats stats;
    const ArrivalSample *arrivals; /* NULL: nobody looks */
    size_t n_sampled;              /* flows of it that have arrived */
} Sim;

/* ---- heap: the entry with the fewest bits first ---- */

static void heap_push(Entry *h, uint32_t n, Entry e) {
    while (n > 0) {
        uint32_t up = (n - 1) / HEAP_ARITY;
        if (h[up].bits <= e.bits) break;
        h[n] = h[up];
        n = up;
    }
    h[n] = e;
}

/* Removes the top of a heap of n entries. */
static void heap_pop(Entry *h, uint32_t n) {
    Entry last = h[--n];
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

/* Numbers the classes (s, d, cap) as they come: open addressing, at most half full. */
typedef struct {
    double cap_bps;
    uint32_t ends; /* s << 16 | d; 0: free */
    uint32_t class;
} ClassSlot;

typedef struct {
    MaxminClass *classes; /* [cap] n: flows seen */
    uint32_t n, cap;
    ClassSlot *slots; /* [mask + 1] */
    uint32_t mask;
} ClassTable;

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
    t->cap = t->cap ? t->cap * 2 : 64;
    t->mask = t->cap * 2 - 1;
    t->slots =
        memset(ARENA_NEW(a, ClassSlot, t->mask + 1), 0, ((size_t)t->mask + 1) * sizeof *t->slots);
    t->classes = ARENA_NEW(a, MaxminClass, t->cap);
    for (uint32_t c = 0; c < t->n; c++) {
        uint32_t ends = (uint32_t)old[c].s << 16 | old[c].d;
        t->classes[c] = old[c];
        *class_slot(t, ends, old[c].cap) = (ClassSlot){old[c].cap, ends, c};
    }
}

static inline uint32_t class_of(ClassTable *t, const LotFlow *f, Arena *a) {
    uint32_t ends = (uint32_t)f->s << 16 | f->d;
    if (t->n == t->cap) class_table_grow(t, a);
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
    uint32_t id;
} CapOrder;

static int by_cap(const void *a, const void *b) {
    const CapOrder *x = a, *y = b;
    return x->cap != y->cap ? (x->cap > y->cap) - (x->cap < y->cap)
                            : (x->id > y->id) - (x->id < y->id);
}

/* Caps in bits/ns, none above what the class's links carry, ascending. rank[old id] = new id. */
static MaxminClass *sort_classes(const ClassTable *t, const double *link_rate, uint32_t *rank,
                                 Arena *a) {
    CapOrder *order = ARENA_NEW(a, CapOrder, t->n);
    for (uint32_t c = 0; c < t->n; c++) {
        double cap = t->classes[c].cap * 1e-9;
        for (uint32_t l = t->classes[c].s; l < t->classes[c].d; l++)
            cap = link_rate[l] < cap ? link_rate[l] : cap;
        order[c] = (CapOrder){cap, c};
    }
    qsort(order, t->n, sizeof *order, by_cap);
    MaxminClass *sorted = ARENA_NEW(a, MaxminClass, t->n);
    for (uint32_t c = 0; c < t->n; c++) {
        const MaxminClass *k = &t->classes[order[c].id];
        sorted[c] = (MaxminClass){.s = k->s, .d = k->d, .cap = order[c].cap};
        rank[order[c].id] = c;
    }
    return sorted;
}

/* Groups the flows into classes: fills sim->classes and sim->mm; of[i] is the class of flow i, once
 * looked up in rank. */
static void classify(Sim *sim, const Lot *lot, size_t n, Arena *a) {
    ClassTable table = {0};
    sim->of = ARENA_NEW(a, uint32_t, n);
    for (size_t i = 0; i < n; i++) sim->of[i] = class_of(&table, &sim->flows[i], a);
    double *link_rate = ARENA_NEW(a, double, lot->n_links);
    for (uint32_t l = 0; l < lot->n_links; l++) link_rate[l] = lot->rate_bps[l] * 1e-9;
    sim->rank = ARENA_NEW(a, uint32_t, table.n);
    maxmin_init(&sim->mm, link_rate, lot->n_links, sort_classes(&table, link_rate, sim->rank, a),
                table.n, a);
    sim->classes = ARENA_NEW(a, Class, table.n);
    Entry *entries = ARENA_NEW(a, Entry, n);
    for (uint32_t c = 0; c < table.n; c++) {
        sim->classes[sim->rank[c]] = (Class){.heap = entries};
        entries += table.classes[c].n;
    }
}

/* ---- watching ---- */

/* Where a class's flows queue: the link of theirs that is asked for the most. */
static uint32_t tightest_link(const Maxmin *mm, const MaxminClass *k) {
    uint32_t at = k->s;
    for (uint32_t l = k->s + 1u; l < k->d; l++)
        if (mm->links[l].demand * mm->links[at].rate > mm->links[at].demand * mm->links[l].rate)
            at = l;
    return at;
}

/* What is left of flow e of a class, and what of it may wait: a sender has put on the wire what its
 * own rate allowed since its start. */
static void look_at_flow(const Sim *sim, const MaxminClass *k, const Entry *e, double served,
                         LinkState *sum) {
    const ArrivalSample *w = sim->arrivals;
    const LotFlow *f = &sim->flows[e->flow];
    double left = e->bits - served, given = wire_bits(f->size_b) - left,
           age = (double)(sim->base_ns - f->start_ns) + sim->t;
    double waits = fmin(left, k->cap * age - given);
    Backlog *b = age < 2 * w->rtt_ns ? &sum->before_feedback : &sum->after_feedback;
    sum->left_bits += (float)left;
    if (waits < 1) return; /* less than a bit is rounding */
    b->bits += (float)waits;
    b->n++;
    b->rate += (float)k->rate;
}

static void add_backlog(Backlog *to, const Backlog *b) {
    to->bits += b->bits;
    to->n += b->n;
    to->rate += b->rate;
}

static void look_at_class(const Sim *sim, uint32_t class, LinkState *seen) {
    const MaxminClass *k = &sim->mm.classes[class];
    const Class *c = &sim->classes[class];
    LinkState sum = {.n_active = (float)c->n_active};
    double served = c->served + (sim->t - c->since) * c->rate;
    for (uint32_t i = 0; i < c->n_active; i++) look_at_flow(sim, k, &c->heap[i], served, &sum);
    for (uint32_t l = k->s; l < k->d; l++) {
        seen[l].n_active += sum.n_active;
        seen[l].left_bits += sum.left_bits;
    }
    LinkState *tightest = &seen[tightest_link(&sim->mm, k)];
    add_backlog(&tightest->before_feedback, &sum.before_feedback);
    add_backlog(&tightest->after_feedback, &sum.after_feedback);
}

/* Called before flow i joins. Rates are those before its arrival. */
static void look(Sim *sim, size_t i) {
    const ArrivalSample *w = sim->arrivals;
    if (sim->n_sampled >= w->n || w->flow[sim->n_sampled] != i) return;
    LinkState *state = w->state + sim->n_sampled++ * sim->mm.n_links;
    memset(state, 0, sim->mm.n_links * sizeof *state);
    for (uint32_t word = 0; word < sim->mm.n_words; word++)
        for (uint64_t active = sim->mm.active[word]; active; active &= active - 1)
            look_at_class(sim, word * 64 + (uint32_t)__builtin_ctzll(active), state);
}

/* ---- the run ---- */

static void rebase_service(Class *c) {
    for (uint32_t i = 0; i < c->n_active; i++) c->heap[i].bits -= c->served;
    c->served = 0;
}

/* Brings a class up to now. */
static inline void catch_up(const Sim *sim, Class *c) {
    c->served += (sim->t - c->since) * c->rate;
    c->since = sim->t;
    if (c->served > REBASE_BITS) rebase_service(c);
}

/* Sets when a class completes next, given the bits that its first flow still has to send. */
static inline void predict(const Sim *sim, Class *c, double bits) {
    double finish = sim->t + bits / c->rate;
    c->finish = finish < NEVER_NS ? finish : NEVER_NS;
}

/* Moves base_ns close to now, so that t stays small enough to be exact. Beyond 100 days there is
 * nothing to save. */
static void rebase_time(Sim *sim) {
    if (sim->t > 0x1p53 || sim->base_ns > INT64_MAX - (1ll << 54)) return;
    double shift = floor(sim->t);
    sim->base_ns += (int64_t)shift;
    sim->t -= shift;
    sim->next -= shift;
    for (uint32_t i = 0; i < sim->mm.n_classes; i++) {
        sim->classes[i].since -= shift;
        sim->classes[i].finish -= shift;
    }
}

/* Rates are those before its arrival until the next fill; a class that was idle has had none. */
static inline void admit(Sim *sim, size_t i, uint32_t class) {
    Class *c = &sim->classes[class];
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
    heap_push(c->heap, c->n_active++, (Entry){given + bits, i});
    if (c->heap[0].flow == i) {
        predict(sim, c, bits);
        if (c->finish < sim->next) {
            sim->next = c->finish;
            sim->first = class;
        }
    }
    maxmin_join(&sim->mm, class);
    sim->stats.events++;
    if (++sim->n_active > sim->stats.max_active) sim->stats.max_active = sim->n_active;
}

/* Takes out the flows of a class that are done now. */
static inline void complete(Sim *sim, uint32_t class) {
    Class *c = &sim->classes[class];
    catch_up(sim, c);
    c->served = c->served < c->heap[0].bits ? c->heap[0].bits
                                            : c->served; /* rounding must not keep the first one */
    do {
        size_t i = c->heap[0].flow;
        sim->fct_ns[i] = (double)(sim->base_ns - sim->flows[i].start_ns) + sim->t;
        heap_pop(c->heap, c->n_active--);
        maxmin_leave(&sim->mm, class);
        sim->stats.events++;
        sim->n_active--;
    } while (c->n_active > 0 && c->heap[0].bits <= c->served);
    if (c->n_active > 0) predict(sim, c, c->heap[0].bits - c->served);
}

/* Finds the class that completes next; where `filled`, after giving classes their new rates. */
static inline void reschedule(Sim *sim, bool filled) {
    uint32_t first = 0;
    double next = INFINITY;
    for (uint32_t w = 0; w < sim->mm.n_words; w++) {
        for (uint64_t active = sim->mm.active[w]; active; active &= active - 1) {
            uint32_t i = w * 64 + (uint32_t)__builtin_ctzll(active);
            Class *c = &sim->classes[i];
            if (filled && c->rate != sim->mm.classes[i].rate) {
                catch_up(sim, c);
                c->rate = sim->mm.classes[i].rate;
                predict(sim, c, c->heap[0].bits - c->served);
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

/* Moves to the next arrival and admits all flows that start then; returns the first flow after
 * them. */
static inline size_t arrive(Sim *sim, size_t i, size_t n) {
    int64_t start_ns = sim->flows[i].start_ns;
    if (sim->n_active == 0) {
        sim->base_ns = start_ns;
        sim->t = 0;
    } else {
        double t = (double)(start_ns - sim->base_ns);
        if (t > sim->t) sim->t = t;
    }
    do {
        if (sim->arrivals) look(sim, i);
        admit(sim, i, sim->rank[sim->of[i]]);
    } while (++i < n && sim->flows[i].start_ns == start_ns);
    return i;
}

void flowsim_run_sampled(const Lot *lot, const LotFlow *flows, size_t n, double *fct_ns,
                         const ArrivalSample *arrivals, FlowsimStats *stats, Arena *a) {
    Sim sim = {.flows = flows, .fct_ns = fct_ns, .arrivals = arrivals, .next = INFINITY};
    if (n > 0) classify(&sim, lot, n, a);
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
