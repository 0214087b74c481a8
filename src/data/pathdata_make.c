/* pathdata_make: a directory of path scenarios → the arrays of a data set.
 *
 * Invariant: a scenario's samples are a function of its two files, the number of views and the seed
 * alone. They are written, with a key over exactly these and a checksum, to one part file; a run
 * keeps every part whose key fits, makes the others in parallel, and only then joins all parts in
 * order of name. So interruption and threads leave no trace in the result. While the parts are
 * joined there is no manifest: a data set with a manifest is whole.
 *
 * Parts are scratch of one machine (host byte order); the arrays are .npy. */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/par.h"
#include "base/rng.h"
#include "data/pathdata.h"
#include "data/pathsample.h"
#include "model/ckpt.h"

typedef struct {
    char magic[8];
    uint64_t key, checksum; /* of inputs and settings; of what follows */
    uint32_t n_samples, n_rows;
} PartHead;
static const char part_magic[8] = "m3part1";

/* One scenario of the job. */
typedef struct {
    char *name;
    bool skipped, reused;
    Cc cc;
    uint64_t n_flows;
    uint32_t n_links;
    uint64_t source; /* checksum of its files */
} PathDataItem;

typedef struct {
    const PathDataOptions *o;
    bool skip;
    Cc skip_cc;
    char *parts_dir;
    PathDataItem *items;
    size_t n_items;
    Arena *arenas; /* [workers] */
    atomic_size_t n_done;
    Progress progress;
} PathDataRun;

static int checksum_file(const char *path, uint64_t *sum, Err *err) {
    FileView v;
    if (file_view(&v, path, err) != 0) return -1;
    *sum = file_checksum(v.data, v.len);
    file_view_close(&v);
    return 0;
}

/* ---- parts ---- */

/* Growing bytes of a part file. */
typedef struct {
    char *data;
    size_t len, cap;
} PartBytes;

static void put(PartBytes *b, const void *p, size_t n) {
    MEM_GROW(b->data, b->cap, b->len + n);
    memcpy(b->data + b->len, p, n);
    b->len += n;
}

static uint32_t put_sample(const PathSim *sim, const SampleView *v, PartBytes *out) {
    SampleHead h;
    float *pct;
    uint16_t *present;
    sampleview_sample(sim, v, &h, &pct, &present);
    put(out, &h, sizeof h);
    put(out, pct, (size_t)h.n_rows * PATHFEAT_N_PCT * sizeof *pct);
    put(out, present, h.n_rows * sizeof *present);
    return h.n_rows;
}

static uint64_t part_key(const PathDataRun *job, const PathDataItem *it) {
    uint64_t v[4] = {it->source, job->o->views, job->o->views ? job->o->seed : 0,
                     sizeof(SampleHead)};
    return file_checksum(v, sizeof v);
}

static char *part_path(const PathDataRun *job, const PathDataItem *it) {
    return mem_printf("%s/%s.part", job->parts_dir, it->name);
}

/* Opens a part and checks it against its key; false if it is not there or not to be trusted. */
static bool part_open(const PathDataRun *job, const PathDataItem *it, FileView *v, PartHead *h) {
    char *path = part_path(job, it);
    bool ok = file_exists(path) && file_view(v, path, NULL) == 0;
    free(path);
    if (!ok) return false;
    if (v->len > sizeof *h) {
        memcpy(h, v->data, sizeof *h);
        if (memcmp(h->magic, part_magic, sizeof part_magic) == 0 && h->key == part_key(job, it) &&
            h->checksum == file_checksum(v->data + sizeof *h, v->len - sizeof *h))
            return true;
    }
    file_view_close(v);
    return false;
}

static int part_write(const PathDataRun *job, const PathDataItem *it, const PartBytes *samples,
                      uint32_t n_rows, Err *err) {
    PartHead h = {.key = part_key(job, it),
                  .checksum = file_checksum(samples->data, samples->len),
                  .n_samples = 1 + job->o->views,
                  .n_rows = n_rows};
    memcpy(h.magic, part_magic, sizeof part_magic);
    char *path = part_path(job, it);
    FileOut out;
    int rc = file_out_open(&out, path, err);
    free(path);
    if (rc != 0) return -1;
    fwrite(&h, sizeof h, 1, out.f);
    fwrite(samples->data, 1, samples->len, out.f);
    return file_out_commit(&out, err);
}

static int make_part(const PathDataRun *job, const PathDataItem *it, const PathScenario *s,
                     Arena *a, Err *err) {
    PathSim sim;
    PartBytes bytes = {0};
    pathsim_run(&sim, s, a);
    SampleView v = sampleview_whole(&sim);
    uint32_t n_rows = put_sample(&sim, &v, &bytes);
    for (uint32_t k = 0; k < job->o->views; k++) {
        char *purpose = mem_printf("view %s", it->name);
        Rng rng = rng_stream(job->o->seed, purpose, k);
        free(purpose);
        v = sampleview_draw(&sim, &rng);
        n_rows += put_sample(&sim, &v, &bytes);
    }
    int rc = part_write(job, it, &bytes, n_rows, err);
    free(bytes.data);
    return rc;
}

static int checksum_inputs(PathDataItem *it, const char *json, const char *csv, Err *err) {
    uint64_t sums[2];
    if (checksum_file(json, &sums[0], err) != 0 || checksum_file(csv, &sums[1], err) != 0)
        return -1;
    it->source = file_checksum(sums, sizeof sums);
    return 0;
}

static int process(PathDataRun *job, PathDataItem *it, Arena *a, Err *err) {
    char *json = mem_printf("%s/%s/scenario.json", job->o->scenarios, it->name);
    char *csv = mem_printf("%s/%s/flows.csv", job->o->scenarios, it->name);
    PathScenario s = {0};
    int rc = pathscenario_settings(&s, json, err);
    if (rc == 0 && ckpt_check_cc(NULL, s.conf.cc, err) != 0) rc = err_wrap(err, "%s", json);
    it->cc = s.conf.cc;
    it->n_links = s.n_links;
    it->skipped = rc == 0 && job->skip && s.conf.cc == job->skip_cc;
    if (rc == 0 && !it->skipped) {
        rc = checksum_inputs(it, json, csv, err);
        FileView part;
        PartHead h;
        it->reused = rc == 0 && part_open(job, it, &part, &h);
        if (it->reused) file_view_close(&part);
        else if (rc == 0 && (rc = pathscenario_flows(&s, csv, err)) == 0) {
            rc = make_part(job, it, &s, a, err);
            flows_free(&s.flows);
        }
    }
    free(json);
    free(csv);
    return rc;
}

static int process_item(void *ctx, size_t item, int worker, Err *err) {
    PathDataRun *job = ctx;
    arena_reset(&job->arenas[worker]);
    int rc = process(job, &job->items[item], &job->arenas[worker], err);
    progress_update(&job->progress, atomic_fetch_add(&job->n_done, 1) + 1);
    return rc;
}

/* ---- the list of scenarios ---- */

static int by_name(const void *a, const void *b) {
    return strcmp(((const PathDataItem *)a)->name, ((const PathDataItem *)b)->name);
}

static bool holds_scenario(const char *dir, const char *name) {
    char *json = mem_printf("%s/%s/scenario.json", dir, name),
         *csv = mem_printf("%s/%s/flows.csv", dir, name);
    bool yes = file_exists(json) && file_exists(csv);
    free(json);
    free(csv);
    return yes;
}

static int list_items(PathDataRun *job, Err *err) {
    const char *dir = job->o->scenarios;
    DIR *d = file_folder_open(dir);
    if (!d) return file_folder_failed(dir, err);
    size_t cap = 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.' || strchr(e->d_name, '#') || !holds_scenario(dir, e->d_name))
            continue;
        MEM_GROW(job->items, cap, job->n_items + 1);
        job->items[job->n_items++] = (PathDataItem){.name = mem_strdup(e->d_name)};
    }
    closedir(d);
    if (job->n_items == 0)
        return err_input(err, "%s: no subdirectory holds a scenario.json and a flows.csv", dir);
    qsort(job->items, job->n_items, sizeof *job->items, by_name);
    return 0;
}

/* ---- joining ---- */

static uint64_t array_rows(int k, const PathDataInfo *info) {
    return pathdata_arrays[k].rows == PER_ROW
               ? info->n_rows
               : info->n_samples + (pathdata_arrays[k].rows == PER_SAMPLE_AND_END);
}

static size_t append_sample(NpyOut *out, const char *p, uint32_t *row) {
    SampleHead h;
    memcpy(&h, p, sizeof h);
    size_t pct_bytes = (size_t)h.n_rows * PATHFEAT_N_PCT * sizeof(float),
           present_bytes = h.n_rows * sizeof(uint16_t);
    npy_out_append(&out[PATHDATA_PCT], p + sizeof h, pct_bytes);
    npy_out_append(&out[PATHDATA_PRESENT], p + sizeof h + pct_bytes, present_bytes);
    npy_out_append(&out[PATHDATA_ROW_START], row, sizeof *row);
    npy_out_append(&out[PATHDATA_CONF], h.conf, sizeof h.conf);
    npy_out_append(&out[PATHDATA_BASE], h.base, sizeof h.base);
    npy_out_append(&out[PATHDATA_BASE_COUNT], h.base_count, sizeof h.base_count);
    npy_out_append(&out[PATHDATA_TRUTH], h.truth, sizeof h.truth);
    npy_out_append(&out[PATHDATA_TRUTH_COUNT], h.truth_count, sizeof h.truth_count);
    *row += h.n_rows;
    return sizeof h + pct_bytes + present_bytes;
}

static int append_parts(PathDataRun *job, NpyOut *out, Err *err) {
    uint32_t row = 0;
    for (size_t i = 0; i < job->n_items; i++) {
        FileView v;
        PartHead h;
        if (job->items[i].skipped) continue;
        if (!part_open(job, &job->items[i], &v, &h))
            return err_io(err, "%s: a part was changed while it was joined", job->parts_dir);
        const char *p = v.data + sizeof h;
        for (uint32_t k = 0; k < h.n_samples; k++) p += append_sample(out, p, &row);
        file_view_close(&v);
    }
    npy_out_append(&out[PATHDATA_ROW_START], &row, sizeof row);
    return 0;
}

static int join_parts(PathDataRun *job, const PathDataInfo *info, Err *err) {
    char *manifest = file_join(job->o->out, "manifest.json");
    unlink(manifest);
    free(manifest);
    NpyOut out[PATHDATA_N_ARRAYS] = {0};
    int n_open = 0, rc = 0;
    for (; rc == 0 && n_open < PATHDATA_N_ARRAYS; n_open += rc == 0) {
        char *path = mem_printf("%s/%s.npy", job->o->out, pathdata_arrays[n_open].name);
        rc = npy_out_open(&out[n_open], path, pathdata_arrays[n_open].type,
                          array_rows(n_open, info), pathdata_arrays[n_open].n_cols, err);
        free(path);
    }
    if (rc == 0) rc = append_parts(job, out, err);
    for (int k = 0; k < n_open; k++) {
        if (rc == 0) rc = npy_out_commit(&out[k], err);
        else npy_out_abort(&out[k]);
    }
    return rc;
}

static void manifest_samples(const PathDataRun *job, JsonOut *j) {
    json_put_array(j, "samples");
    for (size_t i = 0; i < job->n_items; i++) {
        const PathDataItem *it = &job->items[i];
        char source[17];
        snprintf(source, sizeof source, "%016" PRIx64, it->source);
        for (uint32_t k = 0; !it->skipped && k <= job->o->views; k++) {
            char *name = k ? mem_printf("%s#%u", it->name, k) : mem_strdup(it->name);
            json_out_array_compact(j);
            json_out_string(j, name);
            json_out_string(j, netconf_cc_name(it->cc));
            json_out_int(j, it->n_links);
            json_out_string(j, source);
            json_out_end(j, ']');
            free(name);
        }
    }
    json_out_end(j, ']');
}

static void manifest_arrays(const PathDataInfo *info, JsonOut *j) {
    json_put_object(j, "arrays");
    for (int k = 0; k < PATHDATA_N_ARRAYS; k++) {
        char file[32];
        snprintf(file, sizeof file, "%s.npy", pathdata_arrays[k].name);
        json_put_object(j, pathdata_arrays[k].name);
        json_put_string(j, "file", file);
        json_put_string(j, "type", npy_type_name(pathdata_arrays[k].type));
        json_put_array_compact(j, "shape");
        json_out_int(j, (int64_t)array_rows(k, info));
        if (pathdata_arrays[k].n_cols > 1) json_out_int(j, (int64_t)pathdata_arrays[k].n_cols);
        json_out_end(j, ']');
        json_out_end(j, '}');
    }
    json_out_end(j, '}');
}

static int write_manifest(const PathDataRun *job, const PathDataInfo *info, Err *err) {
    JsonFile file;
    if (json_file_open(&file, job->o->out, "manifest.json", err) != 0) return -1;
    JsonOut *j = &file.j;
    json_put_string(j, "schema", "m3.dataset/1");
    json_put_string(j, "version", M3_VERSION);
    json_put_string(j, "source", "path scenarios");
    json_put_object(j, "settings");
    json_put_string(j, "skip_cc", job->skip ? netconf_cc_name(job->skip_cc) : NULL);
    json_put_int(j, "views", job->o->views);
    json_put_count(j, "seed", job->o->seed);
    json_out_end(j, '}');
    json_put_count(j, "n_samples", info->n_samples);
    json_put_count(j, "n_rows", info->n_rows);
    manifest_arrays(info, j);
    json_put_array_compact(j, "sample_columns");
    json_out_string(j, "name"), json_out_string(j, "cc"), json_out_string(j, "n_links"),
        json_out_string(j, "source_checksum");
    json_out_end(j, ']');
    manifest_samples(job, j);
    return json_file_commit(&file, err);
}

/* ---- the job ---- */

static void remove_parts(const PathDataRun *job) {
    for (size_t i = 0; i < job->n_items; i++) {
        char *path = part_path(job, &job->items[i]);
        unlink(path);
        free(path);
    }
    rmdir(job->parts_dir);
}

static void pack_item(void *ctx, size_t item, RanksOut *out) {
    ranks_put(out, &((PathDataRun *)ctx)->items[item], sizeof(PathDataItem));
}

static void unpack_item(void *ctx, size_t item, RanksIn *in) {
    PathDataItem *it = &((PathDataRun *)ctx)->items[item];
    char *name = it->name;
    ranks_get(in, it, sizeof *it);
    it->name = name;
}

static int make_parts(PathDataRun *job, const Log *log, Err *err) {
    int workers = par_resolve(job->o->threads);
    job->arenas = MEM_ZNEW(Arena, (size_t)workers);
    RanksLoop loop = {.n = job->n_items,
                      .grain = 1,
                      .threads = workers,
                      .run = process_item,
                      .pack = pack_item,
                      .unpack = unpack_item,
                      .first_only = true,
                      .ctx = job};
    progress_init(&job->progress, log, "scenarios", job->n_items);
    int rc = ranks_run(job->o->ranks, &loop, err);
    progress_finish(&job->progress);
    for (int w = 0; w < workers; w++) arena_free(&job->arenas[w]);
    free(job->arenas);
    return rc;
}

static int count_samples(const PathDataRun *job, PathDataInfo *info, Err *err) {
    *info = (PathDataInfo){.n_scenarios = job->n_items};
    for (size_t i = 0; i < job->n_items; i++) {
        const PathDataItem *it = &job->items[i];
        size_t n = it->skipped ? 0 : 1 + job->o->views;
        info->n_skipped += it->skipped;
        info->n_reused += it->reused;
        info->n_samples += n;
        info->n_rows += n * (it->n_links + 1);
    }
    if (info->n_samples == 0)
        return err_input(err, "%s: every scenario is left out", job->o->scenarios);
    if (info->n_rows > UINT32_MAX)
        return err_input(err, "%s: more than 2^32 rows", job->o->scenarios);
    return 0;
}

/* The data set from its parts. */
static int finish(PathDataRun *job, PathDataInfo *info, Err *err) {
    if (count_samples(job, info, err) != 0 || join_parts(job, info, err) != 0 ||
        write_manifest(job, info, err) != 0)
        return -1;
    remove_parts(job);
    return 0;
}

int pathdata_make(const PathDataOptions *o, const Log *log, PathDataInfo *info, Err *err) {
    PathDataRun job = {.o = o, .skip = o->skip_cc != NULL};
    if (job.skip && netconf_parse_cc(o->skip_cc, &job.skip_cc, err) != 0)
        return err_wrap(err, "--skip-cc");
    job.parts_dir = file_join(o->out, "parts");
    int rc = list_items(&job, err);
    bool first = ranks_first(o->ranks);
    if (rc == 0 && first) rc = file_mkdirs(job.parts_dir, err);
    if (ranks_agree(o->ranks, rc, err) != 0) rc = -1;
    if (rc == 0) rc = make_parts(&job, log, err);
    if (rc == 0 && first) rc = finish(&job, info, err);
    for (size_t i = 0; i < job.n_items; i++) free(job.items[i].name);
    free(job.items);
    free(job.parts_dir);
    return rc;
}
