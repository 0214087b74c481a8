/* part: a partition's windows.
 *
 * Events of a window touch only the partition's own nodes and the flows that start there. What they
 * do to others waits in a box until they receive it: cells that are events elsewhere, which are
 * packets on a link to another partition, and news of packets that are gone for their senders. With
 * its time and rank, which are what they would be in one run, a cell takes its place in the queue
 * there.
 *
 * In compat a rank is when an event was scheduled, and ties compare as one run's would (order.h),
 * by the logs of all partitions. Those grow until an epoch ends: then all pending events are listed
 * in one order and their ties numbered anew, which never changes the order within a partition, so
 * that its queue stays as it is. And as a flow's slot is free at once when its last packet is gone,
 * notes tell of that after the window.
 *
 * Boxes take turns, twice as many as partitions may be windows apart: others read those of windows
 * that are over while this partition fills the next. Cells and flows are counted by changes, so
 * that the largest count of one run can be found. */
#include "packet/part.h"

#include <stdlib.h>
#include <string.h>

/* ---- what is kept of a round ---- */

void part_begin_round(Part *p) {
    p->n_noted = (int64_t)p->noted.n;
    p->n_trace = p->n_timers = p->cells.n = p->flows.n = p->noted.n = 0;
    p->cells.sum = p->cells.most = p->flows.sum = p->flows.most = 0;
    p->first_window = p->window;
    p->first_event = p->sim->stats->n_events;
}

static uint32_t present_step(const Part *p) { return (uint32_t)p->log.n - 1; }

static PartMoment present(const Part *p) {
    const PktSim *s = p->sim;
    return (PartMoment){s->now, s->compat ? (int64_t)present_step(p) : s->now_rank};
}

void part_log_event(PktSim *s) {
    const OrderLog *l = &s->part->log;
    if (l->n >= l->cap) diag_out_of_memory("%zu events in a window of time", l->cap);
    part_step(s, 0);
}

uint32_t part_common_tie(PktSim *s) {
    OrderLog *l = &s->part->log;
    l->common[l->n_common] = present_step(s->part);
    return order_tie(ORDER_COMMON, l->n_common++);
}

static void change(PartChanges *c, PartChange x) {
    MEM_GROW(c->list, c->cap, c->n + 1);
    c->list[c->n++] = x;
}

static void change_now(Part *p, PartChanges *c, int by) {
    change(c, (PartChange){present(p), by, p->me});
    c->sum += by;
    if (c->sum > c->most) c->most = c->sum;
}

void part_count_cell(PktSim *s, int by) { change_now(s->part, &s->part->cells, by); }

void part_count_flow(PktSim *s, int by) { change_now(s->part, &s->part->flows, by); }

void part_touch(PktSim *s, uint32_t slot) {
    s->flows[slot].touched_window = s->part->window;
    s->flows[slot].touched_step = present_step(s->part);
}

void part_moved(PktSim *s, bool is_timer) {
    Part *p = s->part;
    if (!is_timer) {
        p->moved = present(p);
        return;
    }
    MEM_GROW(p->timers, p->cap_timers, p->n_timers + 1);
    p->timers[p->n_timers++] = present(p);
}

void part_forget_timers(Part *p, PartMoment last) {
    for (size_t i = p->n_timers; i > 0; i--) {
        if (!part_is_later(p->timers[i - 1], last)) return;
        p->sim->stats->n_events--;
    }
}

void part_trace(PktSim *s, const PktTraceEvent *e) {
    Part *p = s->part;
    MEM_GROW(p->trace, p->cap_trace, p->n_trace + 1);
    p->trace[p->n_trace++] = (PartTrace){present(p), *e};
}

/* ---- what goes to others ---- */

static void send(Part *p, int to, uint32_t id) {
    const PktSim *s = p->sim;
    PartBox *b = &part_boxes(p, p->window)[to];
    MEM_GROW(b->cells, b->cap, b->n + 1);
    if (s->max_stamps) {
        MEM_GROW(b->hops, b->cap_hops, (b->n + 1) * s->max_stamps);
        memcpy(&b->hops[b->n * s->max_stamps], &s->hops[(size_t)id * s->max_stamps],
               s->max_stamps * sizeof *b->hops);
    }
    b->cells[b->n++] = s->cells[id];
    if (s->cells[id].ev.time < b->next) b->next = s->cells[id].ev.time;
}

void part_send(PktSim *s, int to, uint32_t id, int64_t time, int64_t rank) {
    EvNode *e = &pktsim_cell(s, id)->ev;
    e->time = time;
    e->rank = rank;
    if (s->compat) e->tie = s->tie++;
    send(s->part, to, id);
    pktsim_cell_give_back(s, id);
}

void part_send_packet(PktSim *s, uint32_t link, uint32_t id, int64_t arrival, int64_t rank) {
    part_send(s, s->part->of_link[link], id, arrival, rank);
}

static int owner_of_flow(const Part *p, uint32_t slot) {
    if (slot - p->first_slot < p->n_slots) return p->me;
    int q = 0;
    while (slot - p->all[q].first_slot >= p->all[q].n_slots) q++;
    return q;
}

static bool note(Part *p, uint32_t slot) {
    int to = owner_of_flow(p, slot);
    if (to == p->me) return false;
    PartBox *b = &part_boxes(p, p->window)[to];
    MEM_GROW(b->notes, b->cap_notes, b->n_notes + 1);
    b->notes[b->n_notes++] = (PartNote){present(p), slot, p->me};
    return true;
}

bool part_packet_gone(PktSim *s, uint32_t slot) { return s->compat && note(s->part, slot); }

bool part_credit_sent(PktSim *s, uint32_t slot) { return note(s->part, slot); }

bool part_send_news(PktSim *s, uint32_t id, int64_t time) {
    const PktCell *c = pktsim_cell(s, id);
    int to = owner_of_flow(s->part, c->flow);
    if (to == s->part->me) return false;
    part_send(s, to, id, time, pktsim_timer_rank(s, c, time));
    return true;
}

/* ---- windows ---- */

/* Has the lines of a box's cells come back from the core that has read them, all at once: likely as
 * many will be written again. Processors without PREFETCHW take it for a NOP. */
#ifdef __x86_64__
#define WITH_PREFETCHW __attribute__((target("prfchw")))
#else
#define WITH_PREFETCHW
#endif
WITH_PREFETCHW static inline void claim_cells(const PartBox *b) {
    for (size_t i = 0; i < b->n; i++) __builtin_prefetch(&b->cells[i], 1);
}

WITH_PREFETCHW void part_run(Part *p, int64_t end) {
    PartBox *boxes = part_boxes(p, p->window);
    for (int q = 0; q < p->n_parts; q++) {
        claim_cells(&boxes[q]);
        boxes[q].n = boxes[q].n_notes = 0;
        boxes[q].next = INT64_MAX;
    }
    pktsim_run_until(p->sim, end);
    atomic_store_explicit(&p->ended, ++p->window, memory_order_release);
}

/* What was sent in the last windows has not been received yet. */
void part_end_round(Part *p) {
    const PktSim *s = p->sim;
    int64_t next = evq_next_time(&p->sim->q);
    uint64_t n_to_do = evq_len(&s->q) - s->n_timers;
    uint32_t n = p->window - p->first_window;
    for (uint32_t i = 1; i <= n && i <= p->apart; i++) {
        for (int q = 0; q < p->n_parts; q++) {
            const PartBox *b = &part_boxes(p, p->window - i)[q];
            if (b->next < next) next = b->next;
            n_to_do += b->n;
        }
    }
    p->told = (PartTold){.next = next,
                         .n_events = s->stats->n_events - p->first_event,
                         .cells_sum = p->cells.sum,
                         .cells_most = p->cells.most,
                         .flows_sum = p->flows.sum,
                         .flows_most = p->flows.most,
                         .n_noted = p->n_noted,
                         .n_to_do = n_to_do,
                         .moved = s->cc->timer ? p->moved : present(p)};
}

/* ---- what comes from others ---- */

static void take_packets(Part *p, int from) {
    PktSim *s = p->sim;
    const PartBox *b = &part_boxes(&p->all[from], p->received)[p->me];
    for (size_t i = 0; i < b->n; i++) __builtin_prefetch(&b->cells[i]); /* all at once, too */
    for (size_t i = 0; i < b->n; i++) {
        const EvNode *e = &b->cells[i].ev;
        pktsim_reserve_cells(s, 1);
        uint32_t id = pktsim_cell_take(s);
        s->cells[id] = b->cells[i];
        if (s->max_stamps)
            memcpy(&s->hops[(size_t)id * s->max_stamps], &b->hops[i * s->max_stamps],
                   s->max_stamps * sizeof *s->hops);
        evq_push(&s->q, id, e->time, e->rank, e->tie);
    }
    p->n_messages += b->n;
}

/* A flow is not over before credit that was sent to it has arrived: what the sender hears of the
 * flow's end, it hears later than this. */
static void take_credit_notes(Part *p, int from) {
    const PartBox *b = &part_boxes(&p->all[from], p->received)[p->me];
    for (size_t i = 0; i < b->n_notes; i++) p->sim->flows[b->notes[i].slot].n_packets++;
}

static int by_step(const void *x, const void *y, void *ctx) {
    const PartNote *a = x, *b = y;
    const Part *p = ctx;
    if (a->at.time != b->at.time) return a->at.time < b->at.time ? -1 : 1;
    return order_compare(&p->order, a->from, (size_t)a->at.rank, b->from, (size_t)b->at.rank);
}

/* Whether a step of this partition comes after what a note tells of. */
static bool is_after(const Part *p, uint32_t step, const PartNote *n) {
    int64_t time = p->log.steps[step].time;
    if (time != n->at.time) return time > n->at.time;
    return order_compare(&p->order, p->me, step, n->from, (size_t)n->at.rank) > 0;
}

static void take_note(Part *p, const PartNote *n) {
    PktSim *s = p->sim;
    FlowSlot *f = &s->flows[n->slot];
    f->n_packets--;
    if (f->pos != NONE || f->n_packets > 0) return;
    bool local_is_last = f->touched_window == p->received && is_after(p, f->touched_step, n);
    PartMoment touched = {p->log.steps[f->touched_step].time, f->touched_step};
    change(&p->noted,
           local_is_last ? (PartChange){touched, -1, p->me} : (PartChange){n->at, -1, n->from});
    flowslot_give_back(s, n->slot);
}

static void take_notes(Part *p) {
    size_t n = 0;
    for (int q = 0; q < p->n_parts; q++) {
        const PartBox *b = &part_boxes(&p->all[q], p->received)[p->me];
        MEM_GROW(p->notes, p->cap_notes, n + b->n_notes);
        if (b->n_notes > 0) memcpy(&p->notes[n], b->notes, b->n_notes * sizeof *b->notes);
        n += b->n_notes;
    }
    if (n == 0) return;
    qsort_r(p->notes, n, sizeof *p->notes, by_step, p);
    for (size_t i = 0; i < n; i++) take_note(p, &p->notes[i]);
}

void part_receive(Part *p, uint32_t before) {
    for (; (int32_t)(before - p->received) > 0; p->received++) {
        for (int q = 0; q < p->n_parts; q++) {
            if (q == p->me) continue;
            take_packets(p, q);
            if (!p->sim->compat) take_credit_notes(p, q);
        }
        if (p->sim->compat) take_notes(p);
    }
}

/* ---- epochs ---- */

bool part_pending_before(const Order *o, const PartPending *a, const PartPending *b) {
    if (a->time != b->time) return a->time < b->time;
    if (a->rank != b->rank) return a->rank < b->rank;
    return order_tie_before(o, a->rank, a->tie, b->tie);
}

static int by_rank(const void *x, const void *y, void *ctx) {
    const Order *o = &((const Part *)ctx)->order;
    return part_pending_before(o, x, y) ? -1 : part_pending_before(o, y, x);
}

static void add_pending(Part *p, PartPending x) {
    if (x.rank < p->order.epoch) return;
    MEM_GROW(p->pending, p->cap_pending, p->n_pending + 1);
    p->pending[p->n_pending++] = x;
}

/* A port is busy until an event that may not be in the queue. */
static void add_ports(Part *p) {
    const PktSim *s = p->sim;
    for (uint32_t l = 0; l < s->topo->n_links; l++) {
        const Port *x = &s->ports[l];
        if (x->free_at >= s->now && !x->free_queued)
            add_pending(p, (PartPending){x->free_at, x->free_sched, x->free_tie, l});
    }
}

void part_end_epoch(Part *p) {
    const PktSim *s = p->sim;
    size_t n = evq_len(&s->q);
    uint32_t *ids = MEM_NEW(uint32_t, n);
    evq_list(&s->q, ids);
    p->n_pending = 0;
    for (size_t i = 0; i < n; i++) {
        const EvNode *e = &s->cells[ids[i]].ev;
        add_pending(p, (PartPending){e->time, e->rank, e->tie, ids[i]});
    }
    free(ids);
    add_ports(p);
    if (p->n_pending > 1) qsort_r(p->pending, p->n_pending, sizeof *p->pending, by_rank, p);
}

/* A list of pending events is worth while after some dozen steps for each; short ones show in tests
 * what becomes of them. */
void part_limit_steps(Part *p) {
    enum { MIN = 1 << 16, MIN_IN_TESTS = 200, PER_PENDING = 64 };
    size_t least = p->sim->opt->any_size ? MIN_IN_TESTS : MIN, most = PER_PENDING * p->n_pending;
    if (p->sim->opt->any_size) most = 0;
    p->most_steps = most < least ? least : most < ORDER_MAX_STEPS / 4 ? most : ORDER_MAX_STEPS / 4;
}

void part_begin_epoch(Part *p, int64_t begin) {
    PktSim *s = p->sim;
    for (size_t i = 0; i < p->n_pending; i++) {
        const PartPending *x = &p->pending[i];
        s->cells[x->id].ev.tie = x->tie;
        if (x->id < s->topo->n_links) s->ports[x->id].free_tie = x->tie;
    }
    part_limit_steps(p);
    p->log.n = p->log.n_common = 0;
    p->order.epoch = begin;
}

/* ---- the rest ---- */

bool part_owns_flow(const PktSim *s, size_t index) {
    const Part *p = s->part;
    return p->of_node[s->topo->host_node[s->in->src[index]]] == p->me;
}

bool part_is_first(const PktSim *s) { return s->part->me == 0; }

static void free_boxes(PartBox *b, int n) {
    for (int q = 0; q < n; q++) {
        free(b[q].cells);
        free(b[q].hops);
        free(b[q].notes);
    }
}

void part_free(Part *p) {
    mem_release(p->log.steps, ORDER_MAX_STEPS, sizeof *p->log.steps);
    mem_release(p->log.common, p->sim->in->n, sizeof *p->log.common);
    free(p->pending);
    for (int i = 0; i < PART_BOXES; i++) free_boxes(p->boxes[i], p->n_parts);
    free(p->notes);
    free(p->timers);
    free(p->trace);
    free(p->cells.list);
    free(p->flows.list);
    free(p->noted.list);
}
