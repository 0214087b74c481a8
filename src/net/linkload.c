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
 * else, by way of all its neighbours.
 *
 * A large folded Clos takes no passes: what a rack sends is spread over its fabric switches, and
 * what a pod sends to others over its links to spines, or those of them that polarised hashes
 * choose.
 *
 * Polarised hashing: a flow has one hash, and every node takes next hop number (hash mod count), so
 * the choices of a path depend on each other. A hash enters through its residue modulo the least
 * common multiple of the counts alone. A destination takes one pass for each residue, in which
 * everything goes one way; where the multiple is above MAX_RESIDUES, the first
 * MAX_RESIDUES stand for all. */
#include "net/linkload.h"

#include <math.h>
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
    uint64_t hash;       /* of this pass, if polarised */
    const LoadMatrix *m; /* NULL: uniform, */
    double each;         /* this much a pair */
} LoadSpread;

static uint32_t row_of(const LoadMatrix *m, uint32_t rack) {
    return m->row_of ? m->row_of[rack] : rack;
}

/* The number of racks that have a row. */
static double racks_with(const LoadMatrix *m, uint32_t row) {
    return m->n_racks ? m->n_racks[row] : 1;
}

/* The share within a rack. */
static double local_share(const Topo *t, const LoadMatrix *m, uint32_t rack) {
    uint32_t row = row_of(m, rack);
    if (row == m->n || topo_rack_size(t, rack) < 2) return 0;
    return m->share[(size_t)row * m->n + row] / (m->n_local ? m->n_local[row] : 1);
}

double linkload_share(const Topo *t, const LoadMatrix *m, uint32_t i, uint32_t j) {
    uint32_t from = row_of(m, i), to = row_of(m, j);
    if (i == j) return local_share(t, m, i);
    if (from == to || from == m->n || to == m->n) return 0;
    return m->share[(size_t)from * m->n + to] / (racks_with(m, from) * racks_with(m, to));
}

/* The share of flows from rack i to rack j. */
static double share_of(const LoadSpread *s, uint32_t i, uint32_t j) {
    if (s->m) return linkload_share(s->t, s->m, i, j);
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

/* ---- the cables of hosts ---- */

/* What a rack sends and what it receives. */
static void rack_sums(const LoadSpread *s, uint32_t rack, double *up, double *down) {
    *up = *down = 0;
    if (!s->m) *up = *down = s->each * (s->t->n_racks - (topo_rack_size(s->t, rack) < 2));
    for (uint32_t i = 0; s->m && i < s->t->n_racks; i++) {
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

/* ---- a Clos by its figures ---- */

/* What racks send to others, receive from others, and keep within; what pods send to others and
 * receive from others. */
typedef struct {
    double *up, *down, *local; /* [n_racks] */
    double *out, *in;          /* [n_pods] */
} ClosTraffic;

static ClosTraffic traffic_new(const Topo *t) {
    return (ClosTraffic){MEM_NEW(double, t->n_racks), MEM_NEW(double, t->n_racks),
                         MEM_NEW(double, t->n_racks), MEM_ZNEW(double, t->n_pods),
                         MEM_ZNEW(double, t->n_pods)};
}

static void traffic_free(ClosTraffic *x) {
    double *arrays[] = {x->up, x->down, x->local, x->out, x->in};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
}

static void uniform_traffic(const Topo *t, const Clos *c, ClosTraffic *x) {
    double each = uniform_share(t), racks = t->n_racks, in_pod = c->racks_per_pod;
    for (uint32_t i = 0; i < t->n_racks; i++) {
        x->up[i] = x->down[i] = each * (racks - 1);
        x->local[i] = c->hosts_per_rack < 2 ? 0 : each;
    }
    for (uint32_t p = 0; p < t->n_pods; p++)
        x->out[p] = x->in[p] = each * in_pod * (racks - in_pod);
}

/* What the racks of each row send to and receive from those of others. */
static void row_sums(const LoadMatrix *m, double *up, double *down) {
    for (uint32_t i = 0; i < m->n; i++)
        for (uint32_t j = 0; j < m->n; j++) {
            double share = i == j ? 0 : m->share[(size_t)i * m->n + j];
            up[i] += share;
            down[j] += share;
        }
}

/* What goes between racks `first` … first + n − 1, those of a pod. Their different rows are put
 * into rows[n], and how many of them have each into count[m->n], which is left 0. */
static double within_pod(const LoadMatrix *m, uint32_t first, uint32_t n, uint32_t *rows,
                         uint32_t *count) {
    uint32_t n_rows = 0;
    double sum = 0;
    for (uint32_t rack = first; rack < first + n; rack++) {
        uint32_t row = row_of(m, rack);
        if (row < m->n && count[row]++ == 0) rows[n_rows++] = row;
    }
    for (uint32_t a = 0; a < n_rows; a++)
        for (uint32_t b = 0; b < n_rows; b++) {
            uint32_t i = rows[a], j = rows[b];
            if (i == j) continue;
            sum += m->share[(size_t)i * m->n + j] * (count[i] / racks_with(m, i)) *
                   (count[j] / racks_with(m, j));
        }
    for (uint32_t a = 0; a < n_rows; a++) count[rows[a]] = 0;
    return sum;
}

static void matrix_traffic(const Topo *t, const Clos *c, const LoadMatrix *m, ClosTraffic *x) {
    double *up = MEM_ZNEW(double, m->n), *down = MEM_ZNEW(double, m->n);
    uint32_t *rows = MEM_NEW(uint32_t, c->racks_per_pod), *count = MEM_ZNEW(uint32_t, m->n);
    row_sums(m, up, down);
    for (uint32_t i = 0; i < t->n_racks; i++) {
        uint32_t row = row_of(m, i);
        x->up[i] = row < m->n ? up[row] / racks_with(m, row) : 0;
        x->down[i] = row < m->n ? down[row] / racks_with(m, row) : 0;
        x->local[i] = local_share(t, m, i);
        x->out[t->rack_pod[i]] += x->up[i];
        x->in[t->rack_pod[i]] += x->down[i];
    }
    for (uint32_t p = 0; p < t->n_pods; p++) {
        double within = within_pod(m, p * c->racks_per_pod, c->racks_per_pod, rows, count);
        x->out[p] = fmax(x->out[p] - within, 0);
        x->in[p] = fmax(x->in[p] - within, 0);
    }
    free(up);
    free(down);
    free(rows);
    free(count);
}

/* How many times its equal part of what a pod sends or receives goes by fabric switch `fab` of the
 * pod and spine `spine` of its plane. Polarised: residues of one hash modulo both counts choose
 * them, and next hops are in descending order. */
static double spine_parts(const Clos *c, LoadRouting how, uint32_t fab, uint32_t spine) {
    uint32_t fabs = c->fabs_per_pod, spines = c->spines_per_plane,
             both = (uint32_t)common_divisor(fabs, spines);
    if (how == LOAD_ROUTED) return 1;
    return (fabs - 1 - fab) % both == (spines - 1 - spine) % both ? both : 0;
}

/* Nodes are in order of tier, and within a tier pod by pod, or plane by plane. */
void linkload_clos(const Topo *t, const Clos *c, LoadRouting how, const LoadMatrix *m,
                   double *load) {
    ClosTraffic x = traffic_new(t);
    uint32_t racks = t->rack_switch[0], fabs = racks + t->n_racks,
             spines = fabs + t->n_pods * c->fabs_per_pod;
    if (m) matrix_traffic(t, c, m, &x);
    else uniform_traffic(t, c, &x);
    for (uint32_t l = 0; l < t->n_links; l++) {
        uint32_t from = t->links[l].from, to = t->links[l].to;
        bool upward = t->tier[from] < t->tier[to];
        uint32_t lower = upward ? from : to, upper = upward ? to : from;
        if (t->tier[lower] == 0) {
            uint32_t rack = t->host_rack[t->node_host[lower]];
            load[l] = ((upward ? x.up : x.down)[rack] + x.local[rack]) / c->hosts_per_rack;
        } else if (t->tier[lower] == 1) {
            load[l] = (upward ? x.up : x.down)[lower - racks] / c->fabs_per_pod;
        } else {
            uint32_t pod = (lower - fabs) / c->fabs_per_pod, fab = (lower - fabs) % c->fabs_per_pod,
                     spine = (upper - spines) % c->spines_per_plane;
            load[l] = (upward ? x.out : x.in)[pod] / c->fabs_per_pod / c->spines_per_plane *
                      spine_parts(c, how, fab, spine);
        }
    }
    traffic_free(&x);
}

/* ---- the whole ---- */

void linkload_expect(const Route *r, LoadRouting how, const LoadMatrix *m, double *load) {
    const Topo *t = route_topo(r);
    const Clos *c = route_clos(r);
    if (c && (m ? t->n_racks > LINKLOAD_MANY_RACKS : how == LOAD_ROUTED)) {
        linkload_clos(t, c, how, m, load);
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
                    .m = m,
                    .each = uniform_share(t)};
    for (uint32_t l = 0; l < t->n_links; l++) load[l] = 0;
    for (uint32_t i = 0; i < t->n_racks; i++) n_plain += s.plain[i] = is_plain(t, i);
    if (!m && n_plain == t->n_racks) toward_all_classes(&s);
    else
        for (uint32_t j = 0; j < t->n_racks; j++) toward_rack(&s, j);
    for (uint32_t i = 0; i < t->n_racks; i++)
        if (s.plain[i]) host_cables(&s, i);
    free(work);
    free(s.amount);
    free(s.plain);
}
