/* m3 train: a data set → a checkpoint. */
#include "train/train.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/value.h"
#include "plugin/torch_load.h"

enum {
    OPT_DATASET,
    OPT_HOLDOUT,
    OPT_FOLD,
    OPT_COLLAPSED,
    OPT_OUT,
    OPT_DTYPE,
    OPT_PRESET,
    OPT_INIT,
    OPT_DIM,
    OPT_HIDDEN,
    OPT_LAYERS,
    OPT_HEADS,
    OPT_MLP,
    OPT_ATTENTION,
    OPT_EPOCHS,
    OPT_BATCH,
    OPT_FLOWS,
    OPT_LR,
    OPT_WARMUP,
    OPT_WEIGHT_DECAY,
    OPT_DROPOUT,
    OPT_GRAD_CLIP,
    OPT_INPUT_NOISE,
    OPT_AVERAGE,
    OPT_PATIENCE,
    OPT_RESUME,
    OPT_DEVICE
};
static const char *const attentions[] = {"full", "causal", NULL};
static const char *const devices[] = {"auto", "cpu", "cuda", NULL};
static const CliOption options[] = {
    [OPT_DATASET] = {"dataset", "DIR", "made by m3 dataset", "Data"},
    [OPT_HOLDOUT] = {"holdout", "SHARE", "of scenarios kept out of training (default 0.2)", "Data"},
    [OPT_FOLD] = {"fold", "N", "which share is held out, from 0 (default 0)", "Data"},
    [OPT_COLLAPSED] = {"collapsed", "SHARE",
                       "flow data: leave out networks where more than this share of the flows "
                       "takes over\n20 times the fluid time (default 0: none)",
                       "Data"},
    [OPT_OUT] = {"out", "DIR", "gets model.m3, the best so far, and what --resume needs", "Output"},
    [OPT_DTYPE] = {"dtype", "TYPE", "of model.m3: f32, f16 or bf16 (default f16)", "Output"},
    [OPT_PRESET] = {"preset", "NAME",
                    "flow for data of flows; compact or paper for data of paths\n(default: flow or "
                    "compact, by the data)",
                    "Model"},
    [OPT_INIT] = {"init", "FILE", "start from this checkpoint instead of fresh weights", "Model"},
    [OPT_DIM] = {"dim", "N", "width of the transformer, instead of the preset's", "Model"},
    [OPT_HIDDEN] = {"hidden", "N", "width of its feed-forward layers", "Model"},
    [OPT_LAYERS] = {"layers", "N", "its layers", "Model"},
    [OPT_HEADS] = {"heads", "N", "its attention heads", "Model"},
    [OPT_MLP] = {"mlp", "N", "width of both hidden layers of the MLP", "Model"},
    [OPT_ATTENTION] = {"attention", "KIND", "full or causal, instead of the preset's", "Model",
                       attentions},
    [OPT_EPOCHS] = {"epochs", "N", "passes over the data (default 100)", "Training"},
    [OPT_BATCH] = {"batch", "N", "samples a step (default 32), or paths (64)", "Training"},
    [OPT_FLOWS] = {"flows", "N",
                   "flow data: flows of a path a step, drawn anew each epoch (default 16)",
                   "Training"},
    [OPT_LR] = {"lr", "RATE", "highest learning rate (default 0.001); then a cosine to 0",
                "Training"},
    [OPT_WARMUP] = {"warmup", "SHARE", "of all steps in which it rises (default 0.05)", "Training"},
    [OPT_WEIGHT_DECAY] = {"weight-decay", "X",
                          "AdamW's, on the transformer's matrices (default 0.02)", "Training"},
    [OPT_DROPOUT] = {"dropout", "P", "in [0, 1) (default 0.2 for data of paths, 0 for flows)",
                     "Training"},
    [OPT_GRAD_CLIP] = {"grad-clip", "X", "largest norm of the gradient; 0: no limit (default 1)",
                       "Training"},
    [OPT_INPUT_NOISE] = {"input-noise", "X",
                         "flow data: added to normalised features of links and paths (default 0)",
                         "Training"},
    [OPT_AVERAGE] =
        {"average", "X",
         "keep the moving average of the weights; share of the past, as 0.999 (default 0: off)",
         "Training"},
    [OPT_PATIENCE] = {"patience", "N",
                      "stop after N epochs without gain on held-out samples; 0: never (default 0)",
                      "Training"},
    [OPT_RESUME] = {"resume", NULL, "go on with the run in --out; all other options as before",
                    "Training"},
    [OPT_DEVICE] = {"device", "NAME", "auto, cpu or cuda (default auto)", "Training", devices},
    {NULL, NULL, NULL, NULL}};

typedef struct {
    TrainOptions train;
    const char *preset;
    uint32_t dim, hidden, n_layers, n_heads, mlp; /* 0: the preset's */
    const char *attention;                        /* NULL: the preset's */
    uint32_t batch;                               /* 0: by the data */
    double dropout;                               /* −1: by the data */
} TrainCmd;

static int set_count(const char *value, int option, uint32_t lo, uint32_t *out, Err *err) {
    char what[32];
    snprintf(what, sizeof what, "--%s", options[option].name);
    return value_count32(value, what, lo, 1000000, out, err);
}

/* A number in [lo, hi). */
static int set_number(const char *value, int option, double lo, double hi, double *out, Err *err) {
    char what[32];
    snprintf(what, sizeof what, "--%s", options[option].name);
    if (units_parse_number(value, what, out, err) != 0) return -1;
    if (*out < lo || *out >= hi)
        return err_input(err, "%s: must be in [%g, %g), got %.40s", what, lo, hi, value);
    return 0;
}

/* One of the names, kept as it is. */
static int set_word(const char *value, const char *option, const char *const *names,
                    const char **word, Err *err) {
    int which;
    if (value_choice(value, option, names, &which, err) != 0) return -1;
    *word = names[which];
    return 0;
}

static void init(void *state) {
    TrainCmd *o = state;
    train_defaults(&o->train);
    o->dropout = -1;
}

static int set(void *state, int option, const char *value, Err *err) {
    TrainCmd *o = state;
    TrainOptions *t = &o->train;
    switch (option) {
    case OPT_DATASET: t->dataset = value; return 0;
    case OPT_HOLDOUT: return set_number(value, option, 0, 1, &t->split.share, err);
    case OPT_FOLD: return set_count(value, option, 0, &t->split.fold, err);
    case OPT_COLLAPSED: return set_number(value, option, 0, 1, &t->collapsed, err);
    case OPT_OUT: t->out = value; return 0;
    case OPT_DTYPE: return ckpt_dtype_parse(value, &t->dtype, err);
    case OPT_PRESET: o->preset = value; return 0;
    case OPT_INIT: t->init = value; return 0;
    case OPT_DIM: return set_count(value, option, 1, &o->dim, err);
    case OPT_HIDDEN: return set_count(value, option, 1, &o->hidden, err);
    case OPT_LAYERS: return set_count(value, option, 1, &o->n_layers, err);
    case OPT_HEADS: return set_count(value, option, 1, &o->n_heads, err);
    case OPT_MLP: return set_count(value, option, 1, &o->mlp, err);
    case OPT_ATTENTION: return set_word(value, "--attention", attentions, &o->attention, err);
    case OPT_EPOCHS: return set_count(value, option, 1, &t->epochs, err);
    case OPT_BATCH: return set_count(value, option, 1, &o->batch, err);
    case OPT_FLOWS: return set_count(value, option, 1, &t->n_flows, err);
    case OPT_LR: return set_number(value, option, 1e-9, 10, &t->lr, err);
    case OPT_WARMUP: return set_number(value, option, 0, 1, &t->warmup, err);
    case OPT_WEIGHT_DECAY: return set_number(value, option, 0, 10, &t->weight_decay, err);
    case OPT_DROPOUT: return set_number(value, option, 0, 1, &o->dropout, err);
    case OPT_GRAD_CLIP: return set_number(value, option, 0, 1e9, &t->grad_clip, err);
    case OPT_INPUT_NOISE: return set_number(value, option, 0, 10, &t->input_noise, err);
    case OPT_AVERAGE: return set_number(value, option, 0, 1, &t->average, err);
    case OPT_PATIENCE: return set_count(value, option, 0, &t->patience, err);
    case OPT_RESUME: t->resume = true; return 0;
    default: return set_word(value, "--device", devices, &t->device, err);
    }
}

static int choose_spec(TrainCmd *o, Err *err) {
    ModelSpec *s = &o->train.spec;
    bool flows;
    if (train_is_flowdata(o->train.dataset, &flows, err) != 0) return -1;
    o->train.batch = o->batch ? o->batch : flows ? 64 : 32;
    o->train.dropout = o->dropout >= 0 ? o->dropout : flows ? 0 : 0.2;
    if (!o->preset) o->preset = flows ? "flow" : "compact";
    if (modelspec_preset(s, o->preset, err) != 0) return err_wrap(err, "--preset");
    if (o->train.init &&
        (o->dim || o->hidden || o->n_layers || o->n_heads || o->mlp || o->attention))
        return err_input(err, "--init: the model's dimensions come from the checkpoint; leave "
                              "--dim and the like out");
    if (o->dim) s->dim = o->dim;
    if (o->hidden) s->hidden = o->hidden;
    if (o->n_layers) s->n_layers = o->n_layers;
    if (o->n_heads) s->n_heads = o->n_heads;
    if (o->mlp) s->mlp_h1 = s->mlp_h2 = o->mlp;
    if (o->attention) s->bidirectional = strcmp(o->attention, "full") == 0;
    return 0;
}

static int train(const TrainOptions *o, const Log *log, TrainResult *result, Err *err) {
    const TorchApi *api = torch_load(err);
    if (!api) {
        err->kind = ERR_IO; /* nothing is wrong with what the user gave */
        return -1;
    }
    return train_run(o, api, log, result, err);
}

static void print_result(const TrainResult *r, const char *out, bool json) {
    if (!json) {
        printf("%s/model.m3: epoch %u of %u, loss %.4f in training", out, r->best_epoch, r->epochs,
               r->train_loss);
        if (r->n_held_out > 0)
            printf(", %.4f on %zu held-out samples (flowSim alone %.4f)", r->held_out_loss,
                   r->n_held_out, r->flowsim_loss);
        if (isfinite(r->held_out_error))
            printf("; networks err by %.1f %% (flowSim alone %.1f %%)", 100 * r->held_out_error,
                   100 * r->flowsim_error);
        printf("; %.0f s\n", r->wall_s);
        return;
    }
    JsonOut j;
    json_out_init(&j, stdout);
    json_out_object(&j);
    json_put_string(&j, "out", out);
    json_put_count(&j, "n_train", r->n_train);
    json_put_count(&j, "n_held_out", r->n_held_out);
    json_put_int(&j, "epochs", r->epochs);
    json_put_int(&j, "best_epoch", r->best_epoch);
    json_put_number(&j, "train_loss", r->train_loss);
    json_put_number(&j, "held_out_loss", r->held_out_loss);
    json_put_number(&j, "held_out_error", r->held_out_error);
    json_put_number(&j, "flowsim_loss", r->flowsim_loss);
    json_put_number(&j, "flowsim_error", r->flowsim_error);
    json_put_number(&j, "wall_s", r->wall_s);
    json_out_end(&j, '}');
    json_out_finish(&j);
}

static int run(void *state, const CliCommon *common, Err *err) {
    TrainCmd *o = state;
    TrainResult result;
    o->train.seed = common->seed;
    o->train.threads = common->threads;
    if (!o->train.dataset || !o->train.out)
        return err_input(err, "train: --dataset and --out are needed; see 'm3 train --help'");
    if (choose_spec(o, err) != 0 || train(&o->train, &common->log, &result, err) != 0) return -1;
    print_result(&result, o->train.out, common->json);
    return 0;
}

const CliCommand cmd_train = {.name = "train",
                              .summary = "train a checkpoint",
                              .usage = "m3 train --dataset DIR --out DIR [options]",
                              .details =
                                  "Data of paths: minimises mean |estimate/truth - 1| over the "
                                  "slowdown percentiles of all paths. Data of flows: the pinball\n"
                                  "loss of quantiles of each flow's log slowdown. With AdamW, "
                                  "through the training plug-in (m3-torch.so, needs libtorch). "
                                  "Ctrl-C saves; --resume then goes on exactly. The same seed and "
                                  "number of threads give the\n"
                                  "same checkpoint.",
                              .options = options,
                              .state_size = sizeof(TrainCmd),
                              .init = init,
                              .set = set,
                              .run = run};
