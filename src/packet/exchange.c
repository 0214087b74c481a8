/* exchange: packs and unpacks.
 *
 *     a window's piece:  Told │ cells [n] │ indexes of their flows [n] │ telemetry [n][max_stamps]
 *
 * Slots of flows are numbered over all partitions, so that a packet's cell means the same
 * everywhere. With each goes its flow's index in the list: who sees that for the first time looks
 * up the flow's paths and sets up the receiver's end, which only counts where the receiver is. A
 * slot is used again when no packet of its flow is left anywhere, so the index then is another.
 *
 * Ranks are of one architecture: structs go as they are. */
#include "packet/exchange.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "packet/flowslot.h"
#include "packet/parallel.h"

/* What precedes the cells of a window. */
typedef struct {
    PartTold told;
    uint64_t n_cells, n_notes, n_finished, stop;
} Told;

void exchange_init(Exchange *x, Ranks *ranks, Part *parts, int n) {
    size_t k = (size_t)n;
    *x = (Exchange){.ranks = ranks,
                    .parts = parts,
                    .me = ranks->rank,
                    .n = n,
                    .out = MEM_ZNEW(RanksOut, k),
                    .in = MEM_ZNEW(RanksPiece, k),
                    .pieces = MEM_ZNEW(RanksPiece, k)};
}

void exchange_free(Exchange *x) {
    for (int q = 0; q < x->n; q++) free(x->out[q].data);
    free(x->out);
    free(x->in);
    free(x->pieces);
}

static int swap(Exchange *x, Err *err) {
    for (int q = 0; q < x->n; q++) x->pieces[q] = (RanksPiece){x->out[q].data, x->out[q].len};
    return ranks_swap(x->ranks, x->pieces, x->in, x->n, err);
}

/* ---- windows ---- */

static void pack_box(const PktSim *s, const PartBox *b, RanksOut *out) {
    ranks_put(out, b->cells, b->n * sizeof *b->cells);
    for (size_t i = 0; i < b->n; i++) {
        uint32_t slot = b->cells[i].flow, index = slot == NONE ? NONE : s->sinks[slot].index;
        ranks_put(out, &index, sizeof index);
    }
    ranks_put(out, b->hops, b->n * s->max_stamps * sizeof *b->hops);
    ranks_put(out, b->notes, b->n_notes * sizeof *b->notes);
}

static void unpack_box(PktSim *s, PartBox *b, size_t n, size_t n_notes, RanksIn *in) {
    MEM_GROW(b->cells, b->cap, n);
    MEM_GROW(b->hops, b->cap_hops, n * s->max_stamps);
    b->n = n;
    ranks_get(in, b->cells, n * sizeof *b->cells);
    for (size_t i = 0; i < n; i++) {
        uint32_t index;
        ranks_get(in, &index, sizeof index);
        if (index != NONE) flowslot_meet(s, b->cells[i].flow, index);
    }
    ranks_get(in, b->hops, n * s->max_stamps * sizeof *b->hops);
    MEM_GROW(b->notes, b->cap_notes, n_notes);
    ranks_get(in, b->notes, n_notes * sizeof *b->notes);
    b->n_notes = n_notes;
}

/* Of the window that has ended. */
static PartBox *box(Exchange *x, int from, int to) {
    return &part_boxes(&x->parts[from], x->parts[x->me].window - 1)[to];
}

int exchange_window(Exchange *x, Err *err) {
    PktSim *s = x->parts[x->me].sim;
    Told mine = {.told = x->parts[x->me].told,
                 .n_finished = s->stats->n_finished,
                 .stop = diag_stop_requested()};
    for (int q = 0; q < x->n; q++) {
        const PartBox *b = box(x, x->me, q);
        mine.n_cells = b->n;
        mine.n_notes = b->n_notes;
        x->out[q].len = 0;
        if (q == x->me) continue;
        ranks_put(&x->out[q], &mine, sizeof mine);
        pack_box(s, b, &x->out[q]);
    }
    if (swap(x, err) != 0) return -1;
    x->stop = mine.stop != 0;
    x->n_finished = mine.n_finished;
    for (int q = 0; q < x->n; q++) {
        Told told;
        if (q == x->me) continue;
        RanksIn in = {x->in[q].data, x->in[q].data + x->in[q].n};
        ranks_get(&in, &told, sizeof told);
        x->parts[q].told = told.told;
        x->stop |= told.stop != 0;
        x->n_finished += told.n_finished;
        unpack_box(s, box(x, q, x->me), told.n_cells, told.n_notes, &in);
    }
    return 0;
}

/* ---- changes ---- */

static void pack_changes(const PartChanges *c, bool wanted, RanksOut *out) {
    uint64_t n = wanted ? c->n : 0;
    ranks_put(out, &n, sizeof n);
    ranks_put(out, c->list, n * sizeof *c->list);
}

static void unpack_changes(PartChanges *c, RanksIn *in) {
    uint64_t n;
    ranks_get(in, &n, sizeof n);
    MEM_GROW(c->list, c->cap, n);
    ranks_get(in, c->list, n * sizeof *c->list);
    c->n = n;
}

int exchange_changes(Exchange *x, bool cells, bool flows, Err *err) {
    const Part *p = &x->parts[x->me];
    for (int q = 0; q < x->n; q++) {
        x->out[q].len = 0;
        if (q == x->me) continue;
        pack_changes(&p->cells, cells, &x->out[q]);
        pack_changes(&p->flows, flows, &x->out[q]);
    }
    if (swap(x, err) != 0) return -1;
    for (int q = 0; q < x->n; q++) {
        if (q == x->me) continue;
        RanksIn in = {x->in[q].data, x->in[q].data + x->in[q].n};
        unpack_changes(&x->parts[q].cells, &in);
        unpack_changes(&x->parts[q].flows, &in);
    }
    return 0;
}

/* ---- results ---- */

typedef struct {
    PktStats stats; /* with the largest queues */
    uint64_t n_messages, n_times;
} Result;

typedef struct {
    uint32_t index;
    double fct_ns;
} Time;

typedef struct {
    PktSim *s;
    uint64_t *n_messages;
} Sum;

static void pack_result(const PktSim *s, uint64_t n_messages, RanksOut *out) {
    Result r = {*s->stats, n_messages, 0};
    pktsim_peak_queues(s, r.stats.peak_queue_b);
    for (size_t i = 0; i < s->in->n; i++)
        if (!isnan(s->fct_ns[i])) r.n_times++;
    ranks_put(out, &r, sizeof r);
    for (size_t i = 0; i < s->in->n; i++) {
        Time t = {(uint32_t)i, s->fct_ns[i]};
        if (!isnan(t.fct_ns)) ranks_put(out, &t, sizeof t);
    }
}

static void hear_result(void *ctx, RanksIn *in) {
    const Sum *sum = ctx;
    PktSim *s = sum->s;
    Result r;
    if (in->at == in->end) return; /* a rank without a partition */
    ranks_get(in, &r, sizeof r);
    parallel_add_stats(s->stats, &r.stats);
    for (int t = 0; t < PKT_MAX_TIERS; t++)
        if (r.stats.peak_queue_b[t] > s->stats->peak_queue_b[t])
            s->stats->peak_queue_b[t] = r.stats.peak_queue_b[t];
    *sum->n_messages += r.n_messages;
    for (uint64_t i = 0; i < r.n_times; i++) {
        Time t;
        ranks_get(in, &t, sizeof t);
        s->fct_ns[t.index] = t.fct_ns;
    }
}

int exchange_results(PktSim *s, Ranks *ranks, bool has_part, uint64_t *n_messages, Err *err) {
    Sum sum = {s, n_messages};
    RanksOut out = {0};
    if (has_part && ranks->rank > 0) pack_result(s, *n_messages, &out);
    int rc = ranks_tell(ranks, &out, hear_result, &sum, err);
    free(out.data);
    return rc;
}
