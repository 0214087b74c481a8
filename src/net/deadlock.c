/* deadlock: cyclic buffer dependencies of the routes (Dally and Seitz, Deadlock-Free Message
 * Routing in Multiprocessor Interconnection Networks, IEEE ToC 1987).
 *
 * A packet in the buffer behind link l waits for the next link m of its path; if m is paused, so is
 * l before long. Nodes of the dependency graph are links between switches, an edge l → m means that
 * some shortest path between hosts takes m right after l. Pauses can only wait in a circle where
 * the graph has one. Links of hosts are left out: nothing precedes or follows them.
 *
 *     quick   paths that only go up and then down can't close a circle: levels order the links. A
 *             destination of each column (net/route) stands for all, since exchanging two switches
 *             of a class keeps levels, here counted from the classes that have hosts.
 *     exact   else all dependencies are collected, destination by destination, as bits: of each
 *             link, one for each link out of the switch that it leads to. Whenever the number of
 *             destinations has doubled, a depth-first search looks for a cycle, so that networks
 *             full of them are done at once; a breadth-first search then finds the shortest one
 *             through the link that closes it.
 *
 * All equal-cost paths count as in use, whatever flows there are. Which cycle is kept depends on
 * the topology alone. */
#include "net/deadlock.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/clos.h"

/* Steps of either search, some ten nanoseconds each: a second or two. */
enum { BUDGET = 1 << 27 };
/* From so many racks on, even the quick search of a folded Clos takes a second. */
enum { MANY_RACKS = 4096 };

typedef struct {
    const Route *r;
    const Topo *t;
    uint64_t steps;
    uint32_t *source, n_sources;
    uint32_t *mark, pass; /* [n_nodes] pass that visited a node last; the present one */
    uint32_t *queue;
    uint8_t *level; /* [n_nodes] of switches */
    uint32_t *nth;  /* [n_links] position among the links out of its node */
    size_t *first;  /* [n_links + 1] where the bits of a link begin */
    uint64_t *bits;
    uint8_t *color; /* [n_links] of a search: new, open, done */
    uint32_t *stack, *next, *before;
} DeadlockSearch;

static bool joins_switches(const Topo *t, uint32_t link) {
    return !t->is_host[t->links[link].from] && !t->is_host[t->links[link].to];
}

/* ---- walking toward a destination ---- */

typedef bool (*Step)(DeadlockSearch *s, uint32_t link, const uint32_t *next, uint32_t n);

static uint32_t visit(DeadlockSearch *s, uint32_t node, uint32_t n_queue) {
    if (s->mark[node] == s->pass) return n_queue;
    s->mark[node] = s->pass;
    s->queue[n_queue] = node;
    return n_queue + 1;
}

/* Lists where paths begin: the switches of hosts with one link, and hosts with several. */
static void list_sources(DeadlockSearch *s) {
    const Topo *t = s->t;
    s->source = MEM_NEW(uint32_t, t->n_nodes);
    for (uint32_t h = 0; h < t->n_hosts; h++) {
        uint32_t v = t->host_node[h], first = t->out_start[v];
        uint32_t from = t->out_start[v + 1] - first == 1 ? t->links[t->out_link[first]].to : v;
        if (s->mark[from]) continue;
        s->mark[from] = 1;
        s->source[s->n_sources++] = from;
    }
    memset(s->mark, 0, t->n_nodes * sizeof *s->mark);
}

/* Calls `step` with each link between switches on the way to a host, and the links that follow it.
 * False: a step asked to end. */
static bool walk(DeadlockSearch *s, uint32_t dst, Step step) {
    const Topo *t = s->t;
    uint32_t begin = 0, end = 0, dst_node = t->host_node[dst];
    s->pass++;
    for (uint32_t i = 0; i < s->n_sources; i++)
        if (s->source[i] != dst_node) end = visit(s, s->source[i], end);
    for (; begin < end; begin++) {
        uint32_t v = s->queue[begin], n;
        const uint32_t *hops = route_next(s->r, v, dst, &n);
        for (uint32_t i = 0; i < n; i++) {
            uint32_t to = t->links[hops[i]].to, n_next;
            if (to == dst_node) continue;
            end = visit(s, to, end);
            if (t->is_host[v]) continue;
            const uint32_t *next = route_next(s->r, to, dst, &n_next);
            s->steps += n_next;
            if (!step(s, hops[i], next, n_next)) return false;
        }
    }
    return true;
}

/* ---- quick ---- */

/* Hops from the nearest switch of a class that has hosts. */
static void find_levels(DeadlockSearch *s) {
    const Topo *t = s->t;
    uint8_t *has_hosts = MEM_ZNEW(uint8_t, t->n_nodes); /* by class */
    uint32_t begin = 0, end = 0;
    for (uint32_t v = 0; v < t->n_nodes; v++)
        if (!t->is_host[v] && t->tier[v] == 1) has_hosts[route_class(s->r, v)] = 1;
    memset(s->level, UINT8_MAX, t->n_nodes);
    for (uint32_t v = 0; v < t->n_nodes; v++)
        if (!t->is_host[v] && has_hosts[route_class(s->r, v)]) {
            s->level[v] = 0;
            s->queue[end++] = v;
        }
    while (begin < end) {
        uint32_t v = s->queue[begin++];
        for (uint32_t i = t->out_start[v]; i < t->out_start[v + 1]; i++) {
            uint32_t to = t->links[t->out_link[i]].to;
            if (t->is_host[to] || s->level[to] != UINT8_MAX) continue;
            s->level[to] = (uint8_t)(s->level[v] < UINT8_MAX - 1 ? s->level[v] + 1 : s->level[v]);
            s->queue[end++] = to;
        }
    }
    free(has_hosts);
}

static bool goes_up(const DeadlockSearch *s, uint32_t link) {
    return s->level[s->t->links[link].to] > s->level[s->t->links[link].from];
}

/* Whether what follows a link still goes up and then down. */
static bool up_and_down(DeadlockSearch *s, uint32_t link, const uint32_t *next, uint32_t n) {
    const Topo *t = s->t;
    if (s->level[t->links[link].to] == s->level[t->links[link].from]) return false;
    for (uint32_t i = 0; i < n; i++)
        if (!goes_up(s, link) && !t->is_host[t->links[next[i]].to] && goes_up(s, next[i]))
            return false;
    return s->steps < BUDGET;
}

static bool all_up_and_down(DeadlockSearch *s) {
    const Topo *t = s->t;
    uint8_t *seen = MEM_ZNEW(uint8_t, t->n_hosts); /* by column */
    bool ok = true;
    find_levels(s);
    for (uint32_t h = 0; h < t->n_hosts && ok; h++) {
        uint32_t column = route_column(s->r, h);
        if (seen[column]) continue;
        seen[column] = 1;
        ok = walk(s, h, up_and_down);
    }
    free(seen);
    return ok;
}

/* ---- exact ---- */

static void make_bits(DeadlockSearch *s) {
    const Topo *t = s->t;
    s->nth = MEM_NEW(uint32_t, t->n_links);
    s->first = MEM_ZNEW(size_t, t->n_links + (size_t)1);
    for (uint32_t v = 0; v < t->n_nodes; v++)
        for (uint32_t i = t->out_start[v]; i < t->out_start[v + 1]; i++)
            s->nth[t->out_link[i]] = i - t->out_start[v];
    for (uint32_t l = 0; l < t->n_links; l++) {
        uint32_t to = t->links[l].to;
        s->first[l + 1] =
            s->first[l] + (joins_switches(t, l) ? t->out_start[to + 1] - t->out_start[to] : 0);
    }
    s->bits = MEM_ZNEW(uint64_t, s->first[t->n_links] / 64 + 1);
    s->color = MEM_NEW(uint8_t, t->n_links);
    s->stack = MEM_NEW(uint32_t, t->n_links);
    s->next = MEM_NEW(uint32_t, t->n_links);
    s->before = MEM_NEW(uint32_t, t->n_links);
}

static bool note_step(DeadlockSearch *s, uint32_t link, const uint32_t *next, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        size_t bit = s->first[link] + s->nth[next[i]];
        if (!s->t->is_host[s->t->links[next[i]].to]) s->bits[bit / 64] |= 1ull << bit % 64;
    }
    return true;
}

/* The first link after position *i of the ones that can follow `link`; TOPO_NONE: no more. */
static uint32_t next_dependency(const DeadlockSearch *s, uint32_t link, uint32_t *i) {
    const uint32_t *out = s->t->out_link + s->t->out_start[s->t->links[link].to];
    uint32_t n = (uint32_t)(s->first[link + 1] - s->first[link]);
    while (*i < n) {
        size_t bit = s->first[link] + (*i)++;
        if (s->bits[bit / 64] >> bit % 64 & 1) return out[*i - 1];
    }
    return TOPO_NONE;
}

enum { NEW, OPEN, DONE };

/* Returns a link that closes a cycle with links that are open, depth first from `root`. */
static uint32_t search_from(DeadlockSearch *s, uint32_t root) {
    uint32_t depth = 0;
    s->color[root] = OPEN;
    s->next[root] = 0;
    s->stack[depth++] = root;
    while (depth > 0) {
        uint32_t l = s->stack[depth - 1], m = next_dependency(s, l, &s->next[l]);
        if (m == TOPO_NONE) {
            s->color[l] = DONE;
            depth--;
        } else if (s->color[m] == OPEN) {
            return m;
        } else if (s->color[m] == NEW) {
            s->color[m] = OPEN;
            s->next[m] = 0;
            s->stack[depth++] = m;
        }
    }
    return TOPO_NONE;
}

static uint32_t link_on_cycle(DeadlockSearch *s) {
    uint32_t found = TOPO_NONE;
    memset(s->color, NEW, s->t->n_links);
    for (uint32_t l = 0; l < s->t->n_links && found == TOPO_NONE; l++)
        if (s->color[l] == NEW && s->first[l + 1] > s->first[l]) found = search_from(s, l);
    return found;
}

/* The shortest cycle through a link that is on one, breadth first. */
static Deadlock shortest_through(DeadlockSearch *s, uint32_t link) {
    Deadlock d = {.kind = DEADLOCK_CYCLE};
    uint32_t begin = 0, end = 0, last = TOPO_NONE;
    memset(s->color, NEW, s->t->n_links);
    s->stack[end++] = link;
    while (last == TOPO_NONE) {
        uint32_t l = s->stack[begin++], i = 0, m;
        while (last == TOPO_NONE && (m = next_dependency(s, l, &i)) != TOPO_NONE) {
            if (m == link) last = l;
            if (s->color[m] != NEW) continue;
            s->color[m] = DONE;
            s->before[m] = l;
            s->stack[end++] = m;
        }
    }
    for (uint32_t l = last; l != link; l = s->before[l]) d.n++;
    d.links = MEM_NEW(uint32_t, ++d.n);
    d.links[0] = link;
    for (uint32_t l = last, i = d.n; l != link; l = s->before[l]) d.links[--i] = l;
    return d;
}

static Deadlock exact(DeadlockSearch *s) {
    uint32_t link = TOPO_NONE, n = 0, look_at = 1;
    uint8_t *seen = MEM_ZNEW(uint8_t, s->t->n_hosts); /* by group */
    make_bits(s);
    s->steps = 0;
    bool whole = true;
    for (uint32_t h = 0; h < s->t->n_hosts && link == TOPO_NONE && whole; h++) {
        uint32_t group = route_group(s->r, h);
        if (seen[group]) continue;
        seen[group] = 1;
        walk(s, h, note_step);
        whole = s->steps < BUDGET;
        if (++n < look_at) continue;
        look_at *= 2;
        link = link_on_cycle(s);
    }
    free(seen);
    if (link == TOPO_NONE) link = link_on_cycle(s);
    if (link != TOPO_NONE) return shortest_through(s, link);
    return (Deadlock){.kind = whole ? DEADLOCK_NONE : DEADLOCK_UNKNOWN};
}

Deadlock deadlock_find(const Route *r) {
    const Topo *t = route_topo(r);
    Deadlock d = {0};
    Clos c;
    if (t->n_racks >= MANY_RACKS && clos_match(&c, t)) return d;
    DeadlockSearch s = {.r = r,
                        .t = t,
                        .mark = MEM_ZNEW(uint32_t, t->n_nodes),
                        .queue = MEM_NEW(uint32_t, t->n_nodes),
                        .level = MEM_NEW(uint8_t, t->n_nodes)};
    list_sources(&s);
    if (!all_up_and_down(&s)) d = exact(&s);
    void *arrays[] = {s.source, s.mark,  s.queue, s.level, s.nth,   s.first,
                      s.bits,   s.color, s.stack, s.next,  s.before};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
    return d;
}

void deadlock_free(Deadlock *d) {
    free(d->links);
    *d = (Deadlock){0};
}

char *deadlock_text(const Deadlock *d, const Topo *t) {
    enum { MOST = 8 }; /* links of a cycle that is written out */
    char *text;
    size_t len;
    FILE *f = mem_stream_open(&text, &len);
    for (uint32_t i = 0; i < d->n; i++) {
        if (d->n > MOST && i == MOST - 1) fputs("…>", f);
        if (d->n > MOST && i >= MOST - 1 && i + 1 < d->n) continue;
        fprintf(f, "%llu>", (unsigned long long)t->node_id[t->links[d->links[i]].from]);
    }
    if (d->n > 0) fprintf(f, "%llu", (unsigned long long)t->node_id[t->links[d->links[0]].from]);
    mem_stream_close(f);
    return text;
}
