/* flowmodel_case: paths with made-up features, and small flow models, for tests of the forward
 * passes in C and in the training plug-in. To be included after cmocka.h. */
#ifndef M3_TESTS_FLOWMODEL_CASE_H
#define M3_TESTS_FLOWMODEL_CASE_H
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "model/ckpt.h"
#include "model/flowmodel.h"

enum { FLOWMODEL_CASE_N = 70, FLOWMODEL_CASE_MAX_LINKS = 6, FLOWMODEL_CASE_MAX_FLOWS = 5 };

/* Paths of 1..6 links and 0..5 flows with features of order 1, as the C model takes them; with
 * made-up truths and weights, for the training plug-in. */
typedef struct {
    FlowFeat map[FLOWMODEL_CASE_N];
    const FlowFeat *maps[FLOWMODEL_CASE_N];
    float link[FLOWMODEL_CASE_N * FLOWMODEL_CASE_MAX_LINKS * FLOWFEAT_N_LINK],
        path[FLOWMODEL_CASE_N * FLOWFEAT_N_PATH];
    float flow[FLOWMODEL_CASE_N * FLOWMODEL_CASE_MAX_FLOWS * FLOWFEAT_N_FLOW],
        base[FLOWMODEL_CASE_N * FLOWMODEL_CASE_MAX_FLOWS],
        truth[FLOWMODEL_CASE_N * FLOWMODEL_CASE_MAX_FLOWS],
        weight[FLOWMODEL_CASE_N * FLOWMODEL_CASE_MAX_FLOWS];
    float level_weight[FLOWMODEL_N_Q];
    uint32_t link_start[FLOWMODEL_CASE_N + 1],
        flow_path[FLOWMODEL_CASE_N * FLOWMODEL_CASE_MAX_FLOWS], n_flows;
} FlowModelCase;

static inline void flowmodel_case_normals(Rng *rng, float *x, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] = (float)rng_normal(rng);
}

/* flowmodel_case_new draws them, the same ones each time; release with free. */
static inline FlowModelCase *flowmodel_case_new(void) {
    FlowModelCase *d = MEM_ZNEW(FlowModelCase, 1);
    Rng rng = rng_stream(7, "flowmodel test", 0);
    flowmodel_case_normals(&rng, d->link, sizeof d->link / sizeof *d->link);
    flowmodel_case_normals(&rng, d->path, sizeof d->path / sizeof *d->path);
    flowmodel_case_normals(&rng, d->flow, sizeof d->flow / sizeof *d->flow);
    for (uint32_t i = 0; i < FLOWMODEL_CASE_N; i++) {
        FlowFeat *m = &d->map[i];
        *m = (FlowFeat){.n_links = 1 + i % FLOWMODEL_CASE_MAX_LINKS,
                        .n_flows = i % (FLOWMODEL_CASE_MAX_FLOWS + 1)};
        m->link = d->link + (size_t)d->link_start[i] * FLOWFEAT_N_LINK;
        m->path = d->path + (size_t)i * FLOWFEAT_N_PATH;
        m->flow = d->flow + (size_t)d->n_flows * FLOWFEAT_N_FLOW;
        m->base = d->base + d->n_flows;
        d->link_start[i + 1] = d->link_start[i] + m->n_links;
        for (uint32_t k = 0; k < m->n_flows; k++, d->n_flows++) {
            d->flow_path[d->n_flows] = i;
            d->base[d->n_flows] = (float)exp(rng_exponential(&rng));
            d->truth[d->n_flows] = (float)exp(rng_exponential(&rng));
            d->weight[d->n_flows] = (float)rng_u01(&rng);
        }
        d->maps[i] = m;
    }
    for (int k = 0; k < FLOWMODEL_N_Q; k++) d->level_weight[k] = (float)rng_uniform(&rng, 0.5, 2);
    return d;
}

/* flowmodel_case_spec returns a flow model whose every width is another number. */
static inline ModelSpec flowmodel_case_spec(bool bidirectional) {
    ModelSpec s;
    assert_int_equal(modelspec_preset(&s, "flow", NULL), 0);
    s.dim = 8;
    s.hidden = 12;
    s.n_heads = 2;
    s.mlp_h1 = 7;
    s.mlp_h2 = 6;
    s.bidirectional = bidirectional;
    assert_int_equal(modelspec_check(&s, "small", NULL), 0);
    return s;
}

/* flowmodel_case_fresh returns a checkpoint as training begins with; release with ckpt_free. */
static inline Ckpt flowmodel_case_fresh(const ModelSpec *s) {
    Ckpt c = {.spec = *s};
    ckpt_layout(s, NULL, 0, &c.n_floats);
    c.weights = MEM_NEW(float, c.n_floats);
    ckpt_init_weights(s, 1, c.weights);
    return c;
}

/* flowmodel_case_tensor finds a tensor; flowmodel_case_set sets its elements to hi, lo, hi, … */
static inline CkptTensor flowmodel_case_tensor(const Ckpt *c, const char *name) {
    CkptTensor t[CKPT_MAX_TENSORS];
    size_t n_floats, n = ckpt_layout(&c->spec, t, CKPT_MAX_TENSORS, &n_floats);
    for (size_t i = 0; i < n; i++)
        if (strcmp(t[i].name, name) == 0) return t[i];
    fail_msg("no tensor %s", name);
    return (CkptTensor){.cols = 0};
}

static inline void flowmodel_case_set(const Ckpt *c, const char *name, float lo, float hi) {
    CkptTensor t = flowmodel_case_tensor(c, name);
    for (size_t k = 0; k < t.rows; k++) c->weights[t.offset + k] = k % 2 ? lo : hi;
}

/* flowmodel_case_busy: nothing at zero, inputs clamped and scaled: every part of the formula shows.
 */
static inline Ckpt flowmodel_case_busy(const ModelSpec *s) {
    Ckpt c = flowmodel_case_fresh(s);
    Rng rng = rng_stream(5, "flowmodel weights", 0);
    for (size_t i = 0; i < c.n_floats; i++) c.weights[i] += (float)(0.1 * rng_normal(&rng));
    for (int i = 0; i < 2; i++) {
        char name[16];
        const char *of = i ? "flow" : "token";
        snprintf(name, sizeof name, "%s.lo", of), flowmodel_case_set(&c, name, -1, -1.5f);
        snprintf(name, sizeof name, "%s.hi", of), flowmodel_case_set(&c, name, 1.25f, 0.75f);
        snprintf(name, sizeof name, "%s.mean", of), flowmodel_case_set(&c, name, 0.25f, -0.5f);
        snprintf(name, sizeof name, "%s.scale", of), flowmodel_case_set(&c, name, 2, 0.5f);
    }
    return c;
}

#endif
