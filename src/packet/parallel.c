/* parallel: conservative parallel simulation (Bryant 1977; Chandy and Misra 1979) with the same
 * results as one thread's, ties included.
 *
 *   round ── windows ──┬── partition 0:  receive, run, receive, run, …  ──┬── all wait for each
 *                      └── partition 1:  receive, run, receive, run, …  ──┘   other; next round
 *
 * A partition (partition.h) has switches and their hosts, and of a run's state all that is theirs:
 * event queue, cells, ports, buffers. What an event of one partition means to another reaches it by
 * a link, no sooner than the shortest link between partitions takes: the lookahead. Time is cut
 * into windows, PART_APART to a lookahead, so a partition may begin a window when all others have
 * ended the one that is so many before, and needs to have received only what was sent until then
 * (part.h). Partitions that are quick in one window and slow in the next thus seldom wait.
 *
 * A round has many windows. It begins with the next event of all, and ends where a series' interval
 * does, and at the stop. In compat it has one window as long as the lookahead.
 *
 * Order: events of equal time run by their rank, which is the same wherever they are scheduled
 * (pktsim_private.h). In compat, where it is when they were scheduled, those that were scheduled at
 * one time run in the order of the steps that did so, wherever these were: the partitions' logs
 * tell (order.h). The order within each node is hence what it is in a single queue, whatever the
 * partitions.
 *
 * What is not of a node: the list of flows, which all partitions go through alike; flows' paths and
 * both their ends, which lie in memory that never moves and of which each end has one owner. Lines
 * of a trace, rows of a series and, when a round may have brought a new one, the largest counts of
 * packets and flows are seen to in order, while the partitions wait; in compat after `receive`.
 *
 * On ranks, which share no memory, each has one partition and stand-ins for the others, whose boxes
 * and figures come as messages at the end of a round (exchange.h), which has one window as in
 * compat, and all decide alike what is next. The list of flows is known to all, so the index of a
 * flow is enough to know its path and start elsewhere. Compat, traces, series and figures of links,
 * which need all partitions' logs, are of one process.
 *
 * A run ends when nothing but timers of controls is left in all the network: those that go off in
 * the last round after that don't count.
 *
 * Left out: flows that start when others have finished, and links that change; in compat controls
 * that have timers or draw random numbers in switches, all from one stream in the order of events.
 * Such runs take one thread; so do stretches of longer runs. */
#include "packet/parallel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/lockstep.h"
#include "packet/exchange.h"
#include "packet/part.h"

/* A partition's simulation, in cache lines of its own. */
typedef struct {
    _Alignas(64) PktSim sim;
    _Alignas(64) PktStats stats;
} Own;

/* Windows of a round. */
enum { ROUND_WINDOWS = 32 * PART_APART };

/* What the partitions have told of a round, put together. */
typedef struct {
    int64_t next;                                 /* no event is before */
    int64_t cells, flows, most_cells, most_flows; /* before the round; at most in it */
    uint64_t most_events;
    PartMoment moved; /* the last event that was no timer of a control */
} Outlook;

/* What the partitions do next: receive what came of the last round and run the next one; or, in
 * compat, the one and the other, while something has to be done in between. */
typedef enum { RECEIVE_AND_RUN, RECEIVE, RUN } ParallelPhase;

typedef struct {
    PktSim **sims; /* [n] the first is the caller's */
    Own *own;      /* [n] the others */
    Part *parts;
    int n;
    ParallelPhase phase;
    int64_t lookahead, stop;
    int64_t begin, end;   /* of the round */
    int64_t step;         /* of a window */
    uint32_t apart;       /* Part.apart */
    int64_t most_windows; /* of a round */
    uint32_t n_windows;   /* of the round */
    bool new_epoch;       /* it begins one */
    uint8_t *of_link;     /* [n_links] partition of its end */
    OrderLog *logs[PARTITION_MAX];
    uint64_t *queue_b; /* [n_links] of the last line of the trace about it */
    int64_t n_cells, n_flows, peak_cells, peak_flows; /* when it began; at most so far */
    Outlook outlook;
    bool interrupted;
    Progress progress;
    uint64_t n_lookaheads, critical_events;
} Parallel;

/* ---- set-up ---- */

/* Shares of the memory for slots: as many as a partition has flows, and one whose path is on no
 * links. */
static void share_slots(Parallel *x) {
    const PktSim *s = x->sims[0];
    for (size_t i = 0; i < s->in->n; i++)
        x->parts[x->parts[0].of_node[s->topo->host_node[s->in->src[i]]]].n_slots++;
    uint32_t first = 0;
    for (int q = 0; q < x->n; q++) {
        Part *p = &x->parts[q];
        p->first_slot = first;
        first += ++p->n_slots;
    }
}

/* Compat: memory that takes no room until it is used. An event that starts flows has steps for
 * each, of which pktsim.c bounds the number. */
static OrderLog new_log(size_t n_flows) {
    return (OrderLog){.steps = mem_reserve(ORDER_MAX_STEPS, sizeof(OrderStep)),
                      .cap = ORDER_MAX_STEPS / 2,
                      .common = mem_reserve(n_flows, sizeof(uint32_t))};
}

static void init_part(Parallel *x, const Partition *plan, int q, Arena *arena) {
    Part *p = &x->parts[q];
    *p = (Part){.sim = x->sims[q],
                .me = q,
                .n_parts = x->n,
                .all = x->parts,
                .of_node = plan->of_node,
                .of_link = x->of_link,
                .apart = x->apart,
                .order = {.logs = x->logs, .me = q}};
    for (int i = 0; i < PART_BOXES; i++) {
        p->boxes[i] = ARENA_NEW(arena, PartBox, (size_t)x->n);
        for (int to = 0; to < x->n; to++) p->boxes[i][to] = (PartBox){0};
    }
    if (x->sims[0]->compat) p->log = new_log(x->sims[0]->in->n);
    x->logs[q] = &p->log;
}

/* False: the system refused the memory for a log. */
static bool init_parts(Parallel *x, const Partition *plan, Arena *arena) {
    bool all = true;
    for (int q = 0; q < x->n; q++) {
        init_part(x, plan, q, arena);
        all &= !x->sims[0]->compat || (x->logs[q]->steps && x->logs[q]->common);
    }
    return all;
}

static bool tie_before(const void *order, int64_t rank, uint32_t a, uint32_t b) {
    return order_tie_before(order, rank, a, b);
}

/* Gives a partition its part of the slots, and its ports to know which links leave it. */
static void connect(Parallel *x, int q) {
    PktSim *s = x->sims[q];
    Part *p = &x->parts[q];
    s->part = p;
    if (s->compat) s->q.tie_before = tie_before;
    s->q.ctx = &p->order;
    part_limit_steps(p);
    s->n_slots = p->first_slot;
    s->cap_slots = p->first_slot + p->n_slots;
    s->no_path = pktsim_path(s, s->cap_slots - 1, 0);
    for (uint32_t l = 0; l < s->topo->n_links; l++) {
        const Link *k = &s->topo->links[l];
        s->ports[l].away = p->of_node[k->from] == q && p->of_node[k->to] != q;
        x->of_link[l] = p->of_node[k->to];
    }
}

/* Sets up the partitions beside the first, whose simulation is the caller's. */
static void set_up(Parallel *x) {
    for (int q = 1; q < x->n; q++) {
        PktSim *s = x->sims[q];
        *s = *x->sims[0];
        pktsim_new_network(s);
        s->stats = &x->own[q].stats;
        *s->stats = (PktStats){0};
    }
    share_slots(x);
    for (int q = 0; q < x->n; q++) connect(x, q);
}

/* Memory for the slots of all flows, of which the unused part takes no room. False: refused. */
static bool reserve_slots(PktSim *s, size_t n) {
    size_t stamps = s->max_stamps;
    s->flows = mem_reserve(n, sizeof *s->flows);
    s->sinks = mem_reserve(n, sizeof *s->sinks);
    s->paths = mem_reserve(n * 2 * (s->max_links + 1), sizeof *s->paths);
    if (stamps) s->hops_before = mem_reserve(n * stamps, sizeof *s->hops_before);
    if (stamps) s->hop_rates = mem_reserve(n * stamps, sizeof *s->hop_rates);
    bool held = !forward_reorders(s->forward) || forward_reserve(s->forward, n);
    return s->flows && s->sinks && s->paths && held &&
           (!stamps || (s->hops_before && s->hop_rates));
}

static void release_slots(PktSim *s, size_t n) {
    mem_release(s->flows, n, sizeof *s->flows);
    mem_release(s->sinks, n, sizeof *s->sinks);
    mem_release(s->paths, n * 2 * (s->max_links + 1), sizeof *s->paths);
    mem_release(s->hops_before, n * s->max_stamps, sizeof *s->hops_before);
    mem_release(s->hop_rates, n * s->max_stamps, sizeof *s->hop_rates);
    if (s->forward) forward_release(s->forward, n);
    s->flows = NULL;
    s->sinks = NULL;
    s->paths = NULL;
    s->hops_before = NULL;
    s->hop_rates = NULL;
}

/* ---- what one thread does for all, while they wait ---- */

/* Less than 0, 0 or more, as moment a of partition p comes before, is or comes after b of q. */
static int compare(const Parallel *x, int p, PartMoment a, int q, PartMoment b) {
    if (a.time != b.time) return a.time < b.time ? -1 : 1;
    if (!x->sims[0]->compat) return (a.rank > b.rank) - (a.rank < b.rank);
    return order_compare(&x->parts[0].order, p, (size_t)a.rank, q, (size_t)b.rank);
}

/* Puts out a line of the trace. Where a packet arrives, the queue that it came from may be another
 * partition's: its length is that of the last line about it. */
static void put_trace(Parallel *x, PktTraceEvent *e) {
    const PktOptions *opt = x->sims[0]->opt;
    if (pktsim_is_arrival(e->kind)) e->queue_b = x->queue_b[e->link];
    else x->queue_b[e->link] = e->queue_b;
    opt->trace(opt->trace_ctx, e);
}

static void trace_in_order(Parallel *x) {
    size_t done[PARTITION_MAX] = {0};
    for (;;) {
        int least = -1;
        for (int q = 0; q < x->n; q++) {
            const Part *p = &x->parts[q];
            if (done[q] == p->n_trace) continue;
            if (least < 0 || compare(x, q, p->trace[done[q]].at, least,
                                     x->parts[least].trace[done[least]].at) < 0)
                least = q;
        }
        if (least < 0) return;
        put_trace(x, &x->parts[least].trace[done[least]++].e);
    }
}

/* The most that `start` grows to by the changes of n lists, each of which are in order. */
static int64_t find_peak(const Parallel *x, const PartChanges *const *of, int n, int64_t start) {
    size_t done[2 * PARTITION_MAX] = {0};
    int64_t most = start;
    for (;;) {
        const PartChange *first = NULL;
        int least = 0;
        for (int q = 0; q < n; q++) {
            const PartChange *c = &of[q]->list[done[q]];
            if (done[q] == of[q]->n) continue;
            if (first && compare(x, c->from, c->at, first->from, first->at) >= 0) continue;
            first = c;
            least = q;
        }
        if (!first) return most;
        done[least]++;
        start += first->by;
        if (start > most) most = start;
    }
}

static int by_moment(const void *a, const void *b, void *ctx) {
    const PartChange *c = a, *d = b;
    return compare(ctx, c->from, c->at, d->from, d->at);
}

static void count_cells(Parallel *x, int64_t start) {
    const PartChanges *of[PARTITION_MAX];
    for (int q = 0; q < x->n; q++) of[q] = &x->parts[q].cells;
    int64_t most = find_peak(x, of, x->n, start);
    if (most > x->peak_cells) x->peak_cells = most;
}

/* Flows that notes have ended come after what else happened at that moment. */
static void count_flows(Parallel *x, int64_t start) {
    const PartChanges *of[2 * PARTITION_MAX];
    for (int q = 0; q < x->n; q++) {
        PartChanges *noted = &x->parts[q].noted;
        of[q] = &x->parts[q].flows;
        of[x->n + q] = noted;
        if (noted->n > 1) qsort_r(noted->list, noted->n, sizeof *noted->list, by_moment, x);
    }
    int64_t most = find_peak(x, of, 2 * x->n, start);
    if (most > x->peak_flows) x->peak_flows = most;
}

static Outlook look(Parallel *x) {
    Outlook o = {.next = INT64_MAX};
    int64_t cells = 0, flows = 0;
    uint64_t n_to_do = 0;
    for (int q = 0; q < x->n; q++) {
        const PartTold *t = &x->parts[q].told;
        if (t->next < o.next) o.next = t->next;
        if (t->n_events > o.most_events) o.most_events = t->n_events;
        if (part_is_later(t->moved, o.moved)) o.moved = t->moved;
        n_to_do += t->n_to_do;
        x->n_flows -= t->n_noted;
        o.most_cells += t->cells_most;
        o.most_flows += t->flows_most;
        cells += t->cells_sum;
        flows += t->flows_sum;
    }
    if (n_to_do == 0) o.next = INT64_MAX;
    o.most_cells += o.cells = x->n_cells;
    o.most_flows += o.flows = x->n_flows;
    x->n_cells += cells;
    x->n_flows += flows;
    return o;
}

static bool needs_account(const Parallel *x, const Outlook *o) {
    const Series *series = x->sims[0]->series;
    return x->sims[0]->tracing || o->most_cells > x->peak_cells || o->most_flows > x->peak_flows ||
           (series && o->next > series->end);
}

/* Does in order what needs it, of a round; in compat all have received its notes. */
static void account(Parallel *x, const Outlook *o) {
    Series *series = x->sims[0]->series;
    if (x->sims[0]->tracing) trace_in_order(x);
    if (o->most_cells > x->peak_cells) count_cells(x, o->cells);
    if (o->most_flows > x->peak_flows) count_flows(x, o->flows);
    if (!series) return;
    if (o->next < x->stop && series_advance(series, o->next) != 0) x->interrupted = true;
}

/* ---- rounds ---- */

/* Whether another partition is so far behind that p has to wait for it. */
static bool is_behind(const Part *p, const Part *other) {
    uint32_t ended = atomic_load_explicit(&other->ended, memory_order_acquire);
    return (int32_t)(p->window - ended) >= (int32_t)p->apart;
}

/* Whether a partition may begin its next window. */
static bool may_go_on(const Parallel *x, const Part *p) {
    int q = 0;
    while (q < x->n && !is_behind(p, &x->parts[q])) q++;
    return q == x->n;
}

static void begin_round_of(Parallel *x, Part *p) {
    part_receive(p, p->window);
    if (x->new_epoch) part_begin_epoch(p, x->begin);
    part_begin_round(p);
    p->begun = true;
}

/* Goes on with a partition's windows as far as others let it. */
static LockstepWork run_windows(Parallel *x, Part *p) {
    uint32_t before = p->window;
    if (!p->begun) begin_round_of(x, p);
    for (uint32_t i; (i = p->window - p->first_window) < x->n_windows;) {
        if (!may_go_on(x, p)) return p->window != before ? LOCKSTEP_MOVED : LOCKSTEP_STUCK;
        part_receive(p, p->window + 1 - p->apart);
        part_run(p, i + 1 < x->n_windows ? x->begin + (i + 1) * x->step : x->end);
    }
    part_end_round(p);
    p->begun = false;
    return LOCKSTEP_DONE;
}

static LockstepWork work(void *ctx, int part) {
    Parallel *x = ctx;
    Part *p = &x->parts[part];
    if (x->phase != RECEIVE) return run_windows(x, p);
    part_receive(p, p->window);
    if (x->new_epoch) part_end_epoch(p);
    return LOCKSTEP_DONE;
}

/* Numbers the ties of the pending events of all partitions, where those of equal time that were
 * scheduled at one time are in one order. */
static void number_pending(Parallel *x) {
    size_t done[PARTITION_MAX] = {0};
    const Order *o = &x->parts[0].order;
    PartPending last = {.time = -1};
    for (uint32_t number = 0;; number++) {
        int least = -1;
        for (int q = 0; q < x->n; q++) {
            const Part *p = &x->parts[q];
            if (done[q] == p->n_pending) continue;
            if (least < 0 ||
                part_pending_before(o, &p->pending[done[q]], &x->parts[least].pending[done[least]]))
                least = q;
        }
        if (least < 0) return;
        PartPending *e = &x->parts[least].pending[done[least]++];
        if (e->time != last.time || e->rank != last.rank) number = 0;
        else if (e->tie == last.tie) number--; /* the event that starts flows */
        last = *e;
        e->tie = number;
    }
}

static bool is_epoch_over(const Parallel *x) {
    for (int q = 0; q < x->n; q++)
        if (x->parts[q].log.n >= x->parts[q].most_steps) return true;
    return false;
}

/* Sets the next round; false: there is none. */
static bool begin_round(Parallel *x, int64_t begin) {
    const PktSim *s = x->sims[0];
    if (begin >= x->stop || begin == INT64_MAX || x->interrupted) return false;
    x->step = x->lookahead / x->apart;
    x->begin = begin;
    x->end =
        begin < x->stop - x->most_windows * x->step ? begin + x->most_windows * x->step : x->stop;
    if (s->series && s->series->end + 1 < x->end) x->end = s->series->end + 1;
    x->n_windows = (uint32_t)((x->end - begin + x->step - 1) / x->step);
    x->n_lookaheads += (uint64_t)((x->end - begin + x->lookahead - 1) / x->lookahead);
    return true;
}

static void watch(Parallel *x) {
    uint64_t n_finished = 0;
    for (int q = 0; q < x->n; q++) n_finished += x->sims[q]->stats->n_finished;
    progress_update(&x->progress, n_finished);
    if (diag_stop_requested()) x->interrupted = true;
}

/* Decides what is next, between two rounds. */
static bool next(void *ctx) {
    Parallel *x = ctx;
    if (x->phase == RECEIVE) {
        account(x, &x->outlook);
        if (x->new_epoch) number_pending(x);
        x->phase = RUN;
    } else {
        x->outlook = look(x);
        x->critical_events += x->outlook.most_events;
        watch(x);
        x->new_epoch = is_epoch_over(x);
        bool accounts = needs_account(x, &x->outlook);
        if (accounts && !x->sims[0]->compat) account(x, &x->outlook);
        bool in_two = x->new_epoch || (accounts && x->sims[0]->compat);
        x->phase = in_two ? RECEIVE : RECEIVE_AND_RUN;
    }
    return x->phase == RECEIVE || begin_round(x, x->outlook.next);
}

/* ---- results ---- */

void parallel_add_stats(PktStats *to, const PktStats *from) {
    to->n_finished += from->n_finished;
    to->n_packets += from->n_packets;
    to->n_packet_hops += from->n_packet_hops;
    to->n_drops += from->n_drops;
    to->n_marks += from->n_marks;
    to->n_pauses += from->n_pauses;
    to->n_resumes += from->n_resumes;
    to->n_retransmissions += from->n_retransmissions;
    to->n_timeouts += from->n_timeouts;
    to->n_lost += from->n_lost;
    to->n_trims += from->n_trims;
    to->sent_b += from->sent_b;
    to->received_b += from->received_b;
    to->dropped_b += from->dropped_b;
    to->n_events += from->n_events;
    if (from->peak_buffer_b > to->peak_buffer_b) to->peak_buffer_b = from->peak_buffer_b;
}

static void keep_facts(Parallel *x, uint64_t n_messages) {
    PktStats *st = x->sims[0]->stats;
    st->peak_active_flows = (uint64_t)x->peak_flows;
    st->peak_packets = (uint64_t)x->peak_cells;
    st->parallel.n_threads = x->n;
    st->parallel.n_windows = x->n_lookaheads;
    st->parallel.critical_steps = x->critical_events;
    st->parallel.n_messages = n_messages;
}

/* Where the run ended: at the stop, or as nothing was left to do. */
static int64_t end_of_run(const Parallel *x) {
    return x->outlook.next < INT64_MAX ? x->outlook.next : x->outlook.moved.time;
}

/* Brings the partitions' results together in the caller's simulation. */
static void gather(Parallel *x) {
    PktSim *s = x->sims[0];
    for (int q = 0; q < x->n; q++) {
        if (x->outlook.next == INT64_MAX) part_forget_timers(&x->parts[q], x->outlook.moved);
        if (q > 0) parallel_add_stats(s->stats, x->sims[q]->stats);
    }
    s->now = end_of_run(x);
    for (uint32_t l = 0; l < s->topo->n_links; l++) {
        int owner = x->parts[0].of_node[s->topo->links[l].from];
        s->ports[l].peak_b = x->sims[owner]->ports[l].peak_b;
    }
    uint64_t n_messages = 0;
    for (int q = 0; q < x->n; q++) n_messages += x->parts[q].n_messages;
    keep_facts(x, n_messages);
}

static void free_parts(Parallel *x) {
    for (int q = 0; q < x->n; q++) part_free(&x->parts[q]);
}

static void release(Parallel *x) {
    free_parts(x);
    for (int q = 1; q < x->n; q++) pktsim_free_network(x->sims[q]);
    x->sims[0]->part = NULL;
}

/* News of a packet that is gone may take less than the plan's lookahead; a window is at least a
 * tick. In compat it has fewer steps than a log has room for, if links are full of full packets. */
static int64_t lookahead_of(const PktSim *s, const Partition *plan) {
    enum { MOST_STEPS = ORDER_MAX_STEPS / 16 };
    double per_tick = 0, ticks = fmin((double)plan->lookahead, (double)s->news_ticks);
    if (!s->compat) return (int64_t)ticks;
    for (uint32_t l = 0; l < s->topo->n_links; l++)
        per_tick += 2.0 / (double)s->kinds[s->ports[l].kind].full_ticks;
    return (int64_t)fmax(fmin(ticks, MOST_STEPS / per_tick), 1);
}

static Parallel new_parallel(const PktSim *s, const Partition *plan, bool meets, int64_t stop,
                             Arena *arena) {
    size_t n = (size_t)plan->n, n_links = s->topo->n_links;
    Parallel x = {.of_link = ARENA_NEW(arena, uint8_t, n_links),
                  .sims = ARENA_NEW(arena, PktSim *, n),
                  .own = ARENA_NEW(arena, Own, n),
                  .parts = ARENA_NEW(arena, Part, n),
                  .n = plan->n,
                  .apart = meets ? 1 : PART_APART,
                  .most_windows = meets ? 1 : ROUND_WINDOWS,
                  .phase = RUN,
                  .lookahead = lookahead_of(s, plan),
                  .stop = stop,
                  .n_cells = 1, /* that of the list of flows */
                  .peak_cells = 1};
    if (s->tracing) {
        x.queue_b = ARENA_NEW(arena, uint64_t, n_links);
        memset(x.queue_b, 0, n_links * sizeof *x.queue_b);
    }
    return x;
}

int parallel_run(PktSim *s, const Partition *plan, int64_t stop, Err *err) {
    size_t n = (size_t)plan->n, n_slots = s->in->n + n;
    if (!reserve_slots(s, n_slots)) {
        release_slots(s, n_slots);
        return 1;
    }
    Arena arena = {0};
    Parallel x = new_parallel(s, plan, s->compat, stop, &arena);
    for (size_t q = 0; q < n; q++) x.sims[q] = q == 0 ? s : &x.own[q].sim;
    if (!init_parts(&x, plan, &arena)) {
        free_parts(&x);
        release_slots(s, n_slots);
        arena_free(&arena);
        return 1;
    }
    set_up(&x);
    progress_init(&x.progress, s->opt->log, "flows", s->in->n);
    if (begin_round(&x, 0))
        lockstep_run(&(LockstepJob){.n = x.n, .ctx = &x, .work = work, .next = next});
    progress_finish(&x.progress);
    gather(&x);
    release(&x);
    release_slots(s, n_slots);
    arena_free(&arena);
    return x.interrupted ? err_stopped(err) : 0;
}

/* ---- on ranks ---- */

/* The partition of this rank, whose simulation is the caller's, and stand-ins for the others. */
static bool set_up_rank(Parallel *x, const Partition *plan, PktSim *s, int me, Arena *arena) {
    for (int q = 0; q < x->n; q++) x->sims[q] = s;
    bool all = init_parts(x, plan, arena);
    share_slots(x);
    connect(x, me);
    return all;
}

/* What all ranks decide alike once they know of a window: whether there is another one. */
static int decide(Parallel *x, Exchange *e, bool *more, Err *err) {
    x->outlook = look(x);
    x->critical_events += x->outlook.most_events;
    progress_update(&x->progress, e->n_finished);
    x->interrupted = e->stop;
    bool cells = x->outlook.most_cells > x->peak_cells,
         flows = x->outlook.most_flows > x->peak_flows;
    if (cells || flows) {
        if (exchange_changes(e, cells, flows, err) != 0) return -1;
        account(x, &x->outlook);
    }
    *more = begin_round(x, x->outlook.next);
    return 0;
}

static int run_rank(Parallel *x, Ranks *ranks, Err *err) {
    Part *p = &x->parts[ranks->rank];
    Exchange e;
    exchange_init(&e, ranks, x->parts, x->n);
    int rc = 0;
    for (bool more = begin_round(x, 0); more && rc == 0;) {
        begin_round_of(x, p);
        part_run(p, x->end);
        part_end_round(p);
        rc = exchange_window(&e, err);
        if (rc == 0) rc = decide(x, &e, &more, err);
    }
    exchange_free(&e);
    return rc == 0 && x->interrupted ? err_stopped(err) : rc;
}

/* Brings the results together on rank 0. */
static int gather_ranks(Parallel *x, Ranks *ranks, Err *err) {
    PktSim *s = x->sims[0];
    uint64_t n_messages = x->parts[ranks->rank].n_messages;
    if (x->outlook.next == INT64_MAX) part_forget_timers(&x->parts[ranks->rank], x->outlook.moved);
    if (exchange_results(s, ranks, true, &n_messages, err) != 0) return -1;
    s->now = end_of_run(x);
    keep_facts(x, n_messages);
    return 0;
}

int parallel_run_on_ranks(PktSim *s, const Partition *plan, int64_t stop, Ranks *ranks, Err *err) {
    size_t n = (size_t)plan->n, n_slots = s->in->n + n;
    Arena arena = {0};
    uint64_t none = 0;
    if (ranks->rank >= plan->n) return exchange_results(s, ranks, false, &none, err);
    if (!reserve_slots(s, n_slots)) diag_out_of_memory("slots for %zu flows", n_slots);
    Parallel x = new_parallel(s, plan, true, stop, &arena);
    if (!set_up_rank(&x, plan, s, ranks->rank, &arena)) diag_out_of_memory("partitions");
    progress_init(&x.progress, s->opt->log, "flows", s->in->n);
    int rc = run_rank(&x, ranks, err);
    progress_finish(&x.progress);
    if (rc == 0) rc = gather_ranks(&x, ranks, err);
    free_parts(&x);
    s->part = NULL;
    release_slots(s, n_slots);
    arena_free(&arena);
    return rc;
}
