/* order: compares by looking back at the steps that scheduled events. Only compat needs that.
 *
 * One run takes events of equal time in the order scheduled, that is in the order of the steps that
 * scheduled them. So the order of two steps of equal time is that of the times at which their
 * events were scheduled; where these are equal, too, that of the ties if one partition scheduled
 * both, and else that of the two steps that did. These have equal times again, so one looks at when
 * their events were scheduled, and so on. Mostly that ends soon; hosts that send in lockstep may
 * take many steps. It ends at the epoch, from before which all ties are simply ordered.
 *
 * So nothing has to be done for events that never meet another one of equal time from elsewhere,
 * but for the log: 24 bytes a step. */
#include "packet/order.h"

static int by_number(uint32_t a, uint32_t b) { return (a > b) - (a < b); }

static uint32_t partition_of(uint32_t tie) { return tie >> 26; }
static uint32_t step_of(uint32_t tie) { return tie >> 5 & (ORDER_MAX_STEPS - 1); }

/* Goes from a log's event to the step that scheduled it. */
static void go_back(const Order *o, uint32_t tie, int *log, size_t *step) {
    *step = step_of(tie);
    if (partition_of(tie) == ORDER_COMMON) *step = o->logs[*log]->common[*step];
    else *log = (int)partition_of(tie);
}

int order_compare(const Order *o, int log_i, size_t i, int log_j, size_t j) {
    while (log_i != log_j) {
        const OrderStep *x = &o->logs[log_i]->steps[i], *y = &o->logs[log_j]->steps[j];
        if (x->sched != y->sched) return x->sched < y->sched ? -1 : 1;
        bool one_scheduled = partition_of(x->tie) == partition_of(y->tie);
        if (x->sched < o->epoch || one_scheduled)
            return x->tie != y->tie ? by_number(x->tie, y->tie) : by_number(x->sub, y->sub);
        go_back(o, x->tie, &log_i, &i);
        go_back(o, y->tie, &log_j, &j);
    }
    return (i > j) - (i < j);
}

bool order_tie_before(const Order *o, int64_t sched, uint32_t a, uint32_t b) {
    if (sched < o->epoch || partition_of(a) == partition_of(b)) return a < b;
    int log_a = o->me, log_b = log_a;
    size_t i, j;
    go_back(o, a, &log_a, &i);
    go_back(o, b, &log_b, &j);
    return order_compare(o, log_a, i, log_b, j) < 0;
}
