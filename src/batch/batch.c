/* batch: the groups of a batch, each in a process of its own.
 *
 *     plan ─ folder ─ lock a group's mixes ─ fork: batch_work ─ unlock ─ … ─ summary.csv
 *
 * This process has no threads and does no work of its own, so that it can fork at any time; what
 * happened is read from the folder when a child has ended. Locks are this process's: they last as
 * long as it does, whatever becomes of a child. Children end when it is killed.
 *
 * Another group is begun while there are fewer than `jobs`, and the memory of the largest so far
 * (before the first has ended: a guess by the number of flows) fits once more. */
#include "batch/batch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "base/file.h"
#include "base/mem.h"
#include "base/par.h"
#include "base/units.h"
#include "batch/batch_folder.h"
#include "batch/batch_summary.h"
#include "batch/batch_work.h"

/* A group in work. */
typedef struct {
    pid_t pid; /* 0: the place is free */
    const BatchItem **items;
    size_t n;
} Job;

typedef struct {
    const BatchOptions *o;
    const Log *log;
    BatchPlan plan;
    Job *jobs;
    int n_jobs, n_running;
    int threads; /* of each job */
    int progress_fd[2];
    Progress progress;
    size_t n_done; /* results that children made or failed to make */
    double touched_s;
    BatchInfo *info;
} Run;

/* ---- arguments, as the manifest has them ---- */

static char *check_text(const CheckBudget *b) {
    if (b->off) return mem_strdup("off");
    if (b->seconds > 0) return mem_printf("%.17gs", b->seconds);
    return b->share > 0 ? mem_printf("%.17g", b->share) : mem_strdup("default");
}

static char *settings_text(const char *const *set) {
    char *text;
    size_t len;
    FILE *f = mem_stream_open(&text, &len);
    for (; set && *set; set++) fprintf(f, "%s ", *set);
    mem_stream_close(f);
    return text;
}

enum { N_ARGUMENTS = 12 };

static int open_folder(const Run *r, Err *err) {
    static const char *const loads[] = {"auto", "routed", "polarised"};
    const BatchOptions *o = r->o;
    const ScenarioOptions *so = &o->plan.scenario;
    const EstimateOptions *eo = &o->estimate;
    BatchArgument a[N_ARGUMENTS] = {
        {"seed", mem_printf("%llu", (unsigned long long)eo->seed)},
        {"n_flows", mem_printf("%llu", (unsigned long long)so->n_flows)},
        {"duration_s", mem_printf("%.17g", so->duration_s)},
        {"load", mem_strdup(loads[so->load])},
        {"settings", settings_text(so->set)},
        {"paths", mem_printf("%llu", (unsigned long long)eo->n_paths)},
        {"check", check_text(&eo->check)},
        {"checkpoint", mem_strdup(o->ckpt_sha256 ? o->ckpt_sha256 : "none")},
        {"published", mem_strdup(eo->published ? "on" : "off")},
        {"hpcc-ns3", mem_strdup(eo->hpcc_ns3 ? "on" : "off")},
        {"parsimon-ecmp", mem_strdup(eo->own_hashes ? "independent" : "polarised")},
        {"parsimon-cluster", mem_strdup(eo->cluster ? "on" : "off")},
    };
    int rc = batch_folder_open(o->out, &r->plan, so->topo_path, a, N_ARGUMENTS, o->command, err);
    for (size_t i = 0; i < N_ARGUMENTS; i++) free(a[i].value);
    return rc;
}

/* ---- what is missing ---- */

static bool in_shard(const BatchOptions *o, size_t group) {
    return group % o->n_shards == o->shard;
}

static size_t count_results(const Run *r) {
    size_t n = 0;
    for (size_t i = 0; i < r->plan.n; i++)
        for (size_t k = 0; k < r->o->n_methods; k++)
            n += r->plan.items[i].wanted && in_shard(r->o, r->plan.items[i].group) &&
                 batch_folder_has(r->o->out, r->plan.items[i].name,
                                  estimate_methods[r->o->methods[k]]);
    return n;
}

static size_t count_missing(const BatchOptions *o, const BatchItem *it) {
    size_t n = 0;
    for (size_t k = 0; k < o->n_methods; k++)
        n += !batch_folder_has(o->out, it->name, estimate_methods[o->methods[k]]);
    return n;
}

/* Locks the mixes of a group whose results are missing. */
static int lock_group(Run *r, size_t group, Job *job, Err *err) {
    int rc = 0;
    job->items = MEM_NEW(const BatchItem *, r->plan.n);
    job->n = 0;
    for (size_t i = 0; i < r->plan.n && rc == 0; i++) {
        const BatchItem *it = &r->plan.items[i];
        bool mine = false;
        if (it->group != group || !it->wanted || count_missing(r->o, it) == 0) continue;
        rc = batch_folder_lock(r->o->out, it->name, &mine, err);
        if (!mine) r->info->n_elsewhere += count_missing(r->o, it);
        if (!mine) continue;
        /* Another process may have finished it between the two lines above. */
        if (count_missing(r->o, it) > 0) job->items[job->n++] = it;
        else batch_folder_unlock(r->o->out, it->name);
    }
    return rc;
}

/* Says why results of a child that died are missing. */
static void record_death(const Run *r, const Job *job, int status) {
    char message[80];
    snprintf(message, sizeof message, "its process was killed by signal %d (%s)", WTERMSIG(status),
             strsignal(WTERMSIG(status)));
    for (size_t i = 0; i < job->n; i++)
        for (size_t k = 0; k < r->o->n_methods; k++) {
            Method m = r->o->methods[k];
            const char *name = job->items[i]->name;
            char *error = batch_folder_path(r->o->out, name, estimate_methods[m], ".error");
            bool told = file_exists(error);
            free(error);
            if (told || batch_folder_has(r->o->out, name, estimate_methods[m])) continue;
            batch_work_record(r->o->out, name, m, message);
        }
}

static void unlock(const Run *r, Job *job) {
    for (size_t i = 0; i < job->n; i++) batch_folder_unlock(r->o->out, job->items[i]->name);
    free(job->items);
    *job = (Job){0};
}

/* ---- children ---- */

static _Noreturn void child(const Run *r, const Job *job) {
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
    BatchWork w = {.options = r->o,
                   .threads = r->threads,
                   .items = job->items,
                   .n = job->n,
                   .progress_fd = r->progress_fd[1]};
    _exit(batch_work(&w));
}

static int start(Run *r, Job *job, Err *err) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) child(r, job);
    if (pid < 0) {
        unlock(r, job);
        return err_io(err, "batch: a process can't be started: %s", strerror(errno));
    }
    job->pid = pid;
    r->n_running++;
    r->info->n_groups_made++;
    return 0;
}

/* Collects a child that has ended; false if none has. */
static bool collect(Run *r) {
    int status;
    struct rusage usage;
    pid_t pid = wait4(-1, &status, WNOHANG, &usage);
    if (pid <= 0) return false;
    uint64_t rss_b = (uint64_t)usage.ru_maxrss * 1024;
    if (rss_b > r->info->peak_rss_b) r->info->peak_rss_b = rss_b;
    for (int j = 0; j < r->n_jobs; j++) {
        Job *job = &r->jobs[j];
        if (job->pid != pid) continue;
        if (WIFSIGNALED(status) && !diag_stop_requested()) record_death(r, job, status);
        unlock(r, job);
        r->n_running--;
    }
    return true;
}

static void touch_locks(Run *r) {
    double now_s = diag_now_s();
    if (now_s - r->touched_s < 10) return;
    r->touched_s = now_s;
    for (int j = 0; j < r->n_jobs; j++)
        for (size_t i = 0; r->jobs[j].pid && i < r->jobs[j].n; i++)
            batch_folder_touch(r->o->out, r->jobs[j].items[i]->name);
}

/* Waits a moment for news, and draws the progress. */
static void wait_for_news(Run *r) {
    struct pollfd p = {.fd = r->progress_fd[0], .events = POLLIN};
    char news[256];
    if (!collect(r) && poll(&p, 1, 100) > 0) {
        ssize_t n = read(r->progress_fd[0], news, sizeof news);
        if (n > 0) r->n_done += (size_t)n;
        progress_update(&r->progress, r->n_done);
    }
    touch_locks(r);
}

static void stop_children(const Run *r) {
    for (int j = 0; j < r->n_jobs; j++)
        if (r->jobs[j].pid) kill(r->jobs[j].pid, SIGTERM);
}

/* Memory of a group of which nothing is known: 100 B a flow and 200 MB for the rest, above what
 * estimates with packet windows take (tests/bench/README.md). */
static double guess_b(const BatchOptions *o) {
    return 2e8 + 100.0 * (double)o->plan.scenario.n_flows;
}

static bool has_room(const Run *r) {
    double each_b = r->info->peak_rss_b ? (double)r->info->peak_rss_b : guess_b(r->o);
    return r->n_running == 0 ||
           (r->n_running < r->n_jobs && each_b * (r->n_running + 1) <= r->o->memory_b);
}

static Job *free_job(Run *r) {
    Job *job = r->jobs;
    while (job->pid) job++;
    return job;
}

/* Runs all groups of the shard. */
static int run_groups(Run *r, Err *err) {
    int rc = 0;
    size_t most = r->o->max_groups ? r->o->max_groups : r->plan.n_groups;
    for (size_t g = 0; g < r->plan.n_groups && rc == 0 && !diag_stop_requested(); g++) {
        if (!in_shard(r->o, g) || r->info->n_groups_made == most) continue;
        while (!has_room(r) && !diag_stop_requested()) wait_for_news(r);
        Job *job = free_job(r);
        rc = lock_group(r, g, job, err);
        if (rc != 0 || job->n == 0) unlock(r, job);
        else rc = start(r, job, err);
    }
    if (rc != 0 || diag_stop_requested()) stop_children(r);
    while (r->n_running > 0) wait_for_news(r);
    return rc == 0 && diag_stop_requested() ? err_stopped(err) : rc;
}

/* ---- the end ---- */

/* Reads the message of a result that failed; false if there is none. */
static bool read_error(const char *dir, const char *name, Method m, char *text, size_t size) {
    char *path = batch_folder_path(dir, name, estimate_methods[m], ".error");
    FileView v;
    bool has = file_exists(path) && file_view(&v, path, NULL) == 0;
    free(path);
    if (!has) return false;
    const char *end = v.len > 0 ? memchr(v.data, '\n', v.len) : NULL;
    snprintf(text, size, "mix %s, %s: %.*s", name, estimate_methods[m],
             (int)(end ? end - v.data : 0), v.data);
    file_view_close(&v);
    return true;
}

/* Counts what is there. What is not, nor in work elsewhere, has failed, even where no message of
 * why could be written; a sample (max_groups) leaves out the rest. */
static void count_up(Run *r, size_t n_before) {
    BatchInfo *info = r->info;
    const BatchOptions *o = r->o;
    size_t n_there = count_results(r), n_all = 0, n_told = 0;
    char text[sizeof info->failure];
    for (size_t i = 0; i < r->plan.n; i++) {
        const BatchItem *it = &r->plan.items[i];
        if (!it->wanted || !in_shard(o, it->group)) continue;
        info->n_mixes++;
        for (size_t k = 0; k < o->n_methods; k++) {
            n_all++;
            if (batch_folder_has(o->out, it->name, estimate_methods[o->methods[k]])) continue;
            if (!read_error(o->out, it->name, o->methods[k], text, sizeof text)) continue;
            if (n_told++ == 0) snprintf(info->failure, sizeof info->failure, "%s", text);
        }
    }
    info->n_kept = n_before;
    info->n_made = n_there - n_before;
    size_t n_open = n_all - n_there;
    info->n_failed =
        o->max_groups ? n_told : (n_open > info->n_elsewhere ? n_open - info->n_elsewhere : 0);
    if (info->n_failed > 0 && n_told == 0)
        snprintf(info->failure, sizeof info->failure,
                 "%s: neither a result nor why there is none could be written", o->out);
}

static size_t count_groups(const Run *r) {
    size_t n = 0;
    bool *seen = MEM_ZNEW(bool, r->plan.n_groups);
    for (size_t i = 0; i < r->plan.n; i++) {
        const BatchItem *it = &r->plan.items[i];
        n += it->wanted && in_shard(r->o, it->group) && !seen[it->group];
        seen[it->group] |= it->wanted;
    }
    free(seen);
    return n;
}

static int run_planned(Run *r, Err *err) {
    size_t n_before, n_all = 0;
    if (open_folder(r, err) != 0) return -1;
    if (pipe(r->progress_fd) != 0) return err_io(err, "batch: no pipe: %s", strerror(errno));
    n_before = count_results(r);
    for (size_t i = 0; i < r->plan.n; i++)
        n_all += r->plan.items[i].wanted && in_shard(r->o, r->plan.items[i].group);
    progress_init(&r->progress, r->log, "results", n_all * r->o->n_methods - n_before);
    r->info->n_groups = count_groups(r);
    int rc = run_groups(r, err);
    progress_finish(&r->progress);
    close(r->progress_fd[0]);
    close(r->progress_fd[1]);
    if (rc != 0) return -1;
    count_up(r, n_before);
    return batch_summary_write(r->o->out, err);
}

int batch_run(const BatchOptions *o, const Log *log, BatchInfo *info, Err *err) {
    int threads = par_resolve(o->threads), jobs = o->jobs > 0 ? o->jobs : 1;
    Run r = {.o = o,
             .log = log,
             .n_jobs = jobs,
             .threads = threads > jobs ? threads / jobs : 1,
             .info = info};
    double start_s = diag_now_s();
    *info = (BatchInfo){0};
    int rc = batch_plan_load(&r.plan, &o->plan, log, err);
    if (rc == 0) {
        r.jobs = MEM_ZNEW(Job, (size_t)jobs);
        rc = run_planned(&r, err);
        free(r.jobs);
    }
    batch_plan_free(&r.plan);
    info->wall_s = diag_now_s() - start_s;
    return rc;
}
