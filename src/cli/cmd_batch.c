/* m3 batch: many mixes by many methods into a folder, from which `m3 batch report` makes tables and
 * figures.
 *
 * batch_run does the work in processes of its own; here are the options, and what is said at the
 * end. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"
#include "batch/batch.h"
#include "batch/batch_slurm.h"
#include "cli/estimate_args.h"
#include "cli/scenario_args.h"
#include "cli/value.h"
#include "path/pathset.h"

extern const CliCommand cmd_batch, cmd_batch_report;

enum {
    TOPO,
    IDS,
    N_FLOWS,
    DURATION,
    LOAD,
    SET,
    METHOD,
    PATHS,
    CHECK,
    PARSIMON_ECMP,
    PARSIMON_CLUSTER,
    CKPT,
    COMPAT,
    OUT,
    SHARD,
    JOBS,
    MEMORY,
    SLURM
};
static const CliOption options[] = {
    {"topo", "FILE", "topology for all mixes (default: each mix's own)", "Input"},
    {"ids", "LIST", "only mixes of these ids, e.g. 0..9,17 (default: all)", "Input"},
    {"n-flows", "N", "flows to draw of each mix (default: the mix's, else 1M)", "Input"},
    {"duration", "TIME", "draw flows for that long instead, e.g. 5s", "Input"},
    {"load", "KIND",
     "max_load is on the busiest link of: routed flows, or polarised ones, as published programs\n"
     "have it (default: polarised for published mixes)",
     "Input", linkload_routing_names},
    {"set", "KEY=VALUE", "override a setting of all mixes, e.g. pfc=on; repeatable", "Input"},
    {"method", "LIST",
     "one or more of m3 (default), flowsim, sampled, parsimon, and packet: packet simulation of\n"
     "the whole run, the truth that others are compared with",
     "Method", estimate_methods},
    {"paths", "N|all", "m3, flowsim: paths to draw of each mix (default 500)", "Method"},
    {"check", "BUDGET",
     "m3, sampled: packet windows for each mix: 5s, 2% or off (default: as m3 estimate)", "Method"},
    {"parsimon-ecmp", "KIND", "parsimon: polarised (default, as published) or independent",
     "Method", estimate_args_ecmp_names},
    {"parsimon-cluster", NULL, "parsimon: simulate one link of each group that is alike", "Method"},
    {"ckpt", "DIR", "m3: checkpoint (default: ckpts/default)", "Method"},
    {"compat", "LIST",
     "published: aggregate as the paper's notebooks do; hpcc-ns3: packets (of windows, and of\n"
     "method packet) as in the HPCC authors' ns-3",
     "Method", estimate_args_compat_names},
    {"out", "DIR", "the folder for all results; one that is there is gone on with", "Output"},
    {"shard", "I/N",
     "do only the I-th of N parts (0/N to N-1/N), which may run at once, also on other machines",
     "Work"},
    {"jobs", "N", "mixes at once, which share the threads (default 1: one after the other)",
     "Work"},
    {"memory", "SIZE", "that the jobs may take together (default: 80 % of the machine's)", "Work"},
    {"slurm", "N",
     "do one mix as a sample, then write DIR/batch.sbatch, a Slurm job array of N tasks for the "
     "rest",
     "Work"},
    {NULL, NULL, NULL, NULL}};

typedef struct {
    ScenarioArgs scenario;
    BatchOptions batch;
    Method methods[METHOD_N];
    const char *ckpt_path;
    Ckpt ckpt;
    char sha256[65];
    uint32_t slurm_tasks; /* 0: no script is asked for */
    bool memory_given;
    int jobs; /* of each of them */
} BatchCmd;

static void init(void *state) {
    BatchCmd *o = state;
    scenario_args_init(&o->scenario);
    o->batch.estimate.n_paths = 500;
    o->batch.n_shards = 1;
    o->batch.jobs = 1;
    o->batch.memory_b = 0.8 * (double)file_memory_b();
    o->batch.methods = o->methods;
}

static void release(void *state) {
    BatchCmd *o = state;
    ckpt_free(&o->ckpt);
    scenario_args_free(&o->scenario);
}

static int add_method(BatchCmd *o, const char *name, Err *err) {
    Method m;
    if (estimate_args_method(name, &m, err) != 0) return -1;
    for (size_t i = 0; i < o->batch.n_methods; i++)
        if (o->methods[i] == m) return 0;
    o->methods[o->batch.n_methods++] = m;
    return 0;
}

static int add_methods(BatchCmd *o, const char *list, Err *err) {
    char name[48];
    for (const char *s = list;; s++) {
        size_t n = strcspn(s, ",");
        snprintf(name, sizeof name, "%.*s", n < 40 ? (int)n : 40, s);
        if (add_method(o, name, err) != 0) return -1;
        s += n;
        if (*s == '\0') return 0;
    }
}

static int parse_shard(const char *value, BatchOptions *b, Err *err) {
    char first[16];
    const char *slash = strchr(value, '/');
    if (!slash || slash - value >= (int)sizeof first)
        return err_input(err, "--shard: expected I/N, like 0/16 to 15/16, got '%.40s'", value);
    snprintf(first, sizeof first, "%.*s", (int)(slash - value), value);
    if (value_count32(slash + 1, "--shard", 1, 100000, &b->n_shards, err) != 0 ||
        value_count32(first, "--shard", 0, UINT32_MAX, &b->shard, err) != 0)
        return -1;
    if (b->shard < b->n_shards) return 0;
    return err_input(err, "--shard: parts are counted from 0: expected 0/%u to %u/%u, got '%.40s'",
                     b->n_shards, b->n_shards - 1, b->n_shards, value);
}

static int set_work(BatchCmd *o, int option, const char *value, Err *err) {
    uint64_t n;
    switch (option) {
    case OUT: o->batch.out = value; return 0;
    case SHARD: return parse_shard(value, &o->batch, err);
    case JOBS:
        if (value_count(value, "--jobs", 1, 1024, &n, err) != 0) return -1;
        o->batch.jobs = (int)n;
        return 0;
    case MEMORY:
        o->memory_given = true;
        return units_parse_size(value, "--memory", &o->batch.memory_b, err);
    default: return value_count32(value, "--slurm", 1, 100000, &o->slurm_tasks, err);
    }
}

static int set(void *state, int option, const char *value, Err *err) {
    static const int scenario_arg[] = {[TOPO] = ARG_TOPO,
                                       [N_FLOWS] = ARG_N_FLOWS,
                                       [DURATION] = ARG_DURATION,
                                       [LOAD] = ARG_LOAD,
                                       [SET] = ARG_SET};
    BatchCmd *o = state;
    EstimateOptions *e = &o->batch.estimate;
    switch (option) {
    case IDS: o->batch.plan.ids = value; return 0;
    case TOPO:
    case N_FLOWS:
    case DURATION:
    case LOAD:
    case SET: return scenario_args_set(&o->scenario, scenario_arg[option], value, err);
    case METHOD: return add_methods(o, value, err);
    case PATHS: return value_count_or_all(value, "--paths", PATHSET_MAX_DRAWS, &e->n_paths, err);
    case CHECK: return estimate_args_check(value, &e->check, err);
    case PARSIMON_ECMP: return estimate_args_ecmp(value, &e->own_hashes, err);
    case PARSIMON_CLUSTER: e->cluster = true; return 0;
    case CKPT: o->ckpt_path = value; return 0;
    case COMPAT: return estimate_args_compat(value, e, err);
    default: return set_work(o, option, value, err);
    }
}

static bool has_method(const BatchOptions *b, Method m) {
    for (size_t i = 0; i < b->n_methods; i++)
        if (b->methods[i] == m) return true;
    return false;
}

static int check(const BatchCmd *o, const CliCommon *common, Err *err) {
    const ScenarioOptions *so = &o->scenario.options;
    if (common->n_args == 0)
        return err_input(err, "batch: expected mix files or folders; see 'm3 batch --help'");
    if (!o->batch.out || !*o->batch.out)
        return err_input(err, "batch: expected --out DIR; see 'm3 batch --help'");
    if (so->n_flows && so->duration_s > 0)
        return err_input(err, "batch: expected --n-flows or --duration, not both");
    if (o->slurm_tasks && o->batch.n_shards > 1)
        return err_input(err, "batch: --slurm makes the shards; --shard doesn't go with it");
    if (o->slurm_tasks && ranks_several(common->ranks))
        return err_input(err, "batch: --slurm writes a script; start it without mpirun");
    if (has_method(&o->batch, METHOD_SAMPLED) && o->batch.estimate.check.off)
        return err_input(err, "batch: --method sampled is nothing but --check; expected a budget, "
                              "got off");
    return 0;
}

/* Flows are drawn once for all methods of a mix. They are held in memory where one of them needs
 * that, and streamed alike for the others: which of the two never shows in a result. */
static uint64_t max_in_memory(const BatchOptions *b) {
    uint64_t least = SCENARIO_MAX_IN_MEMORY;
    for (size_t i = 0; i < b->n_methods; i++)
        if (estimate_max_in_memory(b->methods[i]) == 0) least = 0;
    return least;
}

static const char *plural(size_t n) { return n == 1 ? "" : "s"; }

static void tell(const BatchCmd *o, const CliCommon *common, const BatchInfo *i) {
    if (common->json) {
        JsonOut j;
        json_out_init(&j, stdout);
        json_out_object(&j);
        json_put_string(&j, "out", o->batch.out);
        json_put_count(&j, "n_mixes", i->n_mixes);
        json_put_count(&j, "n_made", i->n_made);
        json_put_count(&j, "n_kept", i->n_kept);
        json_put_count(&j, "n_failed", i->n_failed);
        json_put_count(&j, "n_elsewhere", i->n_elsewhere);
        json_put_seconds(&j, "wall_s", i->wall_s);
        json_put_count(&j, "peak_rss_bytes", i->peak_rss_b);
        json_out_end(&j, '}');
        json_out_finish(&j);
        return;
    }
    printf("%zu mix%s by %zu method%s: %zu result%s made in %.3g s", i->n_mixes,
           i->n_mixes == 1 ? "" : "es", o->batch.n_methods, plural(o->batch.n_methods), i->n_made,
           plural(i->n_made), i->wall_s);
    if (i->n_kept > 0) printf(", %zu kept", i->n_kept);
    if (i->n_elsewhere > 0) printf(", %zu being made elsewhere", i->n_elsewhere);
    if (i->n_failed > 0) printf(", %zu failed", i->n_failed);
    printf("\nsummary: %s/summary.csv; tables and figures: m3 batch report %s\n", o->batch.out,
           o->batch.out);
}

/* ---- Slurm ---- */

/* Cores of a task whose user says nothing: estimates use two well (tests/bench/README.md). */
enum { SLURM_CPUS = 2 };

/* Copies the words of the command line but for --slurm, which may be shortened. */
static size_t without_slurm(char *const *argv, const char **out) {
    size_t n = 0;
    for (; *argv; argv++) {
        size_t len = strcspn(*argv, "=");
        bool is_it = len >= 4 && len <= 7 && strncmp(*argv, "--slurm", len) == 0;
        if (!is_it) out[n++] = *argv;
        else if (!(*argv)[len] && argv[1]) argv++;
    }
    return n;
}

static int write_script(const BatchCmd *o, const CliCommon *common, const BatchInfo *i, Err *err) {
    size_t n = 0;
    while (common->argv[n]) n++;
    const char **args = MEM_NEW(const char *, n + 1);
    char *dir = file_program_dir(), *program = file_join(dir, "m3");
    size_t left = i->n_groups - 1, per_task = left / o->slurm_tasks + 1;
    BatchSlurm s = {.program = program,
                    .args = args,
                    .n_args = without_slurm(common->argv, args),
                    .out = o->batch.out,
                    .n_tasks = o->slurm_tasks,
                    .cpus = o->batch.threads,
                    .add_threads = common->threads == 0,
                    .wall_s = i->wall_s * (double)per_task,
                    .memory_b = i->peak_rss_b * (uint64_t)o->jobs};
    char *path = file_join(o->batch.out, "batch.sbatch");
    int rc = batch_slurm_write(path, &s, err);
    if (rc == 0 && !common->json)
        printf("a mix took %.3g s and %.3g MB; for the rest: sbatch %s\n", i->wall_s,
               (double)i->peak_rss_b / 1e6, path);
    free(args);
    free(dir);
    free(program);
    free(path);
    return rc;
}

/* One group as a sample, then the script. */
static int run_slurm(BatchCmd *o, const CliCommon *common, Err *err) {
    BatchInfo info;
    BatchOptions *b = &o->batch;
    if (batch_slurm_check(b->out, err) != 0) return -1;
    b->max_groups = 1;
    o->jobs = b->jobs;
    b->jobs = 1;
    if (b->threads == 0) b->threads = SLURM_CPUS;
    if (batch_run(b, &common->log, &info, err) != 0) return -1;
    if (info.n_failed > 0) return err_io(err, "batch: the sample failed; %s", info.failure);
    if (info.n_groups_made == 0)
        return err_input(err, "batch: %s has all results already, or others are working on them",
                         b->out);
    return write_script(o, common, &info, err);
}

/* A method without a model may go on with a folder of m3's, whose manifest names the checkpoint: so
 * it is looked at whatever the method, and only m3 needs it. */
static int load_ckpt(BatchCmd *o, Err *err) {
    BatchOptions *b = &o->batch;
    if (!has_method(b, METHOD_M3) && !o->ckpt_path) {
        char *shipped = file_find_shipped("ckpts/default");
        bool there = shipped != NULL;
        free(shipped);
        if (!there) return 0;
    }
    if (estimate_load_ckpt(&o->ckpt, o->ckpt_path, err) != 0) return -1;
    ckpt_sha256(&o->ckpt, o->sha256);
    b->estimate.ckpt = &o->ckpt;
    b->ckpt_sha256 = o->sha256;
    return 0;
}

static int run(void *state, const CliCommon *common, Err *err) {
    BatchCmd *o = state;
    BatchOptions *b = &o->batch;
    BatchInfo info;
    if (b->n_methods == 0) o->methods[b->n_methods++] = METHOD_M3;
    if (check(o, common, err) != 0) return -1;
    if (load_ckpt(o, err) != 0) return -1;
    o->scenario.options.seed = b->estimate.seed = common->seed;
    o->scenario.options.max_in_memory = max_in_memory(b);
    b->plan.inputs = common->args;
    b->plan.n_inputs = (size_t)common->n_args;
    b->plan.scenario = o->scenario.options;
    b->threads = common->threads;
    b->ranks = common->ranks;
    if (b->ranks && !o->memory_given) b->memory_b /= b->ranks->n_local;
    b->command = common->command;
    if (o->slurm_tasks) return run_slurm(o, common, err);
    if (batch_run(b, &common->log, &info, err) != 0) return -1;
    tell(o, common, &info);
    if (info.n_failed == 0) return 0;
    return err_io(err, "batch: %zu result%s failed; %s", info.n_failed, plural(info.n_failed),
                  info.failure);
}

static const CliCommand *const subcommands[] = {&cmd_batch_report, NULL};

const CliCommand cmd_batch = {
    .name = "batch",
    .summary = "many mixes by many methods into a folder, with tables and figures",
    .usage = "m3 batch MIXES... --out DIR [options]\n       m3 batch report DIR [--truth FILE]",
    .details =
        "MIXES are mix files, with one mix or several, and folders of them. DIR/ID/METHOD.json is "
        "what\nm3 estimate would write; DIR/summary.csv has a line for each mix, method and "
        "bucket. "
        "The same command\ngoes on where it was interrupted, or adds methods; other arguments need "
        "another folder. A mix that fails is\nrecorded (DIR/ID/METHOD.error), the rest goes on, "
        "and the exit status is 1.\n\n"
        "  m3 batch mixes.json --n-flows 10M --out runs/a --method m3,parsimon\n"
        "  m3 batch mixes.json --n-flows 10M --out runs/a --method packet --ids 0..4\n"
        "  m3 batch report runs/a",
    .options = options,
    .on_ranks = true,
    .subcommands = subcommands,
    .state_size = sizeof(BatchCmd),
    .max_args = CLI_MAX_ARGS,
    .init = init,
    .set = set,
    .run = run,
    .free = release,
};
