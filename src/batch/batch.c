/* batch: the groups of a batch, each in a process of its own.
 *
 *     plan ─ folder ─ lock a group's mixes ─ fork: batch_work ─ unlock ─ … ─ summary.csv
 *
 * This process has no threads and does no work of its own, so that it can fork at any time; what
 * happened is read from the folder when a child has ended. Locks are this process's: they last as
 * long as it does, whatever becomes of a child. Children end when it is killed.
 *
 * Several ranks take groups from one list, each into a loop as above; the first one writes what is
 * about all.
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
#include "batch/batch_folder.h"
#include "batch/batch_summary.h"
#include "batch/batch_work.h"

/* A group in work. */
typedef struct {
    pid_t pid; /* 0: the place is free */
    const BatchItem **items;
    size_t n;
} Job;

/* What this run has to do with a mix. */
typedef struct {
    bool ours;      /* wanted, and in the shard */
    bool tried;     /* given to a child */
    bool elsewhere; /* another process was working on it */
} ItemState;

typedef struct {
    const BatchOptions *o;
    const Log *log;
    BatchPlan plan;
    ItemState *state; /* [plan.n] */
    Job *jobs;
    int n_jobs, n_running;
    int threads; /* of each job */
    int progress_fd[2];
    Progress progress;
    size_t n_made, n_failed; /* by children, so far */
    bool told_to_stop;       /* the children */
    Err failure;             /* the folder can't be written */
    double touched_s, guess_b;
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

/* Marks the mixes of the shard: groups with wanted mixes are dealt out one by one. */
static void deal_out(Run *r) {
    size_t n = 0, *number = MEM_ZNEW(size_t, r->plan.n_groups);
    for (size_t i = 0; i < r->plan.n; i++) {
        const BatchItem *it = &r->plan.items[i];
        if (!it->wanted) continue;
        if (number[it->group] == 0) number[it->group] = ++n;
        r->state[i].ours = (number[it->group] - 1) % r->o->n_shards == r->o->shard;
    }
    for (size_t g = 0; g < r->plan.n_groups; g++)
        r->info->n_groups += number[g] > 0 && (number[g] - 1) % r->o->n_shards == r->o->shard;
    free(number);
}

static bool has_result(const Run *r, const BatchItem *it, size_t k) {
    return batch_folder_has(r->o->out, it->name, estimate_methods[r->o->methods[k]]);
}

static size_t count_missing(const Run *r, const BatchItem *it) {
    size_t n = 0;
    for (size_t k = 0; k < r->o->n_methods; k++) n += !has_result(r, it, k);
    return n;
}

/* Locks the mixes of a group whose results are missing. */
static int lock_group(Run *r, size_t group, Job *job, Err *err) {
    int rc = 0;
    size_t first = r->plan.group_start[group], end = r->plan.group_start[group + 1];
    job->items = MEM_NEW(const BatchItem *, end - first);
    job->n = 0;
    for (size_t i = first; i < end && rc == 0; i++) {
        const BatchItem *it = r->plan.in_group[i];
        ItemState *state = &r->state[it - r->plan.items];
        bool mine = false;
        if (!state->ours || count_missing(r, it) == 0) continue;
        rc = batch_folder_lock(r->o->out, it->name, &mine, err);
        state->elsewhere = !mine;
        if (!mine) continue;
        /* Another process may have finished it between the two lines above. */
        state->tried = count_missing(r, it) > 0;
        if (state->tried) job->items[job->n++] = it;
        else batch_folder_unlock(r->o->out, it->name);
    }
    return rc;
}

static bool has_error(const Run *r, const BatchItem *it, size_t k) {
    char *path =
        batch_folder_path(r->o->out, it->name, estimate_methods[r->o->methods[k]], ".error");
    bool has = file_exists(path);
    free(path);
    return has;
}

/* Says why the result is missing that a child was working on when it died; those after it were not
 * begun. A disk that is full keeps even that from being said: then the batch ends. */
static void record_death(Run *r, const Job *job, int status) {
    char message[80] = "its process failed, or its result couldn't be written";
    if (WIFSIGNALED(status))
        snprintf(message, sizeof message, "its process was killed by signal %d (%s)",
                 WTERMSIG(status), strsignal(WTERMSIG(status)));
    for (size_t i = 0; i < job->n; i++)
        for (size_t k = 0; k < r->o->n_methods; k++) {
            const char *name = job->items[i]->name;
            if (has_result(r, job->items[i], k) || has_error(r, job->items[i], k)) continue;
            batch_work_record(r->o->out, name, r->o->methods[k], message, &r->failure);
            return;
        }
}

static void unlock(const Run *r, Job *job) {
    for (size_t i = 0; i < job->n; i++) batch_folder_unlock(r->o->out, job->items[i]->name);
    free(job->items);
    *job = (Job){0};
}

/* ---- children ---- */

static _Noreturn void child(const Run *r, const Job *job) {
    pid_t parent = getppid();
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
    if (getppid() != parent) _exit(130); /* it has died since */
    close(r->progress_fd[0]);
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
        if (status != 0 && !diag_stop_requested()) record_death(r, job, status);
        unlock(r, job);
        r->n_running--;
    }
    return true;
}

/* Whether nothing more is to be begun. */
static bool is_ending(const Run *r) { return diag_stop_requested() || r->failure.kind != ERR_NONE; }

static void touch_locks(Run *r) {
    double now_s = diag_now_s();
    if (now_s - r->touched_s < 10) return;
    r->touched_s = now_s;
    for (int j = 0; j < r->n_jobs; j++)
        for (size_t i = 0; r->jobs[j].pid && i < r->jobs[j].n; i++)
            batch_folder_touch(r->o->out, r->jobs[j].items[i]->name);
}

/* Reads what children say of results; false if they say nothing. */
static bool read_news(Run *r) {
    char news[256];
    ssize_t n = read(r->progress_fd[0], news, sizeof news);
    if (n > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (news[i] == BATCH_WORK_MADE) r->n_made++;
            else r->n_failed++;
        }
        progress_update(&r->progress, r->n_made + r->n_failed);
    }
    return n > 0;
}

/* Waits a moment for news, and draws the progress. A child's end is no news, and small mixes take
 * milliseconds: the moment is short. */
static void wait_for_news(Run *r) {
    enum { MOMENT_MS = 5 };
    struct pollfd p = {.fd = r->progress_fd[0], .events = POLLIN};
    if (!collect(r) && poll(&p, 1, MOMENT_MS) > 0) read_news(r);
    touch_locks(r);
}

/* Tells the children once: they may have a signal of their own from the terminal. */
static void stop_children(Run *r) {
    for (int j = 0; j < r->n_jobs && !r->told_to_stop; j++)
        if (r->jobs[j].pid) kill(r->jobs[j].pid, SIGTERM);
    r->told_to_stop = true;
}

/* Memory of a group of which nothing is known: 100 B a flow and 200 MB for the rest, above what
 * estimates with packet windows take (tests/bench/README.md). A duration may be any number of
 * flows; published ones come to some 10 million. */
static double guess_b(const Run *r) {
    const ScenarioOptions *so = &r->o->plan.scenario;
    double most = 0;
    for (size_t i = 0; i < r->plan.n; i++) {
        const Mix *m = &r->plan.items[i].mix;
        bool lasts = so->n_flows == 0 && (so->duration_s > 0 || m->duration_s > 0);
        double n = lasts ? 1e7 : so->n_flows ? (double)so->n_flows : (double)m->n_flows;
        if (r->state[i].ours && n > most) most = n;
    }
    return 2e8 + 100 * (most > 0 ? most : 1e6);
}

static bool has_room(const Run *r) {
    double each_b = r->info->peak_rss_b ? (double)r->info->peak_rss_b : r->guess_b;
    return r->n_running == 0 ||
           (r->n_running < r->n_jobs && each_b * (r->n_running + 1) <= r->o->memory_b);
}

static Job *free_job(Run *r) {
    Job *job = r->jobs;
    while (job->pid) job++;
    return job;
}

/* Waits until another group may begin; false: none may. */
static bool wait_for_room(Run *r) {
    while (!has_room(r) && !is_ending(r)) wait_for_news(r);
    return !is_ending(r);
}

/* Begins a group if anything of it is missing. */
static int begin_group(Run *r, size_t group, Err *err) {
    Job *job = free_job(r);
    int rc = lock_group(r, group, job, err);
    if (rc == 0 && job->n > 0) return start(r, job, err);
    unlock(r, job);
    return rc;
}

/* Runs all groups of the shard. */
static int run_groups(Run *r, Err *err) {
    int rc = 0;
    size_t most = r->o->max_groups ? r->o->max_groups : r->plan.n_groups;
    uint64_t loop = 0;
    size_t g;
    while (rc == 0 && wait_for_room(r) && ranks_take(r->o->ranks, &loop, r->plan.n_groups, &g))
        if (r->info->n_groups_made < most) rc = begin_group(r, g, err);
    while (r->n_running > 0) {
        if (rc != 0 || is_ending(r)) stop_children(r);
        wait_for_news(r);
    }
    if (rc == 0 && diag_stop_requested()) return err_stopped(err);
    if (rc == 0 && r->failure.kind != ERR_NONE) {
        if (err) *err = r->failure;
        return -1;
    }
    return rc;
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

/* A result that is missing has failed unless another process works on it, even where no message of
 * why could be written. What a sample (max_groups) left out is neither. */
static void count_up(Run *r, size_t n_before) {
    BatchInfo *info = r->info;
    for (size_t i = 0; i < r->plan.n; i++) {
        const BatchItem *it = &r->plan.items[i];
        const ItemState *state = &r->state[i];
        info->n_mixes += state->ours;
        for (size_t k = 0; k < r->o->n_methods && state->ours; k++) {
            if (has_result(r, it, k)) continue;
            bool told = has_error(r, it, k), left_out = r->o->max_groups && !state->tried;
            if (state->elsewhere && !told) info->n_elsewhere++;
            else if (!left_out) info->n_failed++;
            if (told && !left_out && !info->failure[0])
                read_error(r->o->out, it->name, r->o->methods[k], info->failure,
                           sizeof info->failure);
        }
    }
    info->n_kept = n_before;
    info->n_made = r->n_made;
    if (info->n_failed > 0 && !info->failure[0])
        snprintf(info->failure, sizeof info->failure,
                 "%s: neither a result nor why there is none could be written", r->o->out);
}

/* Adds up what the ranks have done. */
static int sum_up(Run *r, Err *err) {
    BatchInfo *info = r->info;
    size_t n = r->plan.n;
    double sum[] = {(double)r->n_made, (double)info->n_groups_made};
    double *most = MEM_ZNEW(double, n + 1); /* of memory, then what was done elsewhere */
    most[n] = (double)info->peak_rss_b;
    for (size_t i = 0; i < n; i++) most[i] = r->state[i].elsewhere;
    int rc = ranks_sum(r->o->ranks, sum, 2, err);
    if (rc == 0) rc = ranks_max(r->o->ranks, most, n + 1, err);
    for (size_t i = 0; i < n; i++) r->state[i].elsewhere = most[i] > 0;
    r->n_made = (size_t)sum[0];
    info->n_groups_made = (size_t)sum[1];
    info->peak_rss_b = (uint64_t)most[n];
    free(most);
    return rc;
}

/* The results of the shard: how many are wanted, and how many of them are there. */
static size_t count_there(const Run *r, size_t *n_all) {
    size_t n = 0;
    *n_all = 0;
    for (size_t i = 0; i < r->plan.n; i++) {
        if (!r->state[i].ours) continue;
        *n_all += r->o->n_methods;
        n += r->o->n_methods - count_missing(r, &r->plan.items[i]);
    }
    return n;
}

/* What is about all results is the first rank's: to look for each takes long on a shared disk. */
static int run_planned(Run *r, Err *err) {
    size_t n_before = 0, n_all = 0;
    bool first = ranks_first(r->o->ranks);
    if (ranks_agree(r->o->ranks, first ? open_folder(r, err) : 0, err) != 0) return -1;
    if (pipe(r->progress_fd) != 0) return err_io(err, "batch: no pipe: %s", strerror(errno));
    deal_out(r);
    r->guess_b = guess_b(r);
    if (first) n_before = count_there(r, &n_all);
    progress_init(&r->progress, r->log, "results", n_all - n_before);
    int rc = ranks_agree(r->o->ranks, 0, err); /* what was there before has been counted */
    if (rc == 0) rc = run_groups(r, err);
    progress_finish(&r->progress);
    close(r->progress_fd[1]);
    while (read_news(r)) {}
    close(r->progress_fd[0]);
    if (rc != 0 || sum_up(r, err) != 0) return -1;
    if (!first) return 0;
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
        r.state = MEM_ZNEW(ItemState, r.plan.n);
        rc = run_planned(&r, err);
        free(r.jobs);
        free(r.state);
    }
    batch_plan_free(&r.plan);
    info->wall_s = diag_now_s() - start_s;
    return rc;
}
