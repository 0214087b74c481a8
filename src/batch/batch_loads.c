/* batch: a mix's facts, for summaries and figures that are made from the folder alone.
 *
 * Loads are expected ones, of payload, as max_load is: a link's share of the flows times what the
 * network is offered, over its rate. Loads under polarised routing are only there where the
 * scenario has computed them, since they take many passes over large networks. */
#include "batch/batch_loads.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/stats.h"
#include "batch/batch_folder.h"
#include "net/linkload.h"

static BatchLoads top(const Topo *t, const double *share, double offered_bps) {
    size_t n = t->n_links, k = n / 10 > 0 ? n / 10 : 1;
    double *load = MEM_NEW(double, n), sum = 0;
    for (size_t l = 0; l < n; l++) load[l] = share[l] * offered_bps / t->links[l].rate_bps;
    stats_sort(load, n);
    for (size_t i = 0; i < k; i++) sum += load[n - 1 - i];
    BatchLoads b = {load[n - 1], sum / (double)k};
    free(load);
    return b;
}

/* Of more racks, pairs would take gigabytes. */
enum { MOST_RACKS = 4096 };

int batch_loads_expect(const Scenario *s, BatchLoads out[2], Err *err) {
    const Route *r = scenario_drawn_on(s);
    const Topo *t = route_topo(r);
    out[0] = out[1] = (BatchLoads){NAN, NAN};
    if (!s->drawn || t->n_racks > MOST_RACKS) return 0;
    Workload w = {.matrix = &s->matrix, .sizes = &s->sizes, .seed = 1};
    double *p = MEM_NEW(double, (size_t)t->n_racks * t->n_racks),
           *share = MEM_NEW(double, t->n_links);
    const LoadMatrix m = {.n = t->n_racks, .share = p};
    int rc = workload_pairs(&w, r, p, err);
    for (int how = 0; how < 2 && rc == 0; how++) {
        if (how != LOAD_ROUTED && !isfinite(s->workload.max_load[how])) continue;
        linkload_expect(r, (LoadRouting)how, &m, share);
        out[how] = top(t, share, s->workload.offered_bps);
    }
    free(p);
    free(share);
    return rc;
}

/* Between hosts and the top: the product over tiers. */
static double oversubscription(const Topo *t) {
    double product = 1, ratio;
    for (int tier = 1; (ratio = topo_oversubscription(t, tier)) > 0; tier++) product *= ratio;
    return product;
}

/* Members for a file: its name without folder and ending, and where it was: from the root, since a
 * report may be made in another folder. */
static void put_file(JsonOut *j, const char *key, const char *key_file, const char *path) {
    char *name = path ? file_stem(path) : NULL, *absolute = path ? file_absolute(path) : NULL;
    json_put_string(j, key, name);
    json_put_string(j, key_file, absolute ? absolute : path);
    free(name);
    free(absolute);
}

static void put_loads(JsonOut *j, const BatchLoads load[2]) {
    json_put_object(j, "loads");
    for (int how = 0; how < 2; how++) {
        json_put_object(j, linkload_routing_names[how]);
        json_put_number(j, "max", load[how].max);
        json_put_number(j, "top10pct", load[how].top10pct);
        json_out_end(j, '}');
    }
    json_out_end(j, '}');
}

int batch_loads_write(const char *dir, const BatchItem *item, const Scenario *s,
                      const BatchLoads load[2], Err *err) {
    const Mix *m = &item->mix;
    JsonFile f;
    char *path = batch_folder_path(dir, item->name, "loads", ".json");
    int rc = json_file_open(&f, NULL, path, err);
    free(path);
    if (rc != 0) return -1;
    json_put_string(&f.j, "mix", item->file->path);
    json_put_int(&f.j, "id", m->id);
    if (m->matrix) put_file(&f.j, "matrix", "matrix_file", m->matrix);
    else {
        json_put_string(&f.j, "matrix", m->matrix_kind);
        json_put_null(&f.j, "matrix_file");
    }
    put_file(&f.j, "sizes", "sizes_file", m->sizes);
    json_put_number(&f.j, "sigma", m->sigma);
    json_put_number(&f.j, "max_load", m->max_load);
    json_put_string(&f.j, "load", linkload_routing_names[s->load]);
    put_loads(&f.j, load);
    json_put_number(&f.j, "oversubscription", oversubscription(&s->topo));
    json_put_count(&f.j, "n_flows", s->source.n);
    netconf_put_texts(&f.j, &s->conf);
    return json_file_commit(&f, err);
}

static int read_text(const Json *root, const char *key, char **text, Err *err) {
    Json v;
    const char *s = "";
    if (json_need(root, key, &v, err) != 0) return -1;
    if (!json_is_null(&v) && json_string(&v, &s, err) != 0) return -1;
    *text = mem_strdup(s);
    return 0;
}

/* Reads where an input was; standard input is not to be had again. */
static int read_file(const Json *root, const char *key, char **path, Err *err) {
    if (read_text(root, key, path, err) != 0) return -1;
    return strcmp(*path, "-") == 0 ? json_fail_member(root, key, err, "expected a file, got '-'")
                                   : 0;
}

static int read_loads(BatchFacts *f, const Json *root, Err *err) {
    Json loads, of;
    const char *name;
    if (json_need_string(root, "load", &name, err) != 0) return -1;
    f->polarised = strcmp(name, linkload_routing_names[LOAD_POLARISED]) == 0;
    if (!f->polarised && strcmp(name, linkload_routing_names[LOAD_ROUTED]) != 0)
        return json_fail_member(root, "load", err, "expected %s or %s, got '%.60s'",
                                linkload_routing_names[LOAD_ROUTED],
                                linkload_routing_names[LOAD_POLARISED], name);
    if (json_need(root, "loads", &loads, err) != 0) return -1;
    for (int how = 0; how < 2; how++)
        if (json_need(&loads, linkload_routing_names[how], &of, err) != 0 ||
            json_need_number_or_null(&of, "max", &f->load[how].max, err) != 0 ||
            json_need_number_or_null(&of, "top10pct", &f->load[how].top10pct, err) != 0)
            return -1;
    return 0;
}

static int read_facts(BatchFacts *f, const Json *root, Err *err) {
    Json network;
    if (read_text(root, "matrix", &f->matrix, err) != 0 ||
        read_file(root, "matrix_file", &f->matrix_file, err) != 0 ||
        read_text(root, "sizes", &f->sizes, err) != 0 ||
        read_file(root, "sizes_file", &f->sizes_file, err) != 0 ||
        json_need_number_or_null(root, "sigma", &f->sigma, err) != 0 ||
        json_need_number_or_null(root, "max_load", &f->max_load, err) != 0 ||
        json_need_number_or_null(root, "oversubscription", &f->oversubscription, err) != 0 ||
        json_need_uint(root, "n_flows", UINT64_MAX, &f->n_flows, err) != 0 ||
        json_need(root, "network", &network, err) != 0 || json_expect_object(&network, err) != 0)
        return -1;
    return read_loads(f, root, err) == 0 ? netconf_read_texts(&f->conf, &network, err) : -1;
}

int batch_loads_read(BatchFacts *f, const char *dir, const char *name, Err *err) {
    char *path = batch_folder_path(dir, name, "loads", ".json");
    JsonDoc *doc = json_open(path, err);
    free(path);
    *f = (BatchFacts){0};
    if (!doc) return -1;
    Json root = json_root(doc);
    int rc = read_facts(f, &root, err);
    json_close(doc);
    if (rc != 0) batch_facts_free(f);
    return rc;
}

void batch_facts_free(BatchFacts *f) {
    free(f->matrix);
    free(f->matrix_file);
    free(f->sizes);
    free(f->sizes_file);
    *f = (BatchFacts){0};
}
