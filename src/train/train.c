/* train: epochs over a data set, best checkpoint kept, exact resume.
 *
 * The plug-in does the arithmetic of a step (forward, loss, gradients, AdamW); everything that
 * makes a run what it is happens here: which samples, in which order, at which rate, when to stop,
 * what to keep.
 *
 * Rate: linear warm-up, then a cosine to zero over all epochs asked for. After an epoch the
 * held-out data are estimated without dropout; the best so far is written as model.m3. What a batch
 * is and how held-out data are judged is the task's: train_paths.c, train_flows.c.
 *
 * Invariant of resuming: progress.json names a state file of the plug-in (weights, optimiser,
 * generator) and the position in the run that it belongs to (epoch, step, loss so far). It is
 * renamed into place after the state is on disk, and the older state goes after that, so from
 * before the first note on there is one whole pair. What a killed run left besides is removed. All
 * else is recomputed from the options, whose digest must match.
 */
#include "train/train.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "train/train_task.h"

/* A crash loses at most a minute of training, and at most half of a run that is younger; a line
 * every five seconds can be read. */
static const double save_every_s = 60, note_every_s = 5;

typedef struct {
    const TrainOptions *o;
    const Log *log;
    TrainTask *task;
    TrainPlugin plugin;
    bool flows; /* data of flows */
    ModelSpec spec;
    char *init_sha256; /* of the checkpoint started from, or NULL */
    char digest[65];   /* of options and data */
    /* position in the run */
    uint32_t epoch;  /* finished epochs */
    uint64_t step;   /* steps done in the epoch under way */
    double loss_sum; /* of those steps */
    EpochLoss *history;
    uint32_t best_epoch; /* 1-based; 0: none yet */
    char *state_file;    /* name in out, of the last state saved */
    double t_start_s, t_saved_s, t_noted_s;
    double save_in_s; /* from t_saved_s on */
    uint64_t steps_at_start;
} TrainRun;

void train_defaults(TrainOptions *o) {
    *o = (TrainOptions){.epochs = 100,
                        .batch = 32,
                        .lr = 1e-3,
                        .weight_decay = 0.02,
                        .dropout = 0.2,
                        .grad_clip = 1,
                        .warmup = 0.05,
                        .split = {.share = 0.2},
                        .n_flows = 16,
                        .seed = 1,
                        .device = "auto",
                        .dtype = CKPT_F16};
}

double train_rate(const TrainOptions *o, uint64_t step, uint64_t n_steps) {
    double rise = floor(o->warmup * (double)n_steps);
    if ((double)step < rise) return o->lr * ((double)step + 1) / rise;
    double left = (double)n_steps - rise;
    return o->lr * 0.5 * (1 + cos(acos(-1) * ((double)step - rise) / (left > 1 ? left : 1)));
}

/* ---- the options, as text ---- */

static void print_options(const TrainRun *r, JsonOut *j) {
    const TrainOptions *o = r->o;
    json_put_int(j, "epochs", o->epochs);
    json_put_int(j, "batch", o->batch);
    json_put_int(j, "patience", o->patience);
    json_put_number(j, "lr", o->lr);
    json_put_number(j, "warmup", o->warmup);
    json_put_number(j, "weight_decay", o->weight_decay);
    json_put_number(j, "dropout", o->dropout);
    json_put_number(j, "grad_clip", o->grad_clip);
    json_put_number(j, "average", o->average);
    json_put_number(j, "collapsed", o->collapsed);
    json_put_number(j, "input_noise", o->input_noise);
    json_put_int(j, "flows", o->n_flows);
    json_put_number(j, "holdout", o->split.share);
    json_put_int(j, "fold", o->split.fold);
    json_put_count(j, "seed", o->seed);
    json_put_string(j, "init_sha256", r->init_sha256);
    json_put_string(j, "dataset_sha256", r->task->digest);
}

/* {"program": …, options, losses}: what stands in the checkpoint's header. losses: only if
 * `finished` epochs are to be told. */
static char *recipe_text(const TrainRun *r, bool losses) {
    char *text = NULL;
    size_t len = 0;
    FILE *f = mem_stream_open(&text, &len);
    JsonOut j;
    json_out_init(&j, f);
    json_out_object(&j);
    json_put_string(&j, "program", "m3 " M3_VERSION);
    print_options(r, &j);
    if (losses) {
        json_put_count(&j, "n_train", r->task->n_train);
        json_put_count(&j, "n_held_out", r->task->n_held_out);
        json_put_int(&j, "epoch", r->best_epoch);
        json_put_number(&j, "train_loss", r->history[r->best_epoch - 1].train);
        json_put_number(&j, "held_out_loss", r->history[r->best_epoch - 1].held_out);
        json_put_number(&j, "held_out_error", r->history[r->best_epoch - 1].error);
        json_put_number(&j, "held_out_p99_error", r->history[r->best_epoch - 1].p99);
        json_put_number(&j, "flowsim_loss", r->task->flowsim.held_out);
        json_put_number(&j, "flowsim_error", r->task->flowsim.error);
    }
    json_out_end(&j, '}');
    json_out_finish(&j);
    mem_stream_close(f);
    return text;
}

static void digest_options(TrainRun *r) {
    char *text = recipe_text(r, false),
         *all = mem_printf("%s%u %u %u %u %u %u %d", text, r->spec.dim, r->spec.hidden,
                           r->spec.n_layers, r->spec.n_heads, r->spec.mlp_h1, r->spec.mlp_h2,
                           r->spec.bidirectional);
    file_sha256(all, strlen(all), r->digest);
    free(text);
    free(all);
}

/* ---- state on disk ---- */

int train_plugin_failed(const char *message, Err *err) {
    return err_io(err, "training plug-in: %s", message);
}

static int write_progress(const TrainRun *r, const char *state, Err *err) {
    JsonFile file;
    if (json_file_open(&file, r->o->out, "progress.json", err) != 0) return -1;
    JsonOut *j = &file.j;
    json_put_string(j, "schema", "m3.train/1");
    json_put_object(j, "options");
    print_options(r, j);
    json_out_end(j, '}');
    json_put_string(j, "options_sha256", r->digest);
    json_put_string(j, "state", state);
    json_put_int(j, "epoch", r->epoch);
    json_put_count(j, "step", r->step);
    json_put_number(j, "loss_sum", r->loss_sum);
    json_put_int(j, "best_epoch", r->best_epoch);
    json_put_array(j, "losses");
    for (uint32_t e = 0; e < r->epoch; e++) {
        json_out_array_compact(j);
        json_out_number(j, r->history[e].train);
        json_out_number(j, r->history[e].held_out);
        json_out_number(j, r->history[e].error);
        json_out_number(j, r->history[e].p99);
        json_out_end(j, ']');
    }
    json_out_end(j, ']');
    return json_file_commit(&file, err);
}

static int save_state(TrainRun *r, Err *err) {
    char message[512] = "";
    char *name = mem_printf("state-%u-%" PRIu64 ".pt", r->epoch, r->step),
         *path = file_join(r->o->out, name);
    int rc = r->plugin.api->save_state(r->plugin.trainer, path, message, sizeof message);
    if (rc != 0) train_plugin_failed(message, err);
    else rc = write_progress(r, name, err);
    free(path);
    if (rc == 0 && r->state_file && strcmp(r->state_file, name) != 0) {
        char *old = file_join(r->o->out, r->state_file);
        unlink(old);
        free(old);
    }
    if (rc == 0) {
        free(r->state_file);
        r->state_file = name;
    } else {
        free(name);
    }
    r->t_saved_s = diag_now_s();
    r->save_in_s = fmin(fmax(1, 2 * r->save_in_s), save_every_s);
    return rc;
}

static int read_losses(TrainRun *r, const Json *root, Err *err) {
    Json list, row, v;
    if (json_need_array(root, "losses", &list, err) != 0) return -1;
    if ((uint32_t)json_len(&list) != r->epoch)
        return json_fail(&list, err, "expected %u epochs, got %d", r->epoch, json_len(&list));
    EpochLoss *h = r->history;
    for (bool ok = json_first(&list, &row); ok; ok = json_next(&row), h++) {
        double *field[] = {&h->train, &h->held_out, &h->error, &h->p99};
        if (json_len(&row) != 4 || !json_first(&row, &v))
            return json_fail(&row, err, "expected four numbers");
        for (int k = 0; k < 4; k++, json_next(&v))
            if (json_number_or_null(&v, field[k], err) != 0) return -1;
    }
    return 0;
}

static int read_position(TrainRun *r, const Json *root, Err *err) {
    const char *text;
    uint64_t epoch, best;
    if (json_need_string(root, "options_sha256", &text, err) != 0) return -1;
    if (strcmp(text, r->digest) != 0)
        return json_fail(root, err,
                         "was begun with other options, data or version; resume with the same, or "
                         "train into a new directory");
    if (json_need_string(root, "state", &text, err) != 0) return -1;
    if (strchr(text, '/')) return json_fail_member(root, "state", err, "expected a file name");
    r->state_file = mem_strdup(text);
    if (json_need_uint(root, "epoch", r->o->epochs, &epoch, err) != 0) return -1;
    if (json_need_uint(root, "step", r->task->n_train, &r->step, err) != 0) return -1;
    if (json_need_number(root, "loss_sum", &r->loss_sum, err) != 0) return -1;
    if (json_need_uint(root, "best_epoch", epoch, &best, err) != 0) return -1;
    r->epoch = (uint32_t)epoch;
    r->best_epoch = (uint32_t)best;
    return read_losses(r, root, err);
}

static int load_state(TrainRun *r, Err *err) {
    char *path = file_join(r->o->out, "progress.json"), message[512] = "";
    JsonDoc *doc = json_open(path, err);
    free(path);
    if (!doc) return -1;
    Json root = json_root(doc);
    int rc = read_position(r, &root, err);
    json_close(doc);
    if (rc != 0) return -1;
    path = file_join(r->o->out, r->state_file);
    rc = r->plugin.api->load_state(r->plugin.trainer, path, message, sizeof message);
    if (rc != 0) err_input(err, "%s: cannot resume: %s", path, message);
    free(path);
    return rc;
}

/* Removes states that are not the run's: a killed one has left them, whole or in part. */
static void sweep_states(const TrainRun *r) {
    DIR *dir = file_folder_open(r->o->out);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        bool ours = r->state_file && strcmp(e->d_name, r->state_file) == 0;
        if (ours || strncmp(e->d_name, "state-", 6) != 0 || !strstr(e->d_name, ".pt")) continue;
        char *path = file_join(r->o->out, e->d_name);
        unlink(path);
        free(path);
    }
    if (dir) closedir(dir);
}

static int save_best(TrainRun *r, Err *err) {
    char message[512] = "";
    Ckpt c = {.spec = r->spec, .name = NULL, .recipe = recipe_text(r, true)};
    ckpt_layout(&c.spec, NULL, 0, &c.n_floats);
    c.weights = MEM_NEW(float, c.n_floats);
    char *path = file_join(r->o->out, "model.m3");
    int rc = r->plugin.api->average(r->plugin.trainer, c.weights, message, sizeof message);
    if (rc != 0) train_plugin_failed(message, err);
    else rc = ckpt_save(&c, path, r->o->dtype, err);
    free(path);
    free(c.weights);
    free(c.recipe);
    return rc;
}

/* ---- the run ---- */

/* Saves, then fails with ERR_STOPPED. */
static int stop(TrainRun *r, Err *err) {
    if (save_state(r, err) != 0) return -1;
    log_note(r->log, "saved in epoch %u; the same command with --resume goes on", r->epoch + 1);
    return err_stopped(err);
}

/* The rest of the epoch under way. ERR_STOPPED after saving, between two steps. */
static int run_epoch(TrainRun *r, Err *err) {
    uint64_t n_steps = r->task->n_steps;
    int rc = 0;
    r->task->begin_epoch(r->task, r->epoch);
    while (rc == 0 && r->step < n_steps) {
        double loss = 0,
               rate = train_rate(r->o, r->epoch * n_steps + r->step, r->o->epochs * n_steps);
        rc = r->task->step(r->task, &r->plugin, r->step, rate, &loss, err);
        if (rc == 0 && !isfinite(loss))
            rc = err_io(err, "epoch %u, step %" PRIu64 ": the loss is not finite; try a lower --lr",
                        r->epoch + 1, r->step + 1);
        if (rc != 0) break;
        r->loss_sum += loss;
        r->step++;
        if (diag_stop_requested()) rc = stop(r, err);
        else if (diag_now_s() - r->t_saved_s > r->save_in_s) rc = save_state(r, err);
    }
    return rc;
}

/* What the best epoch has least of. The networks' error goes on falling while the rate does, when
 * the loss on single flows has long been flat. */
static double score(const EpochLoss *l) { return isfinite(l->error) ? l->error : l->held_out; }

static bool is_best(const TrainRun *r) {
    return r->best_epoch == 0 || r->task->n_held_out == 0 ||
           score(&r->history[r->epoch - 1]) < score(&r->history[r->best_epoch - 1]);
}

static int finish_epoch(TrainRun *r, Err *err) {
    EpochLoss *l = &r->history[r->epoch];
    l->train = r->loss_sum / (double)r->task->n_steps;
    l->held_out = l->error = l->p99 = NAN;
    if (r->task->n_held_out > 0 && r->task->held_out(r->task, &r->plugin, l, err) != 0) return -1;
    r->epoch++;
    r->step = 0;
    r->loss_sum = 0;
    if (!is_best(r)) return 0;
    r->best_epoch = r->epoch;
    return save_best(r, err);
}

static void note_epoch(TrainRun *r, bool last) {
    double now = diag_now_s();
    if (!last && now - r->t_noted_s < note_every_s) return;
    r->t_noted_s = now;
    const EpochLoss *l = &r->history[r->epoch - 1], *best = &r->history[r->best_epoch - 1],
                    *flowsim = &r->task->flowsim;
    double done = (double)(r->epoch * r->task->n_steps - r->steps_at_start),
           left = (double)((r->o->epochs - r->epoch) * r->task->n_steps);
    char error[128] = "";
    if (isfinite(l->error))
        snprintf(error, sizeof error,
                 "; networks %.2f %%, p99 %.2f %% (best %.2f, %.2f; flowSim %.2f, %.2f)",
                 100 * l->error, 100 * l->p99, 100 * best->error, 100 * best->p99,
                 100 * flowsim->error, 100 * flowsim->p99);
    log_note(r->log,
             "epoch %u/%u: loss %.4f, held out %.4f (best %.4f at %u, flowSim %.4f)%s, %.0f s left",
             r->epoch, r->o->epochs, l->train, l->held_out, best->held_out, r->best_epoch,
             flowsim->held_out, error, done > 0 ? (now - r->t_start_s) / done * left : 0);
}

static bool out_of_patience(const TrainRun *r) {
    return r->o->patience > 0 && r->epoch - r->best_epoch >= r->o->patience;
}

static int run_epochs(TrainRun *r, Err *err) {
    r->t_start_s = r->t_saved_s = r->t_noted_s = diag_now_s();
    r->steps_at_start = r->epoch * r->task->n_steps + r->step;
    bool last = r->epoch == r->o->epochs || (r->epoch > 0 && out_of_patience(r));
    while (!last) {
        if (run_epoch(r, err) != 0 || finish_epoch(r, err) != 0) return -1;
        last = r->epoch == r->o->epochs || out_of_patience(r);
        note_epoch(r, last);
    }
    return save_state(r, err);
}

/* ---- setting up ---- */

int train_check_split(const TrainTask *t, const TrainOptions *o, Err *err) {
    if (t->n_train == 0) return err_input(err, "%s: no sample is left to train on", o->dataset);
    if (t->n_held_out > 0 || o->split.share == 0) return 0;
    return err_input(err, "%s: no sample falls among the held-out ones; --holdout 0 trains on all",
                     o->dataset);
}

static float *first_weights(TrainRun *r, Err *err) {
    size_t n_floats;
    r->spec = r->o->spec;
    if (!r->o->init) {
        if (modelspec_check(&r->spec, "model", err) != 0) return NULL;
        ckpt_layout(&r->spec, NULL, 0, &n_floats);
        float *w = MEM_NEW(float, n_floats);
        ckpt_init_weights(&r->spec, r->o->seed, w);
        return w;
    }
    Ckpt c;
    if (ckpt_load(&c, r->o->init, err) != 0) return NULL;
    r->spec = c.spec;
    r->init_sha256 = MEM_NEW(char, 65);
    ckpt_sha256(&c, r->init_sha256);
    float *w = MEM_NEW(float, c.n_floats);
    memcpy(w, c.weights, c.n_floats * sizeof *w);
    ckpt_free(&c);
    return w;
}

static int create_trainer(TrainRun *r, Err *err) {
    const TrainOptions *o = r->o;
    char message[512] = "";
    TorchOptions t = {.lr = o->lr,
                      .beta1 = 0.9,
                      .beta2 = 0.95,
                      .weight_decay = o->weight_decay,
                      .dropout = o->dropout,
                      .grad_clip = o->grad_clip,
                      .average = o->average,
                      .input_noise = o->input_noise,
                      .seed = o->seed,
                      .threads = o->threads};
    snprintf(t.device, sizeof t.device, "%s", o->device);
    float *w = first_weights(r, err);
    if (!w) return -1;
    if ((r->spec.head == HEAD_FLOW) != r->flows) {
        free(w);
        return err_input(err, "%s: holds %s, and the model is one of %s", o->dataset,
                         r->flows ? "flows" : "paths", r->flows ? "paths" : "flows");
    }
    if (r->task->prepare) r->task->prepare(r->task, &r->spec, o->init != NULL, w);
    r->plugin.trainer = r->plugin.api->create(&r->spec, w, &t, message, sizeof message);
    free(w);
    return r->plugin.trainer ? 0 : train_plugin_failed(message, err);
}

/* What the manifest of a data set says it is. */
static int read_schema(const char *dir, char schema[32], Err *err) {
    char *path = file_join(dir, "manifest.json");
    JsonDoc *doc = json_open(path, err);
    free(path);
    if (!doc) return -1;
    Json root = json_root(doc);
    const char *text;
    int rc = json_need_string(&root, "schema", &text, err);
    if (rc == 0) snprintf(schema, 32, "%s", text);
    json_close(doc);
    return rc;
}

int train_is_flowdata(const char *dir, bool *is, Err *err) {
    char schema[32];
    if (read_schema(dir, schema, err) != 0) return -1;
    *is = strncmp(schema, "m3.flowset/", 11) == 0;
    return 0;
}

static int create_task(TrainRun *r, Err *err) {
    bool flows;
    if (datasplit_check(&r->o->split, err) != 0 ||
        train_is_flowdata(r->o->dataset, &flows, err) != 0)
        return -1;
    r->task = flows ? train_flows_new(r->o, err) : train_paths_new(r->o, err);
    if (!r->task) return -1;
    r->flows = flows;
    return 0;
}

/* Of a new run the first state is saved here: once anything has been said of it, it can be gone on
 * with. */
static int first_state(TrainRun *r, Err *err) {
    if (r->o->resume) return load_state(r, err);
    char *path = file_join(r->o->out, "progress.json");
    bool begun = file_exists(path);
    if (begun) err_input(err, "%s: a run is there already; give --resume or another --out", path);
    free(path);
    return begun ? -1 : save_state(r, err);
}

static int begin(TrainRun *r, Err *err) {
    if (create_task(r, err) != 0 || file_mkdirs(r->o->out, err) != 0 || create_trainer(r, err) != 0)
        return -1;
    r->history = MEM_ZNEW(EpochLoss, r->o->epochs);
    digest_options(r);
    if (first_state(r, err) != 0) return -1;
    sweep_states(r);
    log_note(r->log, "%zu %s to train on, %zu held out", r->task->n_train, r->task->unit,
             r->task->n_held_out);
    log_note(r->log, "training on %s with %s", r->plugin.api->device(r->plugin.trainer),
             r->plugin.api->version());
    return 0;
}

static void end(TrainRun *r) {
    if (r->plugin.trainer) r->plugin.api->destroy(r->plugin.trainer);
    if (r->task) r->task->destroy(r->task);
    free(r->init_sha256);
    free(r->history);
    free(r->state_file);
}

int train_run(const TrainOptions *o, const TorchApi *api, const Log *log, TrainResult *result,
              Err *err) {
    TrainRun r = {.o = o, .log = log};
    r.plugin = (TrainPlugin){.api = api, .spec = &r.spec};
    double t0 = diag_now_s();
    int rc = begin(&r, err);
    if (rc == 0) rc = run_epochs(&r, err);
    if (rc == 0) {
        const EpochLoss *best = &r.history[r.best_epoch - 1];
        *result = (TrainResult){.n_train = r.task->n_train,
                                .n_held_out = r.task->n_held_out,
                                .epochs = r.epoch,
                                .best_epoch = r.best_epoch,
                                .train_loss = best->train,
                                .held_out_loss = best->held_out,
                                .held_out_error = best->error,
                                .flowsim_loss = r.task->flowsim.held_out,
                                .flowsim_error = r.task->flowsim.error,
                                .wall_s = diag_now_s() - t0};
    }
    end(&r);
    return rc;
}
