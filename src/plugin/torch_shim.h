/* torch_shim: C ABI of the training plug-in (libtorch behind it; m3 train loads it at run time).
 *
 * No libtorch type and no C++ exception crosses this boundary. A trainer owns a copy of the model's
 * weights in the layout of ckpt_layout. Every function returns 0, or −1 with a message in errbuf.
 */
#ifndef M3_PLUGIN_TORCH_SHIM_H
#define M3_PLUGIN_TORCH_SHIM_H
#include <stddef.h>
#include <stdint.h>

#include "model/modelspec.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct TorchTrainer TorchTrainer;

typedef struct {
    double lr, beta1, beta2, weight_decay, dropout, grad_clip; /* grad_clip 0: none */
    double average; /* share of the past in a moving average of the weights, in [0, 1); 0: none */
    double input_noise; /* HEAD_FLOW: deviation of what is added to the normalised features of links
                           and paths; 0: none */
    uint64_t seed;
    int threads;     /* of matrix products, for large models; 0: all */
    char device[16]; /* "auto", "cpu", "cuda" */
} TorchOptions;

/* n paths of up to max_rows rows each. Row r of path i is at feat[(row_start[i] + r) × 1000]. */
typedef struct {
    uint32_t n;
    const uint32_t *row_start;    /* [n+1] */
    const float *pct;             /* [rows × 1000] */
    const uint16_t *present;      /* [rows] */
    const float *conf;            /* [n × 19] */
    const float *base;            /* [n × 400] */
    const float *base_count;      /* [n × 4] log1p of foreground flows per output bucket */
    const float *truth;           /* [n × 400] slowdown percentiles; NULL in forward */
    const uint8_t *truth_present; /* [n × 4] bucket has truth */
} TorchBatch;

/* Flows of n_paths paths, for HEAD_FLOW. Features are raw (model/flowfeat.h). */
typedef struct {
    uint32_t n_paths, n_flows;
    const uint32_t *link_start; /* [n_paths+1]; links of path i: link_start[i]..link_start[i+1]−1 */
    const float *link;          /* [links × FLOWFEAT_N_LINK] */
    const float *path;          /* [n_paths × FLOWFEAT_N_PATH] */
    const uint32_t *flow_path; /* [n_flows] path of a flow */
    const float *flow;         /* [n_flows × FLOWFEAT_N_FLOW] */
    const float *base;         /* [n_flows] fluid slowdown */
    const float *truth;        /* [n_flows] slowdown ≥ 1; NULL in forward */
    const float *weight;       /* [n_flows] in the loss; not NULL with truth */
    const float *level;        /* [n_out] of the quantiles */
    const float *level_weight; /* [n_out] in the loss */
} TorchFlowBatch;

/* Raised whenever a type or function here changes: a plug-in of another one is refused. */
#define TORCH_SHIM_ABI 3
#define TORCH_SHIM_SYMBOL "m3_torch_api"
typedef struct {
    int abi; /* TORCH_SHIM_ABI */
    const char *(*version)(void);
    TorchTrainer *(*create)(const ModelSpec *spec, const float *weights, const TorchOptions *opt,
                            char *errbuf, size_t errlen);
    void (*destroy)(TorchTrainer *);
    /* One AdamW step on the batch; *loss = mean |estimate/truth − 1| over present cells before it.
     * lr overrides the option. */
    int (*step)(TorchTrainer *, const TorchBatch *, double lr, double *loss, char *errbuf,
                size_t errlen);
    /* Estimates without dropout: out [n × 400] slowdowns (raw, as pathmodel_forward with raw =
     * true). */
    int (*forward)(TorchTrainer *, const TorchBatch *, float *out, char *errbuf, size_t errlen);
    int (*weights)(TorchTrainer *, float *out, char *errbuf,
                   size_t errlen); /* in ckpt_layout order */
    int (*average)(TorchTrainer *, float *out, char *errbuf,
                   size_t errlen); /* their moving average; without one: the weights */
    int (*set_weights)(TorchTrainer *, const float *in, char *errbuf, size_t errlen);
    /* Optimiser and generator state for exact resume. */
    int (*save_state)(TorchTrainer *, const char *path, char *errbuf, size_t errlen);
    int (*load_state)(TorchTrainer *, const char *path, char *errbuf, size_t errlen);
    const char *(*device)(TorchTrainer *);
    /* Gradients of the loss in ckpt_layout order, without a step: for finite-difference tests. */
    int (*gradients)(TorchTrainer *, const TorchBatch *, double *loss, float *grad, char *errbuf,
                     size_t errlen);
    /* step, forward and gradients of a HEAD_FLOW model. Loss: Σ weight · level_weight · pinball(log
     * truth − quantile) / (Σ weight · Σ level_weight); forward: out [n_flows × n_out] logarithms of
     * slowdown, as flowmodel_forward with raw = true. */
    int (*step_flows)(TorchTrainer *, const TorchFlowBatch *, double lr, double *loss, char *errbuf,
                      size_t errlen);
    int (*forward_flows)(TorchTrainer *, const TorchFlowBatch *, float *out, char *errbuf,
                         size_t errlen);
    int (*gradients_flows)(TorchTrainer *, const TorchFlowBatch *, double *loss, float *grad,
                           char *errbuf, size_t errlen);
} TorchApi;

#ifdef __cplusplus
}
#endif
#endif
