/* partition: divides a network so that partitions have equal loads and long lookaheads.
 *
 * Lookahead is what makes a parallel run worth while: within the time that a packet needs at least
 * to cross from one partition to another, all go on by themselves. So links that are shorter than a
 * bound are not cut: what they join is one block. A host belongs to its rack's switch. Blocks with
 * hosts are given to partitions in order of their racks, which keeps pods together, then the others
 * where most of their traffic is, as long as that partition is below the mean; at last single
 * blocks are moved from the fullest partition to the emptiest one. Loads are packets at nodes, of a
 * sample of flows along their routes.
 *
 * Several bounds and numbers of partitions are tried, and the division taken that is estimated to
 * be fastest: a window costs each partition as much as some events. */
#include "packet/partition.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "packet/ideal.h"
#include "packet/part.h"

/* Flows whose routes are looked up: all of short lists, of long ones so many or less, a part of
 * them.
 */
enum { MIN_SAMPLE = 8192, MAX_SAMPLE = 32768, SAMPLED_SHARE = 4 };
/* Bounds of lookahead that are tried. */
enum { MAX_BOUNDS = 8 };
/* What an event costs more than on one thread, and in compat, with the log that ties are told apart
 * by: as measured (tests/bench). Chosen: what the windows of a lookahead cost, in events; in compat
 * and between ranks all wait for each other then; what must be gained. */
static const double STEP_COST = 1.15, COMPAT_STEP_COST = 1.65, WINDOW_STEPS = 15,
                    COMPAT_WINDOW_STEPS = 40, RANKS_WINDOW_STEPS = 120, LEAST_SPEEDUP = 1.1;
/* Events for each packet at a node, roughly: its arrival, and often the end of a transmission. */
static const double STEPS_PER_PACKET = 1.3;

typedef struct {
    const PktSim *s;
    const Topo *t;
    double *node_load, *link_load; /* packets */
    double duration_ticks, window_steps;
    uint32_t *block_of;          /* [n_nodes] a node of the block */
    uint32_t *next_in, *blocks;  /* [n_nodes] of its block; [n_blocks] in order of assignment */
    double *block_load;          /* [n_nodes] at the block's node */
    uint32_t n_blocks, n_leaves; /* leaves: blocks with hosts, first in `blocks` */
    int *part_of;                /* [n_nodes] at the block's node; −1: none yet */
    double part_load[PARTITION_MAX], total;
} Division;

/* ---- loads ---- */

static void add_path(Division *d, const uint32_t *links, uint32_t n, double n_packets) {
    for (uint32_t i = 0; i < n; i++) {
        d->link_load[links[i]] += n_packets;
        d->node_load[d->t->links[links[i]].from] += n_packets;
    }
    d->node_load[d->t->links[links[n - 1]].to] += n_packets;
}

/* Adds a flow as if it had so many packets. */
static void add_flow(Division *d, size_t i, double n_packets) {
    const PktSim *s = d->s;
    uint32_t links[PKTSIM_MAX_LINKS], src = s->in->src[i], dst = s->in->dst[i];
    uint16_t sport = s->sport[i];
    add_path(d, links, ideal_path(s->route, s->compat, src, dst, sport, ROUTE_DPORT, links),
             n_packets);
    add_path(d, links, ideal_path(s->route, s->compat, dst, src, ROUTE_DPORT, sport, links),
             n_packets);
}

/* Every flow, or where they are many those with every so-manieth packet: a few large flows have
 * most of the load. */
static void find_loads(Division *d) {
    const Flows *f = d->s->in;
    size_t most = f->n / SAMPLED_SHARE;
    most = most < MIN_SAMPLE ? MIN_SAMPLE : most > MAX_SAMPLE ? MAX_SAMPLE : most;
    uint64_t all = 0, step = 1, left = 0;
    for (size_t i = 0; i < f->n; i++) all += wire_packets(f->size_b[i]);
    if (f->n > most) step = all / most + 1;
    for (size_t i = 0; i < f->n; i++) {
        uint64_t n = left + wire_packets(f->size_b[i]);
        left = n % step;
        if (n >= step) add_flow(d, i, (double)(n - left));
    }
    for (uint32_t v = 0; v < d->t->n_nodes; v++) d->total += d->node_load[v];
}

/* The time that the flows take at least: from the first to the last start, or at some link. */
static void find_duration(Division *d) {
    const PktSim *s = d->s;
    const Flows *f = s->in;
    double ticks = (double)(f->start_ns[f->n - 1] - f->start_ns[0]) * (double)s->ticks_per_ns;
    for (uint32_t l = 0; l < d->t->n_links; l++)
        ticks = fmax(ticks, d->link_load[l] * 0.5 * (double)s->kinds[s->ports[l].kind].full_ticks);
    d->duration_ticks = fmax(ticks, 1);
}

/* ---- blocks ---- */

static int64_t lookahead_of(const PktSim *s, uint32_t link) {
    const Port *p = &s->ports[link];
    return port_ticks(s, p, WIRE_PAUSE_B) + s->kinds[p->kind].delay_ticks;
}

static uint32_t root(uint32_t *of, uint32_t v) {
    while (of[v] != v) v = of[v] = of[of[v]];
    return v;
}

static void join(uint32_t *of, uint32_t a, uint32_t b) {
    a = root(of, a);
    b = root(of, b);
    if (a < b) of[b] = a;
    else of[a] = b;
}

static void join_nodes(Division *d, int64_t bound) {
    const Topo *t = d->t;
    for (uint32_t v = 0; v < t->n_nodes; v++) d->block_of[v] = v;
    for (uint32_t h = 0; h < t->n_hosts; h++)
        join(d->block_of, t->host_node[h], t->rack_switch[t->host_rack[h]]);
    for (uint32_t l = 0; l < t->n_links; l++)
        if (lookahead_of(d->s, l) < bound) join(d->block_of, t->links[l].from, t->links[l].to);
    for (uint32_t v = 0; v < t->n_nodes; v++) {
        d->block_of[v] = root(d->block_of, v);
        d->next_in[v] = NONE;
        d->block_load[v] = 0;
        d->part_of[v] = -1;
    }
    for (uint32_t v = 0; v < t->n_nodes; v++) {
        uint32_t b = d->block_of[v];
        d->block_load[b] += d->node_load[v];
        if (v == b) continue;
        d->next_in[v] = d->next_in[b];
        d->next_in[b] = v;
    }
}

/* Lists blocks with hosts in order of racks, then the others by tier. */
static void list_blocks(Division *d) {
    const Topo *t = d->t;
    d->n_blocks = 0;
    for (uint32_t r = 0; r < t->n_racks; r++) {
        uint32_t b = d->block_of[t->rack_switch[r]];
        if (d->part_of[b] != -1) continue;
        d->part_of[b] = -2;
        d->blocks[d->n_blocks++] = b;
    }
    d->n_leaves = d->n_blocks;
    for (uint8_t tier = 1, more = 1; more; tier++) {
        more = 0;
        for (uint32_t v = 0; v < t->n_nodes; v++) {
            if (t->tier[v] > tier) more = 1;
            if (d->block_of[v] != v || d->part_of[v] != -1 || t->tier[v] != tier) continue;
            d->part_of[v] = -2;
            d->blocks[d->n_blocks++] = v;
        }
    }
}

/* ---- partitions ---- */

static void give(Division *d, uint32_t block, int part) {
    if (d->part_of[block] >= 0) d->part_load[d->part_of[block]] -= d->block_load[block];
    d->part_of[block] = part;
    d->part_load[part] += d->block_load[block];
}

/* Packets between a block and each partition. */
static void find_traffic(const Division *d, uint32_t block, double *traffic, int n) {
    const Topo *t = d->t;
    for (int p = 0; p < n; p++) traffic[p] = 0;
    for (uint32_t v = block; v != NONE; v = d->next_in[v]) {
        for (uint32_t i = t->out_start[v]; i < t->out_start[v + 1]; i++) {
            uint32_t l = t->out_link[i];
            int part = d->part_of[d->block_of[t->links[l].to]];
            if (part >= 0) traffic[part] += d->link_load[l] + d->link_load[l ^ 1];
        }
    }
}

static void give_leaves(Division *d, int n) {
    double sum = 0, all = 0;
    for (uint32_t i = 0; i < d->n_leaves; i++) all += d->block_load[d->blocks[i]];
    for (uint32_t i = 0; i < d->n_leaves; i++) {
        double load = d->block_load[d->blocks[i]];
        int part =
            all > 0 ? (int)((sum + load / 2) / all * n) : (int)(i * (uint32_t)n / d->n_leaves);
        give(d, d->blocks[i], part < n ? part : n - 1);
        sum += load;
    }
}

static void give_others(Division *d, int n) {
    double traffic[PARTITION_MAX], mean = d->total / n;
    for (uint32_t i = d->n_leaves; i < d->n_blocks; i++) {
        int best = 0;
        find_traffic(d, d->blocks[i], traffic, n);
        for (int p = 1; p < n; p++) {
            bool full = d->part_load[p] >= mean, best_full = d->part_load[best] >= mean;
            if (full != best_full ? best_full
                : full            ? d->part_load[p] < d->part_load[best]
                                  : traffic[p] > traffic[best])
                best = p;
        }
        give(d, d->blocks[i], best);
    }
}

/* Moves the block that makes the fullest and the emptiest partition most alike; false: none does.
 */
static bool even_out(Division *d, int n) {
    int full = 0, empty = 0;
    for (int p = 1; p < n; p++) {
        if (d->part_load[p] > d->part_load[full]) full = p;
        if (d->part_load[p] < d->part_load[empty]) empty = p;
    }
    double gap = d->part_load[full] - d->part_load[empty], least = gap * 0.9;
    uint32_t best = NONE;
    for (uint32_t i = 0; i < d->n_blocks; i++) {
        uint32_t b = d->blocks[i];
        double left = fabs(gap - 2 * d->block_load[b]);
        if (d->part_of[b] != full || left >= least) continue;
        least = left;
        best = b;
    }
    if (best == NONE || gap < 0.005 * d->total / n) return false;
    give(d, best, empty);
    return true;
}

static double divide(Division *d, int n) {
    for (int p = 0; p < n; p++) d->part_load[p] = 0;
    for (uint32_t i = 0; i < d->n_blocks; i++) d->part_of[d->blocks[i]] = -1;
    give_leaves(d, n);
    give_others(d, n);
    for (uint32_t i = 0; i < d->n_blocks && even_out(d, n);) i++;
    double most = 0;
    for (int p = 0; p < n; p++) most = fmax(most, d->part_load[p]);
    return most > 0 ? d->total / n / most : 1;
}

/* ---- the best one ---- */

static int64_t least_lookahead(const Division *d) {
    int64_t least = INT64_MAX;
    for (uint32_t l = 0; l < d->t->n_links; l++) {
        const Link *k = &d->t->links[l];
        if (d->part_of[d->block_of[k->from]] == d->part_of[d->block_of[k->to]]) continue;
        int64_t x = lookahead_of(d->s, l);
        if (x < least) least = x;
    }
    return least;
}

static void keep(const Division *d, Partition *p, Partition found) {
    uint8_t *of_node = p->of_node ? p->of_node : MEM_NEW(uint8_t, d->t->n_nodes);
    for (uint32_t v = 0; v < d->t->n_nodes; v++) {
        assert(d->part_of[d->block_of[v]] >= 0);
        of_node[v] = (uint8_t)d->part_of[d->block_of[v]];
    }
    *p = found;
    p->of_node = of_node;
}

/* Divides the blocks by n, and keeps that if it is estimated to be faster than the best so far. */
static void consider(Division *d, int n, bool any_size, Partition *p, double *speedup) {
    double balance = divide(d, n);
    Partition x = {.n = n, .lookahead = least_lookahead(d)};
    double windows = fmax(d->duration_ticks / (double)x.lookahead, 1),
           steps = d->total * STEPS_PER_PACKET / n / windows; /* of one partition in a window */
    double step_cost = d->s->compat ? COMPAT_STEP_COST : STEP_COST,
           gain = n * balance / (step_cost + d->window_steps / steps);
    if (any_size) gain = n;
    if (x.lookahead < PART_APART || gain <= *speedup) return;
    *speedup = gain;
    keep(d, p, x);
}

/* The largest lookahead of a link that is below `bound`; 0: none. */
static int64_t next_bound(const Division *d, int64_t bound) {
    int64_t next = 0;
    for (uint32_t l = 0; l < d->t->n_links; l++) {
        int64_t x = lookahead_of(d->s, l);
        if (x < bound && x > next) next = x;
    }
    return next;
}

static void find_best(Division *d, int threads, bool any_size, Partition *p) {
    double speedup = any_size ? 1 : LEAST_SPEEDUP;
    int64_t bound = INT64_MAX;
    for (int i = 0; i < MAX_BOUNDS && (bound = next_bound(d, bound)) > 0; i++) {
        join_nodes(d, bound);
        list_blocks(d);
        int n = threads;
        if ((uint32_t)n > d->n_leaves) n = (int)d->n_leaves;
        for (; n > 1; n = any_size ? 1 : n / 2) consider(d, n, any_size, p, &speedup);
    }
}

void partition_find(const PktSim *s, int n, bool on_ranks, Partition *p) {
    bool any_size = s->opt->any_size;
    uint32_t n_nodes = s->topo->n_nodes, n_links = s->topo->n_links;
    *p = (Partition){.n = 1};
    if (n > PARTITION_MAX) n = PARTITION_MAX;
    Division d = {.s = s,
                  .t = s->topo,
                  .window_steps = on_ranks    ? RANKS_WINDOW_STEPS
                                  : s->compat ? COMPAT_WINDOW_STEPS
                                              : WINDOW_STEPS,
                  .node_load = MEM_ZNEW(double, n_nodes),
                  .link_load = MEM_ZNEW(double, n_links),
                  .block_of = MEM_NEW(uint32_t, n_nodes),
                  .next_in = MEM_NEW(uint32_t, n_nodes),
                  .blocks = MEM_NEW(uint32_t, n_nodes),
                  .block_load = MEM_NEW(double, n_nodes),
                  .part_of = MEM_NEW(int, n_nodes)};
    find_loads(&d);
    find_duration(&d);
    find_best(&d, n, any_size, p);
    free(d.node_load);
    free(d.link_load);
    free(d.block_of);
    free(d.next_in);
    free(d.blocks);
    free(d.block_load);
    free(d.part_of);
}

void partition_free(Partition *p) { free(p->of_node); }
