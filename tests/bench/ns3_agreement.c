/* ns3_agreement: one reference case simulated in compat mode, compared flow by flow.
 *
 *   ns3_agreement TOPOLOGY_DIR CASE_DIR…   one line per case; several cases of one control also
 * pooled
 *
 * A case folder has scenario.json and flows.csv (with the reference's fct_ns), and its topology.txt
 * unless the scenario names one. Columns: flows; unfinished there and here; share of flows equal to
 * the ns and within 1 %; error of the mean slowdown, and of p50, p90 and p99 per size bucket
 * (buckets of 200 flows or more). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../ns3_case.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/stats.h"
#include "net/topo_load.h"
#include "packet/pktsim.h"
#include "traffic/flows_read.h"
#include "traffic/sizebucket.h"

/* ---- statistics ---- */

typedef struct {
    double *v;
    size_t n, cap;
} Values;

static void add(Values *v, double x) {
    MEM_GROW(v->v, v->cap, v->n + 1);
    v->v[v->n++] = x;
}

typedef struct {
    char name[64];
    size_t n, n_equal, n_close, n_both, unfinished_ref, unfinished, n_ideal_off;
    Values ref[SIZEBUCKET_N], own[SIZEBUCKET_N];
    double sum_ref, sum_own, cpu_s;
    uint64_t packet_hops;
} Tally;

static void tally_flow(Tally *t, uint64_t size_b, double ideal, double ref, double own) {
    size_t b = (size_t)sizebucket_of(size_b);
    t->n++;
    t->unfinished_ref += isnan(ref) != 0;
    t->unfinished += isnan(own) != 0;
    if (!isnan(ref)) add(&t->ref[b], ref / ideal);
    if (!isnan(own)) add(&t->own[b], own / ideal);
    if (!isnan(ref)) t->sum_ref += ref / ideal;
    if (!isnan(own)) t->sum_own += own / ideal;
    if (isnan(ref) || isnan(own)) return;
    t->n_both++;
    t->n_equal += ref == own;
    t->n_close += fabs(own / ref - 1) <= 0.01;
}

static double percentile_error(Values *ref, Values *own, double p) {
    if (ref->n < 200 || own->n == 0) return 0;
    stats_sort(ref->v, ref->n);
    stats_sort(own->v, own->n);
    return own->v[stats_rank(own->n, p)] / ref->v[stats_rank(ref->n, p)] - 1;
}

/* The largest error over the buckets, with its sign. */
static double worst(Tally *t, double p) {
    double w = 0;
    for (int b = 0; b < SIZEBUCKET_N; b++) {
        double e = percentile_error(&t->ref[b], &t->own[b], p);
        if (fabs(e) > fabs(w)) w = e;
    }
    return w;
}

static void print_tally(Tally *t) {
    double mean = (t->sum_own / (double)(t->n - t->unfinished)) /
                      (t->sum_ref / (double)(t->n - t->unfinished_ref)) -
                  1;
    printf("%-28s %7zu %4zu %4zu  %7.3f %7.3f  %+7.3f %+7.3f %+7.3f %+7.3f  %6.3f %6.1f\n", t->name,
           t->n, t->unfinished_ref, t->unfinished, 100.0 * (double)t->n_equal / (double)t->n_both,
           100.0 * (double)t->n_close / (double)t->n_both, 100 * mean, 100 * worst(t, 50),
           100 * worst(t, 90), 100 * worst(t, 99), t->cpu_s,
           (double)t->packet_hops / t->cpu_s / 1e6);
    fflush(stdout);
}

static void tally_free(Tally *t) {
    for (int b = 0; b < SIZEBUCKET_N; b++) {
        free(t->ref[b].v);
        free(t->own[b].v);
    }
}

static void first_difference(const Flows *f, const Topo *t, const double *own) {
    double at = INFINITY;
    size_t first = 0, n = 0;
    for (size_t i = 0; i < f->n; i++) {
        if (isnan(f->fct_ns[i]) && isnan(own[i])) continue;
        if (f->fct_ns[i] == own[i]) continue;
        n++;
        double end = (double)f->start_ns[i] + fmin(f->fct_ns[i], own[i]);
        if (end < at) {
            at = end;
            first = i;
        }
    }
    if (n == 0) return;
    printf("    first of %zu that differ, by end: flow %zu, %llu → %llu, %llu B, start %lld: %.0f "
           "there, %.0f here\n",
           n, first, (unsigned long long)t->node_id[t->host_node[f->src[first]]],
           (unsigned long long)t->node_id[t->host_node[f->dst[first]]],
           (unsigned long long)f->size_b[first], (long long)f->start_ns[first], f->fct_ns[first],
           own[first]);
}

/* The machine may be busy with other things: processor time is what compares. */
static double cpu_now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int run_case(const char *topologies, const char *dir, bool detail, Tally *pool, Err *err) {
    Ns3Case c = {0};
    Topo topo;
    Flows f;
    Log log = {.level = LOG_NORMAL};
    char *flows_path = file_join(dir, "flows.csv");
    if (ns3_case_read(&c, topologies, dir, err) != 0 ||
        topo_load(&topo, c.topo_path, NULL, err) != 0 ||
        flows_load(&f, flows_path, &topo, NULL, &log, err) != 0)
        return -1;
    Route *r = route_new(&topo, err);
    if (!r) return -1;
    double *fct = MEM_NEW(double, f.n), *ideal = MEM_NEW(double, f.n);
    pktsim_ideal(r, &f, true, ideal);
    PktOptions opt = {.compat = true, .seed = 1};
    PktStats st;
    double cpu_s = cpu_now_s();
    if (pktsim_run(r, &f, &c.conf, &opt, fct, &st, err) != 0) return -1;
    cpu_s = cpu_now_s() - cpu_s;
    Tally t = {.cpu_s = cpu_s, .packet_hops = st.n_packet_hops};
    const char *slash = strrchr(dir, '/');
    snprintf(t.name, sizeof t.name, "%.40s", slash ? slash + 1 : dir);
    Tally *group = &pool[c.conf.cc];
    snprintf(group->name, sizeof group->name, "all %s", netconf_cc_name(c.conf.cc));
    group->cpu_s += cpu_s;
    group->packet_hops += st.n_packet_hops;
    for (size_t i = 0; i < f.n; i++) {
        if (!isnan(f.ideal_fct_ns[i]) && f.ideal_fct_ns[i] != ideal[i]) t.n_ideal_off++;
        tally_flow(&t, f.size_b[i], ideal[i], f.fct_ns[i], fct[i]);
        tally_flow(group, f.size_b[i], ideal[i], f.fct_ns[i], fct[i]);
    }
    print_tally(&t);
    if (t.n_ideal_off) printf("    %zu ideal times differ\n", t.n_ideal_off);
    if (detail) {
        printf("    %llu drops, %llu pauses, %llu marks, %llu retransmissions, %llu packet-hops, "
               "%llu events, peak packets %llu, active "
               "flows %llu\n",
               (unsigned long long)st.n_drops, (unsigned long long)st.n_pauses,
               (unsigned long long)st.n_marks, (unsigned long long)st.n_retransmissions,
               (unsigned long long)st.n_packet_hops, (unsigned long long)st.n_events,
               (unsigned long long)st.peak_packets, (unsigned long long)st.peak_active_flows);
        first_difference(&f, &topo, fct);
    }
    tally_free(&t);
    free(ideal);
    free(fct);
    route_destroy(r);
    flows_free(&f);
    topo_free(&topo);
    free(flows_path);
    free(c.topo_path);
    return 0;
}

int main(int argc, char **argv) {
    Tally pool[CC_N] = {0};
    bool detail = false;
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "-v") == 0) detail = true;
    }
    if (argc - i < 2) return 0; /* nothing to compare with: see tests/bench/ns3-agreement */
    printf("%-28s %7s %4s %4s  %7s %7s  %7s %7s %7s %7s  %6s %6s\n", "case", "flows", "unf0", "unf",
           "equal%", "in1%", "mean%", "p50%", "p90%", "p99%", "cpu_s", "Mhop/s");
    const char *topologies = argv[i++];
    for (; i < argc; i++) {
        Err err;
        if (run_case(topologies, argv[i], detail, pool, &err) != 0) {
            fprintf(stderr, "ns3_agreement: %s\n", err.msg);
            return 1;
        }
    }
    for (int c = 0; c < CC_N; c++) {
        if (pool[c].n) print_tally(&pool[c]);
        tally_free(&pool[c]);
    }
    return 0;
}
