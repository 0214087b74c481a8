/* torch_shim: the training side of the model on libtorch, behind the C ABI of torch_shim.h.
 *
 * All weights are one flat tensor in ckpt_layout order; every named parameter is a view into it
 * with its own entry in a flat gradient of the same layout. So weights and gradients cross the
 * boundary as one copy, and AdamW (Loshchilov and Hutter 2019) is a few operations on whole
 * vectors. The forward follows model/pathmodel.c, batched with padding: attention is causal, so
 * rows of padding behind a path's own cannot reach them, and the mean leaves them out.
 *
 * Invariant: everything random comes from the trainer's own generator, so that (weights, moments,
 * step, generator) is the whole state and a resumed run is bit-exact. Exceptions stop at `guarded`.
 * Left out: the tensor layout, which is ckpt_layout's and handed over by the program with the
 * specification. */
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <torch/version.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "model/modelinput.h"
#include "plugin/torch_private.h"

using at::Tensor;

namespace {

enum {
    N_PCT = MODELINPUT_N_BUCKETS * MODELINPUT_N_PCT,
    N_CONF = MODELINPUT_N_CONF,
    N_OUT = 400, /* of the published head: percentiles 1 to 100 of four buckets */
    N_OUT_BUCKETS = 4
};

/* A batch of paths on the device. rows[n, longest, 1019] is padded with zeros; absent[n, longest,
 * 10, 1] is 1 where the learned vector goes; row 0 is apart. */
struct PathInputs {
    Tensor rows, absent, row0, absent0, lengths, extra, base, truth, mask;
};

} // namespace

void torch_fail(const std::string &what) { throw std::runtime_error(what); }

namespace {

/* The tensors. */

struct TensorShape {
    std::string name;
    int64_t rows, cols;
    bool decays, learned = true;
};

/* The order of ckpt_layout, which lives on the other side of the boundary; tests compare both
 * forwards. */
std::vector<TensorShape> layout_of(const ModelSpec &s) {
    const int64_t dim = s.dim, hidden = s.hidden, n_flow = s.mlp_in_extra - s.n_path;
    std::vector<TensorShape> t = {{"embed.weight", dim, s.n_feat, true},
                                  {"embed.bias", dim, 1, false}};
    for (uint32_t l = 0; l < s.n_layers; l++) {
        const std::string at = "l." + std::to_string(l) + ".";
        t.insert(t.end(), {{at + "attn_norm", dim, 1, false},
                           {at + "wq", dim, dim, true},
                           {at + "wk", dim, dim, true},
                           {at + "wv", dim, dim, true},
                           {at + "wo", dim, dim, true},
                           {at + "ffn_norm", dim, 1, false},
                           {at + "w1", hidden, dim, true},
                           {at + "w2", dim, hidden, true},
                           {at + "w3", hidden, dim, true}});
    }
    t.insert(t.end(), {{"final_norm", dim, 1, false}, {"output", dim, dim, true}});
    const bool flow = s.head == HEAD_FLOW; /* then all matrices decay */
    if (flow)
        t.insert(t.end(), {{"mlp.flow", s.mlp_h1, n_flow, true},
                           {"mlp.path", s.mlp_h1, dim + s.n_path, true}});
    else t.push_back({"mlp.0.weight", s.mlp_h1, dim + s.n_feat + s.mlp_in_extra, false});
    t.insert(t.end(), {{"mlp.0.bias", s.mlp_h1, 1, false},
                       {"mlp.1.weight", s.mlp_h2, s.mlp_h1, flow},
                       {"mlp.1.bias", s.mlp_h2, 1, false},
                       {"mlp.2.weight", s.n_out, s.mlp_h2, flow},
                       {"mlp.2.bias", s.n_out, 1, false}});
    if (!flow) {
        t.push_back({"empty", MODELINPUT_N_PCT, 1, false});
        return t;
    }
    for (const char *of : {"lo", "hi", "mean", "scale"})
        t.push_back({std::string("token.") + of, s.n_feat, 1, false, false});
    for (const char *of : {"lo", "hi", "mean", "scale"})
        t.push_back({std::string("flow.") + of, n_flow, 1, false, false});
    return t;
}

void make_parameters(TorchTrainer &t, const float *weights) {
    const auto shapes = layout_of(t.spec);
    for (const TensorShape &s : shapes) t.n_floats += s.rows * s.cols;
    const auto f32 = at::TensorOptions().dtype(at::kFloat);
    Tensor decays = at::zeros({t.n_floats}, f32);
    t.weights = at::from_blob(const_cast<float *>(weights), {t.n_floats}, f32).clone().to(t.device);
    t.grad = at::zeros_like(t.weights);
    t.m = at::zeros_like(t.weights);
    t.v = at::zeros_like(t.weights);
    if (t.opt.average > 0) t.average = t.weights.clone();
    int64_t at = 0;
    for (const TensorShape &s : shapes) {
        const int64_t n = s.rows * s.cols;
        const auto view = [&](const Tensor &flat) {
            return s.cols == 1 ? flat.narrow(0, at, n)
                               : flat.narrow(0, at, n).view({s.rows, s.cols});
        };
        Tensor p = view(t.weights).detach().set_requires_grad(s.learned);
        if (s.learned) p.mutable_grad() = view(t.grad);
        t.p.emplace(s.name, p);
        if (s.decays) decays.narrow(0, at, n).fill_(1);
        at += n;
    }
    t.decays = decays.to(t.device);
}

/* The batch. */

PathInputs inputs_of(const TorchTrainer &t, const TorchBatch &b) {
    const ModelSpec &s = t.spec;
    const auto f32 = at::TensorOptions().dtype(at::kFloat);
    const int64_t n = b.n;
    int64_t longest = 1;
    for (int64_t i = 0; i < n; i++) {
        if (b.row_start[i + 1] <= b.row_start[i])
            torch_fail("batch: path " + std::to_string(i) + " has no rows");
        longest = std::max<int64_t>(longest, b.row_start[i + 1] - b.row_start[i] - 1);
    }
    Tensor rows = at::zeros({n, longest, N_PCT + N_CONF}, f32),
           absent = at::zeros({n, longest, MODELINPUT_N_BUCKETS, 1}, f32);
    Tensor row0 = at::zeros({n, N_PCT + N_CONF}, f32),
           absent0 = at::zeros({n, MODELINPUT_N_BUCKETS, 1}, f32), lengths = at::zeros({n}, f32);
    for (int64_t i = 0; i < n; i++) {
        const int64_t n_rows = b.row_start[i + 1] - b.row_start[i];
        float conf[N_CONF];
        std::memcpy(conf, b.conf + i * N_CONF, sizeof conf);
        if (s.log_inputs) modelinput_scale_conf(conf);
        lengths.data_ptr<float>()[i] = static_cast<float>(n_rows - 1);
        for (int64_t r = 0; r < n_rows; r++) {
            const size_t from = b.row_start[i] + static_cast<size_t>(r),
                         slot = static_cast<size_t>(i * longest + r - 1);
            float *row = r == 0 ? row0.data_ptr<float>() + i * (N_PCT + N_CONF)
                                : rows.data_ptr<float>() + slot * (N_PCT + N_CONF);
            float *gone = r == 0 ? absent0.data_ptr<float>() + i * MODELINPUT_N_BUCKETS
                                 : absent.data_ptr<float>() + slot * MODELINPUT_N_BUCKETS;
            const uint16_t present = b.present[from];
            for (int k = 0; k < MODELINPUT_N_BUCKETS; k++) {
                if (present >> k & 1)
                    std::memcpy(row + k * MODELINPUT_N_PCT,
                                b.pct + from * N_PCT + k * MODELINPUT_N_PCT,
                                MODELINPUT_N_PCT * sizeof(float));
                else gone[k] = s.zero_rows && present == 0 ? 0.0f : 1.0f;
            }
            if (s.log_inputs) modelinput_scale_pct(row, present);
            std::memcpy(row + N_PCT, conf, sizeof conf);
        }
    }
    PathInputs in;
    in.rows = rows.to(t.device);
    in.absent = absent.to(t.device);
    in.row0 = row0.to(t.device);
    in.absent0 = absent0.to(t.device);
    in.lengths = lengths.to(t.device);
    if (s.head == HEAD_RESIDUAL) {
        Tensor base = at::from_blob(const_cast<float *>(b.base), {n, N_OUT}, f32);
        Tensor count = at::from_blob(const_cast<float *>(b.base_count), {n, N_OUT_BUCKETS}, f32);
        in.base = base.clone().to(t.device);
        in.extra = at::cat({base.log(), count}, 1).to(t.device);
    }
    if (b.truth) {
        Tensor mask = at::zeros({n, N_OUT_BUCKETS, 1}, f32), truth = at::ones({n, N_OUT}, f32);
        for (int64_t k = 0; k < n * N_OUT_BUCKETS; k++) {
            if (!b.truth_present[k]) continue;
            mask.data_ptr<float>()[k] = 1;
            std::memcpy(truth.data_ptr<float>() + k * MODELINPUT_N_PCT,
                        b.truth + k * MODELINPUT_N_PCT, MODELINPUT_N_PCT * sizeof(float));
        }
        in.truth = truth.to(t.device);
        in.mask =
            mask.expand({n, N_OUT_BUCKETS, MODELINPUT_N_PCT}).reshape({n, N_OUT}).to(t.device);
    }
    return in;
}

} // namespace

Tensor torch_drop(TorchTrainer &t, const Tensor &x) {
    if (!t.training || t.opt.dropout <= 0) return x;
    const double keep = 1 - t.opt.dropout;
    return x * at::empty_like(x, at::TensorOptions().requires_grad(false))
                   .bernoulli_(keep, t.rng)
                   .div_(keep);
}

namespace {

/* The forward pass of model/pathmodel.c and model/transformer.c. */

/* The learned vector goes where a bucket is absent: [.., 1000 + 19]. */
Tensor fill(const TorchTrainer &t, const Tensor &rows, const Tensor &absent) {
    auto shape = rows.sizes().vec();
    shape.back() = N_PCT;
    const Tensor learned = (absent * t.p.at("empty")).reshape(shape);
    return at::cat({rows.narrow(-1, 0, N_PCT) + learned, rows.narrow(-1, N_PCT, N_CONF)}, -1);
}

Tensor rmsnorm(const Tensor &x, const Tensor &gain) {
    return x * at::rsqrt(x.square().mean(-1, true) + 1e-5) * gain;
}

/* Rotates the interleaved pairs of x [n, L, heads, head_dim] by position (nn_rope in C). */
Tensor rope(const Tensor &x) {
    const int64_t len = x.size(1), half = x.size(3) / 2;
    const auto f64 = x.options().dtype(at::kDouble).requires_grad(false);
    const Tensor freq =
        at::pow(at::full({half}, 10000.0, f64), -at::arange(half, f64) / static_cast<double>(half));
    const Tensor angle = at::arange(len, f64).unsqueeze(1) * freq;
    const Tensor c = angle.cos().to(at::kFloat).view({1, len, 1, half}),
                 s = angle.sin().to(at::kFloat).view({1, len, 1, half});
    const Tensor pairs = x.reshape({x.size(0), len, x.size(2), half, 2});
    const Tensor a = pairs.select(-1, 0), b = pairs.select(-1, 1);
    return at::stack({a * c - b * s, a * s + b * c}, -1).reshape(x.sizes());
}

/* hidden: [n or 1, 1, L or 1, L], true where a position (third) does not attend to another
 * (fourth). */
Tensor attention(TorchTrainer &t, const Tensor &h, const Tensor &hidden,
                 const std::string &at_layer) {
    const int64_t n = h.size(0), len = h.size(1), heads = t.spec.n_heads,
                  head_dim = t.spec.dim / heads;
    const auto project = [&](const char *name) {
        return at::linear(h, t.p.at(at_layer + name)).view({n, len, heads, head_dim});
    };
    const Tensor q = rope(project("wq")).transpose(1, 2), k = rope(project("wk")).transpose(1, 2),
                 v = project("wv").transpose(1, 2);
    const Tensor score =
        (at::matmul(q, k.transpose(2, 3)) / std::sqrt(static_cast<double>(head_dim)))
            .masked_fill(hidden, -1e30);
    const Tensor mixed = at::matmul(torch_drop(t, at::softmax(score, -1)), v)
                             .transpose(1, 2)
                             .reshape({n, len, heads * head_dim});
    return torch_drop(t, at::linear(mixed, t.p.at(at_layer + "wo")));
}

Tensor feed_forward(TorchTrainer &t, const Tensor &h, const std::string &at_layer) {
    const Tensor gate = at::silu(at::linear(h, t.p.at(at_layer + "w1"))),
                 up = at::linear(h, t.p.at(at_layer + "w3"));
    return torch_drop(t, at::linear(gate * up, t.p.at(at_layer + "w2")));
}

} // namespace

Tensor torch_transformer(TorchTrainer &t, Tensor x, const Tensor &own) {
    const int64_t len = x.size(1);
    const Tensor hidden =
        t.spec.bidirectional
            ? own.lt(0.5).view({-1, 1, 1, len}) /* padding */
            : at::ones({len, len}, own.options().dtype(at::kBool)).triu(1).view({1, 1, len, len});
    for (uint32_t l = 0; l < t.spec.n_layers; l++) {
        const std::string at_layer = "l." + std::to_string(l) + ".";
        x = x + attention(t, rmsnorm(x, t.p.at(at_layer + "attn_norm")), hidden, at_layer);
        x = x + feed_forward(t, rmsnorm(x, t.p.at(at_layer + "ffn_norm")), at_layer);
    }
    const Tensor mean = (rmsnorm(x, t.p.at("final_norm")) * own).sum(1) / own.sum(1).clamp_min(1);
    return at::linear(mean, t.p.at("output"));
}

namespace {

Tensor sequence(TorchTrainer &t, const PathInputs &in) {
    const Tensor x = torch_drop(
        t, at::linear(fill(t, in.rows, in.absent), t.p.at("embed.weight"), t.p.at("embed.bias")));
    return torch_transformer(t, x,
                             (at::arange(x.size(1), in.lengths.options()) < in.lengths.unsqueeze(1))
                                 .to(at::kFloat)
                                 .unsqueeze(2));
}

/* Slowdowns, [n, 400]. */
Tensor estimate(TorchTrainer &t, const PathInputs &in) {
    std::vector<Tensor> parts = {fill(t, in.row0, in.absent0), sequence(t, in)};
    if (t.spec.head == HEAD_RESIDUAL) parts.push_back(in.extra);
    Tensor h = at::cat(parts, 1);
    h = torch_drop(t, at::relu(at::linear(h, t.p.at("mlp.0.weight"), t.p.at("mlp.0.bias"))));
    h = torch_drop(t, at::relu(at::linear(h, t.p.at("mlp.1.weight"), t.p.at("mlp.1.bias"))));
    const Tensor o = at::linear(h, t.p.at("mlp.2.weight"), t.p.at("mlp.2.bias"));
    return t.spec.head == HEAD_RESIDUAL ? in.base * (o + at::sqrt(1 + o * o)) : 1 + o;
}

Tensor loss_of(TorchTrainer &t, const TorchBatch &b) {
    if (!b.truth) torch_fail("batch: no truth to compare with");
    const PathInputs in = inputs_of(t, b);
    return ((estimate(t, in) / in.truth - 1).abs() * in.mask).sum() / in.mask.sum().clamp_min(1);
}

Tensor loss_of(TorchTrainer &t, const TorchFlowBatch &b) { return torch_flow_loss(t, b); }

/* Fills t.grad with the gradient; returns the loss. */
template <class Batch> double backward(TorchTrainer &t, const Batch &b, bool training) {
    t.grad.zero_();
    t.training = training;
    const Tensor loss = loss_of(t, b);
    t.training = false;
    loss.backward();
    const double value = loss.item<double>();
    if (!std::isfinite(value))
        torch_fail("loss is not finite after " + std::to_string(t.n_steps) + " steps");
    return value;
}

void adamw(TorchTrainer &t, double lr) {
    const at::NoGradGuard no_grad;
    const TorchOptions &o = t.opt;
    if (o.grad_clip > 0) {
        const double norm = t.grad.norm().item<double>();
        if (norm > o.grad_clip) t.grad.mul_(o.grad_clip / norm);
    }
    t.n_steps++;
    const double c1 = 1 - std::pow(o.beta1, static_cast<double>(t.n_steps)),
                 c2 = 1 - std::pow(o.beta2, static_cast<double>(t.n_steps));
    t.weights.mul_(1 - t.decays * (lr * o.weight_decay));
    t.m.mul_(o.beta1).add_(t.grad, 1 - o.beta1);
    t.v.mul_(o.beta2).addcmul_(t.grad, t.grad, 1 - o.beta2);
    t.weights.addcdiv_(t.m, (t.v / c2).sqrt_().add_(1e-8), -lr / c1);
    /* In the first steps the plain mean of all steps so far, so that the initial weights do not
     * count. */
    if (o.average > 0)
        t.average.lerp_(t.weights,
                        1 - std::min(o.average, 1 - 1.0 / static_cast<double>(t.n_steps)));
}

/* The vectors that a resumed run needs. */
std::vector<Tensor> state_of(const TorchTrainer &t) {
    std::vector<Tensor> x = {t.weights, t.m, t.v};
    if (t.average.defined()) x.push_back(t.average);
    return x;
}

/* State files: "m3state1", n_floats, n_steps, bytes of generator state, weights, m, v, average if
 * any, generator, FNV-1a over 64-bit words.
 */

constexpr char state_magic[8] = {'m', '3', 's', 't', 'a', 't', 'e', '1'};

uint64_t sum_of(const std::string &bytes) {
    uint64_t h = 0xcbf29ce484222325u ^ bytes.size();
    for (size_t i = 0; i < bytes.size(); i += 8) {
        uint64_t w = 0;
        std::memcpy(&w, bytes.data() + i, std::min<size_t>(8, bytes.size() - i));
        h = (h ^ w) * 0x100000001b3u;
        h ^= h >> 32;
    }
    return h;
}

void append(std::string &to, const Tensor &x) {
    const Tensor c = x.to(at::kCPU).contiguous();
    to.append(static_cast<const char *>(c.data_ptr()), c.nbytes());
}

void write_state(const TorchTrainer &t, const std::string &path) {
    const Tensor rng = t.rng.get_state();
    const uint64_t head[3] = {static_cast<uint64_t>(t.n_floats), static_cast<uint64_t>(t.n_steps),
                              rng.nbytes()};
    std::string bytes(state_magic, sizeof state_magic);
    bytes.append(reinterpret_cast<const char *>(head), sizeof head);
    for (const Tensor &x : state_of(t)) append(bytes, x);
    append(bytes, rng);
    const uint64_t sum = sum_of(bytes);
    bytes.append(reinterpret_cast<const char *>(&sum), sizeof sum);
    const std::string tmp = path + ".tmp";
    FILE *f = std::fopen(tmp.c_str(), "wb");
    if (!f) torch_fail(path + ": cannot write: " + std::strerror(errno));
    const bool wrote = std::fwrite(bytes.data(), 1, bytes.size(), f) == bytes.size();
    const bool closed = std::fclose(f) == 0;
    if (wrote && closed && std::rename(tmp.c_str(), path.c_str()) == 0) return;
    const int code = errno;
    std::remove(tmp.c_str());
    torch_fail(path + ": cannot write: " + std::strerror(code));
}

std::string read_file(const std::string &path) {
    FILE *f = std::fopen(path.c_str(), "rb");
    if (!f) torch_fail(path + ": cannot open: " + std::strerror(errno));
    std::string bytes;
    char block[1 << 16];
    for (size_t n; (n = std::fread(block, 1, sizeof block, f)) > 0;) bytes.append(block, n);
    const bool bad = std::ferror(f) != 0;
    std::fclose(f);
    if (bad) torch_fail(path + ": cannot read");
    return bytes;
}

void read_state(TorchTrainer &t, const std::string &path) {
    std::string bytes = read_file(path);
    uint64_t head[3], sum;
    const size_t start = sizeof state_magic + sizeof head, n_rng = t.rng.get_state().nbytes();
    const size_t want = start +
                        state_of(t).size() * static_cast<size_t>(t.n_floats) * sizeof(float) +
                        n_rng + sizeof sum;
    if (bytes.size() < start || std::memcmp(bytes.data(), state_magic, sizeof state_magic) != 0)
        torch_fail(path + ": not a training state of m3");
    if (bytes.size() != want)
        torch_fail(path + ": length: this model's state has " + std::to_string(want) +
                   " bytes, got " + std::to_string(bytes.size()));
    std::memcpy(&sum, bytes.data() + want - sizeof sum, sizeof sum);
    bytes.resize(want - sizeof sum);
    if (sum != sum_of(bytes)) torch_fail(path + ": checksum does not match: the file is damaged");
    std::memcpy(head, bytes.data() + sizeof state_magic, sizeof head);
    if (head[0] != static_cast<uint64_t>(t.n_floats) || head[2] != n_rng)
        torch_fail(path + ": state of another model or device");
    const at::NoGradGuard no_grad;
    char *at = &bytes[start];
    for (const Tensor &x : state_of(t)) {
        x.copy_(at::from_blob(at, {t.n_floats}, at::TensorOptions().dtype(at::kFloat)));
        at += t.n_floats * static_cast<int64_t>(sizeof(float));
    }
    t.rng.set_state(
        at::from_blob(at, {static_cast<int64_t>(n_rng)}, at::TensorOptions().dtype(at::kByte))
            .clone());
    t.n_steps = static_cast<int64_t>(head[1]);
}

/* The boundary. */

/* Runs f; an exception becomes one line in errbuf and −1. */
template <class F> int guarded(char *errbuf, size_t errlen, F f) noexcept {
    try {
        f();
        return 0;
    } catch (const c10::Error &e) {
        std::snprintf(errbuf, errlen, "libtorch: %s", e.what_without_backtrace());
    } catch (const std::exception &e) {
        std::snprintf(errbuf, errlen, "%s", e.what());
    } catch (...) {
        std::snprintf(errbuf, errlen, "libtorch: unknown exception");
    }
    for (size_t i = 0; i < errlen && errbuf[i]; i++)
        if (errbuf[i] == '\n') errbuf[i] = ' ';
    return -1;
}

at::Device pick_device(const std::string &name) {
    if (name == "cpu" || (name == "auto" && !at::hasCUDA())) return at::kCPU;
    if (name != "auto" && name != "cuda")
        torch_fail("device: expected auto, cpu or cuda, got '" + name + "'");
    if (!at::hasCUDA()) torch_fail("device cuda: this libtorch sees no CUDA device");
    return at::Device(at::kCUDA, 0);
}

/* The time goes into matrix products, so threads go to the OpenBLAS under libtorch, which has no
 * other switch, and only for models whose products outlast waking a thread. ATen's own loops stay
 * on one: OpenMP's workers spin while they wait, and where cores are shared a step of the compact
 * model then takes 140 ms instead of 8. */
void set_threads(int n, const ModelSpec &spec) {
    at::set_num_threads(1);
    void *f = dlsym(RTLD_DEFAULT, "openblas_set_num_threads");
    if (!f) return;
    const int all = static_cast<int>(std::thread::hardware_concurrency());
    reinterpret_cast<void (*)(int)>(f)(spec.dim < 256 ? 1 : n > 0 ? n : std::max(1, all));
}

const char *api_version() { return "libtorch " TORCH_VERSION; }

TorchTrainer *api_create(const ModelSpec *spec, const float *weights, const TorchOptions *opt,
                         char *errbuf, size_t errlen) {
    std::unique_ptr<TorchTrainer> t;
    const int rc = guarded(errbuf, errlen, [&] {
        t = std::make_unique<TorchTrainer>();
        t->spec = *spec;
        t->opt = *opt;
        t->device = pick_device(std::string(opt->device, strnlen(opt->device, sizeof opt->device)));
        t->device_name = t->device.str();
        set_threads(opt->threads, t->spec);
        t->rng = at::globalContext().defaultGenerator(t->device).clone();
        t->rng.set_current_seed(opt->seed);
        make_parameters(*t, weights);
    });
    return rc == 0 ? t.release() : nullptr;
}

void api_destroy(TorchTrainer *t) { delete t; }

int api_step(TorchTrainer *t, const TorchBatch *b, double lr, double *loss, char *errbuf,
             size_t errlen) {
    return guarded(errbuf, errlen, [&] {
        *loss = backward(*t, *b, true);
        adamw(*t, lr);
    });
}

int api_step_flows(TorchTrainer *t, const TorchFlowBatch *b, double lr, double *loss, char *errbuf,
                   size_t errlen) {
    return guarded(errbuf, errlen, [&] {
        *loss = backward(*t, *b, true);
        adamw(*t, lr);
    });
}

int api_forward_flows(TorchTrainer *t, const TorchFlowBatch *b, float *out, char *errbuf,
                      size_t errlen) {
    return guarded(errbuf, errlen, [&] {
        const at::NoGradGuard no_grad;
        const Tensor y = torch_flow_quantiles(*t, *b).to(at::kCPU).contiguous();
        std::memcpy(out, y.data_ptr(), y.nbytes());
    });
}

int api_forward(TorchTrainer *t, const TorchBatch *b, float *out, char *errbuf, size_t errlen) {
    return guarded(errbuf, errlen, [&] {
        const at::NoGradGuard no_grad;
        const Tensor y = estimate(*t, inputs_of(*t, *b)).to(at::kCPU).contiguous();
        std::memcpy(out, y.data_ptr(), y.nbytes());
    });
}

void copy_out(const Tensor &flat, float *out) {
    const Tensor c = flat.to(at::kCPU).contiguous();
    std::memcpy(out, c.data_ptr(), c.nbytes());
}

int api_weights(TorchTrainer *t, float *out, char *errbuf, size_t errlen) {
    return guarded(errbuf, errlen, [&] { copy_out(t->weights, out); });
}

int api_average(TorchTrainer *t, float *out, char *errbuf, size_t errlen) {
    return guarded(errbuf, errlen,
                   [&] { copy_out(t->average.defined() ? t->average : t->weights, out); });
}

int api_set_weights(TorchTrainer *t, const float *in, char *errbuf, size_t errlen) {
    return guarded(errbuf, errlen, [&] {
        const at::NoGradGuard no_grad;
        t->weights.copy_(at::from_blob(const_cast<float *>(in), {t->n_floats},
                                       at::TensorOptions().dtype(at::kFloat)));
    });
}

int api_save_state(TorchTrainer *t, const char *path, char *errbuf, size_t errlen) {
    return guarded(errbuf, errlen, [&] { write_state(*t, path); });
}

int api_load_state(TorchTrainer *t, const char *path, char *errbuf, size_t errlen) {
    return guarded(errbuf, errlen, [&] { read_state(*t, path); });
}

const char *api_device(TorchTrainer *t) { return t->device_name.c_str(); }

int api_gradients(TorchTrainer *t, const TorchBatch *b, double *loss, float *grad, char *errbuf,
                  size_t errlen) {
    return guarded(errbuf, errlen, [&] {
        *loss = backward(*t, *b, false);
        copy_out(t->grad, grad);
    });
}

int api_gradients_flows(TorchTrainer *t, const TorchFlowBatch *b, double *loss, float *grad,
                        char *errbuf, size_t errlen) {
    return guarded(errbuf, errlen, [&] {
        *loss = backward(*t, *b, false);
        copy_out(t->grad, grad);
    });
}

} // namespace

extern "C" {
extern const TorchApi m3_torch_api;
const TorchApi m3_torch_api = {
    TORCH_SHIM_ABI,  api_version,    api_create,        api_destroy,
    api_step,        api_forward,    api_weights,       api_average,
    api_set_weights, api_save_state, api_load_state,    api_device,
    api_gradients,   api_step_flows, api_forward_flows, api_gradients_flows};
}
