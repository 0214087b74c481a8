/* linkload: expected link loads of rack-to-rack traffic under equal ECMP splitting.
 *
 * All traffic toward one destination moves along one directed acyclic graph (the next hops toward
 * it), and splitting is linear. So each destination is one pass: put the sources' shares on their
 * nodes, visit the nodes in topological order, push each node's sum to its next hops. Hosts that
 * have a single cable, to their rack's switch, are interchangeable: such a rack sends and receives
 * as one at its switch, and its cables carry equal parts. Cost: racks × (switches + their cables),
 * whatever the number of hosts; a rack with other hosts (several cables or switches) costs a pass
 * per host. The order is the reverse of the depth-first post-order, with an explicit stack (a chain
 * of switches may be long).
 *
 * Uniform traffic where all racks are such takes one pass for all racks below a class of switches
 * (route_class) instead of one a rack: up to the switches next to them all goes the same way, and
 * there it parts equally among them. A rack of the class sends the others its share like everybody
 * else, by way of all its neighbours. In a large folded Clos with equal splitting it takes none.
 *
 * Polarised hashing: a flow has one hash, and every node takes next hop number (hash mod count), so
 * the choices of a path depend on each other. A hash enters through its residue modulo the least
 * common multiple of the counts alone. A destination takes one pass for each residue, in which
 * everything goes one way; where the multiple is above MAX_RESIDUES, the first
 * MAX_RESIDUES stand for all. */
#include "net/linkload.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/stats.h"

/* A multiple of all counts up to 10, and of most pairs of greater ones. */
enum { MAX_RESIDUES = 5040 };

const char *const linkload_routing_names[] = {"routed", "polarised", NULL};

typedef struct {
    const Route *r;
    const Topo *t;
    double *load;     /* [n_links] */
    double *amount;   /* [n_nodes] waiting at a node; all 0 between passes */
    uint32_t *mark;   /* [n_nodes] pass that saw the node last; at an end of it, one less */
    uint32_t *branch; /* [n_nodes] next hops already entered */
    uint32_t *stack;  /* [n_nodes] */
    uint32_t *post;   /* [n_nodes] nodes by completion */
    uint32_t *source; /* [n_nodes] nodes that traffic was put on */
    uint32_t n_post, n_source, pass;
    bool *plain; /* [n_racks] every host's only cable goes to the rack's switch */
    bool polarised;
    uint64_t hash;   /* of this pass, if polarised */
    const double *p; /* of pairs of racks; NULL: uniform, */
    double each;     /* this much a pair */
} LoadSpread;

/* The share of flows from rack i to rack j. */
static double share_of(const LoadSpread *s, uint32_t i, uint32_t j) {
    if (s->p) return s->p[(size_t)i * s->t->n_racks + j];
    return i == j && topo_rack_size(s->t, i) < 2 ? 0 : s->each;
}

static bool is_plain(const Topo *t, uint32_t rack) {
    for (uint32_t k = t->rack_host_start[rack]; k < t->rack_host_start[rack + 1]; k++) {
        uint32_t link = topo_only_link(t, t->rack_hosts[k]);
        if (link == TOPO_NONE || t->links[link].to != t->rack_switch[rack]) return false;
    }
    return true;
}

static void put(LoadSpread *s, uint32_t node, double w) {
    if (s->amount[node] == 0) s->source[s->n_source++] = node;
    s->amount[node] += w;
}

/* Where a pass moves traffic to: toward `host`, from node `except` toward other_host. */
typedef struct {
    uint32_t host, except, other_host;
} LoadTarget;

/* The next hops of this pass from node v. */
static const uint32_t *next_hops(const LoadSpread *s, uint32_t v, const LoadTarget *to,
                                 uint32_t *n) {
    const uint32_t *next = route_next(s->r, v, v == to->except ? to->other_host : to->host, n);
    if (!s->polarised || *n < 2) return next;
    next += s->hash % *n;
    *n = 1;
    return next;
}

/* A new pass, which ends at the nodes that are then marked as its ends. */
static void begin_pass(LoadSpread *s) { s->pass += 2; }
static void mark_end(LoadSpread *s, uint32_t node) { s->mark[node] = s->pass - 1; }

static bool is_marked(const LoadSpread *s, uint32_t node) { return s->mark[node] + 1 >= s->pass; }

/* Depth first from `root` up to the ends of the pass; appends to post. */
static void visit(LoadSpread *s, uint32_t root, const LoadTarget *to) {
    uint32_t depth = 0;
    if (is_marked(s, root)) return;
    s->mark[root] = s->pass;
    s->branch[root] = 0;
    s->stack[depth++] = root;
    while (depth > 0) {
        uint32_t v = s->stack[depth - 1], n;
        const uint32_t *next = next_hops(s, v, to, &n);
        if (s->branch[v] == n) {
            s->post[s->n_post++] = v;
            depth--;
            continue;
        }
        uint32_t node = s->t->links[next[s->branch[v]++]].to;
        if (is_marked(s, node)) continue;
        s->mark[node] = s->pass;
        s->branch[node] = 0;
        s->stack[depth++] = node;
    }
}

/* Moves what was put on nodes to the ends of the pass. */
static void push_all(LoadSpread *s, const LoadTarget *to) {
    s->n_post = 0;
    for (uint32_t i = 0; i < s->n_source; i++) visit(s, s->source[i], to);
    s->n_source = 0;
    for (uint32_t i = s->n_post; i-- > 0;) {
        uint32_t v = s->post[i], n;
        const uint32_t *next = next_hops(s, v, to, &n);
        for (uint32_t k = 0; k < n; k++) {
            s->load[next[k]] += s->amount[v] / n;
            s->amount[s->t->links[next[k]].to] += s->amount[v] / n;
        }
        s->amount[v] = 0;
    }
}

/* Puts weight w of rack `rack` on its switch or evenly on its hosts, except host `except`. */
static void put_rack(LoadSpread *s, uint32_t rack, double w, uint32_t except) {
    const Topo *t = s->t;
    if (w == 0) return;
    if (s->plain[rack]) {
        put(s, t->rack_switch[rack], w);
        return;
    }
    uint32_t n = topo_rack_size(t, rack) - (except != TOPO_NONE);
    for (uint32_t k = t->rack_host_start[rack]; k < t->rack_host_start[rack + 1]; k++)
        if (t->rack_hosts[k] != except) put(s, t->host_node[t->rack_hosts[k]], w / n);
}

static uint64_t common_divisor(uint64_t a, uint64_t b) {
    return b == 0 ? a : common_divisor(b, a % b);
}

/* The number of passes that traffic toward host dst takes: of residues that differ. */
static uint32_t n_passes(const LoadSpread *s, uint32_t dst) {
    uint64_t multiple = 1;
    for (uint32_t v = 0; s->polarised && v < s->t->n_nodes && multiple < MAX_RESIDUES; v++) {
        uint32_t n = 0;
        if (v != s->t->host_node[dst]) route_next(s->r, v, dst, &n);
        if (n > 1) multiple *= n / common_divisor(multiple, n);
    }
    return multiple < MAX_RESIDUES ? (uint32_t)multiple : MAX_RESIDUES;
}

/* All traffic from racks to rack j, the part of it that goes to host dst, `share`: to node `end`.
 */
static void toward_host(LoadSpread *s, uint32_t j, double share, uint32_t dst, uint32_t end) {
    const Topo *t = s->t;
    const LoadTarget to = {.host = dst, .except = TOPO_NONE};
    uint32_t n = n_passes(s, dst);
    bool one_host = end == t->host_node[dst];
    for (uint32_t k = 0; k < n; k++) {
        s->hash = k;
        begin_pass(s);
        mark_end(s, end);
        for (uint32_t i = 0; i < t->n_racks; i++)
            if (i != j || one_host)
                put_rack(s, i, share_of(s, i, j) * share / n, i == j ? dst : TOPO_NONE);
        push_all(s, &to);
        s->amount[end] = 0;
    }
}

/* All traffic toward rack j: to its switch if the rack is plain, else to one host after the other.
 */
static void toward_rack(LoadSpread *s, uint32_t j) {
    const Topo *t = s->t;
    uint32_t first = t->rack_host_start[j], n = topo_rack_size(t, j);
    if (s->plain[j]) {
        toward_host(s, j, 1, t->rack_hosts[first], t->rack_switch[j]);
        return;
    }
    for (uint32_t k = first; k < first + n; k++) {
        uint32_t d = t->rack_hosts[k];
        toward_host(s, j, 1.0 / n, d, t->host_node[d]);
    }
}

/* ---- uniform traffic ---- */

/* Racks whose switches are of one class. */
typedef struct {
    const uint32_t *racks;
    uint32_t n;
} RackClass;

/* Parts what has arrived at the neighbours of the class equally among its racks. */
static void part_among(LoadSpread *s, const RackClass *c) {
    const Topo *t = s->t;
    for (uint32_t k = 0; k < c->n; k++) {
        uint32_t v = t->rack_switch[c->racks[k]], end = t->out_start[v + 1];
        for (uint32_t i = t->out_start[v], after; i < end; i = after) {
            uint32_t from = t->links[t->out_link[i]].to, first = i, n;
            for (after = i; after < end && t->links[t->out_link[after]].to == from;) after++;
            if (t->is_host[from]) continue;
            n = after - i;
            if (s->polarised) first += (uint32_t)(s->hash % n), n = 1;
            for (uint32_t l = first; l < first + n; l++)
                s->load[t->out_link[l] ^ 1] += s->amount[from] / c->n / n;
        }
    }
    uint32_t v = t->rack_switch[c->racks[0]];
    for (uint32_t i = t->out_start[v]; i < t->out_start[v + 1]; i++)
        s->amount[t->links[t->out_link[i]].to] = 0;
}

/* All traffic between racks toward those of a class. The first one's is toward another of them.
 * What a neighbour of the class has for it is there already, so passes end at those. */
static void toward_class(LoadSpread *s, const RackClass *c) {
    const Topo *t = s->t;
    uint32_t head = t->rack_switch[c->racks[0]], class = route_class(s->r, head);
    const LoadTarget to = {t->rack_hosts[t->rack_host_start[c->racks[0]]], head,
                           t->rack_hosts[t->rack_host_start[c->racks[c->n > 1]]]};
    uint32_t n = n_passes(s, to.host);
    for (uint32_t k = 0; k < n; k++) {
        s->hash = k;
        begin_pass(s);
        for (uint32_t i = t->out_start[head]; i < t->out_start[head + 1]; i++)
            mark_end(s, t->links[t->out_link[i]].to);
        for (uint32_t i = 0; i < t->n_racks; i++) {
            bool own = route_class(s->r, t->rack_switch[i]) == class;
            if (c->n > own) put(s, t->rack_switch[i], s->each * (c->n - own) / n);
        }
        push_all(s, &to);
        part_among(s, c);
    }
}

/* The racks of each class in turn. */
static void toward_all_classes(LoadSpread *s) {
    const Topo *t = s->t;
    uint32_t n_classes = 0, *class_of = MEM_NEW(uint32_t, t->n_racks),
             *racks = MEM_NEW(uint32_t, t->n_racks);
    for (uint32_t i = 0; i < t->n_racks; i++) {
        class_of[i] = route_class(s->r, t->rack_switch[i]);
        n_classes = class_of[i] >= n_classes ? class_of[i] + 1 : n_classes;
    }
    uint32_t *start = MEM_NEW(uint32_t, n_classes + (size_t)1);
    stats_group(class_of, t->n_racks, n_classes, start, racks);
    for (uint32_t c = 0; c < n_classes; c++) {
        const RackClass own = {racks + start[c], start[c + 1] - start[c]};
        if (own.n > 0) toward_class(s, &own);
    }
    free(class_of);
    free(start);
    free(racks);
}

/* ---- the whole ---- */

/* What a rack sends and what it receives. */
static void rack_sums(const LoadSpread *s, uint32_t rack, double *up, double *down) {
    *up = *down = 0;
    if (!s->p) *up = *down = s->each * (s->t->n_racks - (topo_rack_size(s->t, rack) < 2));
    for (uint32_t i = 0; s->p && i < s->t->n_racks; i++) {
        *up += share_of(s, rack, i);
        *down += share_of(s, i, rack);
    }
}

/* The cables between a plain rack's switch and its hosts. */
static void host_cables(LoadSpread *s, uint32_t rack) {
    const Topo *t = s->t;
    double up, down;
    rack_sums(s, rack, &up, &down);
    for (uint32_t k = t->rack_host_start[rack]; k < t->rack_host_start[rack + 1]; k++) {
        uint32_t link = t->out_link[t->out_start[t->host_node[t->rack_hosts[k]]]];
        s->load[link] = up / topo_rack_size(t, rack);
        s->load[link ^ 1] = down / topo_rack_size(t, rack);
    }
}

/* The share of every pair of racks if all are alike; a rack of one host sends nothing to itself. */
static double uniform_share(const Topo *t) {
    double pairs = (double)t->n_racks * t->n_racks;
    for (uint32_t i = 0; i < t->n_racks; i++) pairs -= topo_rack_size(t, i) < 2;
    return 1 / pairs;
}

void linkload_clos(const Topo *t, const Clos *c, double *load) {
    double each = uniform_share(t), racks = t->n_racks, in_pod = c->racks_per_pod,
           of_rack = each * (racks - 1), of_pod = each * in_pod * (racks - in_pod);
    for (uint32_t l = 0; l < t->n_links; l++) {
        int a = t->tier[t->links[l].from], b = t->tier[t->links[l].to], upper = a > b ? a : b;
        double own = c->hosts_per_rack < 2 ? 0 : each;
        if (upper == 1) load[l] = (of_rack + own) / c->hosts_per_rack;
        else if (upper == 2) load[l] = of_rack / c->fabs_per_pod;
        else load[l] = of_pod / c->fabs_per_pod / c->spines_per_plane;
    }
}

void linkload_expect(const Route *r, LoadRouting how, const double *p, double *load) {
    const Topo *t = route_topo(r);
    const Clos *c = route_clos(r);
    if (!p && how == LOAD_ROUTED && c) {
        linkload_clos(t, c, load);
        return;
    }
    uint32_t n = t->n_nodes, n_plain = 0;
    uint32_t *work = MEM_ZNEW(uint32_t, 5 * (size_t)n);
    LoadSpread s = {.r = r,
                    .t = t,
                    .load = load,
                    .amount = MEM_ZNEW(double, n),
                    .mark = work,
                    .branch = work + n,
                    .stack = work + 2 * (size_t)n,
                    .post = work + 3 * (size_t)n,
                    .source = work + 4 * (size_t)n,
                    .plain = MEM_NEW(bool, t->n_racks),
                    .polarised = how == LOAD_POLARISED,
                    .p = p,
                    .each = uniform_share(t)};
    for (uint32_t l = 0; l < t->n_links; l++) load[l] = 0;
    for (uint32_t i = 0; i < t->n_racks; i++) n_plain += s.plain[i] = is_plain(t, i);
    if (!p && n_plain == t->n_racks) toward_all_classes(&s);
    else
        for (uint32_t j = 0; j < t->n_racks; j++) toward_rack(&s, j);
    for (uint32_t i = 0; i < t->n_racks; i++)
        if (s.plain[i]) host_cables(&s, i);
    free(work);
    free(s.amount);
    free(s.plain);
}
