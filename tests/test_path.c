/* path: drawing, index and projection against brute force on random small networks: rings, parallel
 * cables, mixed rates and delays, hosts of different speed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "net/wire.h"
#include "path/path.h"

typedef struct {
    Topo topo;
    Route *route;
    Flows flows;
    uint16_t *sport;
    Arena arena;
} Net;

/* A ring of switches, some neighbours joined by several cables, a few chords, and hosts spread over
 * the switches. */
static void make_topo(Topo *t, Rng *r, bool one_rate, uint32_t most_switches) {
    enum { MAX = 64 };
    static const double rates[] = {10e9, 25e9, 40e9};
    uint64_t id[MAX];
    uint8_t is_host[MAX];
    TopoCable cable[4 * MAX];
    uint32_t n_hosts = 4 + (uint32_t)rng_below(r, 12),
             n_switches = 3 + (uint32_t)rng_below(r, most_switches - 2), n = 0;
    for (uint32_t v = 0; v < n_hosts + n_switches; v++) {
        id[v] = v;
        is_host[v] = v < n_hosts;
    }
    for (uint32_t h = 0; h < n_hosts; h++)
        cable[n++] =
            (TopoCable){h, n_hosts + rng_below(r, n_switches),
                        one_rate ? 10e9 : rates[rng_below(r, 3)], (double)rng_below(r, 3000)};
    for (uint32_t s = 0; s < n_switches; s++)
        for (uint64_t k = 1 + rng_below(r, 3); k > 0; k--)
            cable[n++] = (TopoCable){n_hosts + s, n_hosts + (s + 1) % n_switches,
                                     rates[rng_below(r, 3)], (double)rng_below(r, 3000)};
    for (uint64_t k = rng_below(r, 3); k > 0; k--) {
        uint64_t a = rng_below(r, n_switches),
                 b = (a + 1 + rng_below(r, n_switches - 1)) % n_switches;
        cable[n++] = (TopoCable){n_hosts + a, n_hosts + b, 40e9, 1000};
    }
    Err err;
    if (topo_build(t, "random", id, is_host, NULL, n_hosts + n_switches, cable, n, &err) != 0)
        fail_msg("%s", err.msg);
}

static void make_flows(Net *net, Rng *r, size_t n) {
    Flows *f = &net->flows;
    *f = (Flows){.n = n,
                 .src = ARENA_NEW(&net->arena, uint32_t, n),
                 .dst = ARENA_NEW(&net->arena, uint32_t, n),
                 .size_b = ARENA_NEW(&net->arena, uint64_t, n),
                 .start_ns = ARENA_NEW(&net->arena, int64_t, n)};
    int64_t t = 0;
    for (size_t i = 0; i < n; i++) {
        f->src[i] = (uint32_t)rng_below(r, net->topo.n_hosts);
        f->dst[i] =
            (f->src[i] + 1 + (uint32_t)rng_below(r, net->topo.n_hosts - 1)) % net->topo.n_hosts;
        f->size_b[i] = rng_below(r, 100) == 0 ? (uint64_t)UINT32_MAX - 2 + rng_below(r, 5)
                                              : 1 + rng_below(r, 100000);
        f->start_ns[i] = t +=
            i == n / 2 ? 5000000000 : (int64_t)rng_below(r, 3); /* more than 32 bits, in one step */
    }
    net->sport = ARENA_NEW(&net->arena, uint16_t, n);
    route_sports(&net->topo, f->src, f->dst, n, net->sport);
}

static void net_make(Net *net, uint64_t seed, size_t n_flows) {
    Rng r = rng_stream(seed, "net", 0);
    Err err;
    *net = (Net){0};
    make_topo(&net->topo, &r, seed % 2 == 0, seed % 3 == 0 ? 24 : 8);
    net->route = route_new(&net->topo, &err);
    if (!net->route) fail_msg("%s", err.msg);
    make_flows(net, &r, n_flows);
}

static void net_free(Net *net) {
    route_destroy(net->route);
    topo_free(&net->topo);
    arena_free(&net->arena);
}

static PathSet draw(const Net *net, uint64_t n_paths, uint64_t seed) {
    PathSet ps;
    Err err;
    FlowSource source = flowsource_in_memory(&net->flows, net->sport);
    if (pathset_draw(&ps, net->route, &source, n_paths, seed, &err) != 0) fail_msg("%s", err.msg);
    return ps;
}

static PathIndex *index_of(const Net *net, const PathSet *ps, int threads) {
    Err err;
    FlowSource source = flowsource_in_memory(&net->flows, net->sport);
    PathIndex *ix = pathindex_new(ps, net->route, &source, threads, NULL, &err);
    if (!ix) fail_msg("%s", err.msg);
    return ix;
}

static bool is_path_of(const Net *net, const NetPath *p, size_t flow) {
    uint32_t links[64], n = route_path(net->route, net->flows.src[flow], net->flows.dst[flow],
                                       net->sport[flow], ROUTE_DPORT, links);
    return n == p->n_links && memcmp(links, p->links, n * sizeof *links) == 0;
}

/* ---- drawing ---- */

static void all_paths_are_weighted_by_their_flows(void **state) {
    (void)state;
    Net net;
    net_make(&net, 3, 800);
    PathSet ps = draw(&net, 0, 1);
    assert_true(ps.draw_path == NULL && ps.n_drawn == 800);
    size_t first_before = 0, total = 0;
    for (size_t p = 0; p < ps.n_unique; p++) {
        size_t n = 0, first = 800;
        for (size_t i = 800; i-- > 0;)
            if (is_path_of(&net, &ps.paths[p], i)) {
                n++;
                first = i;
            }
        assert_int_equal(n, ps.paths[p].n_draws);
        assert_true(p == 0 || first > first_before); /* in order of first appearance, none twice */
        assert_int_equal(ps.paths[p].src_host, net.flows.src[first]);
        assert_int_equal(ps.paths[p].dst_host, net.flows.dst[first]);
        first_before = first;
        total += n;
    }
    assert_int_equal(total, 800);
    pathset_free(&ps);
    net_free(&net);
}

/* Each path's share of the draws is its share of the flows, within five standard deviations. */
static void draws_are_proportional_to_flows(void **state) {
    (void)state;
    enum { DRAWS = 200000 };
    Net net;
    net_make(&net, 5, 600);
    PathSet all = draw(&net, 0, 1), ps = draw(&net, DRAWS, 1), again = draw(&net, DRAWS, 1),
            other = draw(&net, DRAWS, 2);
    assert_int_equal(ps.n_unique, all.n_unique);
    size_t seen = 0;
    uint32_t *draws = MEM_ZNEW(uint32_t, ps.n_unique);
    for (size_t i = 0; i < DRAWS; i++) {
        assert_true(ps.draw_path[i] <= seen &&
                    ps.draw_path[i] < ps.n_unique); /* numbered in order of first draw */
        seen += ps.draw_path[i] == seen;
        draws[ps.draw_path[i]]++;
    }
    for (size_t p = 0; p < ps.n_unique; p++) {
        size_t q = 0;
        while (all.paths[q].n_links != ps.paths[p].n_links ||
               memcmp(all.paths[q].links, ps.paths[p].links, 4 * ps.paths[p].n_links) != 0)
            q++;
        double share = all.paths[q].n_draws / 600.0;
        assert_int_equal(draws[p], ps.paths[p].n_draws);
        assert_true(fabs(draws[p] - DRAWS * share) < 5 * sqrt(DRAWS * share));
    }
    assert_memory_equal(ps.draw_path, again.draw_path, DRAWS * sizeof *ps.draw_path);
    assert_memory_not_equal(ps.draw_path, other.draw_path, DRAWS * sizeof *ps.draw_path);
    free(draws);
    pathset_free(&all);
    pathset_free(&ps);
    pathset_free(&again);
    pathset_free(&other);
    net_free(&net);
}

static void no_flows_is_an_error(void **state) {
    (void)state;
    Net net;
    net_make(&net, 1, 10);
    net.flows.n = 0;
    PathSet ps;
    Err err;
    FlowSource none = flowsource_in_memory(&net.flows, net.sport);
    assert_int_equal(pathset_draw(&ps, net.route, &none, 5, 1, &err), -1);
    assert_non_null(strstr(err.msg, "no flows"));
    pathset_free(&ps);
    net_free(&net);
}

/* ---- projection ---- */

/* Least delays to a host, by relaxing every link until nothing changes. */
static void check_stubs(const Topo *t, const NetPath *p, const Lot *lot) {
    double *d = MEM_NEW(double, t->n_nodes);
    for (uint32_t v = 0; v < t->n_nodes; v++) d[v] = t->is_host[v] ? 0 : INFINITY;
    for (uint32_t k = 0; k < t->n_nodes; k++)
        for (uint32_t l = 0; l < t->n_links; l++)
            d[t->links[l].from] =
                fmin(d[t->links[l].from], t->links[l].delay_ns + d[t->links[l].to]);
    for (uint32_t i = 0; i < p->n_links; i++) {
        assert_true(lot->stub_delay_ns[i] == d[t->links[p->links[i]].from]);
        assert_true(lot->stub_delay_ns[i + 1] == d[t->links[p->links[i]].to]);
    }
    free(d);
}

static double load_of(const Net *net, uint32_t link) {
    const Flows *f = &net->flows;
    double bits = 0;
    for (size_t i = 0; i < f->n; i++) {
        uint32_t links[64],
            n = route_path(net->route, f->src[i], f->dst[i], net->sport[i], ROUTE_DPORT, links);
        for (uint32_t l = 0; l < n; l++) bits += links[l] == link ? wire_bits(f->size_b[i]) : 0;
    }
    return bits * 1e9 /
           ((double)(f->start_ns[f->n - 1] - f->start_ns[0]) * net->topo.links[link].rate_bps);
}

static void same(float got, double want) {
    assert_true(fabs((double)got - want) <= 1e-6 * fabs(want));
}

/* One link of the path, told from all flows. */
static void check_neighbours(const Net *net, const NetPath *p, const Lot *lot) {
    const Topo *t = &net->topo;
    uint32_t at = p->n_links / 2, mine = p->links[at],
             next = at + 1 < p->n_links ? p->links[at + 1] : TOPO_NONE;
    double ahead = 0, next_max = 0, n_ahead = 0, beside = 0, sibling_max = 0, n_beside = 0;
    for (uint32_t l = 0; l < t->n_links; l++) {
        double load = load_of(net, l);
        if (t->links[l].from == t->links[mine].to && l != next)
            ahead += load, n_ahead++, next_max = fmax(next_max, load);
        if (t->links[l].from == t->links[mine].from && l != mine)
            beside += load, n_beside++, sibling_max = fmax(sibling_max, load);
    }
    same(lot->neighbours[at].reverse, load_of(net, mine ^ 1));
    same(lot->neighbours[at].next_max, next_max);
    same(lot->neighbours[at].next_mean, n_ahead > 0 ? ahead / n_ahead : 0);
    same(lot->neighbours[at].sibling_max, sibling_max);
    same(lot->neighbours[at].sibling_mean, n_beside > 0 ? beside / n_beside : 0);
}

static void check_lot(const Net *net, const NetPath *p, const Lot *lot) {
    const Link *links = net->topo.links;
    assert_int_equal(lot->n_links, p->n_links);
    assert_false(lot->published);
    for (uint32_t i = 0; i < p->n_links; i++) {
        assert_true(lot->rate_bps[i] == links[p->links[i]].rate_bps);
        assert_true(lot->delay_ns[i] == links[p->links[i]].delay_ns);
    }
    assert_true(lot->host_rate_bps == fmin(lot->rate_bps[0], lot->rate_bps[p->n_links - 1]));
    check_stubs(&net->topo, p, lot);
    check_neighbours(net, p, lot);
}

/* Flow by flow: which positions of the path it crosses, in ranges. Returns the number of flows
 * with several. */
static size_t check_flows(const Net *net, const NetPath *p, const LotFlow *got, size_t n) {
    const Flows *f = &net->flows;
    size_t k = 0, rejoining = 0;
    for (size_t i = 0; i < f->n; i++) {
        uint32_t links[64], n_links = route_path(net->route, f->src[i], f->dst[i], net->sport[i],
                                                 ROUTE_DPORT, links);
        size_t ranges = 0;
        bool on = false;
        for (uint32_t at = 0; at < p->n_links; at++) {
            bool crosses = false;
            for (uint32_t l = 0; l < n_links; l++) crosses |= links[l] == p->links[at];
            if (crosses && !on) {
                assert_true(k < n && got[k].flow == i && got[k].s == at);
                assert_true(got[k].start_ns == f->start_ns[i] && got[k].size_b == f->size_b[i]);
                assert_true(got[k].cap_bps == fmin(net->topo.host_rate_bps[f->src[i]],
                                                   net->topo.host_rate_bps[f->dst[i]]));
                ranges++;
                k++;
            }
            if (crosses) assert_true(got[k - 1].d > at);
            else if (on) assert_true(got[k - 1].d == at);
            on = crosses;
        }
        if (is_path_of(net, p, i))
            assert_true(ranges == 1 && got[k - 1].s == 0 && got[k - 1].d == p->n_links);
        rejoining += ranges > 1;
    }
    assert_int_equal(k, n);
    return rejoining;
}

/* What a path view knows of all flows, from the flows. */
static void check_view(const PathView *o, const LotFlow *flows) {
    size_t n_foreground = 0;
    double pairs = 0, bits = 0;
    for (size_t i = 0; i < o->n; i++) {
        assert_true(path_start_ns(o, i) == flows[i].start_ns);
        pairs += flows[i].d - flows[i].s;
        bits += wire_bits(flows[i].size_b) * (flows[i].d - flows[i].s);
        if (flows[i].s > 0 || flows[i].d < o->lot.n_links) continue;
        assert_true(n_foreground < o->n_foreground && o->foreground[n_foreground] == i);
        n_foreground++;
    }
    assert_int_equal(n_foreground, o->n_foreground);
    assert_true(fabs(o->mean_bits * pairs / bits - 1) < 1e-12);
    for (uint32_t l = 0; l < o->lot.n_links; l++) {
        double ns = 0, ns2 = 0;
        int64_t last_ns = -1;
        for (size_t i = 0; i < o->n; i++) {
            if (flows[i].s > l || flows[i].d <= l) continue;
            double gap_ns = last_ns < 0 ? 0 : (double)(flows[i].start_ns - last_ns);
            ns += gap_ns;
            ns2 += gap_ns * gap_ns;
            last_ns = flows[i].start_ns;
        }
        assert_true(o->gaps[l].ns == ns && fabs(o->gaps[l].ns2 - ns2) <= 1e-12 * ns2);
    }
}

/* A path view, read in pieces of any length, is the projection. */
static void check_pieces(const PathIndex *ix, size_t p, const LotFlow *want, size_t n, Arena *a) {
    PathView o;
    path_view(ix, p, a, &o);
    assert_int_equal(o.n, n);
    LotFlow *got = ARENA_NEW(a, LotFlow, n);
    for (size_t i = 0, piece = 1; i < n; i += piece, piece = piece * 2 < n - i ? piece * 2 : n - i)
        path_read(&o, i, piece, got + i);
    assert_memory_equal(got, want, n * sizeof *want);
    check_view(&o, want);
}

static void projection_equals_brute_force(void **state) {
    (void)state;
    size_t rejoining[2] = {0}, long_paths = 0; /* up to eight links, and more */
    Arena a = {0};
    for (uint64_t seed = 0; seed < 40; seed++) {
        Net net;
        net_make(&net, seed, 300);
        PathSet ps = draw(&net, seed % 4 == 0 ? 0 : 12, seed);
        PathIndex *ix = index_of(&net, &ps, 2);
        for (size_t p = 0; p < ps.n_unique; p++) {
            Lot lot;
            LotFlow *flows;
            size_t n;
            path_project(ix, p, &a, &lot, &flows, &n);
            check_lot(&net, &ps.paths[p], &lot);
            rejoining[lot.n_links > 8] += check_flows(&net, &ps.paths[p], flows, n);
            check_pieces(ix, p, flows, n, &a);
            long_paths += lot.n_links > 4;
            arena_reset(&a);
        }
        pathindex_destroy(ix);
        pathset_free(&ps);
        net_free(&net);
    }
    assert_true(rejoining[0] > 100 && rejoining[1] > 100 &&
                long_paths > 100); /* the networks do show what they are for */
    arena_free(&a);
}

/* Several chunks of the index, and any number of threads. Returns the most links of a path. */
static uint32_t check_threads_and_chunks(uint64_t seed) {
    uint32_t most_links = 0;
    Net net;
    net_make(&net, seed, 150000);
    PathSet ps = draw(&net, 6, 1);
    PathIndex *one = index_of(&net, &ps, 1), *many = index_of(&net, &ps, 5);
    Arena a = {0};
    for (size_t p = 0; p < ps.n_unique; p++) {
        Lot lot[2];
        LotFlow *flows[2];
        size_t n[2];
        path_project(one, p, &a, &lot[0], &flows[0], &n[0]);
        path_project(many, p, &a, &lot[1], &flows[1], &n[1]);
        assert_int_equal(n[0], n[1]);
        assert_memory_equal(flows[0], flows[1], n[0] * sizeof **flows);
        check_flows(&net, &ps.paths[p], flows[0], n[0]);
        check_pieces(many, p, flows[1], n[1], &a);
        if (lot[0].n_links > most_links) most_links = lot[0].n_links;
    }
    arena_free(&a);
    pathindex_destroy(one);
    pathindex_destroy(many);
    pathset_free(&ps);
    net_free(&net);
    return most_links;
}

/* On both sides of eight links: what a walk keeps from chunk to chunk differs. */
static void threads_and_chunks_do_not_show(void **state) {
    (void)state;
    assert_in_range(check_threads_and_chunks(8), 1, 8);
    assert_in_range(check_threads_and_chunks(9), 9, 64);
}

/* An index of some of the paths has what that of all has, loads of all links included. */
static void parts_of_an_index_are_the_index(void **state) {
    (void)state;
    enum { N_PARTS = 3 };
    Arena a = {0};
    for (uint64_t seed = 0; seed < 10; seed++) {
        Net net;
        net_make(&net, seed, 3000);
        PathSet ps = draw(&net, 30, seed);
        PathIndex *all = index_of(&net, &ps, 2), *of[N_PARTS];
        uint16_t *part_of = MEM_NEW(uint16_t, ps.n_unique);
        Err err;
        FlowSource source = flowsource_in_memory(&net.flows, net.sport);
        for (size_t p = 0; p < ps.n_unique; p++) part_of[p] = (uint16_t)(p % N_PARTS);
        for (uint16_t k = 0; k < N_PARTS; k++) {
            of[k] = pathindex_new_part(&ps, part_of, k, net.route, &source, 2, NULL, &err);
            if (!of[k]) fail_msg("%s", err.msg);
            assert_memory_equal(pathindex_loads(of[k]), pathindex_loads(all),
                                net.topo.n_links * sizeof(double));
        }
        for (size_t p = 0; p < ps.n_unique; p++) {
            Lot lot[2];
            LotFlow *flows[2];
            size_t n[2];
            path_project(all, p, &a, &lot[0], &flows[0], &n[0]);
            path_project(of[part_of[p]], p, &a, &lot[1], &flows[1], &n[1]);
            assert_int_equal(n[0], n[1]);
            assert_memory_equal(flows[0], flows[1], n[0] * sizeof **flows);
            arena_reset(&a);
        }
        for (int k = 0; k < N_PARTS; k++) pathindex_destroy(of[k]);
        pathindex_destroy(all);
        free(part_of);
        pathset_free(&ps);
        net_free(&net);
    }
    arena_free(&a);
}

/* Of a chunk all flows, few of them, or so many that all are kept: what is wanted is found, with
 * starts and sizes that don't fit into 32 bits among them. */
static void packed_flows_are_those_that_were_wanted(void **state) {
    (void)state;
    enum { N = FLOW_CHUNK + 777 };
    double rate[] = {1e9, 1e9};
    Topo t = {.n_hosts = 2, .host_rate_bps = rate};
    Flows f;
    flows_init(&f, N);
    Rng r = rng_stream(6, "packed", 0);
    for (size_t i = 0; i < N; i++) {
        f.src[i] = 0, f.dst[i] = 1;
        f.size_b[i] = i % 100 == 7 ? 5000000000 + i : 1 + rng_below(&r, 1000000);
        f.start_ns[i] = (int64_t)i * 100000; /* a chunk lasts 6.5 s */
    }
    static const uint32_t one_in[] = {1, 5, 9, 300, N};
    for (int k = 0; k < 5; k++)
        for (int whole = 0; whole < 2; whole++) {
            PackedFlows p;
            packed_init(&p, N, &t);
            for (size_t first = 0; first < N; first += FLOW_CHUNK) {
                uint64_t wanted[PACKED_WORDS] = {0};
                uint32_t n = N - first < FLOW_CHUNK ? (uint32_t)(N - first) : FLOW_CHUNK;
                for (uint32_t i = 0; i < n; i += one_in[k]) wanted[i / 64] |= (uint64_t)1 << i % 64;
                FlowChunk c = {.first = first,
                               .n = n,
                               .src = f.src + first,
                               .dst = f.dst + first,
                               .size_b = f.size_b + first,
                               .start_ns = f.start_ns + first};
                packed_fill(&p, &c, whole ? NULL : wanted);
            }
            for (size_t i = 0; i < N; i++) {
                size_t at = i % FLOW_CHUNK;
                bool is_end = at == FLOW_CHUNK - 1 || i == N - 1;
                if (!whole && at % one_in[k] > 0 && !is_end) continue;
                assert_true(packed_start_ns(&p, i) == f.start_ns[i]);
                assert_true(packed_size_b(&p, i) == f.size_b[i]);
            }
            packed_free(&p);
        }
    flows_free(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_flows_are_those_that_were_wanted),
        cmocka_unit_test(all_paths_are_weighted_by_their_flows),
        cmocka_unit_test(draws_are_proportional_to_flows),
        cmocka_unit_test(no_flows_is_an_error),
        cmocka_unit_test(projection_equals_brute_force),
        cmocka_unit_test(threads_and_chunks_do_not_show),
        cmocka_unit_test(parts_of_an_index_are_the_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
