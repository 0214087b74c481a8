/* maxmin: max-min fair rates of flows on a parking lot, which are grouped into classes. */
#ifndef M3_FLUID_MAXMIN_H
#define M3_FLUID_MAXMIN_H
#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

/* A class: n flows on links s..d−1, each of which takes at most `cap`. All rates are in one unit,
 * the caller's. */
typedef struct {
    uint16_t s, d;
    uint32_t n;
    double cap;
    double rate; /* out: of each flow of the class; meaningless while n = 0 */
} MaxminClass;

typedef struct {
    double rate;
    double demand, count; /* of the flows that cross the link: Σ of their caps, and how many */
} MaxminLink;

/* The state of one parking lot. All memory is from the arena given to maxmin_init. A set of classes
 * is n_words words of 64 bits, bit c for class c. */
typedef struct {
    uint32_t n_links, n_classes, n_words;
    MaxminLink *links;    /* [n_links] */
    MaxminClass *classes; /* [n_classes] the caller's, ascending by cap */
    bool dirty; /* since the last fill a link that was overloaded, or now is, gained or lost a flow
                 */
    uint64_t *active; /* the classes that have flows */
    uint64_t *cross;  /* [n_links] sets: the classes that use each link */
    uint64_t *slowed; /* the classes that crossed an overloaded link in the last fill; all others
                         have their caps as rates */
    /* Scratch of maxmin_fill. */
    uint64_t *open;  /* the classes whose rate is not settled yet */
    uint32_t *over;  /* [n_over] the overloaded links; for each of those: */
    double *left;    /* the capacity that settled classes leave */
    double *sharers; /* the number of flows that are not settled */
} Maxmin;

/* maxmin_init sets up a lot without flows. link_rate: [n_links] > 0. classes: ascending by cap,
 * with s < d ≤ n_links, n = 0 and cap > 0; kept, not copied. */
void maxmin_init(Maxmin *m, const double *link_rate, uint32_t n_links, MaxminClass *classes,
                 uint32_t n_classes, Arena *a);

/* maxmin_load adds one flow of class k to its links (`flows` 1) or takes one away (−1). */
static inline void maxmin_load(Maxmin *m, const MaxminClass *k, double flows) {
    double cap = flows * k->cap;
    bool dirty = m->dirty;
    for (MaxminLink *l = m->links + k->s, *end = m->links + k->d; l < end; l++) {
        double before = l->demand, after = before + cap;
        l->count += flows;
        if (l->count == 0) after = 0; /* no rounding left behind on an idle link */
        l->demand = after;
        dirty |= (before > l->rate) | (after > l->rate);
    }
    m->dirty = dirty;
}

/* maxmin_join adds a flow to class c, whose rate is its cap if it had none before, and
 * maxmin_leave takes one away. Other rates stay as they are until maxmin_fill. */
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

/* maxmin_fill sets the rate of every class that has flows to the max-min fair one: each is at its
 * cap or crosses a saturated link on which no flow is faster. Returns false if no rate has changed,
 * since no overloaded link was concerned after the last fill. */
bool maxmin_fill(Maxmin *m);
#endif
