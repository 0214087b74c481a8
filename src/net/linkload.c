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
 * Polarised hashing: a flow has one hash, and every node takes next hop number (hash mod count), so
 * the choices of a path depend on each other. A hash enters through its residue modulo the least
 * common multiple of the counts alone. A destination takes one pass for each residue, in which
 * everything goes one way; where the multiple is above MAX_RESIDUES, the first
 * MAX_RESIDUES stand for all. */
#include "net/linkload.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

/* A multiple of all counts up to 10, and of most pairs of greater ones. */
enum { MAX_RESIDUES = 5040 };

const char *const linkload_routing_names[] = {"routed", "polarised", NULL};

typedef struct {
    const Route *r;
    const Topo *t;
    double *load;     /* [n_links] */
    double *amount;   /* [n_nodes] waiting at a node; all 0 between passes */
    uint32_t *mark;   /* [n_nodes] pass that saw the node last */
    uint32_t *branch; /* [n_nodes] next hops already entered */
    uint32_t *stack;  /* [n_nodes] */
    uint32_t *post;   /* [n_nodes] nodes by completion */
    uint32_t *source; /* [n_nodes] nodes that traffic was put on */
    uint32_t n_post, n_source, pass;
    bool *plain; /* [n_racks] every host's only cable goes to the rack's switch */
    bool polarised;
    uint64_t hash; /* of this pass, if polarised */
} LoadSpread;

static uint32_t rack_size(const Topo *t, uint32_t rack) {
    return t->rack_host_start[rack + 1] - t->rack_host_start[rack];
}

static bool is_plain(const Topo *t, uint32_t rack) {
    for (uint32_t k = t->rack_host_start[rack]; k < t->rack_host_start[rack + 1]; k++) {
        uint32_t v = t->host_node[t->rack_hosts[k]], first = t->out_start[v];
        if (t->out_start[v + 1] - first != 1 ||
            t->links[t->out_link[first]].to != t->rack_switch[rack])
            return false;
    }
    return true;
}

static void put(LoadSpread *s, uint32_t node, double w) {
    if (s->amount[node] == 0) s->source[s->n_source++] = node;
    s->amount[node] += w;
}

/* The next hops of this pass from node v toward host dst, not beyond `end`. */
static const uint32_t *next_hops(const LoadSpread *s, uint32_t v, uint32_t dst, uint32_t end,
                                 uint32_t *n) {
    *n = 0;
    const uint32_t *next = v == end ? NULL : route_next(s->r, v, dst, n);
    if (!s->polarised || *n < 2) return next;
    next += s->hash % *n;
    *n = 1;
    return next;
}

/* Depth first from `root` toward host dst, not beyond `end`; appends to post. */
static void visit(LoadSpread *s, uint32_t root, uint32_t dst, uint32_t end) {
    uint32_t depth = 0;
    if (s->mark[root] == s->pass) return;
    s->mark[root] = s->pass;
    s->branch[root] = 0;
    s->stack[depth++] = root;
    while (depth > 0) {
        uint32_t v = s->stack[depth - 1], n;
        const uint32_t *next = next_hops(s, v, dst, end, &n);
        if (s->branch[v] == n) {
            s->post[s->n_post++] = v;
            depth--;
            continue;
        }
        uint32_t to = s->t->links[next[s->branch[v]++]].to;
        if (s->mark[to] == s->pass) continue;
        s->mark[to] = s->pass;
        s->branch[to] = 0;
        s->stack[depth++] = to;
    }
}

/* Moves everything that was put on nodes to node `end` on the way to host dst. */
static void push_all(LoadSpread *s, uint32_t dst, uint32_t end) {
    s->pass++;
    s->n_post = 0;
    for (uint32_t i = 0; i < s->n_source; i++) visit(s, s->source[i], dst, end);
    for (uint32_t i = s->n_post; i-- > 0;) {
        uint32_t v = s->post[i], n;
        const uint32_t *next = next_hops(s, v, dst, end, &n);
        for (uint32_t k = 0; k < n; k++) {
            s->load[next[k]] += s->amount[v] / n;
            s->amount[s->t->links[next[k]].to] += s->amount[v] / n;
        }
        s->amount[v] = 0;
    }
    s->n_source = 0;
}

/* Puts weight w of rack `rack` on its switch or evenly on its hosts, except host `except`. */
static void put_rack(LoadSpread *s, uint32_t rack, double w, uint32_t except) {
    const Topo *t = s->t;
    if (w == 0) return;
    if (s->plain[rack]) {
        put(s, t->rack_switch[rack], w);
        return;
    }
    uint32_t n = rack_size(t, rack) - (except != TOPO_NONE);
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
static void toward_host(LoadSpread *s, uint32_t j, const double *p, double share, uint32_t dst,
                        uint32_t end) {
    const Topo *t = s->t;
    uint32_t n = n_passes(s, dst);
    bool one_host = end == t->host_node[dst];
    for (uint32_t k = 0; k < n; k++) {
        s->hash = k;
        for (uint32_t i = 0; i < t->n_racks; i++)
            if (i != j || one_host)
                put_rack(s, i, p[(size_t)i * t->n_racks + j] * share / n, i == j ? dst : TOPO_NONE);
        push_all(s, dst, end);
    }
}

/* All traffic toward rack j: to its switch if the rack is plain, else to one host after the other.
 */
static void toward_rack(LoadSpread *s, uint32_t j, const double *p) {
    const Topo *t = s->t;
    uint32_t first = t->rack_host_start[j], n = rack_size(t, j);
    if (s->plain[j]) {
        toward_host(s, j, p, 1, t->rack_hosts[first], t->rack_switch[j]);
        return;
    }
    for (uint32_t k = first; k < first + n; k++) {
        uint32_t d = t->rack_hosts[k];
        toward_host(s, j, p, 1.0 / n, d, t->host_node[d]);
    }
}

/* The cables between a plain rack's switch and its hosts. */
static void host_cables(LoadSpread *s, uint32_t rack, const double *p) {
    const Topo *t = s->t;
    double up = 0, down = 0;
    for (uint32_t i = 0; i < t->n_racks; i++) {
        up += p[(size_t)rack * t->n_racks + i];
        down += p[(size_t)i * t->n_racks + rack];
    }
    for (uint32_t k = t->rack_host_start[rack]; k < t->rack_host_start[rack + 1]; k++) {
        uint32_t link = t->out_link[t->out_start[t->host_node[t->rack_hosts[k]]]];
        s->load[link] = up / rack_size(t, rack);
        s->load[link ^ 1] = down / rack_size(t, rack);
    }
}

void linkload_expect(const Route *r, LoadRouting how, const double *p, double *load) {
    const Topo *t = route_topo(r);
    uint32_t n = t->n_nodes;
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
                    .polarised = how == LOAD_POLARISED};
    for (uint32_t l = 0; l < t->n_links; l++) load[l] = 0;
    for (uint32_t i = 0; i < t->n_racks; i++) s.plain[i] = is_plain(t, i);
    for (uint32_t j = 0; j < t->n_racks; j++) toward_rack(&s, j, p);
    for (uint32_t i = 0; i < t->n_racks; i++)
        if (s.plain[i]) host_cables(&s, i, p);
    free(work);
    free(s.amount);
    free(s.plain);
}
