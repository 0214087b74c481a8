/* rackmatrix: rack-to-rack weights: the published JSON form, a generator, summary statistics.
 *
 * The generator is a small parametric model. Every rack has a role (how many of each is fixed,
 * which racks is drawn) and an activity factor; a cell's weight is the roles' weight × both racks'
 * activities × log-normal noise, times a factor within a pod, or nothing at all with probability
 * `silent`. A rack's traffic with itself is a multiple of what it sends otherwise, whatever the
 * number of racks, with noise of its own (some racks talk to themselves far more than others). The
 * presets imitate the three published 2×16-rack matrices: "a" active racks with scattered partners
 * beside nearly idle ones, "b" front ends and caches that talk across roles, "c" racks that mostly
 * talk to themselves. Their parameters were chosen such that the five statistics of
 * rackmatrix_stats, averaged over 1,000 seeds, are within 5 % of those of the published matrices;
 * spec/README.md has the table. Weights are whole counts, as in the files, so that a saved matrix
 * is the same matrix. Left out: dependence of roles on pods, which the large published matrix has.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/stats.h"
#include "base/units.h"
#include "traffic/rackmatrix.h"

/* The weights of 16,384 racks take 2 GB, and drawing from them (traffic/workload) CELL_B bytes
 * each: the weight, its probability, that of the pair of racks it is placed on, and the alias table
 * with what making it takes. Sums of so many weights of up to 1e15 stay far from where a double's
 * range ends, and each is exact. */
enum { MAX_RACKS = RACKMATRIX_MAX_RACKS, CELL_B = 40 };
#define MAX_WEIGHT 1e15

/* Whether there is memory for drawing from a matrix that has its weights. */
static int check_memory(const char *name, uint32_t n_racks, Err *err) {
    double need_b = (double)CELL_B * n_racks * n_racks;
    if (file_fits_memory(need_b)) return 0;
    return err_input(err,
                     "%s: drawing from a matrix of %u racks takes %s, and this machine has %s "
                     "of memory; of kind uniform it takes none",
                     name, n_racks, units_size(need_b).s, units_size((double)file_memory_b()).s);
}

/* ---- published JSON form, in ---- */

static double *cell(const RackMatrix *m, uint32_t i, uint32_t j) {
    return &m->weight[(size_t)i * m->n_racks + j];
}

/* A rack's name and its row. */
typedef struct {
    const char *name;
    uint32_t row;
} NameRow;

static int by_name(const void *a, const void *b) {
    return strcmp(((const NameRow *)a)->name, ((const NameRow *)b)->name);
}

static int read_names(const Json *names, NameRow *out, uint32_t n, Err *err) {
    Json it;
    uint32_t i = 0;
    for (bool ok = json_first(names, &it); ok; ok = json_next(&it), i++) {
        if (json_string(&it, &out[i].name, err) != 0) return -1;
        out[i].row = i;
    }
    qsort(out, n, sizeof *out, by_name);
    for (i = 1; i < n; i++)
        if (strcmp(out[i - 1].name, out[i].name) == 0)
            return json_fail(names, err, "rack \"%.60s\" appears twice", out[i].name);
    return 0;
}

static int read_pods(const Json *pods, const NameRow *names, RackMatrix *m, Err *err) {
    Json pod, it;
    if (json_expect_object(pods, err) != 0) return -1;
    for (bool more = json_first(pods, &pod); more; more = json_next(&pod), m->n_pods++) {
        if (json_len(&pod) == 0) return json_fail(&pod, err, "expected an array of racks");
        if (json_expect_array(&pod, err) != 0) return -1;
        for (bool ok = json_first(&pod, &it); ok; ok = json_next(&it)) {
            NameRow key = {0};
            if (json_string(&it, &key.name, err) != 0) return -1;
            const NameRow *at = bsearch(&key, names, m->n_racks, sizeof key, by_name);
            if (!at)
                return json_fail(&it, err, "rack \"%.60s\" is not in .matrix.idx2name", key.name);
            if (m->pod_of[at->row] != UINT32_MAX)
                return json_fail(&it, err, "rack \"%.60s\" is in two pods", key.name);
            m->pod_of[at->row] = m->n_pods;
        }
    }
    for (uint32_t i = 0; i < m->n_racks; i++)
        if (m->pod_of[names[i].row] == UINT32_MAX)
            return json_fail(pods, err, "rack \"%.60s\" is in no pod", names[i].name);
    return 0;
}

/* Reads a square of weights; what lies beyond the named racks must be 0. */
static int read_cells(const Json *inner, RackMatrix *m, Err *err) {
    Json row, it;
    uint32_t i = 0, side = (uint32_t)json_len(inner);
    double sum = 0, w;
    if (side < m->n_racks)
        return json_fail(inner, err, "expected at least %u rows (.matrix.idx2name), got %u",
                         m->n_racks, side);
    for (bool more = json_first(inner, &row); more; more = json_next(&row), i++) {
        if (json_expect_array(&row, err) != 0) return -1;
        if ((uint32_t)json_len(&row) != side)
            return json_fail(&row, err, "expected %u counts (a square), got %d", side,
                             json_len(&row));
        uint32_t j = 0;
        for (bool ok = json_first(&row, &it); ok; ok = json_next(&it), j++) {
            if (json_number(&it, &w, err) != 0) return -1;
            if (!(w >= 0 && w <= MAX_WEIGHT))
                return json_fail(&it, err, "must be in [0, 1e15], got %s", json_number_text(w).s);
            if (i < m->n_racks && j < m->n_racks) *cell(m, i, j) = w;
            else if (w > 0)
                return json_fail(&it, err,
                                 "traffic of a rack without a name (.matrix.idx2name has %u)",
                                 m->n_racks);
            sum += w;
        }
    }
    return sum > 0 ? 0 : json_fail(inner, err, "expected some traffic, got only zeros");
}

static int read_matrix(const JsonDoc *doc, RackMatrix *m, Err *err) {
    Json root = json_root(doc), matrix, inner, idx2name, pods;
    if (json_need(&root, "matrix", &matrix, err) != 0 ||
        json_need_array(&matrix, "inner", &inner, err) != 0 ||
        json_need_array(&matrix, "idx2name", &idx2name, err) != 0 ||
        json_need(&root, "pod2tors", &pods, err) != 0)
        return -1;
    int n = json_len(&idx2name);
    if (n < 1 || n > MAX_RACKS)
        return json_fail(&idx2name, err, "expected 1 to %d racks, got %d", MAX_RACKS, n);
    m->n_racks = (uint32_t)n;
    if (check_memory(m->name, m->n_racks, err) != 0) return -1;
    m->weight = MEM_ZNEW(double, (size_t)n *(size_t)n);
    m->pod_of = MEM_NEW(uint32_t, (size_t)n);
    memset(m->pod_of, 0xFF, (size_t)n * sizeof *m->pod_of); /* UINT32_MAX: in no pod yet */
    NameRow *names = MEM_NEW(NameRow, (size_t)n);
    int rc = read_names(&idx2name, names, m->n_racks, err);
    if (rc == 0) rc = read_pods(&pods, names, m, err);
    if (rc == 0) rc = read_cells(&inner, m, err);
    free(names);
    return rc;
}

int rackmatrix_load(RackMatrix *m, const char *path, Err *err) {
    *m = (RackMatrix){0};
    JsonDoc *doc = json_open(path, err);
    if (!doc) return -1;
    m->name = mem_strdup(path);
    int rc = read_matrix(doc, m, err);
    json_close(doc);
    if (rc != 0) rackmatrix_free(m);
    return rc;
}

void rackmatrix_free(RackMatrix *m) {
    free(m->weight);
    free(m->pod_of);
    free(m->name);
    *m = (RackMatrix){0};
}

/* ---- published JSON form, out ---- */

static void put_name(JsonOut *o, uint32_t rack) {
    char name[24];
    snprintf(name, sizeof name, "rack%u", rack);
    json_out_string(o, name);
}

int rackmatrix_save(const RackMatrix *m, const char *path, Err *err) {
    JsonFile file;
    if (m->n_racks > MAX_RACKS)
        return err_input(err, "%s: expected a matrix of at most %d racks to write, got %u", path,
                         MAX_RACKS, m->n_racks);
    if (json_file_open(&file, NULL, path, err) != 0) return -1;
    JsonOut *o = &file.j;
    json_put_object(o, "matrix");
    json_put_array(o, "inner");
    for (uint32_t i = 0; i < m->n_racks; i++) {
        json_out_array_compact(o);
        for (uint32_t j = 0; j < m->n_racks; j++) json_out_number(o, rackmatrix_weight(m, i, j));
        json_out_end(o, ']');
    }
    json_out_end(o, ']');
    json_put_array_compact(o, "idx2name");
    for (uint32_t i = 0; i < m->n_racks; i++) put_name(o, i);
    json_out_end(o, ']');
    json_out_end(o, '}');

    json_put_object(o, "pod2tors");
    for (uint32_t pod = 0; pod < m->n_pods; pod++) {
        char name[24];
        snprintf(name, sizeof name, "pod%u", pod);
        json_put_array_compact(o, name);
        for (uint32_t i = 0; i < m->n_racks; i++)
            if (m->pod_of[i] == pod) put_name(o, i);
        json_out_end(o, ']');
    }
    json_out_end(o, '}');
    json_put_int(o, "nr_pods", m->n_pods);
    json_put_int(o, "nr_racks", m->n_racks);
    return json_file_commit(&file, err);
}

/* ---- generator ---- */

/* A mean of 10,000 a cell rounds the counts of typical cells by less than 0.01 %. */
enum { MAX_ROLES = 3, MEAN_COUNT = RACKMATRIX_MEAN };
/* Of more racks than may have weights each, so many are drawn, whose traffic the others repeat
 * (traffic/workload): enough for every figure of rackmatrix_stats, at 40 MB. */
enum { SAMPLE_RACKS = 1024, SAMPLE_PODS = 32 };

typedef struct {
    const char *kind;
    int n_roles;
    double share[MAX_ROLES];             /* of racks; the first role takes what rounding leaves */
    double weight[MAX_ROLES][MAX_ROLES]; /* source role, destination role */
    double rack_sd, cell_sd; /* standard deviations of the logarithms of activity and of noise */
    double silent;           /* share of cells without traffic */
    double self, self_sd;    /* a rack's traffic with itself over what else it sends (0: a cell like
                                any other); standard deviation of its logarithm */
    double within_pod;       /* factor within a pod */
} Preset;

static const Preset presets[] = {
    {.kind = "a",
     .n_roles = 2, /* active, nearly idle */
     .share = {0.75, 0.25},
     .weight = {{1, 0.004}, {0.004, 0.001}},
     .rack_sd = 0.3,
     .cell_sd = 0.68,
     .silent = 0.08,
     .self = 0.0005,
     .within_pod = 1.03},
    {.kind = "b",
     .n_roles = 3, /* front ends, caches, others */
     .share = {0.65, 0.19, 0.16},
     .weight = {{0.005, 1, 0.015}, {0.72, 0.007, 0.005}, {0.02, 0.007, 0.06}},
     .rack_sd = 0.1,
     .cell_sd = 0.25,
     .self = 0.01,
     .within_pod = 1.04},
    {.kind = "c",
     .n_roles = 1,
     .share = {1},
     .weight = {{1}},
     .rack_sd = 0.13,
     .cell_sd = 0.09,
     .self = 0.6,
     .self_sd = 1.05,
     .within_pod = 1},
    {.kind = "uniform", .n_roles = 1, .share = {1}, .weight = {{1}}, .within_pod = 1},
};
enum { N_PRESETS = sizeof presets / sizeof *presets };

const char *const rackmatrix_kinds[] = {"a", "b", "c", "uniform", NULL};
_Static_assert(sizeof rackmatrix_kinds / sizeof *rackmatrix_kinds == N_PRESETS + 1,
               "every preset has its name in the list");

/* The role of each rack: fixed numbers, random places. */
static void draw_roles(const Preset *p, Rng *rng, uint32_t *role, uint32_t n) {
    uint32_t k = 0;
    for (int r = 1; r < p->n_roles; r++)
        for (uint32_t left = (uint32_t)lround(p->share[r] * n); left > 0 && k < n; left--)
            role[k++] = (uint32_t)r;
    while (k < n) role[k++] = 0;
    rng_shuffle_u32(rng, role, n);
}

static void draw_row(const Preset *p, Rng *rng, const uint32_t *role, const double *activity,
                     RackMatrix *m, uint32_t i) {
    double others = 0;
    for (uint32_t j = 0; j < m->n_racks; j++) {
        double w = p->weight[role[i]][role[j]] * activity[i] * activity[j] *
                   exp(p->cell_sd * rng_normal(rng));
        if (rng_u01(rng) < p->silent && i != j) w = 0;
        if (m->pod_of[i] == m->pod_of[j]) w *= p->within_pod;
        *cell(m, i, j) = w;
        if (j != i) others += w;
    }
    if (p->self > 0 && others > 0)
        *cell(m, i, i) = others * p->self * exp(p->self_sd * rng_normal(rng));
}

static void draw_weights(RackMatrix *m, const Preset *p, uint64_t seed) {
    uint32_t n = m->n_racks, *role = MEM_NEW(uint32_t, n);
    double *activity = MEM_NEW(double, n);
    Rng rng = rng_stream(seed, "rack matrix", 0);
    m->weight = MEM_NEW(double, (size_t)n *n);
    draw_roles(p, &rng, role, n);
    for (uint32_t i = 0; i < n; i++) activity[i] = exp(p->rack_sd * rng_normal(&rng));
    for (uint32_t i = 0; i < n; i++) draw_row(p, &rng, role, activity, m, i);

    /* Whole counts of mean MEAN_COUNT; the busiest cell keeps at least that, so the sum is above 0.
     */
    size_t n_cells = (size_t)n * n;
    double sum = 0;
    for (size_t k = 0; k < n_cells; k++) sum += m->weight[k];
    for (size_t k = 0; k < n_cells; k++)
        m->weight[k] = round(m->weight[k] / sum * (double)n_cells * MEAN_COUNT);
    free(role);
    free(activity);
}

int rackmatrix_generate(RackMatrix *m, const char *kind, const Topo *t, uint64_t seed, Err *err) {
    const Preset *p = presets;
    while (p < presets + N_PRESETS && strcmp(p->kind, kind) != 0) p++;
    if (p == presets + N_PRESETS)
        return err_input(err, "matrix: expected kind a, b, c or uniform, got '%.40s'", kind);
    bool implied = strcmp(kind, "uniform") == 0 && t->n_racks > RACKMATRIX_MAX_UNIFORM;
    bool sample = !implied && t->n_racks > RACKMATRIX_MAX_RACKS;
    uint32_t n = sample ? SAMPLE_RACKS : t->n_racks;
    if (!implied && check_memory(t->name, n, err) != 0) return -1;
    *m = (RackMatrix){.n_racks = n,
                      .n_pods = sample && t->n_pods > SAMPLE_PODS ? SAMPLE_PODS : t->n_pods,
                      .pod_of = MEM_NEW(uint32_t, n),
                      .name = mem_printf("matrix \"%s\"", kind)};
    for (uint32_t i = 0; i < n; i++)
        m->pod_of[i] = sample ? (uint32_t)((uint64_t)i * m->n_pods / n) : t->rack_pod[i];
    if (!implied) draw_weights(m, p, seed);
    return 0;
}

/* ---- statistics ---- */

/* The share of the largest tenth (at least one) of n values in their sum; sorts them. */
static double top_tenth(double *x, uint32_t n) {
    uint32_t k = (uint32_t)lround(n / 10.0);
    double sum = 0, top = 0;
    stats_sort(x, n);
    for (uint32_t i = 0; i < n; i++) {
        sum += x[i];
        if (i + (k > 0 ? k : 1) >= n) top += x[i];
    }
    return top / sum;
}

/* The Gini coefficient of n values: 0 if all are equal, towards 1 if one has everything; sorts
 * them.
 */
static double gini(double *x, size_t n) {
    double sum = 0, ranked = 0;
    stats_sort(x, n);
    for (size_t i = 0; i < n; i++) {
        sum += x[i];
        ranked += (double)(i + 1) * x[i];
    }
    return 2 * ranked / ((double)n * sum) - ((double)n + 1) / (double)n;
}

/* Of a matrix without weights. */
static RackMatrixStats uniform_stats(const RackMatrix *m) {
    double n = m->n_racks, top = round(n / 10) / n, pairs = 0;
    uint32_t *size = MEM_ZNEW(uint32_t, m->n_pods);
    for (uint32_t i = 0; i < m->n_racks; i++) size[m->pod_of[i]]++;
    for (uint32_t k = 0; k < m->n_pods; k++) pairs += (double)size[k] * (size[k] - 1);
    free(size);
    return (RackMatrixStats){
        .diagonal = 1 / n, .within_pod = pairs / (n * n), .top_rows = top, .top_cols = top};
}

RackMatrixStats rackmatrix_stats(const RackMatrix *m) {
    if (!m->weight) return uniform_stats(m);
    uint32_t n = m->n_racks;
    double sum = 0, *rows = MEM_ZNEW(double, n), *cols = MEM_ZNEW(double, n),
           *cells = MEM_NEW(double, (size_t)n *n);
    RackMatrixStats s = {0};
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++) {
            double w = *cell(m, i, j);
            sum += w;
            rows[i] += w;
            cols[j] += w;
            if (i == j) s.diagonal += w;
            else if (m->pod_of[i] == m->pod_of[j]) s.within_pod += w;
        }
    memcpy(cells, m->weight, (size_t)n * n * sizeof *cells);
    s.diagonal /= sum;
    s.within_pod /= sum;
    s.top_rows = top_tenth(rows, n);
    s.top_cols = top_tenth(cols, n);
    s.gini = gini(cells, (size_t)n * n);
    free(rows);
    free(cols);
    free(cells);
    return s;
}
