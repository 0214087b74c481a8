/* order: compares by looking back at the steps that scheduled events.
 *
 * One run takes events of equal time in the order scheduled, that is in the order of the steps that
 * scheduled them. So the order of two steps of equal time is that of the times at which their
 * events were scheduled; where these are equal, too, that of the ties if one partition scheduled
 * both, and else that of the two steps that did. These have equal times again, so one looks at when
 * their events were scheduled, and so on. Mostly that ends soon; hosts that send in lockstep may
 * take many steps. It ends at the epoch, from before which all ties are simply ordered.
 *
 * So nothing has to be done for events that never meet another one of equal time from elsewhere,
 * but for the log: 32 bytes a step. */
#include "packet/order.h"

/* The step of a log that scheduled the event of a tie. */
static size_t step_of(const Order *o, int log, uint32_t tie) {
    const OrderLog *l = o->logs[log];
    size_t lo = 0, hi = log == o->me ? l->n : o->n_known[log];
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (l->steps[mid].first <= tie) lo = mid;
        else hi = mid;
    }
    return lo;
}

static int by_number(uint32_t a, uint32_t b) { return (a > b) - (a < b); }

/* Goes from a log's event to the step that scheduled it. */
static void go_back(const Order *o, uint32_t tie, int *log, size_t *step) {
    uint32_t from = tie >> ORDER_COUNT_BITS;
    if (from == ORDER_COMMON) {
        *step = o->logs[*log]->common[tie & ((1u << ORDER_COUNT_BITS) - 1)];
        return;
    }
    *log = (int)from;
    *step = step_of(o, *log, tie);
}

int order_compare(const Order *o, int log_i, size_t i, int log_j, size_t j) {
    while (log_i != log_j) {
        const OrderStep *x = &o->logs[log_i]->steps[i], *y = &o->logs[log_j]->steps[j];
        if (x->sched != y->sched) return x->sched < y->sched ? -1 : 1;
        bool one_scheduled = x->tie >> ORDER_COUNT_BITS == y->tie >> ORDER_COUNT_BITS;
        if (x->sched < o->epoch || one_scheduled)
            return x->tie != y->tie ? by_number(x->tie, y->tie) : by_number(x->sub, y->sub);
        go_back(o, x->tie, &log_i, &i);
        go_back(o, y->tie, &log_j, &j);
    }
    return (i > j) - (i < j);
}

bool order_tie_before(const Order *o, int64_t sched, uint32_t a, uint32_t b) {
    if (sched < o->epoch || a >> ORDER_COUNT_BITS == b >> ORDER_COUNT_BITS) return a < b;
    int log_a = o->me, log_b = log_a;
    size_t i, j;
    go_back(o, a, &log_a, &i);
    go_back(o, b, &log_b, &j);
    return order_compare(o, log_a, i, log_b, j) < 0;
}
