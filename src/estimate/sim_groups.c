/* sim_groups: completion times of jobs.
 *
 * A job is done when its last flow is; a job with a flow that did not finish has no time.
 * Percentiles are those of base/stats. */
#include "estimate/sim_groups.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/stats.h"
#include "base/units.h"

/* First start and last end of each job; end NaN: a flow did not finish. */
typedef struct {
    double start_ns, end_ns;
} JobSpan;

static JobSpan *spans_of(const Flows *f) {
    const FlowGraph *g = f->graph;
    JobSpan *span = MEM_NEW(JobSpan, g->n_jobs);
    for (uint32_t k = 0; k < g->n_jobs; k++) span[k] = (JobSpan){INFINITY, 0};
    for (size_t i = 0; i < f->n; i++) {
        if (g->job[i] == FLOWGRAPH_NONE) continue;
        JobSpan *s = &span[g->job[i]];
        double end = g->started_ns[i] + f->fct_ns[i];
        if (g->started_ns[i] < s->start_ns) s->start_ns = g->started_ns[i];
        if (isnan(end) || end > s->end_ns) s->end_ns = end;
        if (isnan(f->fct_ns[i])) s->end_ns = NAN;
    }
    return span;
}

/* Quantiles of v[n], which it sorts. */
static void quantiles(double *v, size_t n, double q[RESULT_N_QUANTILES]) {
    stats_sort(v, n);
    for (int k = 0; k < RESULT_N_QUANTILES; k++)
        q[k] = n > 0 ? v[stats_rank(n, 100 * result_levels[k])] : NAN;
}

/* Jobs or flows by group, in ascending order: those of group g are item[start[g]] to
 * item[start[g + 1] − 1]. */
typedef struct {
    uint32_t *start, *item;
} ByGroup;

static ByGroup by_group(const uint32_t *group_of, uint32_t n, uint32_t n_groups) {
    ByGroup b = {MEM_NEW(uint32_t, n_groups + (size_t)1), MEM_NEW(uint32_t, n)};
    stats_group(group_of, n, n_groups, b.start, b.item);
    return b;
}

static void by_group_free(ByGroup *b) {
    free(b->start);
    free(b->item);
}

/* Flows by the group of their job; those of none are group n_groups. */
static ByGroup flows_by_group(const Flows *f) {
    const FlowGraph *g = f->graph;
    uint32_t *group_of = MEM_NEW(uint32_t, f->n);
    for (size_t i = 0; i < f->n; i++)
        group_of[i] = g->job[i] == FLOWGRAPH_NONE ? g->n_groups : g->group[g->job[i]];
    ByGroup b = by_group(group_of, (uint32_t)f->n, g->n_groups + 1);
    free(group_of);
    return b;
}

/* v has room for the jobs, and for the flows in sum_flows. */
static void sum_jobs(SimGroup *s, const ByGroup *jobs, uint32_t group, const JobSpan *span,
                     double *v) {
    double sum = 0;
    for (uint32_t i = jobs->start[group]; i < jobs->start[group + 1]; i++) {
        const JobSpan *of = &span[jobs->item[i]];
        s->n_jobs++;
        if (isnan(of->end_ns)) continue;
        v[s->n_done] = of->end_ns - of->start_ns;
        sum += v[s->n_done++];
    }
    s->mean_ns = s->n_done > 0 ? sum / (double)s->n_done : NAN;
    quantiles(v, s->n_done, s->q_ns);
    s->max_ns = s->n_done > 0 ? v[s->n_done - 1] : NAN;
}

static void sum_flows(SimGroup *s, const Flows *f, const ByGroup *flows, uint32_t group,
                      double *v) {
    for (uint32_t k = flows->start[group]; k < flows->start[group + 1]; k++) {
        uint32_t i = flows->item[k];
        s->n_flows++;
        if (!isnan(f->fct_ns[i])) v[s->n_finished++] = f->fct_ns[i] / f->ideal_fct_ns[i];
    }
    quantiles(v, s->n_finished, s->slowdown);
}

SimGroups sim_groups_of(const Flows *f) {
    SimGroups all = {0};
    const FlowGraph *g = f->graph;
    if (!g || !g->started_ns) return all;
    JobSpan *span = spans_of(f);
    ByGroup jobs = by_group(g->group, g->n_jobs, g->n_groups), flows = flows_by_group(f);
    double *v = MEM_NEW(double, f->n > g->n_jobs ? f->n : g->n_jobs);
    all.list = MEM_ZNEW(SimGroup, g->n_groups + (size_t)1);
    for (uint32_t k = 0; k < g->n_groups; k++) {
        SimGroup *s = &all.list[all.n++];
        s->name = g->name[k];
        sum_jobs(s, &jobs, k, span, v);
        sum_flows(s, f, &flows, k, v);
    }
    sum_flows(&all.list[all.n], f, &flows, g->n_groups, v);
    all.n += all.list[all.n].n_flows > 0;
    by_group_free(&jobs);
    by_group_free(&flows);
    free(span);
    free(v);
    return all;
}

void sim_groups_free(SimGroups *g) {
    free(g->list);
    *g = (SimGroups){0};
}

static const char *span_text(double ns, UnitsText *room) {
    if (isnan(ns)) return "-";
    *room = units_time(ns);
    return room->s;
}

void sim_groups_table(FILE *f, const SimGroups *g) {
    if (g->n == 0) return;
    fprintf(f, "%-16s %8s %11s %11s %11s %11s %9s %9s %9s\n", "job", "done", "p50", "p90", "p99",
            "most", "flows", "slow p50", "slow p99");
    for (size_t i = 0; i < g->n; i++) {
        const SimGroup *s = &g->list[i];
        UnitsText t[4];
        if (s->name)
            fprintf(f, "%-16s %8s %11s %11s %11s %11s", s->name, units_count(s->n_done).s,
                    span_text(s->q_ns[RESULT_P50], &t[0]), span_text(s->q_ns[RESULT_P90], &t[1]),
                    span_text(s->q_ns[RESULT_P99], &t[2]), span_text(s->max_ns, &t[3]));
        else fprintf(f, "%-16s %8s %11s %11s %11s %11s", "(others)", "", "", "", "", "");
        fprintf(f, " %9s %9.3f %9.3f\n", units_count(s->n_flows).s, s->slowdown[RESULT_P50],
                s->slowdown[RESULT_P99]);
    }
}

static void put_quantiles(JsonOut *o, const char *key, const double *q) {
    json_put_object(o, key);
    for (int k = 0; k < RESULT_N_QUANTILES; k++) json_put_number(o, result_quantile_keys[k], q[k]);
    json_out_end(o, '}');
}

void sim_groups_json(JsonOut *o, const SimGroups *g) {
    if (g->n == 0) return;
    json_put_array(o, "jobs");
    for (size_t i = 0; i < g->n; i++) {
        const SimGroup *s = &g->list[i];
        json_out_object(o);
        json_put_string(o, "name", s->name);
        json_put_count(o, "n_jobs", s->n_jobs);
        json_put_count(o, "n_done", s->n_done);
        json_put_number(o, "mean_ns", s->name ? s->mean_ns : NAN);
        put_quantiles(o, "time_ns", s->name ? s->q_ns : (double[]){NAN, NAN, NAN, NAN});
        json_put_number(o, "max_ns", s->name ? s->max_ns : NAN);
        json_put_count(o, "n_flows", s->n_flows);
        json_put_count(o, "n_finished", s->n_finished);
        put_quantiles(o, "slowdown", s->slowdown);
        json_out_end(o, '}');
    }
    json_out_end(o, ']');
}

/* ---- as a fluid ---- */

SimGroups sim_groups_as_fluid(const FlowGraph *g) {
    SimGroups all = {0};
    if (!g || !g->job_end_ns || g->n_groups == 0) return all;
    JobSpan *span = MEM_NEW(JobSpan, g->n_jobs);
    ByGroup jobs = by_group(g->group, g->n_jobs, g->n_groups);
    double *v = MEM_NEW(double, g->n_jobs);
    for (uint32_t k = 0; k < g->n_jobs; k++)
        span[k] = (JobSpan){g->job_begin_ns[k], g->job_end_ns[k]};
    all.list = MEM_ZNEW(SimGroup, g->n_groups);
    for (; all.n < g->n_groups; all.n++) {
        all.list[all.n].name = g->name[all.n];
        sum_jobs(&all.list[all.n], &jobs, (uint32_t)all.n, span, v);
    }
    by_group_free(&jobs);
    free(span);
    free(v);
    return all;
}

void sim_groups_fluid_table(FILE *f, const SimGroups *g) {
    if (g->n == 0) return;
    fprintf(f, "%-16s %8s %11s %11s %11s %11s\n", "job, as a fluid", "number", "p50", "p90", "p99",
            "most");
    for (size_t i = 0; i < g->n; i++) {
        const SimGroup *s = &g->list[i];
        UnitsText t[4];
        fprintf(f, "%-16s %8s %11s %11s %11s %11s\n", s->name, units_count(s->n_jobs).s,
                span_text(s->q_ns[0], &t[0]), span_text(s->q_ns[1], &t[1]),
                span_text(s->q_ns[2], &t[2]), span_text(s->max_ns, &t[3]));
    }
}

void sim_groups_fluid_json(JsonOut *o, const SimGroups *g) {
    if (g->n == 0) return;
    json_put_array(o, "jobs_as_fluid");
    for (size_t i = 0; i < g->n; i++) {
        const SimGroup *s = &g->list[i];
        json_out_object(o);
        json_put_string(o, "name", s->name);
        json_put_count(o, "n_jobs", s->n_jobs);
        json_put_number(o, "mean_ns", s->mean_ns);
        put_quantiles(o, "time_ns", s->q_ns);
        json_put_number(o, "max_ns", s->max_ns);
        json_out_end(o, '}');
    }
    json_out_end(o, ']');
}
