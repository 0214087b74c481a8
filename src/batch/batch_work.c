/* batch: the results of one group, in a process of its own.
 *
 *     scenario of the group ─┬─ mix ─┬─ method ─ NAME/METHOD.json
 *                            │       └─ method ─ …
 *                            └─ mix ─ …        (features of the paths are kept between mixes)
 *
 * A mix of the group gets its settings put into the scenario: that is all in which it differs. */
#include "batch/batch_work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "batch/batch_folder.h"
#include "batch/batch_loads.h"
#include "estimate/report.h"
#include "features/features.h"

/* The work in progress. */
typedef struct {
    const BatchWork *w;
    const char *dir;
    Scenario scenario;
    bool loaded;
    BatchLoads load[2];    /* [LoadRouting] of the scenario */
    const BatchItem *told; /* the mix whose loads.json is written; NULL: none */
    Features features;     /* of the paths, shared by the mixes of the group */
    double read_s;         /* what loading took */
    Log log;
    LogRemarks remarks; /* of the result in work */
    LogRemarks loading; /* of what the mixes share: remarks of every result */
} Group;

/* ---- remarks and failures ---- */

int batch_work_record(const char *dir, const char *name, Method m, const char *message, Err *err) {
    char *path = batch_folder_path(dir, name, estimate_methods[m], ".error");
    FileOut f;
    int rc = file_out_open(&f, path, err);
    if (rc == 0) {
        fprintf(f.f, "%s\n", message);
        rc = file_out_commit(&f, err);
    }
    free(path);
    return rc;
}

static void remove_file(const char *dir, const char *name, Method m, const char *ending) {
    char *path = batch_folder_path(dir, name, estimate_methods[m], ending);
    remove(path);
    free(path);
}

/* From here on, stderr is the result's log. */
static int open_log(const char *dir, const char *name, Method m, Err *err) {
    char *path = batch_folder_path(dir, name, estimate_methods[m], ".log");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    int rc = fd >= 0 && dup2(fd, STDERR_FILENO) >= 0 ? 0 : -1;
    if (rc != 0) err_io(err, "%s: cannot write: %s", path, strerror(errno));
    if (fd >= 0) close(fd);
    free(path);
    return rc;
}

/* A log without remarks is not kept. */
static void close_log(const char *dir, const char *name, Method m) {
    struct stat st;
    if (fstat(STDERR_FILENO, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0)
        remove_file(dir, name, m, ".log");
}

/* ---- one result ---- */

static void repeat(const LogRemarks *r, const Log *log) {
    for (size_t i = 0; i < r->n; i++) log_note(log, "%s", r->lines[i]);
}

/* Loads what the mixes of the group share; if that is done, only its remarks are made again. */
static int load_group(Group *g, const BatchItem *item, Err *err) {
    const BatchOptions *o = g->w->options;
    ScenarioOptions so = o->plan.scenario;
    Log loading = {.level = g->log.level, .remarks = &g->loading},
        unsaid = {.level = LOG_QUIET, .remarks = &g->remarks};
    repeat(&item->file->remarks, &g->log);
    if (g->loaded) {
        repeat(&g->loading, &g->log);
        return 0;
    }
    so.mix_path = item->file->path;
    so.mix = &item->mix;
    so.threads = g->w->threads;
    double start_s = diag_now_s();
    if (scenario_load(&g->scenario, &so, &loading, err) != 0) return -1;
    repeat(&g->loading, &unsaid);
    g->read_s = diag_now_s() - start_s;
    g->loaded = batch_loads_expect(&g->scenario, g->load, err) == 0;
    if (!g->loaded) scenario_free(&g->scenario);
    return g->loaded ? 0 : -1;
}

/* Writes the mix's loads.json, once for all of its results. */
static int tell_loads(Group *g, const BatchItem *item, Err *err) {
    if (g->told == item) return 0;
    if (batch_loads_write(g->dir, item, &g->scenario, g->load, err) != 0) return -1;
    g->told = item;
    return 0;
}

static int estimate(Group *g, Method m, Estimate *e, Err *err) {
    EstimateOptions o = g->w->options->estimate;
    o.method = m;
    o.threads = g->w->threads;
    o.fall_back = true;
    if (m == METHOD_PACKET) {
        o.method = METHOD_SAMPLED;
        o.check = (CheckBudget){.share = 1};
    }
    if (m == METHOD_FLOWSIM || m == METHOD_PARSIMON) o.check = (CheckBudget){.off = true};
    bool alone = g->w->n == 1 || m != METHOD_M3;
    return alone ? estimate_run(&g->scenario, &o, &g->log, e, err)
                 : estimate_rerun(&g->features, &g->scenario, &o, &g->log, e, err);
}

static int write_result(const Group *g, const BatchItem *item, Method m, const Estimate *e,
                        double wall_s, Err *err) {
    const BatchOptions *o = g->w->options;
    const Scenario *s = &g->scenario;
    ReportMeta meta = {.command = o->command,
                       .mix = item->file->path,
                       .method = estimate_methods[m],
                       .seed = o->estimate.seed,
                       .wall_total_s = wall_s,
                       .remarks = &g->remarks};
    report_meta_scenario(&meta, s, o->plan.scenario.topo_path);
    if (m == METHOD_M3 && o->estimate.ckpt) {
        meta.ckpt_name = o->estimate.ckpt->name;
        meta.ckpt_sha256 = o->ckpt_sha256;
    }
    char *path = batch_folder_path(g->dir, item->name, estimate_methods[m], ".json");
    FileOut f;
    int rc = file_out_open(&f, path, err);
    if (rc == 0) {
        report_json(f.f, e, &meta);
        /* A result that is there after a power cut must be whole. */
        if (fflush(f.f) == 0) fsync(fileno(f.f));
        close_log(g->dir, item->name, m); /* as the result is never made again */
        rc = file_out_commit(&f, err);
    }
    free(path);
    return rc;
}

static int make_result(Group *g, const BatchItem *item, Method m, Err *err) {
    Estimate e;
    if (load_group(g, item, err) != 0) return -1;
    scenario_set_conf(&g->scenario, &item->mix.conf);
    if (tell_loads(g, item, err) != 0) return -1;
    if (m != METHOD_FLOWSIM) {
        scenario_remark(&g->scenario, &g->log);
    }
    double start_s = diag_now_s();
    if (estimate(g, m, &e, err) != 0) return -1;
    return write_result(g, item, m, &e, g->read_s + diag_now_s() - start_s, err);
}

int batch_work(const BatchWork *w) {
    const BatchOptions *o = w->options;
    Group g = {.w = w, .dir = o->out, .log = {.level = LOG_NORMAL}};
    int rc = 0;
    g.log.remarks = &g.remarks;
    for (size_t i = 0; i < w->n && rc == 0; i++)
        for (size_t k = 0; k < o->n_methods && rc == 0; k++) {
            const char *name = w->items[i]->name;
            Method m = o->methods[k];
            Err err = {0};
            char news = BATCH_WORK_MADE;
            if (batch_folder_has(g.dir, name, estimate_methods[m])) continue;
            remove_file(g.dir, name, m, ".error");
            log_remarks_free(&g.remarks);
            if (open_log(g.dir, name, m, &err) != 0 || make_result(&g, w->items[i], m, &err) != 0) {
                if (err.kind == ERR_STOPPED) rc = 130;
                else if (batch_work_record(g.dir, name, m, err.msg, NULL) != 0) rc = 1;
                news = BATCH_WORK_FAILED;
            }
            close_log(g.dir, name, m);
            if (write(w->progress_fd, &news, 1) != 1) rc = 130; /* nobody listens any more */
        }
    log_remarks_free(&g.remarks);
    log_remarks_free(&g.loading);
    features_free(&g.features);
    if (g.loaded) scenario_free(&g.scenario);
    return rc;
}
