/* sim_report: the summary of a packet-level run: counts, queues, speed, and slowdowns by flow size.
 *
 * Slowdown is completion time over ideal time, of finished flows; percentiles are those of
 * base/stats. */
#include "estimate/sim_report.h"

#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"
#include "estimate/report.h"
#include "estimate/result.h"
#include "estimate/sim_groups.h"
#include "estimate/sim_links.h"

/* In ORDER BUCKET and ORDER QUANTILE. */
typedef struct {
    size_t n[RESULT_N_DISTS];
    double mean[RESULT_N_DISTS], q[RESULT_N_DISTS][RESULT_N_QUANTILES];
} SimSlowdowns;

/* Mean and quantiles of the finished flows. */
static SimSlowdowns slowdowns_of(const Flows *f) {
    SimSlowdowns s;
    double *v = MEM_NEW(double, f->n);
    for (int d = 0; d < RESULT_N_DISTS; d++) {
        size_t n = 0;
        double sum = 0;
        for (size_t i = 0; i < f->n; i++) {
            bool counts = d == RESULT_ALL || d == result_of_bucket(sizebucket_of(f->size_b[i]));
            if (!counts || isnan(f->fct_ns[i])) continue;
            v[n] = f->fct_ns[i] / f->ideal_fct_ns[i];
            sum += v[n++];
        }
        s.n[d] = n;
        s.mean[d] = sum / (double)n; /* NaN if there are none */
        stats_sort(v, n);
        for (int k = 0; k < RESULT_N_QUANTILES; k++)
            s.q[d][k] = n ? v[stats_rank(n, 100 * result_levels[k])] : NAN;
    }
    free(v);
    return s;
}

static double share(const SimSlowdowns *s, int dist) {
    return s->n[RESULT_ALL] ? (double)s->n[dist] / (double)s->n[RESULT_ALL] : 0;
}

/* ---- table ---- */

static void print_queues(FILE *f, const PktStats *st) {
    fprintf(f, "peak queue      ");
    for (int t = 1; t < PKT_MAX_TIERS; t++)
        if (st->peak_queue_b[t] > 0)
            fprintf(f, "tier %d: %s, ", t, units_size((double)st->peak_queue_b[t]).s);
    fprintf(f, "switch buffer: %s\n", units_size((double)st->peak_buffer_b).s);
}

/* Largest over mean number of events that partitions have in a window. */
static double imbalance(const PktStats *st) {
    return st->n_events == 0 ? 1
                             : (double)st->parallel.critical_steps * st->parallel.n_threads /
                                   (double)st->n_events;
}

static double per_window(const PktStats *st) {
    const PktParallel *p = &st->parallel;
    return (double)st->n_events / ((double)p->n_windows * p->n_threads);
}

static double handed_over(const PktStats *st) {
    return (double)st->parallel.n_messages / (double)st->n_packet_hops;
}

static void print_parallel(FILE *f, const PktStats *st) {
    const PktParallel *p = &st->parallel;
    if (p->n_threads == 0) {
        fprintf(f, "threads         1\n");
        return;
    }
    fprintf(f,
            "%-15s %d: %s windows of time, %.0f events of each in each, the most %.2f times the "
            "mean; %.1f%% of packet-hops handed over\n",
            p->n_ranks > 1 ? "ranks" : "threads", p->n_threads, units_count(p->n_windows).s,
            per_window(st), imbalance(st), 100 * handed_over(st));
}

void sim_report_table(FILE *f, const SimReport *r) {
    const PktStats *st = r->stats;
    SimSlowdowns s = slowdowns_of(&r->scenario->flows);
    fprintf(f, "%-10s %8s %9s %9s %9s %9s %9s\n", "flow size", "share", "mean", "p50", "p90", "p99",
            "p99.9");
    for (int row = 0; row < RESULT_N_DISTS; row++) {
        int d = result_table_dist(row);
        fprintf(f, "%-10s %7.2f%%", result_label(d), 100 * share(&s, d));
        if (s.n[d] == 0) fprintf(f, " %9s\n", "-");
        else
            fprintf(f, " %9.3f %9.3f %9.3f %9.3f %9.3f\n", s.mean[d], s.q[d][RESULT_P50],
                    s.q[d][RESULT_P90], s.q[d][RESULT_P99], s.q[d][RESULT_P99_9]);
    }
    SimGroups groups = sim_groups_of(&r->scenario->flows);
    sim_groups_table(f, &groups);
    sim_groups_free(&groups);
    if (r->links) sim_links_table(f, &r->scenario->topo, r->links, r->n_top_links);
    fprintf(f, "flows           %s finished, %s not%s\n", units_count(st->n_finished).s,
            units_count(st->n_unfinished).s,
            st->n_unfinished > 0 ? "; mean and percentiles cover those that did" : "");
    fprintf(f, "packets         %s sent, %s retransmitted, %s dropped, %s marked\n",
            units_count(st->n_packets).s, units_count(st->n_retransmissions).s,
            units_count(st->n_drops).s, units_count(st->n_marks).s);
    if (st->n_lost > 0)
        fprintf(f, "lost            %s of the dropped, %s\n", units_count(st->n_lost).s,
                r->scenario->timeline ? "on links, or where no way led on"
                                      : "by error rates of links");
    if (st->n_trims > 0)
        fprintf(f, "trimmed         %s of the dropped: their headers went on\n",
                units_count(st->n_trims).s);
    if (st->n_unreachable > 0)
        fprintf(f, "unreachable     %s of the unfinished: a host is cut off for good\n",
                units_count(st->n_unreachable).s);
    fprintf(f, "pauses          %s, resumes %s\n", units_count(st->n_pauses).s,
            units_count(st->n_resumes).s);
    print_queues(f, st);
    fprintf(f, "simulated       %s of %s in %.2f s: %s packet-hops, %.1f M/s; peak memory %s\n",
            units_time(st->sim_ns).s, r->cc, st->wall_s, units_count(st->n_packet_hops).s,
            (double)st->n_packet_hops / st->wall_s / 1e6,
            units_size((double)diag_peak_rss_bytes()).s);
    if (r->parallel) print_parallel(f, st);
}

/* ---- JSON ---- */

static void put_parallel(JsonOut *o, const PktStats *st) {
    const PktParallel *p = &st->parallel;
    json_put_object(o, "parallel");
    if (p->n_ranks > 1) json_put_count(o, "ranks", (uint64_t)p->n_ranks);
    json_put_count(o, "threads", p->n_threads > 0 ? (uint64_t)p->n_threads : 1);
    if (p->n_threads > 0) {
        json_put_count(o, "windows", p->n_windows);
        json_put_count(o, "packets_handed_over", p->n_messages);
        json_put_number(o, "handed_over_share", handed_over(st));
        json_put_number(o, "events_per_window_and_thread", per_window(st));
        json_put_number(o, "imbalance", imbalance(st));
    }
    json_out_end(o, '}');
}

static void put_counts(JsonOut *o, const PktStats *st) {
    const struct {
        const char *key;
        uint64_t value;
    } counts[] = {{"n_finished", st->n_finished},
                  {"n_unfinished", st->n_unfinished},
                  {"n_unreachable", st->n_unreachable},
                  {"packets", st->n_packets},
                  {"packet_hops", st->n_packet_hops},
                  {"drops", st->n_drops},
                  {"lost_on_links", st->n_lost},
                  {"marks", st->n_marks},
                  {"pauses", st->n_pauses},
                  {"resumes", st->n_resumes},
                  {"retransmissions", st->n_retransmissions},
                  {"timeouts", st->n_timeouts},
                  {"payload_sent_b", st->sent_b},
                  {"payload_received_b", st->received_b},
                  {"payload_dropped_b", st->dropped_b},
                  {"peak_active_flows", st->peak_active_flows},
                  {"peak_packets", st->peak_packets},
                  {"peak_switch_buffer_b", st->peak_buffer_b}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        json_put_count(o, counts[i].key, counts[i].value);
    if (st->n_trims > 0) json_put_count(o, "trims", st->n_trims);
    json_put_array_compact(o, "peak_queue_b"); /* by tier, top of rack first */
    int top = PKT_MAX_TIERS - 1;
    while (top > 0 && st->peak_queue_b[top] == 0) top--;
    for (int t = 1; t <= top; t++) json_out_int(o, (int64_t)st->peak_queue_b[t]);
    json_out_end(o, ']');
}

static void put_dist(JsonOut *o, const SimSlowdowns *s, int d) {
    json_out_object(o);
    json_put_string(o, "label", result_label(d));
    if (d != RESULT_ALL) {
        int bucket = d - result_of_bucket(0);
        json_put_count(o, "lo_b", sizebucket_lo(bucket));
        if (sizebucket_hi(bucket) == UINT64_MAX) json_put_null(o, "hi_b");
        else json_put_count(o, "hi_b", sizebucket_hi(bucket));
        json_put_number(o, "share", share(s, d));
    }
    json_put_count(o, "n", s->n[d]);
    json_put_number(o, "mean", s->mean[d]);
    for (int k = 0; k < RESULT_N_QUANTILES; k++)
        json_put_number(o, result_quantile_keys[k], s->q[d][k]);
    json_out_end(o, '}');
}

void sim_report_json(FILE *f, const SimReport *r) {
    SimSlowdowns s = slowdowns_of(&r->scenario->flows);
    JsonOut o;
    json_out_init(&o, f);
    json_out_object(&o);
    json_put_string(&o, "schema", "m3.simulate/1");
    json_put_string(&o, "command", r->command);
    json_put_count(&o, "seed", r->seed);
    json_put_string(&o, "topo", r->scenario->topo.name);
    json_put_string(&o, "cc", r->cc);
    json_put_number(&o, "window_b", r->scenario->conf.line_window_b);
    json_put_number(&o, "base_bdp_b", r->scenario->base_bdp_b);
    json_put_string(&o, "compat", r->compat ? "hpcc-ns3" : NULL);
    report_put_events(&o, r->scenario);
    json_put_count(&o, "n_flows", r->scenario->flows.n);
    put_counts(&o, r->stats);
    json_put_number(&o, "simulated_s", r->stats->sim_ns / 1e9);
    json_put_object(&o, "slowdown");
    json_out_key(&o, "all");
    put_dist(&o, &s, RESULT_ALL);
    json_put_array(&o, "buckets");
    for (int b = 0; b < SIZEBUCKET_N; b++) put_dist(&o, &s, result_of_bucket(b));
    json_out_end(&o, ']');
    json_out_end(&o, '}');
    SimGroups groups = sim_groups_of(&r->scenario->flows);
    sim_groups_json(&o, &groups);
    sim_groups_free(&groups);
    if (r->links) sim_links_json(&o, &r->scenario->topo, r->links, r->n_top_links);
    json_put_object(&o, "wall_s");
    json_put_number(&o, "total", r->wall_total_s);
    json_put_number(&o, "read", r->scenario->wall_read_s);
    json_put_number(&o, "route", r->scenario->wall_route_s);
    json_put_number(&o, "simulate", r->stats->wall_s);
    json_out_end(&o, '}');
    if (r->parallel) put_parallel(&o, r->stats);
    json_put_number(&o, "packet_hops_per_s", (double)r->stats->n_packet_hops / r->stats->wall_s);
    json_put_count(&o, "peak_rss_bytes", diag_peak_rss_bytes());
    json_out_end(&o, '}');
    json_out_finish(&o);
}
