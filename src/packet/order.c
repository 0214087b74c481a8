/* order: numbers the steps that several logs have at one time, as one run would take them.
 *
 * One run takes events of equal time in the order scheduled, that is in the order of the steps that
 * scheduled them. So the order of two steps of equal time is that of (when its event was scheduled,
 * the event's tie), and ties follow the steps one time earlier. Events scheduled before the window
 * have ties that are good among all partitions already: each partition renumbers what it scheduled
 * at the end of a window. Within the window one looks at the scheduling steps, which are numbered
 * first. Hence nothing older than a window is ever looked at.
 *
 * Steps of a time that only one partition had need no number: no other's events were scheduled
 * then. Times that two logs share are found by merging them, which is most of the work here. */
#include "packet/order.h"

#include <stdlib.h>

#include "base/mem.h"

void order_log_begin(OrderLog *l, int64_t begin) {
    l->n = 0;
    l->begin = begin;
}

void order_log_grow(OrderLog *l, size_t n_ties) {
    size_t cap = l->cap;
    MEM_GROW(l->steps, l->cap, l->n + 2);
    if (l->cap > cap) l->after = mem_realloc(l->after, l->cap, sizeof *l->after);
    MEM_GROW(l->scheduled, l->cap_scheduled, n_ties);
}

void order_log_free(OrderLog *l) {
    free(l->after);
    free(l->steps);
    free(l->scheduled);
}

void order_free(Order *o) {
    for (int q = 0; q < o->n_logs; q++) {
        free(o->numbers[q].of);
        free(o->shared[q].at);
    }
}

/* ---- numbers ---- */

static bool is_numbered(const Order *o, int log, size_t step) {
    return o->numbers[log].of[step] >> 32 == o->window;
}

static void set_number(Order *o, int log, size_t step, uint32_t number) {
    o->numbers[log].of[step] = (uint64_t)o->window << 32 | number;
}

uint32_t order_tie(Order *o, int log, size_t step) {
    if (is_numbered(o, log, step)) return (uint32_t)o->numbers[log].of[step];
    return o->logs[log]->steps[step].first;
}

/* The first step of a log that is not before a time. */
static size_t lower_bound(const OrderLog *l, uint32_t after) {
    size_t lo = 0, hi = l->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (l->after[mid] < after) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

static size_t run_length(const OrderLog *l, size_t first, uint32_t after) {
    size_t i = first;
    while (i < l->n && l->after[i] == after) i++;
    return i - first;
}

/* The step of a log that scheduled the event of a tie, in this window. */
static size_t step_of(const OrderLog *l, uint32_t tie) {
    size_t lo = 0, hi = l->n;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (l->steps[mid].first <= tie) lo = mid;
        else hi = mid;
    }
    return lo;
}

static void number_group(Order *o, const OrderGroup *g);

/* Numbers the steps of a time unless one log has them all: its own ties are in order then. */
static void number_time(Order *o, uint32_t after) {
    OrderGroup g;
    int n_sharing = 0;
    for (int q = 0; q < o->n_logs; q++) {
        g.first[q] = lower_bound(o->logs[q], after);
        g.n[q] = run_length(o->logs[q], g.first[q], after);
        n_sharing += g.n[q] > 0;
    }
    if (n_sharing > 1) number_group(o, &g);
}

uint32_t order_event_tie(Order *o, int log, size_t step, uint32_t tie) {
    /* Of two logs, the groups that order_next_group gave are all there are. */
    if (o->n_logs > 2 && !is_numbered(o, log, step)) number_time(o, o->logs[log]->after[step]);
    return order_tie(o, log, step) + (tie - o->logs[log]->steps[step].first);
}

/* The tie of the event of a step, good among all logs that scheduled at that time. */
static uint32_t event_tie(Order *o, int log, const OrderStep *x) {
    const OrderLog *l = o->logs[log];
    if (x->sched < l->begin) return x->tie;
    size_t by = step_of(l, x->tie);
    if (!is_numbered(o, log, by)) number_time(o, l->after[by]);
    return order_event_tie(o, log, by, x->tie);
}

/* Less than 0, 0 or more, as a step comes before, is the same as or comes after one of equal
 * time. */
static int compare(Order *o, int log_a, size_t a, int log_b, size_t b) {
    const OrderStep *x = &o->logs[log_a]->steps[a], *y = &o->logs[log_b]->steps[b];
    if (x->sched != y->sched) return x->sched < y->sched ? -1 : 1;
    uint32_t tie_x = event_tie(o, log_a, x), tie_y = event_tie(o, log_b, y);
    if (tie_x != tie_y) return (int32_t)(tie_x - tie_y) < 0 ? -1 : 1;
    return (x->sub > y->sub) - (x->sub < y->sub);
}

/* Merges the logs' steps. A step that all partitions take alike, of the list of flows, is the same
 * in all logs. */
static void number_group(Order *o, const OrderGroup *g) {
    size_t done[ORDER_MAX_LOGS] = {0};
    for (uint32_t number = 0;;) {
        int least = -1;
        for (int q = 0; q < o->n_logs; q++) {
            if (done[q] == g->n[q]) continue;
            if (least < 0 ||
                compare(o, q, g->first[q] + done[q], least, g->first[least] + done[least]) < 0)
                least = q;
        }
        if (least < 0) return;
        size_t step = g->first[least] + done[least];
        const OrderStep *x = &o->logs[least]->steps[step];
        for (int q = 0; q < o->n_logs; q++) {
            size_t i = g->first[q] + done[q];
            if (q == least || done[q] == g->n[q] || compare(o, q, i, least, step) != 0) continue;
            set_number(o, q, i, number);
            done[q]++;
        }
        set_number(o, least, step, number);
        done[least]++;
        number += x[1].first - x->first;
    }
}

bool order_before(Order *o, int log_a, size_t a, int log_b, size_t b) {
    if (log_a == log_b) return a < b;
    uint32_t after_a = o->logs[log_a]->after[a], after_b = o->logs[log_b]->after[b];
    if (after_a != after_b) return after_a < after_b;
    if (!is_numbered(o, log_a, a)) number_time(o, after_a);
    return (int32_t)(order_tie(o, log_a, a) - order_tie(o, log_b, b)) < 0;
}

/* ---- times that logs share ---- */

static void find_shared(Order *o, int me, int q) {
    const OrderLog *a = o->logs[me], *b = o->logs[q];
    size_t i = 0, j = 0, n = 0, most = a->n < b->n ? a->n : b->n;
    MEM_GROW(o->shared[q].at, o->shared[q].cap, 2 * most);
    uint32_t *at = o->shared[q].at;
    while (i < a->n && j < b->n) {
        uint32_t x = a->after[i], y = b->after[j];
        if (x == y) {
            at[n++] = (uint32_t)i;
            at[n++] = (uint32_t)j;
            i += run_length(a, i, x);
            j += run_length(b, j, x);
            continue;
        }
        i += x < y;
        j += y < x;
    }
    o->shared[q].n = n;
    o->shared[q].next = 0;
}

static void grow_numbers(Order *o, int q) {
    size_t had = o->numbers[q].cap;
    MEM_GROW(o->numbers[q].of, o->numbers[q].cap, o->logs[q]->n);
    for (size_t i = had; i < o->numbers[q].cap; i++) o->numbers[q].of[i] = 0;
}

void order_begin(Order *o, int me) {
    o->window++;
    for (int q = 0; q < o->n_logs; q++) {
        grow_numbers(o, q);
        if (q != me) find_shared(o, me, q);
    }
}

bool order_next_group(Order *o, int me, OrderGroup *g) {
    uint32_t first = UINT32_MAX;
    for (int q = 0; q < o->n_logs; q++) {
        if (q == me || o->shared[q].next == o->shared[q].n) continue;
        uint32_t at = o->shared[q].at[o->shared[q].next];
        if (at < first) first = at;
    }
    if (first == UINT32_MAX) return false;
    uint32_t after = o->logs[me]->after[first];
    for (int q = 0; q < o->n_logs; q++) {
        const uint32_t *at = o->shared[q].at + o->shared[q].next;
        bool has = q != me && o->shared[q].next < o->shared[q].n && at[0] == first;
        g->first[q] = q == me ? first : has ? at[1] : 0;
        g->n[q] = q == me || has ? run_length(o->logs[q], g->first[q], after) : 0;
        if (has) o->shared[q].next += 2;
    }
    if (!is_numbered(o, me, first)) number_group(o, g);
    return true;
}
