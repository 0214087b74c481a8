/* netrates: progressive filling over the links that flows cross.
 *
 * Rates rise together; a flow settles when it reaches its limit or a link of its path gives no
 * more. That link is the one of least share: what settled flows leave of it over the number of
 * others. With a target it may be less: n flows at rate r beside `used` bring the link to
 * u = (used + n r) / target, at which the control keeps them at r = step × u / (u − 1), so
 *
 *   n r² − (target + n step − used) r − step × used = 0
 *
 * While flows settle at rates below a link's share the share only rises, with a target too, since
 * only the sum matters. So a heap may hold old shares: the least is computed again when it comes
 * up, and goes back if it has risen. Limits are settled in ascending order beside that.
 *
 * Links are numbered by first use, so that the work is in proportion to the flows and the links
 * that they cross, not to the network. */
#include "fluid/netrates.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

typedef struct {
    double left, used, target;
    uint32_t open;       /* flows not settled */
    uint32_t begin, end; /* its flows, in `crossing` */
} UsedLink;

typedef struct {
    double share;
    uint32_t link; /* of used[] */
} LinkShare;

/* A limit that flows have; there are few different ones. */
typedef struct {
    double value;
    uint32_t n;  /* flows that have it */
    uint32_t at; /* where its flows go in `order` */
} Limit;

struct NetRatesScratch {
    uint32_t n_links;
    uint32_t *place; /* [n_links] in used[]; UINT32_MAX: not used */
    uint32_t *id;    /* [n_used] the link */
    UsedLink *used;
    LinkShare *heap;
    uint32_t n_used, cap_used, n_heap;
    uint32_t *crossing; /* flows by link */
    size_t cap_crossing;
    Limit *limits; /* [n_limits] */
    size_t n_limits, cap_limits;
    uint32_t *ascending; /* [n_limits] of limits[], by value */
    uint32_t *limit_of;  /* [cap] of limits[], of a flow */
    uint32_t *order;     /* [cap] flows by ascending limit */
    bool *settled;       /* [cap] */
    double step;
};

void netrates_init(NetRates *r, uint32_t n_links, uint32_t max_links) {
    *r = (NetRates){.max_links = max_links, .scratch = MEM_ZNEW(struct NetRatesScratch, 1)};
    r->scratch->n_links = n_links;
    r->scratch->place = MEM_NEW(uint32_t, n_links);
    memset(r->scratch->place, 0xff, n_links * sizeof(uint32_t));
}

void netrates_free(NetRates *r) {
    struct NetRatesScratch *s = r->scratch;
    if (!s) return;
    free(s->place);
    free(s->id);
    free(s->used);
    free(s->heap);
    free(s->crossing);
    free(s->limits);
    free(s->ascending);
    free(s->limit_of);
    free(s->order);
    free(s->settled);
    free(s);
    free(r->links);
    free(r->n_links);
    free(r->limit);
    free(r->rate);
    *r = (NetRates){0};
}

static void grow(NetRates *r) {
    size_t cap = r->cap;
    MEM_GROW(r->limit, cap, (size_t)r->n + 1);
    r->links = mem_realloc(r->links, cap * r->max_links, sizeof *r->links);
    r->n_links = mem_realloc(r->n_links, cap, sizeof *r->n_links);
    r->rate = mem_realloc(r->rate, cap, sizeof *r->rate);
    r->scratch->limit_of = mem_realloc(r->scratch->limit_of, cap, sizeof(uint32_t));
    r->scratch->order = mem_realloc(r->scratch->order, cap, sizeof(uint32_t));
    r->scratch->settled = mem_realloc(r->scratch->settled, cap, sizeof *r->scratch->settled);
    r->cap = (uint32_t)cap;
}

/* Returns the number of a limit, of which it becomes a new one if there is none of its value. */
static uint32_t limit_number(struct NetRatesScratch *s, double value) {
    for (size_t i = 0; i < s->n_limits; i++)
        if (s->limits[i].value == value) return (uint32_t)i;
    MEM_GROW(s->limits, s->cap_limits, s->n_limits + 1);
    s->ascending = mem_realloc(s->ascending, s->cap_limits, sizeof *s->ascending);
    s->limits[s->n_limits] = (Limit){.value = value};
    size_t at = s->n_limits++;
    for (; at > 0 && s->limits[s->ascending[at - 1]].value > value; at--)
        s->ascending[at] = s->ascending[at - 1];
    s->ascending[at] = (uint32_t)s->n_limits - 1;
    return (uint32_t)s->n_limits - 1;
}

void netrates_add(NetRates *r, const uint32_t *links, uint32_t n, double limit) {
    assert(n >= 1 && n <= r->max_links);
    if (r->n == r->cap) grow(r);
    memcpy(r->links + (size_t)r->n * r->max_links, links, n * sizeof *links);
    r->n_links[r->n] = (uint8_t)n;
    r->limit[r->n] = limit;
    r->scratch->limit_of[r->n] = limit_number(r->scratch, limit);
    r->rate[r->n++] = 0;
}

void netrates_move(NetRates *r, uint32_t from, uint32_t to) {
    if (from == to) return;
    memcpy(r->links + (size_t)to * r->max_links, r->links + (size_t)from * r->max_links,
           r->n_links[from] * sizeof *r->links);
    r->n_links[to] = r->n_links[from];
    r->limit[to] = r->limit[from];
    r->scratch->limit_of[to] = r->scratch->limit_of[from];
    r->rate[to] = r->rate[from];
}

void netrates_resize(NetRates *r, uint32_t n) { r->n = n; }

/* ---- which flows cross which links ---- */

static uint32_t use_link(struct NetRatesScratch *s, uint32_t link, const NetLink *l) {
    uint32_t k = s->place[link];
    if (k != UINT32_MAX) return k;
    if (s->n_used == s->cap_used) {
        size_t cap = s->cap_used;
        MEM_GROW(s->used, cap, (size_t)s->n_used + 1);
        s->id = mem_realloc(s->id, cap, sizeof *s->id);
        s->heap = mem_realloc(s->heap, cap, sizeof *s->heap);
        s->cap_used = (uint32_t)cap;
    }
    k = s->place[link] = s->n_used++;
    s->id[k] = link;
    s->used[k] = (UsedLink){.left = l->left, .used = l->used, .target = l->target};
    return k;
}

static void index_flows(NetRates *r, const NetLink *links) {
    struct NetRatesScratch *s = r->scratch;
    for (uint32_t k = 0; k < s->n_used; k++) s->place[s->id[k]] = UINT32_MAX;
    s->n_used = 0;
    size_t n = 0;
    for (uint32_t i = 0; i < r->n; i++)
        for (uint32_t k = 0; k < r->n_links[i]; k++, n++) {
            uint32_t link = r->links[(size_t)i * r->max_links + k];
            uint32_t place = use_link(s, link, &links[link]); /* may move `used` */
            s->used[place].open++;
        }
    MEM_GROW(s->crossing, s->cap_crossing, n);
    uint32_t at = 0;
    for (uint32_t k = 0; k < s->n_used; k++) {
        s->used[k].begin = s->used[k].end = at;
        at += s->used[k].open;
    }
    for (uint32_t i = 0; i < r->n; i++)
        for (uint32_t k = 0; k < r->n_links[i]; k++)
            s->crossing[s->used[s->place[r->links[(size_t)i * r->max_links + k]]].end++] = i;
}

/* ---- the heap of shares ---- */

static double share_of(const UsedLink *l, double step) {
    double n = l->open, room = fmax(l->left, 0) / n;
    if (l->target == INFINITY) return room;
    double b = l->target + n * step - l->used,
           kept = (b + sqrt(b * b + 4 * n * step * l->used)) / (2 * n);
    return fmin(room, kept);
}

/* Moves the hole to a leaf by way of the lesser children first, without a branch to guess, and from
 * there back up to where the entry goes: mostly not far, as what is sifted belongs deep down. */
static void sift_down(LinkShare *h, uint32_t n, uint32_t i) {
    LinkShare e = h[i];
    uint32_t top = i, c;
    for (; (c = 2 * i + 1) + 1 < n; i = c) {
        c += h[c + 1].share < h[c].share;
        h[i] = h[c];
    }
    if (c < n) {
        h[i] = h[c];
        i = c;
    }
    for (uint32_t up; i > top && !(h[up = (i - 1) / 2].share < e.share); i = up) h[i] = h[up];
    h[i] = e;
}

static void build_heap(struct NetRatesScratch *s) {
    s->n_heap = s->n_used;
    for (uint32_t k = 0; k < s->n_used; k++)
        s->heap[k] = (LinkShare){share_of(&s->used[k], s->step), k};
    for (uint32_t i = s->n_heap / 2; i-- > 0;) sift_down(s->heap, s->n_heap, i);
}

/* Brings the link of least share to the top, with its present share; drops settled ones. Returns
 * that share, INFINITY if no link is left. */
static double least_share(struct NetRatesScratch *s) {
    while (s->n_heap > 0) {
        LinkShare *top = &s->heap[0];
        const UsedLink *l = &s->used[top->link];
        if (l->open == 0) {
            s->heap[0] = s->heap[--s->n_heap];
            if (s->n_heap > 0) sift_down(s->heap, s->n_heap, 0);
            continue;
        }
        double share = share_of(l, s->step);
        if (share <= top->share) return top->share = share;
        top->share = share;
        sift_down(s->heap, s->n_heap, 0);
        if (s->heap[0].share == share) return share;
    }
    return INFINITY;
}

/* ---- filling ---- */

static void order_by_limit(NetRates *r) {
    struct NetRatesScratch *s = r->scratch;
    for (size_t i = 0; i < s->n_limits; i++) s->limits[i].n = 0;
    for (uint32_t i = 0; i < r->n; i++) s->limits[s->limit_of[i]].n++;
    uint32_t at = 0;
    for (size_t i = 0; i < s->n_limits; i++) {
        Limit *l = &s->limits[s->ascending[i]];
        l->at = at;
        at += l->n;
    }
    for (uint32_t i = 0; i < r->n; i++) s->order[s->limits[s->limit_of[i]].at++] = i;
}

static void settle(NetRates *r, uint32_t flow, double rate) {
    struct NetRatesScratch *s = r->scratch;
    s->settled[flow] = true;
    r->rate[flow] = rate;
    for (uint32_t k = 0; k < r->n_links[flow]; k++) {
        UsedLink *l = &s->used[s->place[r->links[(size_t)flow * r->max_links + k]]];
        l->left -= rate;
        l->used += rate;
        l->open--;
    }
}

void netrates_fill(NetRates *r, const NetLink *links, double step) {
    struct NetRatesScratch *s = r->scratch;
    s->step = step;
    index_flows(r, links);
    build_heap(s);
    order_by_limit(r);
    memset(s->settled, 0, r->n * sizeof *s->settled);
    for (uint32_t next = 0;;) {
        while (next < r->n && s->settled[s->order[next]]) next++;
        if (next == r->n) break;
        double share = least_share(s), limit = r->limit[s->order[next]];
        if (limit <= share) {
            settle(r, s->order[next], limit);
            continue;
        }
        const UsedLink *full = &s->used[s->heap[0].link];
        for (uint32_t k = full->begin; k < full->end; k++)
            if (!s->settled[s->crossing[k]]) settle(r, s->crossing[k], share);
    }
}
