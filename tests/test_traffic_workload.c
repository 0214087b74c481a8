/* Workloads against theory: gaps follow their log-normal law, cells their weights, routed flows
 * load the busiest link as asked; thread counts agree; what makes no sense is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "traffic/flowsource.h"
#include "traffic/workload.h"
#include "workload_case.h"

/* One curve in every dialect: mean 0.5 · 350 + 0.5 · 4,850. */
static void dialects_of_size_files(void **state) {
    (void)state;
    static const char *const texts[] = {"0 0\n700 50\n9000 100\n",
                                        "0 0\n700 0.5\n9000 1\n",
                                        "\xEF\xBB\xBF"
                                        "0 0\n700 50\n9000 100",
                                        "0,0\r\n700,50\r\n9000,100\r\n",
                                        "0;0\n700; .5\n9000;1.0\n",
                                        "0\t0\n# x\n700\t50\n9000\t99.98\n",
                                        "\"bytes\",\"percent\"\n0,0\n700,50\n9000,100.05\n",
                                        "0 1 0\n700 1 0.5\n9000 1 1\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        SizeDist d;
        Err err = {0};
        net_case_ok(workload_case_sizes(&d, texts[i], &err), &err);
        assert_int_equal(d.n, 3);
        if (fabs(d.mean_b - 2600) > 1e-9) fail_msg("%zu: mean %g", i, d.mean_b);
        sizedist_free(&d);
    }
}

typedef struct {
    Topo t;
    Route *r;
    RackMatrix m;
    SizeDist sizes;
} Bench;

static void bench_init(Bench *b, uint32_t hosts, const char *kind, const char *sizes) {
    Err err = {0};
    net_case_small_clos(&b->t, hosts);
    b->r = route_new(&b->t, &err);
    assert_non_null(b->r);
    net_case_ok(rackmatrix_generate(&b->m, kind, &b->t, 3, &err), &err);
    net_case_ok(workload_case_sizes(&b->sizes, sizes, &err), &err);
}

static void bench_free(Bench *b) {
    rackmatrix_free(&b->m);
    sizedist_free(&b->sizes);
    route_destroy(b->r);
    topo_free(&b->t);
}

static void gaps_are_log_normal_of_the_given_mean(void **state) {
    (void)state;
    Bench b;
    Err err = {0};
    bench_init(&b, 4, "uniform", "900 0\n1100 100\n");
    static const double sigmas[] = {0, 0.5, 1, 2};
    for (int k = 0; k < 4; k++) {
        enum { N = 1000000 };
        double sigma = sigmas[k];
        Flows f;
        WorkloadInfo info;
        /* a load so low that rounding to ns doesn't matter */
        Workload w = {.matrix = &b.m,
                      .sizes = &b.sizes,
                      .sigma = sigma,
                      .max_load = 1e-6,
                      .n_flows = N,
                      .seed = 11};
        net_case_ok(workload_draw(&w, b.r, 0, &f, &info, &err), &err);
        double sum = 0, sum_log = 0, sum_log2 = 0, n = N - 1;
        for (size_t i = 1; i < N; i++) {
            double gap = (double)(f.start_ns[i] - f.start_ns[i - 1]),
                   z = log(fmax(gap, 1) / info.mean_gap_ns);
            sum += gap;
            sum_log += z;
            sum_log2 += z * z;
        }
        double sd_of_mean = sqrt((exp(sigma * sigma) - 1) / n), mean_log = sum_log / n,
               sd_log = sqrt(sum_log2 / n - mean_log * mean_log);
        assert_true(fabs(sum / n / info.mean_gap_ns - 1) < 4 * sd_of_mean + 1e-6);
        assert_true(fabs(mean_log + sigma * sigma / 2) < 4 * sigma / sqrt(n) + 1e-6);
        assert_true(fabs(sd_log - sigma) < 4 * sigma / sqrt(2 * n) + 1e-4);
        flows_free(&f);
    }
    bench_free(&b);
}

static void routed_flows_load_the_busiest_link_as_asked(void **state) {
    (void)state;
    Bench b;
    Err err = {0};
    Flows f;
    WorkloadInfo info;
    bench_init(&b, 4, "b", "900 0\n1100 100\n");
    Workload w = {.matrix = &b.m,
                  .sizes = &b.sizes,
                  .sigma = 0,
                  .max_load = 0.6,
                  .n_flows = 2000000,
                  .seed = 5};
    net_case_ok(workload_draw(&w, b.r, 0, &f, &info, &err), &err);
    uint16_t *sport = MEM_NEW(uint16_t, f.n);
    double *bytes = MEM_ZNEW(double, b.t.n_links), span_s = (double)f.start_ns[f.n - 1] / 1e9;
    route_sports(&b.t, f.src, f.dst, f.n, sport);
    for (size_t i = 0; i < f.n; i++) {
        uint32_t links[16], n = route_path(b.r, f.src[i], f.dst[i], sport[i], ROUTE_DPORT, links);
        for (uint32_t k = 0; k < n; k++) bytes[links[k]] += (double)f.size_b[i];
    }
    for (uint32_t l = 0; l < b.t.n_links; l++) {
        double load = bytes[l] * 8 / span_s / b.t.links[l].rate_bps;
        if (l == info.busiest_link) assert_true(fabs(load / 0.6 - 1) < 0.01);
        else assert_true(load < 0.6 * 1.02);
    }
    double total = 0;
    for (size_t i = 0; i < f.n; i++) total += (double)f.size_b[i];
    assert_true(fabs(total * 8 / span_s / info.offered_bps - 1) < 0.001);
    free(sport);
    free(bytes);
    flows_free(&f);
    bench_free(&b);
}

static void all_links_have(Topo *t, double rate_bps) {
    for (uint32_t l = 0; l < t->n_links; l++) t->links[l].rate_bps = rate_bps;
}

static int draws(const Bench *b, double sigma, uint64_t n_flows, double duration_s, Flows *f,
                 Err *err) {
    Workload w = {.matrix = &b->m,
                  .sizes = &b->sizes,
                  .sigma = sigma,
                  .max_load = 0.5,
                  .n_flows = n_flows,
                  .duration_s = duration_s,
                  .seed = 1};
    int rc = workload_draw(&w, b->r, 2, f, NULL, err);
    for (size_t i = 0; rc == 0 && i < f->n; i++) {
        assert_true(f->start_ns[i] >= (i > 0 ? f->start_ns[i - 1] : 0));
        assert_true((uint64_t)f->start_ns[i] <= FLOWS_MAX_START_NS);
    }
    return rc;
}

/* One flow, the fastest and the slowest links, the smallest and the largest sizes, and starts up to
 * the last one that can be written. */
static void extreme_workloads_are_drawn_or_refused(void **state) {
    (void)state;
    static const char *const sizes[] = {"1 0\n1 100\n", "1e15 0\n1e15 100\n"};
    for (int k = 0; k < 2; k++) {
        Bench b;
        Err err = {0};
        Flows f;
        bench_init(&b, 2, "uniform", sizes[k]);
        all_links_have(&b.t, 1e16);
        for (double sigma = 0; sigma <= WORKLOAD_MAX_SIGMA; sigma += WORKLOAD_MAX_SIGMA) {
            net_case_ok(draws(&b, sigma, 1, 0, &f, &err), &err);
            assert_int_equal(f.n, 1);
            assert_int_equal(f.size_b[0], k == 0 ? 1 : FLOWS_MAX_SIZE_B);
            flows_free(&f);
        }
        bench_free(&b);
    }
    Bench b;
    Err err = {0};
    Flows f;
    bench_init(&b, 2, "uniform", "1000 0\n1000 100\n");
    all_links_have(&b.t, 1);
    Workload w = {.matrix = &b.m, .sizes = &b.sizes, .max_load = 0.5, .n_flows = 1, .seed = 1};
    WorkloadInfo info;
    net_case_ok(workload_draw(&w, b.r, 1, &f, &info, &err), &err);
    flows_free(&f);
    all_links_have(&b.t, info.mean_gap_ns / 1e15); /* a flow every 10^15 ns */
    net_case_ok(draws(&b, 0, 8999, 0, &f, &err), &err);
    assert_true(fabs((double)f.start_ns[8998] / 8.999e18 - 1) < 1e-9);
    flows_free(&f);
    assert_int_equal(draws(&b, 0, 9001, 0, &f, &err), -1);
    assert_non_null(strstr(err.msg, "take longer than 9e9 s"));
    net_case_ok(draws(&b, 0, 0, 9e9, &f, &err), &err);
    assert_in_range(f.n, 8999, 9000);
    flows_free(&f);
    net_case_ok(draws(&b, WORKLOAD_MAX_SIGMA, 0, 9e9, &f, &err), &err);
    assert_in_range(f.n, 9000, 90000); /* not millions: the limit of sigma is there for that */
    flows_free(&f);
    bench_free(&b);
}

/* Rack i's row has weight 2^i, so that the observed row sums tell which rack of the topology it was
 * placed on. */
static void cells_are_drawn_by_weight_and_placed_by_pods(void **state) {
    (void)state;
    enum { R = 8, N = 1000000 };
    double weight[R * R], sum = 0;
    uint32_t pod_of[R] = {0, 1, 0, 1, 1, 0, 0, 1}; /* pods interleaved in the matrix */
    char name[] = "test matrix";
    RackMatrix m = {.n_racks = R, .n_pods = 2, .weight = weight, .pod_of = pod_of, .name = name};
    for (int i = 0; i < R; i++)
        for (int j = 0; j < R; j++)
            sum += weight[i * R + j] = i == j ? 0 : pow(2, i) * (1 + (3 * i + 5 * j) % 7);
    Bench b;
    Err err = {0};
    Flows f;
    bench_init(&b, 3, "uniform", "900 0\n1100 100\n");
    Workload w = {
        .matrix = &m, .sizes = &b.sizes, .sigma = 1, .max_load = 0.5, .n_flows = N, .seed = 21};
    net_case_ok(workload_draw(&w, b.r, 2, &f, NULL, &err), &err);
    double row[R] = {0}, count[R][R] = {{0}}, host[R * 3] = {0};
    for (size_t i = 0; i < N; i++) {
        row[b.t.host_rack[f.src[i]]]++;
        count[b.t.host_rack[f.src[i]]][b.t.host_rack[f.dst[i]]]++;
        host[f.src[i]]++;
    }
    uint32_t place[R], pod_at[2] = {TOPO_NONE, TOPO_NONE};
    for (int i = 0; i < R; i++) {
        double want = 0, best = 1e300;
        for (int j = 0; j < R; j++) want += weight[i * R + j] / sum * N;
        for (uint32_t k = 0; k < R; k++)
            if (fabs(log((row[k] + 1) / want)) < best) {
                best = fabs(log((row[k] + 1) / want));
                place[i] = k;
            }
        uint32_t *pod = &pod_at[pod_of[i]];
        if (*pod == TOPO_NONE) *pod = b.t.rack_pod[place[i]];
        assert_int_equal(*pod, b.t.rack_pod[place[i]]);
    }
    double chi2 = 0;
    int cells = 0;
    for (int i = 0; i < R; i++)
        for (int j = 0; j < R; j++) {
            double want = weight[i * R + j] / sum * N, got = count[place[i]][place[j]];
            if (want == 0) assert_true(got == 0);
            else chi2 += (got - want) * (got - want) / want;
            cells += want > 0;
        }
    assert_true(chi2 < cells - 1 + 4 * sqrt(2.0 * (cells - 1)));
    for (uint32_t h = 0; h < R * 3; h++) { /* hosts of a rack alike: 5 standard deviations */
        double want = row[b.t.host_rack[h]] / 3;
        assert_true(fabs(host[h] - want) < 5 * sqrt(want));
    }
    flows_free(&f);
    bench_free(&b);
}

static bool same_flows(const Flows *a, const Flows *b, size_t n) {
    return memcmp(a->src, b->src, n * sizeof *a->src) == 0 &&
           memcmp(a->dst, b->dst, n * sizeof *a->dst) == 0 &&
           memcmp(a->size_b, b->size_b, n * sizeof *a->size_b) == 0 &&
           memcmp(a->start_ns, b->start_ns, n * sizeof *a->start_ns) == 0;
}

static void same_seed_same_flows_on_any_number_of_threads(void **state) {
    (void)state;
    enum { N = 300001 };
    Bench b;
    Err err = {0};
    Flows one, four, other;
    bench_init(&b, 4, "c", "1 0\n500 50\n100000 100\n");
    Workload w = {
        .matrix = &b.m, .sizes = &b.sizes, .sigma = 2, .max_load = 0.5, .n_flows = N, .seed = 9};
    net_case_ok(workload_draw(&w, b.r, 1, &one, NULL, &err), &err);
    net_case_ok(workload_draw(&w, b.r, 4, &four, NULL, &err), &err);
    assert_int_equal(one.n, N);
    assert_true(same_flows(&one, &four, N));
    for (size_t i = 0; i < N; i++) {
        assert_true(one.src[i] != one.dst[i]);
        assert_true(i == 0 || one.start_ns[i] >= one.start_ns[i - 1]);
    }
    w.seed = 10;
    net_case_ok(workload_draw(&w, b.r, 4, &other, NULL, &err), &err);
    assert_false(same_flows(&one, &other, N));
    flows_free(&other);
    /* A duration takes the flows that start within it. */
    w.seed = 9;
    w.n_flows = 0;
    w.duration_s = ((double)one.start_ns[200000] + 0.5) / 1e9;
    net_case_ok(workload_draw(&w, b.r, 2, &other, NULL, &err), &err);
    assert_in_range(other.n, 200001, 200003);
    assert_true(same_flows(&one, &other, 200001));
    assert_true((double)other.start_ns[other.n - 1] < w.duration_s * 1e9);
    flows_free(&one);
    flows_free(&four);
    flows_free(&other);
    bench_free(&b);
}

/* A source that draws its chunks gives what one in memory gives, whichever chunk is asked for
 * first. */
static void same_source(const FlowSource *in_memory, const FlowSource *drawn) {
    Flows buffer = {0}, none = {0};
    assert_int_equal(in_memory->n, drawn->n);
    for (size_t k = flowsource_n_chunks(in_memory); k-- > 0;) {
        FlowChunk a = flowsource_chunk(in_memory, k, &none),
                  b = flowsource_chunk(drawn, k, &buffer);
        assert_true(a.first == b.first && a.n == b.n);
        assert_memory_equal(a.src, b.src, a.n * sizeof *a.src);
        assert_memory_equal(a.dst, b.dst, a.n * sizeof *a.dst);
        assert_memory_equal(a.size_b, b.size_b, a.n * sizeof *a.size_b);
        assert_memory_equal(a.start_ns, b.start_ns, a.n * sizeof *a.start_ns);
        assert_memory_equal(a.sport, b.sport, a.n * sizeof *a.sport);
    }
    flows_free(&buffer);
}

static void same_hosts(const FlowSource *in_memory, const FlowSource *drawn) {
    enum { PICKS = 1000 };
    uint64_t pick[PICKS];
    uint32_t src[2][PICKS], dst[2][PICKS];
    Rng r = rng_stream(1, "picks", 0);
    for (int i = 0; i < PICKS; i++)
        pick[i] = i % 10 == 9 ? pick[i - 1] : rng_below(&r, in_memory->n); /* some twice */
    assert_int_equal(flowsource_hosts(in_memory, pick, PICKS, src[0], dst[0], NULL), 0);
    assert_int_equal(flowsource_hosts(drawn, pick, PICKS, src[1], dst[1], NULL), 0);
    assert_memory_equal(src[0], src[1], sizeof src[0]);
    assert_memory_equal(dst[0], dst[1], sizeof dst[0]);
}

static void a_stream_draws_the_same_flows_as_memory(void **state) {
    (void)state;
    enum { CASES = 4, N = 3000001 /* more chunks than have their ports numbered at a time */ };
    Bench b;
    Err err = {0};
    bench_init(&b, 4, "b", "1 0\n500 50\n100000 100\n");
    for (int k = 0; k < CASES; k++) {
        Workload w = {.matrix = &b.m,
                      .sizes = &b.sizes,
                      .sigma = k % 2 ? 2 : 0,
                      .max_load = 0.5,
                      .n_flows = k < 2 ? N : 0,
                      .seed = 9};
        Flows f, none;
        WorkloadStream *stream;
        FlowSource drawn;
        uint16_t *ports;
        WorkloadInfo info;
        if (k == 2) w.duration_s = 0.0101; /* a few flows */
        if (k == 3) w.duration_s = 0.6;
        net_case_ok(workload_draw(&w, b.r, 2, &f, &info, &err), &err);
        net_case_ok(
            workload_draw_or_stream(&w, b.r, 2, k < 2 ? N - 1 : 0, &none, &stream, &info, &err),
            &err);
        assert_true(stream && none.n == 0);
        net_case_ok(flowsource_drawn(&drawn, stream, &b.t, 2, &ports, NULL, &err), &err);
        uint16_t *sport = MEM_NEW(uint16_t, f.n);
        route_sports(&b.t, f.src, f.dst, f.n, sport);
        FlowSource in_memory = flowsource_in_memory(&f, sport);
        same_source(&in_memory, &drawn);
        same_hosts(&in_memory, &drawn);
        workload_stream_free(stream);
        flows_free(&f);
        free(sport);
        free(ports);
    }
    bench_free(&b);
}

/* A uniform matrix without weights draws what one with equal weights does; only the gaps' mean may
 * differ in its last bits. Racks of one host send nothing to themselves. */
static void equal_weights_need_not_be_there(void **state) {
    (void)state;
    for (uint32_t hosts = 1; hosts <= 3; hosts++) {
        enum { N = 200000 };
        Bench b;
        Err err = {0};
        bench_init(&b, hosts, "uniform", "900 0\n1100 100\n");
        RackMatrix none = b.m;
        none.weight = NULL;
        Flows f[2];
        WorkloadInfo info[2];
        for (int k = 0; k < 2; k++) {
            Workload w = {.matrix = k == 0 ? &b.m : &none,
                          .sizes = &b.sizes,
                          .sigma = 1,
                          .max_load = 0.5,
                          .n_flows = N,
                          .seed = 9};
            net_case_ok(workload_draw(&w, b.r, 1, &f[k], &info[k], &err), &err);
        }
        assert_true(fabs(info[1].mean_gap_ns / info[0].mean_gap_ns - 1) < 1e-12);
        uint32_t n_of_pair[64] = {0};
        for (size_t i = 0; i < N; i++) {
            uint32_t from = b.t.host_rack[f[1].src[i]], to = b.t.host_rack[f[1].dst[i]];
            n_of_pair[8 * from + to]++;
            if (hosts > 1)
                assert_true(f[0].src[i] == f[1].src[i] && f[0].dst[i] == f[1].dst[i] &&
                            llabs(f[0].start_ns[i] - f[1].start_ns[i]) <= 1);
        }
        for (uint32_t k = 0; k < 64; k++) { /* six standard deviations */
            double want = hosts > 1 ? N / 64.0 : k % 9 == 0 ? 0 : N / 56.0;
            assert_true(fabs(n_of_pair[k] - want) <= 6 * sqrt(want));
        }
        flows_free(&f[0]);
        flows_free(&f[1]);
        bench_free(&b);
    }
}

/* Shares of n flows that stay within their racks, and of racks that send. */
static void look_at(const Topo *t, const Flows *f, double *local, double *senders) {
    uint8_t *sends = MEM_ZNEW(uint8_t, t->n_racks);
    double n_local = 0, n_senders = 0;
    for (size_t i = 0; i < f->n; i++) {
        uint32_t from = t->host_rack[f->src[i]];
        n_local += from == t->host_rack[f->dst[i]];
        n_senders += !sends[from];
        sends[from] = 1;
        assert_true(f->src[i] != f->dst[i]);
    }
    *local = n_local / (double)f->n;
    *senders = n_senders / t->n_racks;
    free(sends);
}

/* On more than 16,384 racks all of them have rows of a matrix: of a kind, or of one of 32 racks in
 * 2 pods. What racks send to themselves stays within them, and the most loaded of the links at the
 * top, which thousands of flows cross, has what is expected. */
static void very_many_racks_share_the_rows_of_a_matrix(void **state) {
    (void)state;
    enum { N = 400000 };
    Bench b;
    Topo small;
    Clos c;
    Err err = {0};
    bench_init(&b, 1, "uniform", "1000 0\n1000 100\n");
    clos_default(&c);
    net_case_clos(&small, &c);
    c.pods = 9, c.racks_per_pod = 1829, c.hosts_per_rack = 2, c.spines_per_plane = 1;
    c.spine_rate_bps = 1e9; /* so that links to spines are the busiest */
    Topo t;
    net_case_clos(&t, &c);
    Route *r = net_case_route(&t);
    for (int k = 0; k < 4; k++) {
        static const char *const kinds[] = {"a", "b", "c", "c"};
        RackMatrix m;
        Flows f, g;
        WorkloadInfo info;
        net_case_ok(rackmatrix_generate(&m, kinds[k], k == 3 ? &small : &t, 5, &err), &err);
        Workload w = {
            .matrix = &m, .sizes = &b.sizes, .max_load = 0.5, .n_flows = N, .seed = (uint64_t)k};
        net_case_ok(workload_draw(&w, r, 1, &f, &info, &err), &err);
        net_case_ok(workload_draw(&w, r, 3, &g, NULL, &err), &err);
        assert_true(same_flows(&f, &g, N));
        double local, senders, diagonal = rackmatrix_stats(&m).diagonal;
        look_at(&t, &f, &local, &senders);
        assert_true(fabs(local - diagonal) < 4 * sqrt(diagonal / N) + 1e-5);
        assert_true(senders > (k == 0 ? 0.7 : 0.95)); /* a quarter of a's racks are nearly idle */

        const Link *top = &t.links[info.busiest_link];
        assert_int_equal(t.tier[top->from] + t.tier[top->to], 5);
        uint32_t fab = t.tier[top->from] == 2 ? top->from : top->to,
                 first_fab = t.rack_switch[t.n_racks - 1] + 1;
        bool outward = fab == top->from;
        double bits = 0;
        uint32_t pod = (fab - first_fab) / c.fabs_per_pod;
        for (size_t i = 0; i < N; i++) {
            uint32_t from = t.rack_pod[t.host_rack[f.src[i]]],
                     to = t.rack_pod[t.host_rack[f.dst[i]]];
            bits += from != to && (outward ? from : to) == pod ? 8.0 * (double)f.size_b[i] : 0;
        }
        double span_ns = info.mean_gap_ns * N,
               load = bits / c.fabs_per_pod / (span_ns * 1e-9) / top->rate_bps;
        assert_true(fabs(load / 0.5 - 1) < 4 / sqrt(bits / 8000) + 1e-3);
        flows_free(&f);
        flows_free(&g);
        rackmatrix_free(&m);
    }
    route_destroy(r);
    topo_free(&t);
    topo_free(&small);
    bench_free(&b);
}

static void racks_of_one_host_do_not_hang(void **state) {
    (void)state;
    Bench b;
    Err err = {0};
    Flows f;
    bench_init(&b, 1, "c", "900 0\n1100 100\n"); /* half of c's weight is on the diagonal */
    Workload w = {.matrix = &b.m,
                  .sizes = &b.sizes,
                  .sigma = 1,
                  .max_load = 0.5,
                  .n_flows = 10000,
                  .seed = 1};
    net_case_ok(workload_draw(&w, b.r, 1, &f, NULL, &err), &err);
    for (size_t i = 0; i < f.n; i++) assert_true(f.src[i] != f.dst[i]);
    flows_free(&f);
    for (uint32_t i = 0; i < 64; i++) b.m.weight[i] = i % 9 == 0;
    assert_int_equal(workload_draw(&w, b.r, 1, &f, NULL, &err), -1);
    assert_non_null(strstr(err.msg, "all traffic stays within racks"));
    bench_free(&b);
}

static void misfits_and_nonsense_are_refused(void **state) {
    (void)state;
    Bench b;
    Err err = {0};
    Flows f;
    bench_init(&b, 2, "uniform", "900 0\n1100 100\n");
    const Workload good = {
        .matrix = &b.m, .sizes = &b.sizes, .sigma = 1, .max_load = 0.5, .n_flows = 10, .seed = 1};
    static const double loads[] = {0, -0.5, 1, 1.7, NAN, INFINITY, 1e300},
                        sigmas[] = {-1, NAN, 1e300, 11}, durations[] = {-1, NAN, 1e300, 1e9, 1e-30};
    for (size_t i = 0; i < 7; i++) {
        Workload w = good;
        w.max_load = loads[i];
        assert_int_equal(workload_draw(&w, b.r, 1, &f, NULL, &err), -1);
    }
    for (size_t i = 0; i < 4; i++) {
        Workload w = good;
        w.sigma = sigmas[i];
        assert_int_equal(workload_draw(&w, b.r, 1, &f, NULL, &err), -1);
    }
    for (size_t i = 0; i < 5; i++) {
        Workload w = good;
        w.n_flows = 0;
        w.duration_s = durations[i];
        assert_int_equal(workload_draw(&w, b.r, 1, &f, NULL, &err), -1);
    }
    Workload w = good;
    w.duration_s = 1; /* both */
    assert_int_equal(workload_draw(&w, b.r, 1, &f, NULL, &err), -1);
    w = good;
    w.max_load = 1e-300; /* never ends */
    assert_int_equal(workload_draw(&w, b.r, 1, &f, NULL, &err), -1);
    w = good;
    b.m.pod_of[0] = 1; /* 3 + 5 racks on 4 + 4 */
    assert_int_equal(workload_draw(&w, b.r, 1, &f, NULL, &err), -1);
    assert_non_null(
        strstr(err.msg, "does not fit small clos: a pod of 5 racks has no place in a pod of 4"));
    b.m.n_pods = 3;
    assert_int_equal(workload_draw(&w, b.r, 1, &f, NULL, &err), -1);
    assert_non_null(strstr(err.msg, "8 racks in 3 pods, but the topology has 8 racks in 2 pods"));
    bench_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dialects_of_size_files),
        cmocka_unit_test(gaps_are_log_normal_of_the_given_mean),
        cmocka_unit_test(routed_flows_load_the_busiest_link_as_asked),
        cmocka_unit_test(extreme_workloads_are_drawn_or_refused),
        cmocka_unit_test(cells_are_drawn_by_weight_and_placed_by_pods),
        cmocka_unit_test(same_seed_same_flows_on_any_number_of_threads),
        cmocka_unit_test(a_stream_draws_the_same_flows_as_memory),
        cmocka_unit_test(equal_weights_need_not_be_there),
        cmocka_unit_test(very_many_racks_share_the_rows_of_a_matrix),
        cmocka_unit_test(racks_of_one_host_do_not_hang),
        cmocka_unit_test(misfits_and_nonsense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
