/* torch_flow: the flow model on libtorch: quantiles of single flows and their loss. Its forward
 * pass is that of model/flowmodel.c; tests compare both.
 *
 * The loss is the pinball loss (Koenker and Bassett 1978) of each quantile on the logarithm of
 * slowdown: a proper scoring rule, so its minimum over many flows is the true conditional
 * distribution, however few flows one path has. */
#include <cmath>

#include "model/modelinput.h"
#include "plugin/torch_private.h"

using at::Tensor;

namespace {

/* x: an array of the caller → a tensor of that shape on the trainer's device. */
Tensor floats(const TorchTrainer &t, const float *x, at::IntArrayRef shape) {
    return at::from_blob(const_cast<float *>(x), shape, at::TensorOptions().dtype(at::kFloat))
        .to(t.device);
}

/* x: [.., k] → [.., k], clamped and normalised by values first … first + k − 1 of the tensors
 * name.lo, .hi, .mean and .scale. */
Tensor normalised(const TorchTrainer &t, const Tensor &x, const std::string &name, int64_t first) {
    const auto part = [&](const char *of) {
        return t.p.at(name + of).narrow(0, first, x.size(-1));
    };
    return (at::minimum(at::maximum(x, part(".lo")), part(".hi")) - part(".mean")) * part(".scale");
}

/* Adds noise in training, so that the model cannot recognise a network by the many digits of its
 * settings instead of learning from them. */
Tensor blurred(TorchTrainer &t, const Tensor &x) {
    if (!t.training || t.opt.input_noise <= 0) return x;
    return x + at::empty_like(x).normal_(0, t.opt.input_noise, t.rng);
}

/* path: [n_paths, path features], normalised → context [n_paths, dim]: the transformer over each
 * path's links, padded to the longest path. */
Tensor context(TorchTrainer &t, const TorchFlowBatch &b, const Tensor &path) {
    const int64_t n = b.n_paths, n_links = b.link_start[n], n_path = t.spec.n_path,
                  n_link = t.spec.n_feat - n_path;
    int64_t longest = 1;
    for (int64_t i = 0; i < n; i++)
        longest = std::max<int64_t>(longest, b.link_start[i + 1] - b.link_start[i]);
    Tensor slot = at::empty({n_links}, at::kLong), own = at::zeros({n, longest, 1}, at::kFloat);
    for (int64_t i = 0; i < n; i++)
        for (uint32_t l = b.link_start[i]; l < b.link_start[i + 1]; l++) {
            slot.data_ptr<int64_t>()[l] = i * longest + l - b.link_start[i];
            own.data_ptr<float>()[slot.data_ptr<int64_t>()[l]] = 1;
        }
    const Tensor link = blurred(t, normalised(t, floats(t, b.link, {n_links, n_link}), "token", 0));
    const Tensor padded = at::zeros({n * longest, n_link}, link.options())
                              .index_copy(0, slot.to(t.device), link)
                              .view({n, longest, n_link});
    const Tensor &embed = t.p.at("embed.weight");
    const Tensor shared =
        at::linear(path, embed.narrow(1, n_link, n_path), t.p.at("embed.bias")).unsqueeze(1);
    return torch_transformer(t,
                             torch_drop(t, at::linear(padded, embed.narrow(1, 0, n_link)) + shared),
                             own.to(t.device));
}

/* o: [flows, quantiles] outputs of the MLP, base: [flows] fluid slowdowns, level: [quantiles]
 * → logarithms of slowdown, [flows, quantiles] (apply_head in model/flowmodel.c). */
Tensor head(const Tensor &o, const Tensor &base, const Tensor &level) {
    const int64_t mid = FLOWHEAD_MIDDLE, n = o.size(1);
    const Tensor logit = at::log(level / (1 - level));
    const Tensor gap = (logit.narrow(0, 1, n - 1) - logit.narrow(0, 0, n - 1)) * FLOWHEAD_SPREAD;
    const Tensor middle = o.narrow(1, mid, 1) + base.log().unsqueeze(1);
    const Tensor up =
        (at::softplus(o.narrow(1, mid + 1, n - mid - 1)) * gap.narrow(0, mid, n - mid - 1))
            .cumsum(1);
    const Tensor down =
        (at::softplus(o.narrow(1, 0, mid)) * gap.narrow(0, 0, mid)).flip({1}).cumsum(1).flip({1});
    return at::cat({middle - down, middle, middle + up}, 1);
}

} // namespace

Tensor torch_flow_quantiles(TorchTrainer &t, const TorchFlowBatch &b) {
    const int64_t n = b.n_flows, n_path = t.spec.n_path, n_flow = t.spec.mlp_in_extra - n_path,
                  n_link = t.spec.n_feat - n_path;
    const Tensor path =
        blurred(t, normalised(t, floats(t, b.path, {b.n_paths, n_path}), "token", n_link));
    const Tensor shared = at::linear(at::cat({context(t, b, path), path}, 1), t.p.at("mlp.path"),
                                     t.p.at("mlp.0.bias"));
    Tensor of = at::empty({n}, at::kLong);
    for (int64_t i = 0; i < n; i++) of.data_ptr<int64_t>()[i] = b.flow_path[i];
    const Tensor flow = normalised(t, floats(t, b.flow, {n, n_flow}), "flow", 0);
    Tensor h = at::linear(flow, t.p.at("mlp.flow")) + shared.index_select(0, of.to(t.device));
    h = torch_drop(t, at::silu(h));
    h = torch_drop(t, at::silu(at::linear(h, t.p.at("mlp.1.weight"), t.p.at("mlp.1.bias"))));
    const Tensor o = at::linear(h, t.p.at("mlp.2.weight"), t.p.at("mlp.2.bias"));
    return head(o, floats(t, b.base, {n}), floats(t, b.level, {t.spec.n_out}));
}

Tensor torch_flow_loss(TorchTrainer &t, const TorchFlowBatch &b) {
    if (!b.truth || !b.weight) torch_fail("batch: no truth to compare with");
    const Tensor level = floats(t, b.level, {t.spec.n_out}),
                 level_weight = floats(t, b.level_weight, {t.spec.n_out});
    const Tensor weight = floats(t, b.weight, {b.n_flows});
    const Tensor above = floats(t, b.truth, {b.n_flows, 1}).log() - torch_flow_quantiles(t, b);
    const Tensor pinball = at::maximum(above * level, above * (level - 1));
    return at::matmul(weight, at::matmul(pinball, level_weight)) /
           (weight.sum() * level_weight.sum()).clamp_min(1e-30);
}
