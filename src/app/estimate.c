/* estimate: scenario → features of its paths → model → the network's distribution.
 *
 *   features_draw ─┬─ features_simulate ─ query_paths ─ features_drop ─┬─ query_conclude
 *                  └─ … a batch of paths at a time …                   ┘
 *
 * Of a path only what the model said outlives its batch (some hundred floats), so memory beyond the flows' own hardly
 * grows with the number of paths. */
#include "app/estimate.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/features.h"
#include "app/query.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/units.h"

static FeaturesKind kind_for(const EstimateOptions *o) {
    switch (o->method) {
    case METHOD_FLOWSIM: return FEATURES_FLUID;
    case METHOD_PACKET: return FEATURES_PACKETS;
    default: return o->ckpt->spec.head == HEAD_FLOW ? FEATURES_FLOWS : FEATURES_PERCENTILES;
    }
}

static FeaturesOptions features_options(const EstimateOptions *o) {
    return (FeaturesOptions){.kind = kind_for(o), .n_paths = o->n_paths, .seed = o->seed, .threads = o->threads, .hpcc_ns3 = o->hpcc_ns3};
}

static QueryOptions query_options(const EstimateOptions *o) {
    return (QueryOptions){.ckpt = o->method == METHOD_M3 ? o->ckpt : NULL, .published = o->published, .threads = o->threads};
}

static int run_batches(Features *f, Query *q, Err *err) {
    for (size_t first = 0; first < f->n_unique; first += FEATURES_BATCH) {
        size_t left = f->n_unique - first, n = left < FEATURES_BATCH ? left : FEATURES_BATCH;
        if (features_simulate(f, first, n, err) != 0) return -1;
        query_paths(q, first, n);
        features_drop(f, first, n);
    }
    return 0;
}

void estimate_remark(const Estimate *e, const Log *log) {
    static const float WORTH_A_REMARK = 0.05f;
    if (flowrange_excess(&e->range) > WORTH_A_REMARK)
        log_note(log, "on %s of %s paths the model sees what it was not trained on; furthest out: %s is %.3g, trained on %.3g to %.3g",
                 units_count(e->n_outside).s, units_count(e->n_unique).s, e->range.name, (double)e->range.value, (double)e->range.lo,
                 (double)e->range.hi);
    if (e->n_unfinished > 0) log_note(log, "%s flows of the paths did not finish; they have no slowdown", units_count(e->n_unfinished).s);
}

int estimate_run(const Scenario *s, const EstimateOptions *o, const Log *log, Estimate *out, Err *err) {
    Features f = {0};
    Query q = {0};
    FeaturesOptions fo = features_options(o);
    QueryOptions qo = query_options(o);
    *out = (Estimate){0};
    int rc = features_draw(&f, s, &fo, log, err);
    if (rc == 0) rc = query_init(&q, &f, &qo, err);
    if (rc == 0) rc = run_batches(&f, &q, err);
    features_finish(&f);
    if (rc == 0) query_conclude(&q, out);
    if (rc == 0) estimate_remark(out, log);
    query_free(&q);
    features_free(&f);
    return rc;
}

int estimate_features(Features *f, const Scenario *s, const EstimateOptions *o, const Log *log, Err *err) {
    FeaturesOptions fo = features_options(o);
    if (features_draw(f, s, &fo, log, err) != 0) return -1;
    int rc = features_simulate(f, 0, f->n_unique, err);
    features_finish(f);
    if (rc != 0) features_free(f);
    return rc;
}

int estimate_method_of(const Features *f, const char *name, const Ckpt *ckpt, Method *method, Err *err) {
    bool flows = f->kind == FEATURES_FLOWS, model = flows || f->kind == FEATURES_PERCENTILES;
    *method = model ? METHOD_M3 : f->kind == FEATURES_FLUID ? METHOD_FLOWSIM : METHOD_PACKET;
    if (!model || flows == (ckpt->spec.head == HEAD_FLOW)) return 0;
    return err_input(err, "%s: features for a %s model, but checkpoint %s is a %s model", name, flows ? "flow" : "path", ckpt->name,
                     flows ? "path" : "flow");
}

int estimate_ask(const Features *f, const EstimateOptions *o, Estimate *out, Err *err) {
    Query q;
    QueryOptions qo = query_options(o);
    *out = (Estimate){0};
    if (query_init(&q, f, &qo, err) != 0) return -1;
    query_paths(&q, 0, f->n_unique);
    query_conclude(&q, out);
    query_free(&q);
    return 0;
}

/* In the working directory, beside the binary's folder, or in PREFIX/share/m3 when installed; NULL: nowhere. */
static char *find_default_ckpt(void) {
    static const char *const beside[] = {"../ckpts/default", "../../ckpts/default", "../share/m3/ckpts/default"};
    if (file_is_dir("ckpts/default")) return mem_strdup("ckpts/default");
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n <= 0) return NULL;
    exe[n] = '\0';
    char *dir = file_dirname(exe), *found = NULL;
    for (size_t i = 0; i < sizeof beside / sizeof *beside && !found; i++) {
        char *path = file_join(dir, beside[i]);
        if (file_is_dir(path)) found = path;
        else free(path);
    }
    free(dir);
    return found;
}

int estimate_load_ckpt(Ckpt *ckpt, const char *path, Err *err) {
    if (path) return ckpt_load(ckpt, path, err);
    char *found = find_default_ckpt();
    int rc =
        found ? ckpt_load(ckpt, found, err)
              : err_input(
                    err,
                    "no checkpoint: none was named, and there is no ckpts/default here or beside the program (method flowsim needs none)");
    free(found);
    return rc;
}
