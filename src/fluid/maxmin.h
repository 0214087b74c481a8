/* maxmin: max-min fair rates of classes of flows on a parking lot. */
#ifndef M3_FLUID_MAXMIN_H
#define M3_FLUID_MAXMIN_H
#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

/* A class: n flows that use links s..d−1, each of which may take at most `cap`. Rates are in one
 * unit throughout. */
typedef struct {
    uint16_t s, d;
    uint32_t n;
    double cap;
    double rate; /* out: of each flow of the class; stale while n = 0 */
} MaxminClass;

/* A link, and what is asked of it. */
typedef struct {
    double rate;
    double demand,
        count; /* the sum of the caps of the flows that cross it, and how many they are */
} MaxminLink;

/* One parking lot's state. Everything lies in the arena given to maxmin_init. */
typedef struct {
    uint32_t n_links, n_classes, n_words; /* words of 64 classes */
    MaxminLink *links;                    /* [n_links] */
    MaxminClass *classes;                 /* [n_classes] caller's, ascending by cap */
    bool dirty; /* a link that is or was overloaded gained or lost a flow since the last fill */
    uint64_t *active; /* [n_words] bit c: class c has flows */
    uint64_t *cross;  /* [n_links × n_words] bit c: class c uses the link */
    uint64_t *slowed; /* [n_words] classes that crossed an overloaded link in the last fill; others
                         are at their caps */
    uint64_t *open;   /* [n_words] scratch: classes whose rate is not settled yet */
    uint32_t *over;   /* [n_links] scratch: the overloaded links, … */
    double *left, *sharers; /* [n_links] … what is left of them, and the unsettled flows on them */
} Maxmin;

/* link_rate: [n_links]. classes: s < d ≤ n_links, n = 0, cap > 0, ascending by cap; kept, not
 * copied. */
void maxmin_init(Maxmin *m, const double *link_rate, uint32_t n_links, MaxminClass *classes,
                 uint32_t n_classes, Arena *a);

/* Adds `flows` (±1) flows of class k to its links. Where a link is overloaded before or after,
 * rates change. */
static inline void maxmin_load(Maxmin *m, const MaxminClass *k, double flows) {
    double cap = flows * k->cap;
    bool dirty = m->dirty;
    for (MaxminLink *l = m->links + k->s, *end = m->links + k->d; l < end; l++) {
        double before = l->demand, after = before + cap;
        l->count += flows;
        if (l->count == 0) after = 0; /* rounding does not outlive a busy period */
        l->demand = after;
        dirty |= (before > l->rate) | (after > l->rate);
    }
    m->dirty = dirty;
}

/* A flow joins or leaves class c. A class that was empty starts at its cap. */
static inline void maxmin_join(Maxmin *m, uint32_t c) {
    MaxminClass *k = &m->classes[c];
    if (k->n++ == 0) {
        m->active[c / 64] |= 1ull << (c % 64);
        k->rate = k->cap;
    }
    maxmin_load(m, k, 1);
}

static inline void maxmin_leave(Maxmin *m, uint32_t c) {
    MaxminClass *k = &m->classes[c];
    if (--k->n == 0) m->active[c / 64] &= ~(1ull << (c % 64));
    maxmin_load(m, k, -1);
}

/* Sets the rate of every class that has flows. Exact: each flow is at its cap or crosses a
 * saturated link on which no flow is faster. False if none has changed: no overloaded link was
 * concerned since the last fill. */
bool maxmin_fill(Maxmin *m);
#endif
