/* route_table: next hops by classes of switches that are alike.
 *
 * A row is a switch or a host with several links. Rows are of one class if they have the same links
 * to switches: same neighbours, same number of parallel ones, same rates and delays, in the same
 * order. Exchanging two such switches changes nothing else in the network. So all members have the
 * same distances to everybody else and the same next hops, counted by position among their links;
 * and the way to one of them is the way to the other, until it comes next to them. In a folded Clos
 * the racks of a pod are a class, and the spines of a plane.
 *
 * A destination is a group of hosts that are joined to the same switches. Groups whose switches are
 * of the same classes share a column of the table:
 *
 *     hops[class][column]   distance ≥ 2: next hops of the class's switches, none of which has or
 *                           touches a switch of the group; and of hosts that share no switch with
 *                           the group
 *                           distance 0 or 1: the class has or touches such switches, see near
 *     near[group][class]    next hops of switches that are not the group's own: the links to those,
 *                           or to all neighbours, which lead to them; and of hosts that share some
 *                           of the group's switches
 *
 * Switches of the group itself have no entry: the last hop is one of the host's own links.
 *
 * Along the columns a class's next hops repeat, since racks are in order of pod and to a fabric
 * switch all other pods look alike, so they are kept as runs where that is shorter. One
 * breadth-first search a column, over classes, finds them: once to count the runs, and again to
 * keep them, unless the table is small or its first columns have shown that there are no runs to
 * speak of. Memory: linear in the cables of a Clos; in networks without symmetry every switch is a
 * class and the table is the full one, which is refused if it does not fit the machine.
 *
 * Next hops that are no range of a row's links are listed behind them; a list that is equal to the
 * class's latest one is not stored again. Left out: symmetries other than exchanges of two
 * switches, such as that of whole pods. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/units.h"
#include "net/alike.h"
#include "net/route_private.h"

/* Tables of up to so many entries (512 KiB) are kept in full: they stay in the caches. */
enum { SMALL_TABLE = 1 << 16 };

/* What a class keeps of lists that are no range of its links, as positions among those; and its
 * latest next hops while columns go by. */
typedef struct {
    uint32_t *list;
    size_t n, cap, n_near; /* n_near: those of near hops */
    size_t latest;         /* where the latest list begins, */
    uint32_t n_latest;     /* its length; 0: there is none yet */
    NextHops hops;
    uint32_t n_runs;
} ClassLists;

typedef struct {
    Route *r;
    const Topo *topo;
    uint32_t n_rows, n_switches;
    uint32_t *row_of, *node_of;   /* [n_nodes] or TOPO_NONE; [n_rows] */
    size_t *start;                /* [n_rows + 1] where a row's links to switches begin */
    uint32_t *link, *to_row;      /* [n_links] */
    uint32_t *class_of, *head_of; /* [n_rows]; [n_classes] a row of each class */
    size_t *next_start;           /* [n_classes + 1] classes of a class's neighbours */
    uint32_t *next;
    size_t *switch_start; /* [n_groups + 1] rows of a group's switches */
    uint32_t *switches;
    uint32_t *head_group;        /* [n_columns] a group of each column */
    ClassLists *lists;           /* [n_classes] */
    uint16_t *distance, *before; /* [n_classes] to the present column and to the one before; 0: of
                                    the column's classes */
    uint16_t *other;             /* [n_classes] distance of the others of a column's class */
    uint32_t *queue;             /* [n_classes] */
    uint32_t *mark;              /* [n_rows + n_classes], all 0 at first */
    uint32_t *position;          /* [most links of a row] */
    uint64_t table_b, first_b;   /* what the table takes so far, and its first column alone */
    bool full;                   /* the table is kept in full */
} RouteBuild;

/* ---- rows ---- */

static void list_rows(RouteBuild *b) {
    const Topo *t = b->topo;
    uint32_t most = 0;
    size_t n = 0;
    b->row_of = MEM_NEW(uint32_t, t->n_nodes);
    b->node_of = MEM_NEW(uint32_t, t->n_nodes);
    for (uint32_t v = 0; v < t->n_nodes; v++) {
        b->row_of[v] = TOPO_NONE;
        if (t->is_host[v]) continue;
        b->node_of[b->n_rows] = v;
        b->row_of[v] = b->n_rows++;
    }
    b->n_switches = b->n_rows;
    for (uint32_t h = 0; h < t->n_hosts; h++) {
        if (topo_only_link(t, h) != TOPO_NONE) continue;
        b->node_of[b->n_rows] = t->host_node[h];
        b->row_of[t->host_node[h]] = b->n_rows++;
    }
    b->start = MEM_ZNEW(size_t, b->n_rows + (size_t)1);
    b->link = MEM_NEW(uint32_t, t->n_links);
    b->to_row = MEM_NEW(uint32_t, t->n_links);
    for (uint32_t row = 0; row < b->n_rows; row++) {
        uint32_t v = b->node_of[row];
        for (uint32_t i = t->out_start[v]; i < t->out_start[v + 1]; i++) {
            uint32_t to = t->links[t->out_link[i]].to;
            if (t->is_host[to]) continue;
            b->link[n] = t->out_link[i];
            b->to_row[n++] = b->row_of[to];
        }
        b->start[row + 1] = n;
        if (n - b->start[row] > most) most = (uint32_t)(n - b->start[row]);
    }
    b->position = MEM_NEW(uint32_t, most);
}

/* ---- classes ---- */

/* What a row's links look like, five words each, behind a word for the kind of node. */
static void number_classes(RouteBuild *b) {
    enum { WORDS = 5 };
    const Topo *t = b->topo;
    uint32_t *words = MEM_NEW(uint32_t, WORDS * b->start[b->n_rows] + b->n_rows);
    size_t *at = MEM_NEW(size_t, b->n_rows + (size_t)1), n = 0;
    for (uint32_t row = 0; row < b->n_rows; row++) {
        at[row] = n;
        words[n++] = row >= b->n_switches;
        for (size_t i = b->start[row]; i < b->start[row + 1]; i++, n += WORDS) {
            const Link *l = &t->links[b->link[i]];
            words[n] = b->to_row[i];
            memcpy(words + n + 1, &l->rate_bps, sizeof l->rate_bps);
            memcpy(words + n + 3, &l->delay_ns, sizeof l->delay_ns);
        }
    }
    at[b->n_rows] = n;
    b->class_of = MEM_NEW(uint32_t, b->n_rows);
    b->head_of = MEM_NEW(uint32_t, b->n_rows);
    b->r->n_classes = alike_number(words, at, b->n_rows, b->class_of, b->head_of);
    while (b->r->n_switch_classes < b->r->n_classes &&
           b->head_of[b->r->n_switch_classes] < b->n_switches)
        b->r->n_switch_classes++;
    free(words);
    free(at);
}

/* The classes of each class's neighbours, every one once. */
static void link_classes(RouteBuild *b) {
    uint32_t n_classes = b->r->n_classes, *seen = MEM_ZNEW(uint32_t, n_classes);
    size_t n = 0, cap = 0;
    b->next_start = MEM_ZNEW(size_t, n_classes + (size_t)1);
    for (uint32_t c = 0; c < n_classes; c++) {
        uint32_t row = b->head_of[c];
        for (size_t i = b->start[row]; i < b->start[row + 1]; i++) {
            uint32_t to = b->class_of[b->to_row[i]];
            if (seen[to] == c + 1) continue;
            seen[to] = c + 1;
            MEM_GROW(b->next, cap, n + 1);
            b->next[n++] = to;
        }
        b->next_start[c + 1] = n;
    }
    free(seen);
}

/* ---- columns ---- */

static int by_number(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The switches of each group, and columns as groups whose switches are of the same classes. */
static void number_columns(RouteBuild *b, const uint32_t *heads) {
    const Topo *t = b->topo;
    uint32_t n_groups = b->r->n_groups;
    size_t n = 0, n_words = 0, cap = 0, cap_words = 0, *at = MEM_ZNEW(size_t, n_groups + (size_t)1);
    uint32_t *words = NULL;
    b->switch_start = MEM_ZNEW(size_t, n_groups + (size_t)1);
    for (uint32_t g = 0; g < n_groups; g++) {
        uint32_t v = t->host_node[heads[g]], end = t->out_start[v + 1];
        for (uint32_t i = t->out_start[v]; i < end; i = route_skip_parallel(t, i, end)) {
            uint32_t row = b->row_of[t->links[t->out_link[i]].to];
            MEM_GROW(b->switches, cap, n + 1);
            MEM_GROW(words, cap_words, n_words + 1);
            b->switches[n++] = row;
            words[n_words++] = b->class_of[row];
        }
        b->switch_start[g + 1] = n;
        assert(words); /* a group's hosts have links */
        qsort(words + at[g], n_words - at[g], sizeof *words, by_number);
        size_t kept = at[g];
        for (size_t i = at[g]; i < n_words; i++)
            if (i == at[g] || words[i] != words[i - 1]) words[kept++] = words[i];
        at[g + 1] = n_words = kept;
    }
    b->r->column_of = MEM_NEW(uint32_t, n_groups);
    b->head_group = MEM_NEW(uint32_t, n_groups);
    b->r->n_columns = alike_number(words, at, n_groups, b->r->column_of, b->head_group);
    free(words);
    free(at);
}

/* ---- lists ---- */

/* Next hops at n positions of a class's links: a range of them, or a list. */
static int keep(RouteBuild *b, uint32_t class, uint32_t n, uint32_t distance, NextHops *out,
                Err *err) {
    const uint32_t *p = b->position;
    ClassLists *l = &b->lists[class];
    uint32_t n_links = (uint32_t)(b->start[b->head_of[class] + 1] - b->start[b->head_of[class]]);
    if (n >= UINT16_MAX)
        return err_input(err, "%s: a switch has more than %d next hops", b->topo->name,
                         UINT16_MAX - 1);
    *out = (NextHops){p[0], (uint16_t)n, (uint16_t)distance};
    if (p[n - 1] - p[0] == n - 1) return 0;
    if (l->n_latest != n || memcmp(l->list + l->latest, p, n * sizeof *p) != 0) {
        MEM_GROW(l->list, l->cap, l->n + n);
        memcpy(l->list + l->n, p, n * sizeof *p);
        l->latest = l->n;
        l->n_latest = n;
        l->n += n;
        b->table_b += 2 * n * sizeof *p;
    }
    if (l->latest + n_links >= UINT32_MAX)
        return err_input(err, "%s: a switch has more than 4 billion next hops", b->topo->name);
    out->first = n_links + (uint32_t)l->latest;
    return 0;
}

/* ---- near hops ---- */

/* Next hops of a class toward a group, whose switches are marked with `g + 1`: its links to them,
 * else (others of a switch's class) all links, since all neighbours are the switch's too. */
static int find_near(RouteBuild *b, uint32_t class, uint32_t g, NextHops *hops, Err *err) {
    size_t begin = b->start[b->head_of[class]], end = b->start[b->head_of[class] + 1];
    uint32_t n = 0, distance = 1;
    for (size_t i = begin; i < end; i++)
        if (b->mark[b->to_row[i]] == g + 1) b->position[n++] = (uint32_t)(i - begin);
    if (n == 0 && begin == end) {
        *hops = (NextHops){.distance = ROUTE_UNREACHED};
        return 0;
    }
    if (n == 0) {
        distance = 2;
        for (size_t i = begin; i < end; i++) b->position[n++] = (uint32_t)(i - begin);
    }
    return keep(b, class, n, distance, hops, err);
}

/* Lists the classes that have or touch a group's switches, which it marks. */
static uint32_t list_near(RouteBuild *b, uint32_t g, uint32_t **list, size_t *cap) {
    const Topo *t = b->topo;
    uint32_t n = 0, *class_mark = b->mark + b->n_rows;
    for (size_t k = b->switch_start[g]; k < b->switch_start[g + 1]; k++) {
        uint32_t row = b->switches[k], v = b->node_of[row], end = t->out_start[v + 1];
        b->mark[row] = g + 1;
        MEM_GROW(*list, *cap, n + 1 + (end - t->out_start[v]));
        for (uint32_t i = t->out_start[v]; i <= end; i++) { /* neighbours, and the switch itself */
            uint32_t at = i < end ? b->row_of[t->links[t->out_link[i]].to] : row;
            if (at == TOPO_NONE || class_mark[b->class_of[at]] == g + 1) continue;
            class_mark[b->class_of[at]] = g + 1;
            (*list)[n++] = b->class_of[at];
        }
    }
    assert(*list); /* a group's hosts have switches */
    qsort(*list, n, sizeof **list, by_number);
    return n;
}

static int fill_near(RouteBuild *b, Err *err) {
    Route *r = b->r;
    uint32_t *list = NULL;
    size_t cap = 0, n_near = 0, cap_near = 0;
    int rc = 0;
    r->near_start = MEM_ZNEW(size_t, r->n_groups + (size_t)1);
    for (uint32_t g = 0; g < r->n_groups && rc == 0; g++) {
        uint32_t n = list_near(b, g, &list, &cap);
        MEM_GROW(r->near, cap_near, n_near + n);
        for (uint32_t i = 0; i < n && rc == 0; i++) {
            r->near[n_near] = (NearHops){.class = list[i]};
            rc = find_near(b, list[i], g, &r->near[n_near++].hops, err);
        }
        r->near_start[g + 1] = n_near;
    }
    for (uint32_t c = 0; c < r->n_classes; c++) b->lists[c].n_near = b->lists[c].n;
    free(list);
    return rc;
}

/* ---- far hops ---- */

/* Fills in the distances of all classes of switches from a column's, and of the column's others. */
static void measure(RouteBuild *b, uint32_t column) {
    uint32_t g = b->head_group[column], begin = 0, end = 0;
    uint16_t *swap = b->before;
    b->before = b->distance;
    b->distance = swap;
    memset(b->distance, 0xff, b->r->n_classes * sizeof *b->distance);
    for (size_t k = b->switch_start[g]; k < b->switch_start[g + 1]; k++) {
        assert(b->switches);
        uint32_t class = b->class_of[b->switches[k]];
        if (b->distance[class] == 0) continue;
        b->distance[class] = 0;
        b->queue[end++] = class;
    }
    uint32_t n_own = end;
    while (begin < end) {
        uint32_t class = b->queue[begin++], next = b->distance[class] + 1u;
        if (next >= ROUTE_UNREACHED) continue;
        for (size_t i = b->next_start[class]; i < b->next_start[class + 1]; i++) {
            uint16_t *d = &b->distance[b->next[i]];
            if (*d != ROUTE_UNREACHED) continue;
            *d = (uint16_t)next;
            b->queue[end++] = b->next[i];
        }
    }
    for (uint32_t k = 0; k < n_own; k++) {
        uint32_t class = b->queue[k];
        bool touches = false, alone = b->next_start[class] == b->next_start[class + 1];
        for (size_t i = b->next_start[class]; i < b->next_start[class + 1]; i++)
            touches = touches || b->distance[b->next[i]] == 0;
        b->other[class] = touches ? 1 : alone ? ROUTE_UNREACHED : 2;
    }
}

/* Whether a class of switches goes to the same neighbours as toward the column before. */
static bool as_before(const RouteBuild *b, uint32_t class) {
    uint32_t now = b->distance[class], then = b->before[class];
    if (now != then || now < 2 || now == ROUTE_UNREACHED) return false;
    for (size_t i = b->next_start[class]; i < b->next_start[class + 1]; i++)
        if ((b->distance[b->next[i]] == now - 1) != (b->before[b->next[i]] == now - 1))
            return false;
    return true;
}

/* The distance of a neighbour of a host that shares no switch with the group. */
static uint32_t from_outside(const RouteBuild *b, uint32_t class) {
    return b->distance[class] == 0 ? b->other[class] : b->distance[class];
}

/* A host has no distance of its own yet, since nothing is forwarded by hosts: it goes to the
 * nearest of its switches. */
static int find_far(RouteBuild *b, uint32_t class, NextHops *hops, Err *err) {
    size_t begin = b->start[b->head_of[class]], end = b->start[b->head_of[class] + 1];
    bool is_host = class >= b->r->n_switch_classes;
    uint32_t nearest = ROUTE_UNREACHED, n = 0;
    *hops = (NextHops){.distance = b->distance[class]};
    if (!is_host && (hops->distance < 2 || hops->distance == ROUTE_UNREACHED)) return 0;
    hops->distance = ROUTE_UNREACHED;
    for (size_t i = begin; i < end; i++) {
        uint32_t d = from_outside(b, b->class_of[b->to_row[i]]);
        if (d < nearest) nearest = d;
    }
    if (nearest == ROUTE_UNREACHED) return 0;
    for (size_t i = begin; i < end; i++)
        if (from_outside(b, b->class_of[b->to_row[i]]) == nearest)
            b->position[n++] = (uint32_t)(i - begin);
    return keep(b, class, n, nearest + 1, hops, err);
}

static bool same_hops(NextHops a, NextHops b) {
    return a.first == b.first && a.n == b.n && a.distance == b.distance;
}

static int too_large(const RouteBuild *b, double table_b, Err *err) {
    return err_input(err,
                     "%s: the next hops of %u switches toward %u groups of hosts, most of them "
                     "unlike each other, take %s or more, and this machine has %s of memory",
                     b->topo->name, b->n_switches, b->r->n_groups, units_size(table_b).s,
                     units_size((double)file_memory_b()).s);
}

/* So many columns are enough to know what the others will be like. */
enum { ENOUGH = 64 };

/* What the whole table takes, going by the columns so far. */
static int check_size(const RouteBuild *b, uint32_t n_done, Err *err) {
    double first = (double)b->first_b,
           share = n_done > 1 ? (b->r->n_columns - 1.0) / (n_done - 1.0) : 1,
           table_b = first + ((double)b->table_b - first) * (n_done < ENOUGH ? 1 : share);
    return file_fits_memory(table_b) ? 0 : too_large(b, table_b, err);
}

/* Whether in the first columns most next hops are other ones than in the column before. */
static bool has_no_runs(const RouteBuild *b, uint32_t n_done) {
    uint64_t n_runs = 0;
    if (n_done != ENOUGH) return false;
    for (uint32_t c = 0; c < b->r->n_classes; c++) n_runs += b->lists[c].n_runs;
    return n_runs > (uint64_t)b->r->n_classes * ENOUGH / 2;
}

/* One search a column. The next hops of a class go to its runs, or are only counted. */
static int fill_columns(RouteBuild *b, bool count, Err *err) {
    Route *r = b->r;
    for (uint32_t c = 0; c < r->n_classes; c++) {
        ClassLists *l = &b->lists[c];
        l->n = l->n_near;
        l->n_latest = l->n_runs = 0;
    }
    for (uint32_t column = 0; column < r->n_columns; column++) {
        measure(b, column);
        for (uint32_t c = 0; c < r->n_classes; c++) {
            ClassLists *l = &b->lists[c];
            NextHops hops = l->hops;
            bool host = c >= r->n_switch_classes, dense = !count && r->runs[c].n == r->n_columns;
            if (column == 0 || host || !as_before(b, c))
                if (find_far(b, c, &hops, err) != 0) return -1;
            if (!dense && column > 0 && same_hops(hops, l->hops)) continue;
            l->hops = hops;
            if (count) b->table_b += sizeof hops;
            else {
                size_t at = r->runs[c].first + l->n_runs;
                r->hops[at] = hops;
                if (!dense) r->run_column[at] = column;
            }
            l->n_runs++;
        }
        if (column == 0) b->first_b = b->table_b;
        if (count && check_size(b, column + 1, err) != 0) return -1;
        b->full = count && has_no_runs(b, column + 1);
        if (b->full) break;
    }
    return 0;
}

/* Where the next hops of each class go: first those of classes with few runs. */
static void place_runs(RouteBuild *b) {
    Route *r = b->r;
    size_t n = 0, n_runs = 0;
    r->runs = MEM_NEW(RouteRuns, r->n_classes);
    for (uint32_t c = 0; c < r->n_classes; c++) {
        uint32_t n_here = b->lists[c].n_runs;
        if (b->full || n_here > r->n_columns / 4) n_here = r->n_columns;
        r->runs[c] = (RouteRuns){.n = n_here};
        if (n_here < r->n_columns) n_runs += n_here;
    }
    n = n_runs;
    n_runs = 0;
    for (uint32_t c = 0; c < r->n_classes; c++) {
        size_t *at = r->runs[c].n < r->n_columns ? &n_runs : &n;
        r->runs[c].first = *at;
        *at += r->runs[c].n;
    }
    r->hops = MEM_NEW(NextHops, n);
    r->run_column = MEM_NEW(uint32_t, n_runs);
}

static int fill_far(RouteBuild *b, Err *err) {
    b->full = (uint64_t)b->r->n_classes * b->r->n_columns <= SMALL_TABLE;
    if (!b->full && fill_columns(b, true, err) != 0) return -1;
    place_runs(b);
    return fill_columns(b, false, err);
}

/* ---- links ---- */

/* Copies the links of every row, and behind them those of its class's lists. */
static int list_links(RouteBuild *b, Err *err) {
    Route *r = b->r;
    const Topo *t = b->topo;
    size_t n = 0;
    for (uint32_t row = 0; row < b->n_rows; row++)
        n += b->start[row + 1] - b->start[row] + b->lists[b->class_of[row]].n;
    if (n > UINT32_MAX)
        return err_input(err, "%s: all switches together have more than 4 billion next hops",
                         t->name);
    if (!file_fits_memory((double)n * sizeof *r->link_list))
        return too_large(b, (double)n * sizeof *r->link_list, err);
    r->link_list = MEM_NEW(uint32_t, n);
    r->node = MEM_NEW(RouteNode, t->n_nodes);
    uint32_t *n_left = MEM_ZNEW(uint32_t, r->n_classes); /* members, after which lists can go */
    for (uint32_t row = 0; row < b->n_rows; row++) n_left[b->class_of[row]]++;
    n = 0;
    for (uint32_t v = 0; v < t->n_nodes; v++) {
        uint32_t row = b->row_of[v];
        if (row == TOPO_NONE) {
            r->node[v] = (RouteNode){TOPO_NONE, t->out_link[t->out_start[v]]};
            continue;
        }
        ClassLists *l = &b->lists[b->class_of[row]];
        const uint32_t *own = b->link + b->start[row];
        size_t n_own = b->start[row + 1] - b->start[row];
        r->node[v] = (RouteNode){b->class_of[row], (uint32_t)n};
        memcpy(r->link_list + n, own, n_own * sizeof *own);
        n += n_own;
        for (size_t i = 0; i < l->n; i++) r->link_list[n++] = own[l->list[i]];
        if (--n_left[b->class_of[row]] > 0) continue;
        free(l->list);
        l->list = NULL;
    }
    free(n_left);
    return 0;
}

/* ---- the whole ---- */

static void build_free(RouteBuild *b) {
    for (uint32_t c = 0; b->lists && c < b->r->n_classes; c++) free(b->lists[c].list);
    void *arrays[] = {b->row_of,   b->node_of,    b->start,    b->link,         b->to_row,
                      b->class_of, b->head_of,    b->next,     b->next_start,   b->switches,
                      b->lists,    b->head_group, b->distance, b->switch_start, b->before,
                      b->other,    b->queue,      b->mark,     b->position};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
}

int route_table_build(Route *r, const uint32_t *heads, Err *err) {
    RouteBuild b = {.r = r, .topo = r->topo};
    list_rows(&b);
    number_classes(&b);
    link_classes(&b);
    number_columns(&b, heads);
    b.lists = MEM_ZNEW(ClassLists, r->n_classes);
    b.distance = MEM_NEW(uint16_t, r->n_classes);
    b.before = MEM_NEW(uint16_t, r->n_classes);
    b.other = MEM_NEW(uint16_t, r->n_classes);
    b.queue = MEM_NEW(uint32_t, r->n_classes);
    b.mark = MEM_ZNEW(uint32_t, b.n_rows + (size_t)r->n_classes);
    int rc = fill_near(&b, err);
    if (rc == 0) rc = fill_far(&b, err);
    if (rc == 0) rc = list_links(&b, err);
    build_free(&b);
    return rc;
}
