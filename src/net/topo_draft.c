/* topo_draft: the list of nodes and cables that a reader or generator makes, on its way to a Topo.
 *
 * Two things that files have are put right here, with a remark, since a simulation of the file as
 * it stands would silently be one of another network. A switch that has no link (the spine whose
 * cables a what-if study removed) is dropped: nothing can cross it. And a cable that is listed in
 * both directions is counted: two cables double the capacity, which is right for parallel cables
 * and wrong for a list of directed links, and only the user knows which it is (--merge-duplicates).
 */
#include <stdlib.h>

#include "base/mem.h"
#include "base/units.h"
#include "net/topo_private.h"

/* So that counts of links fit 32 bits. */
enum { MAX_COUNT = 1 << 30 };

void topo_draft_node(TopoDraft *d, uint64_t id, bool is_host, uint32_t pod) {
    MEM_GROW(d->node_id, d->cap_id, d->n_nodes + 1);
    MEM_GROW(d->is_host, d->cap_host, d->n_nodes + 1);
    MEM_GROW(d->pod, d->cap_pod, d->n_nodes + 1);
    d->node_id[d->n_nodes] = id;
    d->is_host[d->n_nodes] = is_host;
    d->pod[d->n_nodes++] = pod;
}

void topo_draft_cable(TopoDraft *d, TopoCable c) {
    MEM_GROW(d->cables, d->cap_cables, d->n_cables + 1);
    d->cables[d->n_cables++] = c;
}

typedef struct {
    uint64_t low, high;
    size_t cable;
} Ends;

static int by_ends(const void *a, const void *b) {
    const Ends *x = a, *y = b;
    if (x->low != y->low) return x->low < y->low ? -1 : 1;
    if (x->high != y->high) return x->high < y->high ? -1 : 1;
    return (x->cable > y->cable) - (x->cable < y->cable);
}

/* Pairs cables a → b with cables b → a of the same ends, in the order of the file; returns how many
 * pairs there are. partner[k] is the cable that cable k repeats, or k itself. */
static size_t pair_opposites(const TopoDraft *d, size_t *partner) {
    Ends *e = MEM_NEW(Ends, d->n_cables);
    size_t n = d->n_cables, n_pairs = 0;
    for (size_t k = 0; k < n; k++) {
        const TopoCable *c = &d->cables[k];
        bool up = c->a < c->b;
        e[k] = (Ends){up ? c->a : c->b, up ? c->b : c->a, k};
        partner[k] = k;
    }
    qsort(e, n, sizeof *e, by_ends);
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i; j < n && e[j].low == e[i].low && e[j].high == e[i].high;) j++;
        size_t other = i;
        for (size_t k = i; k < j; k++) { /* the first direction seen keeps its cables */
            bool same = d->cables[e[k].cable].a == d->cables[e[i].cable].a;
            if (same) continue;
            while (other < j && d->cables[e[other].cable].a != d->cables[e[i].cable].a) other++;
            if (other == j) break;
            partner[e[k].cable] = e[other++].cable;
            n_pairs++;
        }
    }
    free(e);
    return n_pairs;
}

static int join_opposites(TopoDraft *d, const char *name, const TopoLoadOptions *o, Err *err) {
    size_t *partner = MEM_NEW(size_t, d->n_cables), n = 0;
    size_t n_pairs = pair_opposites(d, partner);
    int rc = 0;
    if (n_pairs > 0 && !o->merge_duplicates)
        log_note(o->log,
                 "%s: %s pairs of links join the same nodes in opposite directions; they are taken "
                 "as two cables each, --merge-duplicates makes one of them",
                 name, units_count(n_pairs).s);
    for (size_t k = 0; rc == 0 && n_pairs > 0 && o->merge_duplicates && k < d->n_cables; k++) {
        const TopoCable *c = &d->cables[k], *first = &d->cables[partner[k]];
        if (partner[k] != k && (c->rate_bps != first->rate_bps || c->delay_ns != first->delay_ns))
            rc =
                err_input(err,
                          "%s: link %zu: expected the rate and delay of link %zu, which it repeats "
                          "in the other direction",
                          name, k + 1, partner[k] + 1);
    }
    if (rc == 0 && n_pairs > 0 && o->merge_duplicates) {
        for (size_t k = 0; k < d->n_cables; k++)
            if (partner[k] == k) d->cables[n++] = d->cables[k];
        log_note(o->log, "%s: joined %s pairs of links in opposite directions", name,
                 units_count(n_pairs).s);
        d->n_cables = n;
    }
    free(partner);
    return rc;
}

static int by_id(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void drop_unlinked_switches(TopoDraft *d, const char *name, const TopoLoadOptions *o) {
    size_t n_ends = 2 * d->n_cables, n = 0, n_dropped = 0;
    uint64_t *linked = MEM_NEW(uint64_t, n_ends), first = 0;
    for (size_t k = 0; k < d->n_cables; k++) {
        linked[2 * k] = d->cables[k].a;
        linked[2 * k + 1] = d->cables[k].b;
    }
    qsort(linked, n_ends, sizeof *linked, by_id);
    for (size_t v = 0; v < d->n_nodes; v++) {
        bool keep =
            d->is_host[v] || bsearch(&d->node_id[v], linked, n_ends, sizeof *linked, by_id) != NULL;
        if (!keep && n_dropped++ == 0) first = d->node_id[v];
        if (!keep) continue;
        d->node_id[n] = d->node_id[v];
        d->is_host[n] = d->is_host[v];
        d->pod[n++] = d->pod[v];
    }
    d->n_nodes = n;
    free(linked);
    if (n_dropped == 1)
        log_note(o->log, "%s: switch %llu has no link; it is left out", name,
                 (unsigned long long)first);
    else if (n_dropped > 1)
        log_note(o->log, "%s: %zu switches have no link (the first is %llu); they are left out",
                 name, n_dropped, (unsigned long long)first);
}

int topo_draft_build(Topo *t, TopoDraft *d, const char *name, const TopoLoadOptions *o, Err *err) {
    if (d->n_nodes >= MAX_COUNT || d->n_cables >= MAX_COUNT)
        return err_input(err, "%s: %zu nodes and %zu links are too many", name, d->n_nodes,
                         d->n_cables);
    if (o) {
        if (join_opposites(d, name, o, err) != 0) return -1;
        drop_unlinked_switches(d, name, o);
    }
    return topo_build(t, name, d->node_id, d->is_host, d->pod, (uint32_t)d->n_nodes, d->cables,
                      (uint32_t)d->n_cables, err);
}

void topo_draft_free(TopoDraft *d) {
    free(d->node_id);
    free(d->is_host);
    free(d->pod);
    free(d->cables);
    *d = (TopoDraft){0};
}

int topo_draft_finish(Topo *t, TopoDraft *d, const char *name, Err *err) {
    int rc = topo_draft_build(t, d, name, NULL, err);
    topo_draft_free(d);
    return rc;
}
