/* flowdata_make: a folder of simulated networks → the arrays of a data set for the flow model.
 *
 * Networks are independent, so each is one item of a parallel loop. It draws paths in proportion to
 * their flows, projects them, runs the fluid simulation, and keeps each path's features beside the
 * true slowdowns of its flows, in growing buffers per array. These are written in order of the
 * networks' names, so the number of threads leaves no trace. All is held in memory until then,
 * about 1 MB for 100 paths.
 *
 * Truth is fct / ideal. A flow without one has not finished (a lost tail) and teaches nothing that
 * could be compared; it is left out, but counts in bucket_count. While arrays are written there is
 * no manifest: a data set with a manifest is whole. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/par.h"
#include "base/rng.h"
#include "data/flowdata.h"
#include "data/netdir.h"
#include "features/pathfluid.h"
#include "model/ckpt.h"
#include "model/flowfeat_settings.h"

/* Growing rows of an array. */
typedef struct {
    char *data;
    size_t len, cap;
} ArrayRows;

typedef struct {
    ArrayRows arrays[FLOWDATA_N_ARRAYS]; /* the starts count from the network's own first row */
    uint32_t n_paths, n_links, n_flows;
    size_t n_unfinished;
} NetworkPart;

typedef struct {
    const FlowDataOptions *o;
    char **names;
    size_t n;
    NetworkPart *parts; /* [n] */
    Arena *scratch;
    atomic_size_t n_done;
    Progress progress;
} FlowDataRun;

static void put(NetworkPart *p, int array, const void *data, size_t rows) {
    ArrayRows *b = &p->arrays[array];
    size_t n = rows * flowdata_arrays[array].n_cols * npy_type_size(flowdata_arrays[array].type);
    MEM_GROW(b->data, b->cap, b->len + n);
    memcpy(b->data + b->len, data, n);
    b->len += n;
}

/* ---- one network ---- */

/* Appends the finished ones among a path's flows; returns how many. */
static uint32_t put_flows(NetworkPart *p, const FlowFeat *m, const Flows *f) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n_flows; i++) {
        uint32_t flow = m->index[i];
        float truth = (float)(f->fct_ns[flow] / f->ideal_fct_ns[flow]);
        if (!(truth > 0 && isfinite(truth))) {
            p->n_unfinished++;
            continue;
        }
        put(p, FLOWDATA_FLOW, m->flow + (size_t)i * FLOWFEAT_N_FLOW, 1);
        put(p, FLOWDATA_BASE, &m->base[i], 1);
        put(p, FLOWDATA_TRUTH, &truth, 1);
        put(p, FLOWDATA_BUCKET, &m->bucket[i], 1);
        n++;
    }
    return n;
}

static void put_path(NetworkPart *p, const FlowFeat *m, const Flows *f, uint32_t net,
                     uint32_t n_draws) {
    uint32_t n = put_flows(p, m, f);
    if (n == 0) return;
    put(p, FLOWDATA_LINK_START, &p->n_links, 1);
    put(p, FLOWDATA_FLOW_START, &p->n_flows, 1);
    put(p, FLOWDATA_LINK, m->link, m->n_links);
    put(p, FLOWDATA_PATH, m->path, 1);
    put(p, FLOWDATA_NET, &net, 1);
    put(p, FLOWDATA_DRAWS, &n_draws, 1);
    put(p, FLOWDATA_BUCKET_COUNT, m->bucket_count, 1);
    p->n_paths++;
    p->n_links += m->n_links;
    p->n_flows += n;
}

static int walk_paths(const FlowDataRun *job, const Scenario *s, uint32_t net, Arena *a,
                      NetworkPart *p, Err *err) {
    PathSet set;
    Rng rng = rng_stream(job->o->seed, job->names[net], 0);
    if (pathset_draw(&set, s->route, &s->source, job->o->n_paths, rng_next(&rng), err) != 0)
        return -1;
    PathIndex *index = pathindex_new(&set, s->route, &s->source, 1, NULL, err);
    for (size_t i = 0; index && i < set.n_unique; i++) {
        Lot lot;
        LotFlow *flows;
        size_t n;
        FlowFeat map;
        arena_reset(a);
        path_project(index, i, a, &lot, &flows, &n);
        pathfluid_build(&map, &lot, flows, n, job->o->max_flows, NULL, a);
        flowfeat_set_conf(&map, &s->conf);
        put_path(p, &map, &s->flows, net, set.paths[i].n_draws);
    }
    int rc = index ? 0 : -1;
    pathindex_destroy(index);
    pathset_free(&set);
    return rc;
}

static int process(const FlowDataRun *job, uint32_t net, Arena *a, NetworkPart *p, Err *err) {
    Scenario s;
    char *dir = file_join(job->o->networks, job->names[net]);
    int rc = netdir_load(&s, dir, job->o->seed, 1, err);
    if (rc == 0) {
        if (!s.flows.fct_ns || !s.flows.ideal_fct_ns)
            rc = err_input(err, "%s/flows.csv: expected columns fct_ns and ideal_fct_ns", dir);
        else if (ckpt_check_cc(NULL, s.conf.cc, err) != 0) rc = err_wrap(err, "%s", dir);
        else rc = walk_paths(job, &s, net, a, p, err);
        scenario_free(&s);
    }
    free(dir);
    return rc;
}

static int process_item(void *ctx, size_t item, int worker, Err *err) {
    FlowDataRun *job = ctx;
    int rc = process(job, (uint32_t)item, &job->scratch[worker], &job->parts[item], err);
    progress_update(&job->progress, atomic_fetch_add(&job->n_done, 1) + 1);
    return rc;
}

static void pack_part(void *ctx, size_t item, RanksOut *out) {
    NetworkPart *p = &((FlowDataRun *)ctx)->parts[item];
    ranks_put(out, p, sizeof *p);
    for (int k = 0; k < FLOWDATA_N_ARRAYS; k++) ranks_put(out, p->arrays[k].data, p->arrays[k].len);
}

static void unpack_part(void *ctx, size_t item, RanksIn *in) {
    NetworkPart *p = &((FlowDataRun *)ctx)->parts[item];
    ranks_get(in, p, sizeof *p);
    for (int k = 0; k < FLOWDATA_N_ARRAYS; k++) {
        ArrayRows *a = &p->arrays[k];
        a->data = MEM_NEW(char, a->len);
        a->cap = a->len;
        ranks_get(in, a->data, a->len);
    }
}

static int make_parts(FlowDataRun *job, const Log *log, Err *err) {
    int workers = par_resolve(job->o->threads);
    job->parts = MEM_ZNEW(NetworkPart, job->n);
    job->scratch = MEM_ZNEW(Arena, (size_t)workers);
    RanksLoop loop = {.n = job->n,
                      .grain = 1,
                      .threads = workers,
                      .run = process_item,
                      .pack = pack_part,
                      .unpack = unpack_part,
                      .first_only = true,
                      .ctx = job};
    progress_init(&job->progress, log, "networks", job->n);
    int rc = ranks_run(job->o->ranks, &loop, err);
    progress_finish(&job->progress);
    for (int w = 0; w < workers; w++) arena_free(&job->scratch[w]);
    free(job->scratch);
    return rc;
}

/* ---- joining ---- */

static uint64_t n_rows(const FlowDataInfo *info, int array) {
    switch (flowdata_arrays[array].rows) {
    case FLOWDATA_PER_PATH: return info->n_paths;
    case FLOWDATA_PER_PATH_AND_END: return info->n_paths + 1;
    case FLOWDATA_PER_LINK: return info->n_links;
    default: return info->n_flows;
    }
}

static int count_rows(const FlowDataRun *job, FlowDataInfo *info, Err *err) {
    *info = (FlowDataInfo){.n_networks = job->n};
    for (size_t i = 0; i < job->n; i++) {
        info->n_paths += job->parts[i].n_paths;
        info->n_links += job->parts[i].n_links;
        info->n_flows += job->parts[i].n_flows;
        info->n_unfinished += job->parts[i].n_unfinished;
    }
    if (info->n_flows == 0)
        return err_input(err, "%s: no flow of any path has finished", job->o->networks);
    if (info->n_flows > UINT32_MAX || info->n_links > UINT32_MAX)
        return err_input(err, "%s: more than 2^32 rows", job->o->networks);
    return 0;
}

static void append_starts(const FlowDataRun *job, int array, NpyOut *out) {
    uint32_t first = 0;
    for (size_t i = 0; i < job->n; i++) {
        const NetworkPart *p = &job->parts[i];
        uint32_t *start = (uint32_t *)(void *)p->arrays[array].data;
        for (uint32_t k = 0; k < p->n_paths; k++) start[k] += first;
        npy_out_append(out, start, p->n_paths * sizeof *start);
        first += array == FLOWDATA_LINK_START ? p->n_links : p->n_flows;
    }
    npy_out_append(out, &first, sizeof first);
}

static int write_array(const FlowDataRun *job, const FlowDataInfo *info, int array, Err *err) {
    NpyOut out;
    const FlowDataArray *k = &flowdata_arrays[array];
    char *path = mem_printf("%s/%s.npy", job->o->out, k->name);
    int rc = npy_out_open(&out, path, k->type, n_rows(info, array), k->n_cols, err);
    free(path);
    if (rc != 0) return -1;
    if (k->rows == FLOWDATA_PER_PATH_AND_END) append_starts(job, array, &out);
    else
        for (size_t i = 0; i < job->n; i++)
            npy_out_append(&out, job->parts[i].arrays[array].data, job->parts[i].arrays[array].len);
    return npy_out_commit(&out, err);
}

/* ---- manifest ---- */

static FlowDataRange range_of(const FlowDataRun *job, int array, size_t column) {
    size_t n_cols = flowdata_arrays[array].n_cols;
    double sum = 0, sum2 = 0, n = 0, first = NAN;
    FlowDataRange r = {.min = INFINITY, .max = -INFINITY};
    for (size_t i = 0; i < job->n; i++) {
        const ArrayRows *b = &job->parts[i].arrays[array];
        const float *x = (const float *)(const void *)b->data;
        for (size_t k = column; k < b->len / sizeof *x; k += n_cols) {
            if (isnan(first))
                first =
                    x[k]; /* sums about the first value: a constant has a deviation of exactly 0 */
            r.min = fmin(r.min, x[k]);
            r.max = fmax(r.max, x[k]);
            sum += x[k] - first;
            sum2 += (x[k] - first) * (x[k] - first);
            n++;
        }
    }
    r.mean = first + sum / n;
    r.std = sqrt(fmax(sum2 / n - sum / n * (sum / n), 0));
    return r;
}

static void write_ranges(const FlowDataRun *job, int array, const char *const *names, JsonOut *j) {
    json_put_array(j, flowdata_arrays[array].name);
    for (size_t k = 0; k < flowdata_arrays[array].n_cols; k++) {
        FlowDataRange r = range_of(job, array, k);
        json_out_array_compact(j);
        json_out_string(j, names[k]);
        json_out_number(j, r.min), json_out_number(j, r.max), json_out_number(j, r.mean),
            json_out_number(j, r.std);
        json_out_end(j, ']');
    }
    json_out_end(j, ']');
}

static void write_features(const FlowDataRun *job, JsonOut *j) {
    json_put_array_compact(j, "feature_columns");
    json_out_string(j, "name"), json_out_string(j, "min"), json_out_string(j, "max"),
        json_out_string(j, "mean"), json_out_string(j, "std");
    json_out_end(j, ']');
    json_put_object(j, "features");
    write_ranges(job, FLOWDATA_LINK, flowfeat_link_names, j);
    write_ranges(job, FLOWDATA_PATH, flowfeat_path_names, j);
    write_ranges(job, FLOWDATA_FLOW, flowfeat_flow_names, j);
    json_out_end(j, '}');
}

static void write_counts(const FlowDataRun *job, const FlowDataInfo *info, JsonOut *j) {
    json_put_count(j, "paths_per_network", job->o->n_paths);
    json_put_count(j, "max_flows_per_path", job->o->max_flows);
    json_put_count(j, "seed", job->o->seed);
    json_put_count(j, "n_networks", info->n_networks);
    json_put_count(j, "n_paths", info->n_paths);
    json_put_count(j, "n_links", info->n_links);
    json_put_count(j, "n_flows", info->n_flows);
    json_put_count(j, "n_unfinished", info->n_unfinished);
}

static int write_manifest(const FlowDataRun *job, const FlowDataInfo *info, const char *path,
                          Err *err) {
    JsonFile file;
    if (json_file_open(&file, NULL, path, err) != 0) return -1;
    JsonOut *j = &file.j;
    json_put_string(j, "schema", "m3.flowset/1");
    json_put_string(j, "version", M3_VERSION);
    write_counts(job, info, j);
    write_features(job, j);
    json_put_array(j, "networks");
    for (size_t i = 0; i < job->n; i++) json_out_string(j, job->names[i]);
    json_out_end(j, ']');
    return json_file_commit(&file, err);
}

static int join_parts(const FlowDataRun *job, FlowDataInfo *info, const char *manifest, Err *err) {
    int rc = count_rows(job, info, err);
    if (rc == 0) unlink(manifest);
    for (int k = 0; rc == 0 && k < FLOWDATA_N_ARRAYS; k++) rc = write_array(job, info, k, err);
    return rc == 0 ? write_manifest(job, info, manifest, err) : -1;
}

int flowdata_make(const FlowDataOptions *o, const Log *log, FlowDataInfo *info, Err *err) {
    FlowDataRun job = {.o = o};
    bool first = ranks_first(o->ranks);
    char *manifest = file_join(o->out, "manifest.json");
    int rc = netdir_list(o->networks, &job.names, &job.n, err);
    if (rc == 0 && first) rc = file_mkdirs(o->out, err);
    if (rc == 0) rc = make_parts(&job, log, err);
    if (rc == 0 && first) rc = join_parts(&job, info, manifest, err);
    for (size_t i = 0; job.parts && i < job.n; i++)
        for (int k = 0; k < FLOWDATA_N_ARRAYS; k++) free(job.parts[i].arrays[k].data);
    free(job.parts);
    netdir_free(job.names, job.n);
    free(manifest);
    return rc;
}
