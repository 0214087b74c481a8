/* report: estimates as a table for people, as JSON (schema m3.estimate/1) and CSV for programs.
 *
 * The JSON has everything; table and CSV have the distributions. Numbers in JSON and CSV are the
 * shortest that read back unchanged. A bucket without flows has no numbers: "-" in the table, null
 * in JSON, no rows in CSV. The table and the JSON list the buckets from the smallest. */
#include "estimate/report.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"
#include "estimate/sim_groups.h"
#include "traffic/sizebucket.h"

/* Appends a value in at most 17 characters, so that a cell holds three of any size and sign: values
 * of 1e15 and more have three digits and an exponent. */
static void append_value(ReportCell *c, double x) {
    static const double LONGEST_WHOLE = 1e15;
    size_t n = strlen(c->s);
    if (fabs(x) < LONGEST_WHOLE)
        snprintf(c->s + n, sizeof c->s - n, "%.*f", x < 100 ? 2 : x < 1000 ? 1 : 0, x);
    else snprintf(c->s + n, sizeof c->s - n, "%.3g", x);
}

static void append_text(ReportCell *c, const char *text) {
    size_t n = strlen(c->s);
    snprintf(c->s + n, sizeof c->s - n, "%s", text);
}

ReportCell report_cell(const SlowdownQuantile *q) {
    ReportCell c = {"-"};
    if (isnan(q->value)) return c;
    c.s[0] = '\0';
    append_value(&c, q->value);
    if (q->lo == q->value && q->hi == q->value) return c;
    append_text(&c, " [");
    append_value(&c, q->lo);
    append_text(&c, ", ");
    append_value(&c, q->hi);
    append_text(&c, "]");
    return c;
}

void report_meta_scenario(ReportMeta *m, const Scenario *s, const char *topo_path) {
    m->topo = topo_path ? topo_path : s->topo.name;
    m->wall_read_s = s->wall_read_s;
    m->scenario = s;
    m->conf = &s->conf;
}

/* What the check found, in a line. */
static void print_check(FILE *f, const Check *c) {
    if (c->whole) {
        fprintf(f, "simulated whole: all %s flows packet by packet, %s packet-hops\n",
                units_count(c->n_flows).s, units_count(c->n_hops).s);
        return;
    }
    fprintf(f, "%s: %u windows, %s flows packet by packet, %.2g %% of the run's packet-hops",
            c->has_model ? "checked" : "sampled", c->n_windows, units_count(c->n_flows).s,
            100 * (double)c->n_hops / c->run_hops);
    if (c->has_model)
        fprintf(f, "; p99: model %.2f, windows %.2f, weight of these %.0f %%",
                c->model.dist[RESULT_ALL].q[RESULT_P99].value,
                c->sampled.dist[RESULT_ALL].q[RESULT_P99].value,
                100 * c->weight[RESULT_ALL][RESULT_P99]);
    fputc('\n', f);
}

static SimGroups jobs_of(const ReportMeta *m) {
    return sim_groups_as_fluid(m->scenario ? m->scenario->flows.graph : NULL);
}

void report_table(FILE *f, const Estimate *e, const ReportMeta *m) {
    ReportCell cell[RESULT_N_DISTS][RESULT_N_QUANTILES];
    int width[RESULT_N_QUANTILES];
    for (int k = 0; k < RESULT_N_QUANTILES; k++) {
        width[k] = (int)strlen(result_quantile_names[k]);
        for (int i = 0; i < RESULT_N_DISTS; i++) {
            cell[i][k] = report_cell(&e->slowdown.dist[i].q[k]);
            int len = (int)strlen(cell[i][k].s);
            if (len > width[k]) width[k] = len;
        }
    }
    fprintf(f, "%-8s  %7s", "slowdown", "share");
    for (int k = 0; k < RESULT_N_QUANTILES; k++)
        fprintf(f, "  %*s", width[k], result_quantile_names[k]);
    fputc('\n', f);
    for (int row = 0; row < RESULT_N_DISTS; row++) {
        int i = result_table_dist(row);
        fprintf(f, "%-8s  %5.1f %%", result_label(i), 100 * e->slowdown.dist[i].share);
        for (int k = 0; k < RESULT_N_QUANTILES; k++) fprintf(f, "  %*s", width[k], cell[i][k].s);
        fputc('\n', f);
    }
    SimGroups jobs = jobs_of(m);
    sim_groups_fluid_table(f, &jobs);
    sim_groups_free(&jobs);
    fprintf(f, "%s flows, ", units_count(e->n_flows).s);
    if (e->n_unique == 0 && !e->check.done) fputs("the whole network", f);
    else if (e->n_unique == 0) fputs("no model", f);
    else if (e->exhaustive) fprintf(f, "all %s paths", units_count(e->n_unique).s);
    else
        fprintf(f, "%s paths drawn (%s unique)", units_count(e->n_drawn).s,
                units_count(e->n_unique).s);
    fprintf(f, ", %.2f s\n", m->wall_total_s);
    if (e->check.done) print_check(f, &e->check);
    if (e->target.asked > 0 && e->check.done)
        fprintf(f, "error of %s: %.2g %%, %.4g %% asked for\n",
                result_quantile_names[e->target.quantile],
                100 * e->sampling_error[e->target.quantile], 100 * e->target.asked);
    else if (e->target.asked > 0)
        fprintf(f, "sampling error of %s: %.2g %%, %.4g %% asked for\n",
                result_quantile_names[e->target.quantile],
                100 * e->sampling_error[e->target.quantile], 100 * e->target.asked);
    if (e->check.done && !e->check.whole)
        fprintf(f, "in brackets: 95 %%, from %s\n",
                e->check.has_model ? "the model's error and the windows'" : "the windows' error");
    else if (e->model_error && !e->check.whole)
        fprintf(f, "in brackets: 95 %%, from %sthe model's own error\n",
                e->exhaustive ? "" : "the drawing of paths and ");
}

static void put_quantile(JsonOut *o, const char *key, const SlowdownQuantile *q) {
    json_put_object(o, key);
    json_put_number(o, "value", q->value);
    json_put_number(o, "lo", q->lo);
    json_put_number(o, "hi", q->hi);
    json_out_end(o, '}');
}

static void put_quantiles(JsonOut *o, const SlowdownDist *d) {
    json_put_array_compact(o, "percentiles");
    for (int p = 0; p < STATS_N_PCT; p++) json_out_number(o, d->percentiles[p]);
    json_out_end(o, ']');
    for (int k = 0; k < RESULT_N_QUANTILES; k++) put_quantile(o, result_quantile_keys[k], &d->q[k]);
}

static void put_slowdown(JsonOut *o, const Slowdowns *r) {
    json_put_object(o, "slowdown");
    json_put_object(o, "all");
    put_quantiles(o, &r->dist[RESULT_ALL]);
    json_out_end(o, '}');
    json_put_array(o, "buckets");
    for (int b = 0; b < SIZEBUCKET_N; b++) {
        json_out_object(o);
        json_put_string(o, "label", sizebucket_label(b));
        json_put_count(o, "lo_b", sizebucket_lo(b));
        if (sizebucket_hi(b) == UINT64_MAX) json_put_null(o, "hi_b");
        else json_put_count(o, "hi_b", sizebucket_hi(b));
        json_put_number(o, "share", r->dist[result_of_bucket(b)].share);
        put_quantiles(o, &r->dist[result_of_bucket(b)]);
        json_out_end(o, '}');
    }
    json_out_end(o, ']');
    json_out_end(o, '}');
}

void report_put_checkpoint(JsonOut *o, const ReportMeta *m) {
    if (!m->ckpt_name) {
        json_put_null(o, "checkpoint");
        return;
    }
    json_put_object(o, "checkpoint");
    json_put_string(o, "name", m->ckpt_name);
    json_put_string(o, "sha256", m->ckpt_sha256);
    json_out_end(o, '}');
}

void report_put_features(JsonOut *o, const ReportMeta *m) {
    if (!m->features) {
        json_put_null(o, "features");
        return;
    }
    json_put_object(o, "features");
    json_put_string(o, "file", m->features);
    json_put_string(o, "sha256", m->features_sha256);
    json_out_end(o, '}');
}

/* ---- what was asked, and where the tail comes from ---- */

static void put_class(JsonOut *o, const OriginClass *c, bool has_paths) {
    json_out_object(o);
    json_put_count(o, "from", (uint32_t)c->from_tier);
    json_put_count(o, "to", (uint32_t)c->to_tier);
    json_put_count(o, "links", c->n_links);
    json_put_number(o, "rate_bps", c->rate_bps);
    json_put_number(o, "load_mean", c->load_mean);
    json_put_number(o, "load_max", c->load_max);
    if (has_paths) json_put_number(o, "tail_share", c->tail_share);
    json_out_end(o, '}');
}

static void put_network(JsonOut *o, const Origin *origin) {
    const NetUse *u = &origin->net;
    json_put_object(o, "network");
    json_put_count(o, "hosts", u->n_hosts);
    json_put_count(o, "switches", u->n_switches);
    json_put_count(o, "racks", u->n_racks);
    json_put_count(o, "pods", u->n_pods);
    json_put_count(o, "links", u->n_links);
    json_put_array_compact(o, "tier_nodes");
    for (uint32_t i = 0; i < u->n_tiers; i++) json_out_count(o, u->tier_nodes[i]);
    json_out_end(o, ']');
    json_put_array(o, "tiers");
    for (uint32_t i = 0; i < origin->n_classes; i++)
        put_class(o, &origin->classes[i], origin->tail_from > 0);
    json_out_end(o, ']');
    json_put_count(o, "links_left_out", origin->n_classes_left_out);
    json_out_end(o, '}');
}

static void put_link(JsonOut *o, const LinkUse *l) {
    char name[48];
    snprintf(name, sizeof name, "%llu>%llu", (unsigned long long)l->from_id,
             (unsigned long long)l->to_id);
    json_put_string(o, "name", name);
    json_put_count(o, "from", l->from_tier);
    json_put_count(o, "to", l->to_tier);
    json_put_number(o, "rate_bps", l->rate_bps);
    json_put_number(o, "load", l->load);
}

static void put_path(JsonOut *o, const OriginPath *p) {
    json_out_object(o);
    json_put_count(o, "src", p->src_id);
    json_put_count(o, "dst", p->dst_id);
    json_put_count(o, "links", p->n_links);
    json_put_count(o, "draws", p->n_draws);
    json_put_count(o, "flows", p->n_flows);
    json_put_number(o, "p99", p->p99);
    json_put_number(o, "tail_share", p->tail_share);
    json_put_object(o, "busiest");
    put_link(o, &p->busiest);
    json_out_end(o, '}');
    json_out_end(o, '}');
}

void report_put_origin(JsonOut *o, const Origin *origin) {
    if (origin->n_links == 0) {
        json_put_null(o, "network");
        json_put_null(o, "origin");
        return;
    }
    put_network(o, origin);
    json_put_object(o, "origin");
    if (origin->tail_from > 0) json_put_number(o, "tail_from", origin->tail_from);
    else json_put_null(o, "tail_from");
    json_put_array(o, "links");
    for (uint32_t i = 0; i < origin->n_links; i++) {
        json_out_object(o);
        put_link(o, &origin->links[i].link);
        if (origin->tail_from > 0) json_put_number(o, "tail_share", origin->links[i].tail_share);
        json_out_end(o, '}');
    }
    json_out_end(o, ']');
    json_put_array(o, "paths");
    for (uint32_t i = 0; i < origin->n_paths; i++) put_path(o, &origin->paths[i]);
    json_out_end(o, ']');
    json_out_end(o, '}');
}

static void put_traffic(JsonOut *o, const Scenario *s) {
    if (!s || !s->drawn) {
        json_put_null(o, "traffic");
        return;
    }
    json_put_object(o, "traffic");
    json_put_number(o, "max_load", s->mix.max_load);
    json_put_string(o, "load", linkload_routing_names[s->load]);
    json_put_string(o, "matrix", s->mix.matrix ? s->mix.matrix : s->mix.matrix_kind);
    json_put_string(o, "sizes", s->mix.sizes);
    json_put_number(o, "sigma", s->mix.sigma);
    json_put_number(o, "mean_size_b", s->sizes.mean_b);
    json_put_number(o, "mean_gap_ns", s->workload.mean_gap_ns);
    json_put_number(o, "offered_bps", s->workload.offered_bps);
    json_out_end(o, '}');
}

/* What faults came to; the member is there only if there are any. */
static void put_faults(JsonOut *o, const Scenario *s) {
    json_put_object(o, "faults");
    json_put_count(o, "failed_links", s->faults_info.n_failed);
    json_put_count(o, "degraded_links", s->faults_info.n_degraded);
    json_put_count(o, "lost_switches", s->faults_info.n_switches);
    json_out_end(o, '}');
}

void report_put_events(JsonOut *o, const Scenario *s) {
    if (!s->timeline) return;
    json_put_array(o, "events");
    for (size_t i = 0; i < s->events.n; i++) json_out_string(o, s->events.list[i].text);
    json_out_end(o, ']');
    json_put_number(o, "reroute_delay_ns", s->timeline->reroute_delay_ns);
}

void report_put_settings(JsonOut *o, const ReportMeta *m) {
    if (!m->conf) {
        json_put_null(o, "settings");
        return;
    }
    json_put_object(o, "settings");
    netconf_put_json(o, m->conf);
    put_traffic(o, m->scenario);
    if (m->scenario && m->scenario->has_faults) put_faults(o, m->scenario);
    if (m->scenario) report_put_events(o, m->scenario);
    json_out_end(o, '}');
}

void report_put_remarks(JsonOut *o, const ReportMeta *m) {
    json_put_array(o, "remarks");
    for (size_t i = 0; m->remarks && i < m->remarks->n; i++)
        json_out_string(o, m->remarks->lines[i]);
    json_out_end(o, ']');
}

/* ---- paths, check, slowdowns ---- */

/* Null if the model was trained on all that it saw. */
static void put_range(JsonOut *o, const Estimate *e) {
    if (!e->range.name) {
        json_put_null(o, "out_of_range");
        return;
    }
    json_put_object(o, "out_of_range");
    json_put_count(o, "n_paths", e->n_outside);
    json_put_string(o, "furthest", e->range.name);
    json_put_number(o, "value", (double)e->range.value);
    json_put_number(o, "trained_lo", (double)e->range.lo);
    json_put_number(o, "trained_hi", (double)e->range.hi);
    json_out_end(o, '}');
}

static void put_interval(JsonOut *o, const Estimate *e) {
    json_put_object(o, "interval");
    json_put_number(o, "level", 0.95);
    json_put_array_compact(o, "covers");
    bool whole = e->check.done && e->check.whole;
    if (!e->exhaustive && e->n_unique > 0 && !whole) json_out_string(o, "sampling");
    if (e->model_error && !whole) json_out_string(o, "model");
    if (e->check.done && !whole) json_out_string(o, "windows");
    json_out_end(o, ']');
    json_out_end(o, '}');
}

static void put_paths(JsonOut *o, const Estimate *e) {
    put_range(o, e);
    /* Null where PFC or the method rules it out. */
    if (e->overflow > 0) json_put_number(o, "windows_per_buffer", e->overflow);
    else json_put_null(o, "windows_per_buffer");
    json_put_count(o, "n_flows", e->n_flows);
    if (e->max_load > 0) json_put_number(o, "max_link_load", e->max_load);
    json_put_number(o, "window_b", e->window_b);
    if (e->base_bdp_b > 0) json_put_number(o, "base_bdp_b", e->base_bdp_b);
    if (e->n_packet_flows > 0) {
        json_put_count(o, "n_packet_flows", e->n_packet_flows);
        json_put_count(o, "n_unfinished", e->n_unfinished);
    }
    json_put_object(o, "n_paths");
    json_put_count(o, "drawn", e->n_drawn);
    json_put_count(o, "unique", e->n_unique);
    json_out_end(o, '}');
    if (e->path_flows == 0) { /* nothing was simulated as a fluid */
        json_put_null(o, "fluid");
        return;
    }
    json_put_object(o, "fluid");
    json_put_bool(o, "exact", e->simulated_flows == e->path_flows);
    json_put_number(o, "simulated_share", (double)e->simulated_flows / (double)e->path_flows);
    json_out_end(o, '}');
}

/* Of sampling, as the interval's half-width over the value; null if none was asked for. */
static void put_target(JsonOut *o, const Estimate *e) {
    if (!(e->target.asked > 0)) {
        json_put_null(o, "target_error");
        return;
    }
    json_put_object(o, "target_error");
    json_put_string(o, "quantile", result_quantile_keys[e->target.quantile]);
    json_put_number(o, "asked", e->target.asked);
    json_put_number(o, "reached", e->sampling_error[e->target.quantile]);
    json_put_count(o, "max_paths", e->target.max_paths);
    json_out_end(o, '}');
}

static void put_quantiles_of(JsonOut *o, const char *key, const Slowdowns *r) {
    json_put_object(o, key);
    for (int d = 0; d < RESULT_N_DISTS; d++) {
        json_put_object(o, result_label(d));
        for (int k = 0; k < RESULT_N_QUANTILES; k++)
            put_quantile(o, result_quantile_keys[k], &r->dist[d].q[k]);
        json_out_end(o, '}');
    }
    json_out_end(o, '}');
}

static void put_weights(JsonOut *o, const Check *c) {
    json_put_object(o, "weight");
    for (int d = 0; d < RESULT_N_DISTS; d++) {
        json_put_object(o, result_label(d));
        for (int k = 0; k < RESULT_N_QUANTILES; k++)
            json_put_number(o, result_quantile_keys[k], c->weight[d][k]);
        json_out_end(o, '}');
    }
    json_out_end(o, '}');
}

/* Null if nothing was simulated packet by packet. */
static void put_check(JsonOut *o, const Estimate *e) {
    const Check *c = &e->check;
    if (!c->done) {
        json_put_null(o, "check");
        return;
    }
    json_put_object(o, "check");
    json_put_count(o, "windows", c->n_windows);
    json_put_bool(o, "whole", c->whole);
    json_put_count(o, "flows", c->n_flows);
    json_put_count(o, "censored", c->n_censored);
    if (c->n_unreachable > 0) json_put_count(o, "unreachable", c->n_unreachable);
    json_put_count(o, "packet_hops", c->n_hops);
    json_put_number(o, "run_packet_hops", c->run_hops);
    json_put_number(o, "drop_share", c->drop_share);
    json_put_count(o, "timeouts", c->n_timeouts);
    json_put_number(o, "capacity", c->capacity);
    json_put_number(o, "capacity_error", c->capacity_error);
    json_put_bool(o, "apart", c->apart[RESULT_P50] || c->apart[RESULT_P90] || c->apart[RESULT_P99]);
    if (c->has_model) put_quantiles_of(o, "model", &c->model);
    else json_put_null(o, "model");
    put_quantiles_of(o, "sampled", &c->sampled);
    put_quantiles_of(o, "combined", &e->slowdown);
    put_weights(o, c);
    json_out_end(o, '}');
}

void report_put_estimate(JsonOut *o, const Estimate *e) {
    put_paths(o, e);
    put_check(o, e);
    put_interval(o, e);
    put_slowdown(o, &e->slowdown);
}

void report_json(FILE *f, const Estimate *e, const ReportMeta *m) {
    JsonOut o;
    json_out_init(&o, f);
    json_out_object(&o);
    json_put_string(&o, "schema", REPORT_SCHEMA);
    json_put_string(&o, "version", M3_VERSION);
    json_put_count(&o, "seed", m->seed);
    json_put_string(&o, "command", m->command);
    json_put_string(&o, "topo", m->topo);
    json_put_string(&o, "mix", m->mix);
    report_put_features(&o, m);
    report_put_checkpoint(&o, m);
    json_put_string(&o, "method", m->method);
    report_put_settings(&o, m);
    report_put_remarks(&o, m);
    put_paths(&o, e);
    report_put_origin(&o, &e->origin);
    put_check(&o, e);
    put_target(&o, e);

    json_put_object(&o, "wall_s");
    json_put_seconds(&o, "total", m->wall_total_s);
    json_put_seconds(&o, "read", m->wall_read_s);
    json_put_seconds(&o, "route", e->wall_route_s);
    json_put_seconds(&o, "fluid", e->wall_fluid_s);
    json_put_seconds(&o, "model", e->wall_model_s);
    json_put_seconds(&o, "aggregate", e->wall_aggregate_s);
    json_put_seconds(&o, "check", e->check.wall_s);
    json_out_end(&o, '}');

    put_interval(&o, e);
    json_put_count(&o, "peak_rss_bytes", diag_peak_rss_bytes());
    put_slowdown(&o, &e->slowdown);
    SimGroups jobs = jobs_of(m);
    sim_groups_fluid_json(&o, &jobs);
    sim_groups_free(&jobs);
    json_out_end(&o, '}');
    json_out_finish(&o);
}

void report_csv(FILE *f, const Estimate *e) {
    fputs("bucket,percentile,slowdown\n", f);
    for (int i = 0; i < RESULT_N_DISTS; i++) {
        const SlowdownDist *d = &e->slowdown.dist[i];
        if (isnan(d->percentiles[0])) continue;
        for (int p = 0; p < STATS_N_PCT; p++)
            fprintf(f, "%s,%d,%s\n", result_label(i), p + 1, json_number_text(d->percentiles[p]).s);
    }
}
