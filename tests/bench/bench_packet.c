/* Speed of the packet simulation without the reference at hand: the event queue against a plain
 * heap, and networks under load. Processor time of one core; comparisons with the reference:
 * tests/bench/ns3-agreement. */
#include <math.h>

#include "../packet_net.h"
#include "base/rng.h"
#include "net/clos.h"
#include "packet/evq.h"
#include "row.h"

/* A port's life: each event is followed by one a serialisation and 1 µs later, one in 20 by a timer
 * of 50 µs. */
static int64_t next_delay(Rng *rng) {
    uint64_t k = rng_below(rng, 20);
    return k == 0 ? 50000 : k < 7 ? 1047 : k < 10 ? 838 : 1838;
}

enum { EVENTS = 2000000, DELAYS = 4096 };
static double ns_per_event_of_wheel(uint32_t n_pending, const int64_t *delays, Rng *rng) {
    Evq q;
    evq_init(&q, 1900, n_pending);
    q.nodes = aligned_alloc(EVQ_STRIDE, (size_t)n_pending * EVQ_STRIDE);
    int64_t rank = 0;
    for (uint32_t i = 0; i < n_pending; i++)
        evq_push(&q, i, (int64_t)rng_below(rng, 1800), rank++, 0);
    double start_s = bench_cpu_s();
    for (int i = 0; i < EVENTS; i++) {
        uint32_t id = evq_pop(&q);
        evq_push(&q, id, q.now + delays[i % DELAYS], rank++, 0);
    }
    double ns = (bench_cpu_s() - start_s) * 1e9 / EVENTS;
    free(q.nodes);
    evq_free(&q);
    return ns;
}

static double ns_per_event_of_heap(uint32_t n_pending, const int64_t *delays, Rng *rng) {
    EvHeap heap = {.time = INT64_MAX};
    int64_t rank = 0;
    for (uint32_t i = 0; i < n_pending; i++)
        evheap_push(&heap, NULL, (EvFar){(int64_t)rng_below(rng, 1800), rank++, i});
    double start_s = bench_cpu_s();
    for (int i = 0; i < EVENTS; i++) {
        EvFar e = evheap_pop(&heap, NULL);
        evheap_push(&heap, NULL, (EvFar){e.time + delays[i % DELAYS], rank++, e.id});
    }
    double ns = (bench_cpu_s() - start_s) * 1e9 / EVENTS;
    evheap_free(&heap);
    return ns;
}

static void bench_queue(void) {
    static const uint32_t pending[] = {30, 300, 3000, 30000};
    int64_t delays[DELAYS];
    Rng rng = rng_stream(1, "bench", 0);
    for (int i = 0; i < DELAYS; i++) delays[i] = next_delay(&rng);
    for (size_t i = 0; i < sizeof pending / sizeof *pending; i++) {
        char what[64];
        double wheel = ns_per_event_of_wheel(pending[i], delays, &rng),
               heap = ns_per_event_of_heap(pending[i], delays, &rng);
        snprintf(what, sizeof what, "event queue, %u pending", pending[i]);
        bench_row(what, bench_cell("%.1f ns", wheel), bench_cell("%.0f M events/s", 1e3 / wheel),
                  bench_none(), bench_cell("x%.1f of a heap", heap / wheel));
    }
}

/* Log-uniform sizes between random hosts, such that the hosts' links carry `load` on average. */
static Flows loaded_flows(const Topo *t, size_t n, double load) {
    Flows f;
    flows_init(&f, n);
    Rng rng = rng_stream(2, "bench flows", 0);
    double mean_b = 0, at_ns = 0;
    for (size_t i = 0; i < n; i++) {
        f.src[i] = (uint32_t)rng_below(&rng, t->n_hosts);
        f.dst[i] = (f.src[i] + 1 + (uint32_t)rng_below(&rng, t->n_hosts - 1)) % t->n_hosts;
        f.size_b[i] = (uint64_t)(200 * pow(5000, rng_u01(&rng)));
        mean_b += (double)f.size_b[i] / (double)n;
    }
    double gap_ns = mean_b * 8e9 / (load * t->host_rate_bps[0] * t->n_hosts);
    for (size_t i = 0; i < n; i++)
        f.start_ns[i] = (int64_t)(at_ns += gap_ns * rng_exponential(&rng));
    return f;
}

static void bench_network(const char *name, Net *n, size_t n_flows, double load, const char *cc) {
    Flows f = loaded_flows(&n->topo, n_flows, load);
    NetConf conf;
    netconf_default(&conf);
    double *fct = MEM_NEW(double, f.n), best_s = INFINITY;
    PktStats st;
    Err err;
    for (int run = 0; run < 3; run++) {
        double start_s = bench_cpu_s();
        die_on(pktsim_run(n->route, &f, &conf, &(PktOptions){.cc = cc, .seed = 1}, fct, &st, &err),
               &err);
        best_s = fmin(best_s, bench_cpu_s() - start_s);
    }
    char what[64];
    snprintf(what, sizeof what, "packets: %s, %s", name, cc);
    bench_row(what, bench_cell("%.2f s", best_s),
              bench_cell("%.1f M packet-hops/s", (double)st.n_packet_hops / best_s / 1e6),
              bench_none(),
              bench_cell("%.2f events a hop", (double)st.n_events / (double)st.n_packet_hops));
    free(fct);
    flows_free(&f);
}

int main(void) {
    static const char *const controls[] = {"dctcp", "dcqcn", "hp", "timely", "none"};
    Net n;
    Clos clos;
    Err err;
    bench_queue();
    net_star(&n, 16, 10e9, 1000);
    for (size_t c = 0; c < sizeof controls / sizeof *controls; c++)
        bench_network("star of 16, load 0.5", &n, 4000, 0.5, controls[c]);
    net_free(&n);
    clos_default(&clos);
    die_on(clos_build(&n.topo, &clos, "clos", &err), &err);
    n.route = route_new(&n.topo, &err);
    bench_network("clos of 256, load 0.25", &n, 4000, 0.25, "dctcp");
    net_free(&n);
    return 0;
}
