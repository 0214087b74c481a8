/* torch_private: what the two halves of the training plug-in share. C++, for torch_*.cpp alone. */
#ifndef M3_PLUGIN_TORCH_PRIVATE_H
#define M3_PLUGIN_TORCH_PRIVATE_H
#include <ATen/ATen.h>

#include <map>
#include <string>

#include "plugin/torch_shim.h"

struct TorchTrainer {
    ModelSpec spec;
    TorchOptions opt;
    at::Device device{at::kCPU};
    std::string device_name;
    at::Generator rng;
    at::Tensor weights, grad, m, v,
        decays;         /* flat, [n_floats]; decays: 1 where weight decay applies */
    at::Tensor average; /* moving average of weights; undefined without */
    std::map<std::string, at::Tensor> p; /* by name: views into weights, with gradients in grad */
    int64_t n_floats = 0, n_steps = 0;
    bool training = false; /* dropout is on */
};

[[noreturn]] void
torch_fail(const std::string &what); /* throws; the C boundary turns it into a message */
/* torch_drop applies dropout to x, any shape, in training; else it returns x. */
at::Tensor torch_drop(TorchTrainer &t, const at::Tensor &x);
/* torch_transformer: x: embedded rows [n, L, dim], padded; own: [n, L, 1], 1 where a path has that
 * row. → mean over each path's own positions through layers, norm and output matrix, [n, dim];
 * zeros for a path without.
 */
at::Tensor torch_transformer(TorchTrainer &t, at::Tensor x, const at::Tensor &own);

/* torch_flow_quantiles (torch_flow.cpp) returns logarithms of slowdown, [flows, quantiles]. */
at::Tensor torch_flow_quantiles(TorchTrainer &t, const TorchFlowBatch &b);
/* torch_flow_loss returns the weighted mean pinball loss of a batch with truth, a scalar. */
at::Tensor torch_flow_loss(TorchTrainer &t, const TorchFlowBatch &b);
#endif
