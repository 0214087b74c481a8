/* mix: mix files and single settings → Mix.
 *
 * Every setting of a mix, whether it is a key of ours, a published one or --set key=value, goes
 * through set_value as text, so that there is one table of names and one place of checks; numbers
 * in JSON become the shortest text that reads back exactly. A published key is another name for one
 * of ours (scenario/published.h), but for bfsz, param_1 and param_2, which count in units of their
 * own; the last two depend on cc and are therefore read last. Files are looked up when all is read
 * (scenario/lookup.h). */
#include "scenario/mix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"
#include "base/words.h"
#include "net/timeline.h"
#include "scenario/lookup.h"
#include "scenario/published.h"
#include "traffic/jobs.h"
#include "traffic/rackmatrix.h"
#include "traffic/workload.h"

static const char *const our_keys[] = {"id",       "topology", "matrix",        "sizes",   "sigma",
                                       "max_load", "n_flows",  "duration",      "network", "fail",
                                       "degrade",  "events",   "reroute_delay", "jobs",    NULL};
/* For --set, beside the settings of the network. */
static const char *const set_keys[] = {
    "max_load", "sigma",   "sizes", "matrix",  "duration", "n_flows",       "bfsz", "enable_pfc",
    "param_1",  "param_2", "fail",  "degrade", "events",   "reroute_delay", NULL};
const char *const mix_traffic_keys[] = {"max_load", "sigma",         "sizes", "matrix",
                                        "duration", "n_flows",       "fail",  "degrade",
                                        "events",   "reroute_delay", NULL};

void mix_init(Mix *m) {
    *m = (Mix){
        .matrix_seed = 1, .sigma = NAN, .max_load = NAN, .reroute_delay_ns = TIMELINE_REROUTE_NS};
    netconf_default(&m->conf);
}

void mix_free(Mix *m) {
    free(m->file);
    free(m->topo);
    free(m->matrix);
    free(m->matrix_kind);
    free(m->sizes);
    free(m->jobs);
    for (int k = 0; k < N_FAULT_KINDS; k++) free(m->fault[k]);
    *m = (Mix){0};
}

static char *copy_text(const char *s) { return s ? mem_strdup(s) : NULL; }

void mix_copy(Mix *to, const Mix *from) {
    *to = *from;
    to->file = copy_text(from->file);
    to->topo = copy_text(from->topo);
    to->matrix = copy_text(from->matrix);
    to->matrix_kind = copy_text(from->matrix_kind);
    to->sizes = copy_text(from->sizes);
    to->jobs = copy_text(from->jobs);
    for (int k = 0; k < N_FAULT_KINDS; k++) to->fault[k] = copy_text(from->fault[k]);
}

void mixes_free(Mix *m, size_t n) {
    for (size_t i = 0; i < n; i++) mix_free(&m[i]);
    free(m);
}

static bool in_list(const char *name, const char *const *list) {
    while (*list && strcmp(*list, name) != 0) list++;
    return *list != NULL;
}

static void replace(char **s, const char *text) {
    free(*s);
    *s = copy_text(text);
}

/* ---- single values ---- */

/* A bare number is in seconds. */
static int set_duration(Mix *m, const char *text, Err *err) {
    double s, ns;
    if (units_parse_number(text, "duration", &s, NULL) != 0) {
        if (units_parse_time(text, "duration", &ns, err) != 0) return -1;
        s = ns / 1e9;
    }
    if (!(s > 0 && s <= WORKLOAD_MAX_S))
        return err_input(err, "duration: must be in (0, 9e9] s, got %s s", json_number_text(s).s);
    m->duration_s = s;
    m->n_flows = 0;
    return 0;
}

/* A kind of the generator where such may be named (the published form knows none), or a file. */
static int set_matrix(Mix *m, const char *text, bool may_be_kind) {
    bool kind = may_be_kind && in_list(text, rackmatrix_kinds);
    replace(&m->matrix, kind ? NULL : text);
    replace(&m->matrix_kind, kind ? text : NULL);
    return 0;
}

static int fault_kind(const char *key) {
    int k = 0;
    while (k < N_FAULT_KINDS && strcmp(fault_names[k], key) != 0) k++;
    return k;
}

/* Several are joined by '+', in files also as an array. */
static int set_fault(char **list, FaultKind kind, const char *text, bool more, Err *err) {
    Faults f = {0};
    int rc = faults_add(&f, kind, text, err);
    size_t n = f.n;
    faults_free(&f);
    if (rc != 0) return -1;
    char *joined = n == 0          ? NULL
                   : more && *list ? mem_printf("%s+%s", *list, text)
                                   : mem_strdup(text);
    if (more && n == 0) return 0;
    free(*list);
    *list = joined;
    return 0;
}

static int set_reroute_delay(Mix *m, const char *text, Err *err) {
    const double most_ns = 1e12;
    if (units_parse_time(text, "reroute_delay", &m->reroute_delay_ns, err) != 0) return -1;
    if (m->reroute_delay_ns >= 0 && m->reroute_delay_ns <= most_ns) return 0;
    return err_input(err, "reroute_delay: must be in [0, 1000s], got %s", text);
}

/* Every setting comes in here, from whichever form and file; key is ours or published. */
static int set_value(Mix *m, const char *key, const char *text, Err *err) {
    const PublishedKey *published = published_key(key);
    uint64_t n;
    double x;
    if (published && published->own_unit) return published_set(&m->conf, key, text, err);
    if (published && published->ours) key = published->ours;
    if (strcmp(key, "max_load") == 0) {
        if (units_parse_number(text, key, &x, err) != 0) return -1;
        if (!(x > 0 && x < 1))
            return err_input(err, "max_load: must be in (0, 1), got %s", json_number_text(x).s);
        m->max_load = x;
        return 0;
    }
    if (strcmp(key, "sigma") == 0) {
        if (units_parse_number(text, key, &x, err) != 0) return -1;
        if (!(x >= 0 && x <= WORKLOAD_MAX_SIGMA))
            return err_input(err, "sigma: must be in [0, %d], got %s", WORKLOAD_MAX_SIGMA,
                             json_number_text(x).s);
        m->sigma = x;
        return 0;
    }
    if (strcmp(key, "n_flows") == 0) {
        if (units_parse_count(text, key, &n, err) != 0) return -1;
        if (n < 1 || n > WORKLOAD_MAX_FLOWS)
            return err_input(err, "n_flows: must be in [1, %u], got %s", WORKLOAD_MAX_FLOWS, text);
        m->n_flows = n;
        m->duration_s = 0;
        return 0;
    }
    if (strcmp(key, "duration") == 0) return set_duration(m, text, err);
    if (strcmp(key, "reroute_delay") == 0) return set_reroute_delay(m, text, err);
    if (strcmp(key, "matrix") == 0) return set_matrix(m, text, !published);
    if (strcmp(key, "sizes") == 0) return replace(&m->sizes, text), 0;
    if (strcmp(key, "topology") == 0) return replace(&m->topo, text), 0;
    int fault = fault_kind(key);
    if (fault < N_FAULT_KINDS)
        return set_fault(&m->fault[fault], (FaultKind)fault, text, false, err);
    return netconf_set(&m->conf, key, text, err);
}

/* ---- members of a JSON object ---- */

static int set_member(Mix *m, const Json *j, Err *err) {
    static const char *const texts[] = {"topology", "matrix",  "sizes", "cc",
                                        "fail",     "degrade", NULL},
                             *const numbers[] = {"max_load", "sigma", NULL};
    const PublishedKey *published = published_key(j->key);
    const char *key = published && published->ours ? published->ours : j->key, *text = NULL;
    JsonNumber buffer;
    double x;
    Err why = {0};
    if (in_list(key, texts)) {
        if (json_string(j, &text, err) != 0) return -1;
    } else if (in_list(key, numbers) || (published && published->own_unit)) {
        if (json_number(j, &x, err) != 0) return -1;
        buffer = json_number_text(x);
        text = buffer.s;
    } else if (json_text(j, &buffer, &text, err) != 0) {
        return -1;
    }
    return set_value(m, j->key, text, &why) == 0 ? 0 : json_fail_named(j, err, why.msg);
}

static int read_id(Mix *m, const Json *j, Err *err) {
    uint64_t id;
    if (json_uint(j, INT64_MAX, &id, err) != 0) return -1;
    m->id = (int64_t)id;
    return 0;
}

/* {"kind": "b", "seed": 1} */
static int read_generator(Mix *m, const Json *j, Err *err) {
    static const char *const keys[] = {"kind", "seed", NULL};
    Json seed;
    const char *name;
    if (json_only_keys(j, keys, err) != 0 || json_need_string(j, "kind", &name, err) != 0)
        return -1;
    if (!in_list(name, rackmatrix_kinds))
        return json_fail_member(j, "kind", err, "expected a, b, c or uniform, got \"%.40s\"", name);
    if (json_find(j, "seed", &seed) && json_uint(&seed, UINT64_MAX, &m->matrix_seed, err) != 0)
        return -1;
    return set_matrix(m, name, true);
}

static int read_faults(Mix *m, const Json *j, Err *err) {
    FaultKind kind = (FaultKind)fault_kind(j->key);
    Json it;
    if (!json_is_array(j)) return set_member(m, j, err);
    for (bool ok = json_first(j, &it); ok; ok = json_next(&it)) {
        const char *text;
        Err why = {0};
        if (json_string(&it, &text, err) != 0) return -1;
        if (set_fault(&m->fault[kind], kind, text, true, &why) != 0)
            return json_fail_named(&it, err, why.msg);
    }
    return 0;
}

/* Checked here and kept as text, from which they are read again when the network is known. */
static int read_jobs(Mix *m, const Json *j, Err *err) {
    TrafficJobs jobs;
    int rc = jobs_read(&jobs, j, err);
    jobs_free(&jobs);
    if (rc != 0) return -1;
    size_t len;
    JsonOut o;
    FILE *f = mem_stream_open(&m->jobs, &len);
    json_out_init(&o, f);
    json_copy(j, &o);
    mem_stream_close(f);
    return 0;
}

static int read_ours(Mix *m, const Json *j, Err *err) {
    Json it;
    bool n_flows = json_find(j, "n_flows", &it), duration = json_find(j, "duration", &it);
    if (json_only_keys(j, our_keys, err) != 0) return -1;
    if (n_flows && duration) return json_fail(j, err, "expected n_flows or duration, got both");
    for (bool ok = json_first(j, &it); ok; ok = json_next(&it)) {
        int rc = strcmp(it.key, "id") == 0        ? read_id(m, &it, err)
                 : strcmp(it.key, "network") == 0 ? netconf_read_json(&m->conf, &it, err)
                 : strcmp(it.key, "matrix") == 0 && json_is_object(&it)
                     ? read_generator(m, &it, err)
                 : strcmp(it.key, "jobs") == 0 ? read_jobs(m, &it, err)
                 : mix_key_is_fault(it.key)    ? read_faults(m, &it, err)
                                               : set_member(m, &it, err);
        if (rc != 0) return -1;
    }
    return 0;
}

static int read_published(Mix *m, const Json *j, const Log *log, Err *err) {
    Json it;
    const PublishedKey *key;
    for (bool ok = json_first(j, &it); ok; ok = json_next(&it)) {
        int rc = 0;
        if (!(key = published_key(it.key)))
            log_note(log, "%s: key \"%.60s\" is not used", m->file, it.key);
        else if (strcmp(it.key, "id") == 0) rc = read_id(m, &it, err);
        else if ((key->ours || key->own_unit) && !key->of_cc) rc = set_member(m, &it, err);
        if (rc != 0) return -1;
    }
    for (bool ok = json_first(j, &it); ok; ok = json_next(&it)) /* now that cc is known */
        if ((key = published_key(it.key)) && key->of_cc && set_member(m, &it, err) != 0) return -1;
    return 0;
}

/* ---- files and assignments ---- */

static int read_one(Mix *m, size_t position, const char *path, const Json *j, const Log *log,
                    Err *err) {
    mix_init(m);
    m->file = mem_strdup(path);
    m->id = (int64_t)position;
    if (json_expect_object(j, err) != 0) return -1;
    bool published = m->published = published_is_mix(j);
    if ((published ? read_published(m, j, log, err) : read_ours(m, j, err)) != 0) return -1;

    /* What a workload needs, under the names of the form that was read. */
    const char *missing = !m->matrix && !m->matrix_kind ? "matrix"
                          : !m->sizes                   ? "sizes"
                          : isnan(m->sigma)             ? "sigma"
                          : isnan(m->max_load)          ? "max_load"
                                                        : NULL;
    bool background = m->matrix || m->matrix_kind || m->sizes || !isnan(m->sigma) ||
                      !isnan(m->max_load) || !m->jobs;
    if (missing && background)
        return json_fail(j, err, "missing key \"%s\"",
                         published ? published_from_ours(missing) : missing);
    Err why = {0};
    return netconf_check(&m->conf, &why) == 0 ? 0 : json_fail(j, err, "%s", why.msg);
}

static int read_mixes(const JsonDoc *doc, const char *path, Mix **out, size_t *n, const Log *log,
                      Err *err) {
    Json root = json_root(doc), it;
    bool one = !json_is_array(&root);
    int count = one ? 1 : json_len(&root);
    if (count == 0) return json_fail(&root, err, "expected at least one mix");
    *out = MEM_ZNEW(Mix, (size_t)count);
    if (one) return read_one(&(*out)[(*n)++], 0, path, &root, log, err);
    for (bool ok = json_first(&root, &it); ok; ok = json_next(&it)) {
        size_t i = (*n)++;
        if (read_one(&(*out)[i], i, path, &it, log, err) != 0) return -1;
    }
    return 0;
}

int mixes_load(const char *path, Mix **out, size_t *n, const Log *log, Err *err) {
    *out = NULL;
    *n = 0;
    JsonDoc *doc = json_open(path, err);
    if (!doc) return -1;
    int rc = read_mixes(doc, path, out, n, log, err);
    json_close(doc);
    if (rc != 0) {
        mixes_free(*out, *n);
        *out = NULL;
        *n = 0;
        return -1;
    }

    /* The files that they name. */
    Lookup l;
    lookup_init(&l, path);
    for (size_t i = 0; i < *n; i++) {
        lookup_resolve(&l, &(*out)[i].topo);
        lookup_resolve(&l, &(*out)[i].matrix);
        lookup_resolve(&l, &(*out)[i].sizes);
    }
    lookup_remark(&l, log);
    lookup_free(&l);
    return 0;
}

int mix_set(Mix *m, const char *assignment, Err *err) {
    const char *eq = strchr(assignment, '=');
    if (!eq || eq == assignment)
        return err_input(err, "expected key=value, got '%.60s'", assignment);
    char key[40];
    snprintf(key, sizeof key, "%.*s", (int)(eq - assignment < 39 ? eq - assignment : 39),
             assignment);
    if (!in_list(key, set_keys) && !netconf_row(key)) {
        const char *near = words_nearest(key, set_keys);
        if (!near) near = words_nearest(key, netconf_keys().key);
        return err_input(err, "unknown setting '%s'%s%s%s", key, near ? ", did you mean '" : "",
                         near ? near : "", near ? "'?" : "");
    }
    if (set_value(m, key, eq + 1, err) != 0) return -1;
    if (strcmp(key, "sizes") == 0) lookup_typed(m->file, &m->sizes);
    if (strcmp(key, "matrix") == 0) lookup_typed(m->file, &m->matrix);
    return 0;
}

int mix_apply(Mix *m, const char *const *set, Err *err) {
    for (; set && *set; set++)
        if (mix_set(m, *set, err) != 0) return err_wrap(err, "--set %.60s", *set);
    return netconf_check(&m->conf, err) == 0 ? 0 : err_wrap(err, "--set");
}

bool mix_key_is_traffic(const char *key) { return in_list(key, mix_traffic_keys); }

bool mix_key_is_fault(const char *key) { return fault_kind(key) < N_FAULT_KINDS; }

bool mix_key_applies(const char *key, const NetConf *conf) {
    return published_applies(key, conf->cc) && netconf_applies(key, conf);
}

static int compare_text(const char *a, const char *b) {
    return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

/* NAN stands for "not given" and is before all numbers. */
static int compare_number(double a, double b) {
    if (isnan(a) || isnan(b)) return !isnan(a) - !isnan(b);
    return (a > b) - (a < b);
}

static int compare_count(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

int mix_compare_traffic(const Mix *a, const Mix *b) {
    int c = compare_text(a->topo, b->topo);
    if (c == 0) c = compare_text(a->matrix, b->matrix);
    if (c == 0) c = compare_text(a->matrix_kind, b->matrix_kind);
    if (c == 0) c = compare_count(a->matrix_seed, b->matrix_seed);
    if (c == 0) c = compare_text(a->sizes, b->sizes);
    if (c == 0) c = compare_text(a->jobs, b->jobs);
    if (c == 0) c = compare_number(a->sigma, b->sigma);
    if (c == 0) c = compare_number(a->max_load, b->max_load);
    if (c == 0) c = compare_number(a->duration_s, b->duration_s);
    for (int k = 0; k < N_FAULT_KINDS && c == 0; k++) c = compare_text(a->fault[k], b->fault[k]);
    if (c == 0) c = compare_number(a->reroute_delay_ns, b->reroute_delay_ns);
    return c == 0 ? compare_count(a->n_flows, b->n_flows) : c;
}

bool mix_same_traffic(const Mix *a, const Mix *b) { return mix_compare_traffic(a, b) == 0; }
