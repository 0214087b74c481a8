/* batch: which mixes are asked for, and which of them share their traffic.
 *
 *     files and folders ─ mixes_load ─ --ids ─ --set ─ names ─ groups
 *
 * A group is all mixes that mix_same_traffic calls equal: they differ in settings of the network
 * alone, so flows, routes and paths are drawn once for them. Groups are numbered by their first
 * mix. */
#include "batch/batch_plan.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/units.h"

/* ---- files ---- */

static void add_file(BatchPlan *p, char *path) {
    MEM_GROW(p->files, p->files_cap, p->n_files + 1);
    p->files[p->n_files++] = (BatchFile){.path = path};
}

static int is_json(const struct dirent *d) {
    size_t n = strlen(d->d_name);
    return n > 5 && d->d_name[0] != '.' && strcmp(d->d_name + n - 5, ".json") == 0;
}

/* All *.json of a folder, by name. */
static int add_folder(BatchPlan *p, const char *dir, Err *err) {
    struct dirent **entry;
    int n = scandir(dir, &entry, is_json, alphasort);
    if (n < 0) return file_folder_failed(dir, err);
    for (int i = 0; i < n; i++) {
        add_file(p, file_join(dir, entry[i]->d_name));
        free(entry[i]);
    }
    free(entry);
    return n > 0 ? 0 : err_input(err, "%s: holds no mix file (*.json)", dir);
}

static int find_files(BatchPlan *p, const BatchPlanOptions *o, Err *err) {
    for (size_t i = 0; i < o->n_inputs; i++) {
        const char *path = o->inputs[i];
        if (strcmp(path, "-") == 0)
            return err_input(err, "batch: mixes can't come from standard input: they are read "
                                  "again when the batch goes on");
        if (file_is_dir(path)) {
            if (add_folder(p, path, err) != 0) return -1;
            continue;
        }
        if (file_exists(path) && !file_is_regular(path))
            return err_input(err, "%s: expected a file or a folder, since mixes are read again",
                             path);
        char *found = file_find_spec(path);
        add_file(p, found ? found : mem_strdup(path));
    }
    return 0;
}

/* ---- ids ---- */

/* A part "0..9" or "17" of --ids. */
typedef struct {
    uint64_t lo, hi;
    bool met; /* some mix has one of these ids */
} IdRange;

typedef struct {
    IdRange *range;
    size_t n;
} Ids;

static int parse_range(const char *text, IdRange *r, Err *err) {
    char *copy = mem_strdup(text), *dots = strstr(copy, "..");
    if (dots) *dots = '\0';
    int rc = units_parse_count(copy, "--ids", &r->lo, err);
    r->hi = r->lo;
    if (rc == 0 && dots) rc = units_parse_count(dots + 2, "--ids", &r->hi, err);
    if (rc == 0 && r->hi < r->lo)
        rc = err_input(err, "--ids: expected LO..HI with LO at most HI, got '%.40s'", text);
    free(copy);
    return rc;
}

static int parse_ids(const char *text, Ids *ids, Err *err) {
    *ids = (Ids){0};
    if (!text) return 0;
    char *copy = mem_strdup(text), *rest = NULL;
    int rc = 0;
    ids->range = MEM_ZNEW(IdRange, strlen(text) / 2 + 1);
    for (char *part = strtok_r(copy, ",", &rest); part && rc == 0;
         part = strtok_r(NULL, ",", &rest))
        rc = parse_range(part, &ids->range[ids->n++], err);
    if (rc == 0 && ids->n == 0) rc = err_input(err, "--ids: expected ids like 0..9,17, got ''");
    free(copy);
    return rc;
}

static bool wants(Ids *ids, int64_t id) {
    bool wanted = ids->range == NULL;
    for (size_t i = 0; i < ids->n; i++) {
        IdRange *r = &ids->range[i];
        if (id < 0 || (uint64_t)id < r->lo || (uint64_t)id > r->hi) continue;
        wanted = r->met = true;
    }
    return wanted;
}

static int check_ids(const Ids *ids, Err *err) {
    for (size_t i = 0; i < ids->n; i++) {
        const IdRange *r = &ids->range[i];
        if (r->met) continue;
        return r->lo == r->hi
                   ? err_input(err, "--ids: no mix has id %llu", (unsigned long long)r->lo)
                   : err_input(err, "--ids: no mix has an id from %llu to %llu",
                               (unsigned long long)r->lo, (unsigned long long)r->hi);
    }
    return 0;
}

/* ---- mixes ---- */

static int check_exists(const char *path, const char *what, Err *err) {
    return !path || file_exists(path) ? 0 : err_input(err, "%s: %s does not exist", what, path);
}

static int check_files(const Mix *m, const ScenarioOptions *o, Err *err) {
    if (!o->topo_path && !m->topo) return err_input(err, "names no topology; give one with --topo");
    if (check_exists(o->topo_path ? o->topo_path : m->topo, "topology", err) != 0) return -1;
    if (check_exists(m->matrix, "matrix", err) != 0) return -1;
    return check_exists(m->sizes, "sizes", err);
}

static int add_mix(BatchPlan *p, const BatchFile *file, Mix *m, Ids *ids, const ScenarioOptions *o,
                   Err *err) {
    bool wanted = wants(ids, m->id);
    if (p->n == BATCH_MAX_ITEMS) return err_input(err, "more than %d mixes", BATCH_MAX_ITEMS);
    if (mix_apply(m, o->set, err) != 0) return -1;
    if (wanted && check_files(m, o, err) != 0) return -1;
    MEM_GROW(p->items, p->cap, p->n + 1);
    p->items[p->n++] = (BatchItem){.file = file, .mix = *m, .wanted = wanted};
    *m = (Mix){0};
    return 0;
}

static int add_mixes(BatchPlan *p, BatchFile *file, Ids *ids, const ScenarioOptions *o,
                     const Log *log, Err *err) {
    Mix *all;
    size_t n;
    int rc = 0;
    Log keeping = log ? *log : (Log){.level = LOG_QUIET};
    keeping.remarks = &file->remarks;
    if (mixes_load(file->path, &all, &n, &keeping, err) != 0) return -1;
    for (size_t i = 0; i < n && rc == 0; i++) {
        long long id = (long long)all[i].id;
        if ((rc = add_mix(p, file, &all[i], ids, o, err)) != 0)
            err_wrap(err, "%s: mix %lld", file->path, id);
    }
    mixes_free(all, n);
    return rc;
}

/* ---- names and groups ---- */

static int by_id(const void *pa, const void *pb) {
    int64_t a = (*(BatchItem *const *)pa)->mix.id, b = (*(BatchItem *const *)pb)->mix.id;
    return (a > b) - (a < b);
}

/* All items, to be sorted; caller frees. */
static BatchItem **pointers(const BatchPlan *p) {
    BatchItem **items = MEM_NEW(BatchItem *, p->n);
    for (size_t i = 0; i < p->n; i++) items[i] = &p->items[i];
    return items;
}

/* Whether some id occurs twice. */
static bool ids_collide(const BatchPlan *p) {
    BatchItem **sorted = pointers(p);
    bool twice = false;
    qsort(sorted, p->n, sizeof *sorted, by_id);
    for (size_t i = 1; i < p->n; i++) twice |= by_id(&sorted[i - 1], &sorted[i]) == 0;
    free(sorted);
    return twice;
}

static void name_items(BatchPlan *p) {
    bool collide = ids_collide(p);
    for (size_t i = 0; i < p->n; i++) {
        BatchItem *it = &p->items[i];
        char *file = file_stem(it->file->path);
        it->name = collide ? mem_printf("%s-%lld", file, (long long)it->mix.id)
                           : mem_printf("%lld", (long long)it->mix.id);
        free(file);
    }
}

static int by_name(const void *pa, const void *pb) {
    return strcmp((*(BatchItem *const *)pa)->name, (*(BatchItem *const *)pb)->name);
}

/* Two files of one name in different folders, or one given twice. */
static int check_names(const BatchPlan *p, Err *err) {
    BatchItem **sorted = pointers(p);
    int rc = 0;
    qsort(sorted, p->n, sizeof *sorted, by_name);
    for (size_t i = 1; i < p->n && rc == 0; i++)
        if (by_name(&sorted[i - 1], &sorted[i]) == 0)
            rc = err_input(err, "batch: two mixes would both be called %s: one of %s, one of %s",
                           sorted[i]->name, sorted[i - 1]->file->path, sorted[i]->file->path);
    free(sorted);
    return rc;
}

/* max_load of a published mix means another link's unless --load says which. */
static int by_traffic(const void *pa, const void *pb) {
    const BatchItem *a = *(BatchItem *const *)pa, *b = *(BatchItem *const *)pb;
    int c = a->mix.published - b->mix.published;
    return c ? c : mix_compare_traffic(&a->mix, &b->mix);
}

static int by_traffic_and_place(const void *pa, const void *pb) {
    const BatchItem *a = *(BatchItem *const *)pa, *b = *(BatchItem *const *)pb;
    int c = by_traffic(pa, pb);
    return c ? c : (a > b) - (a < b);
}

/* Sorted by traffic, a group is one run, its first mix in front. */
static void group_items(BatchPlan *p) {
    BatchItem **sorted = pointers(p);
    qsort(sorted, p->n, sizeof *sorted, by_traffic_and_place);
    for (size_t i = 0, first = 0; i < p->n; i++) {
        if (by_traffic(&sorted[first], &sorted[i]) != 0) first = i;
        sorted[i]->group = (size_t)(sorted[first] - p->items);
    }
    free(sorted);
    for (size_t i = 0; i < p->n; i++) {
        size_t first = p->items[i].group;
        p->items[i].group = first == i ? p->n_groups++ : p->items[first].group;
    }
}

/* Groups are numbered by their first items; each lists its items in their order. */
static void list_groups(BatchPlan *p) {
    size_t *end = p->group_start = MEM_ZNEW(size_t, p->n_groups + 1);
    p->in_group = MEM_NEW(BatchItem *, p->n);
    for (size_t i = 0; i < p->n; i++) end[p->items[i].group]++;
    for (size_t g = 1; g <= p->n_groups; g++) end[g] += end[g - 1];
    for (size_t i = p->n; i-- > 0;) p->in_group[--end[p->items[i].group]] = &p->items[i];
}

int batch_plan_load(BatchPlan *p, const BatchPlanOptions *o, const Log *log, Err *err) {
    Ids ids;
    *p = (BatchPlan){0};
    int rc = parse_ids(o->ids, &ids, err);
    if (rc == 0) rc = find_files(p, o, err);
    for (size_t i = 0; i < p->n_files && rc == 0; i++)
        rc = add_mixes(p, &p->files[i], &ids, &o->scenario, log, err);
    if (rc == 0) rc = check_ids(&ids, err);
    free(ids.range);
    if (rc != 0) return -1;
    name_items(p);
    group_items(p);
    list_groups(p);
    return check_names(p, err);
}

void batch_plan_free(BatchPlan *p) {
    for (size_t i = 0; i < p->n; i++) {
        free(p->items[i].name);
        mix_free(&p->items[i].mix);
    }
    for (size_t i = 0; i < p->n_files; i++) {
        free(p->files[i].path);
        log_remarks_free(&p->files[i].remarks);
    }
    free(p->in_group);
    free(p->group_start);
    free(p->items);
    free(p->files);
    *p = (BatchPlan){0};
}
