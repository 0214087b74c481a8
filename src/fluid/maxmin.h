/* maxmin: max-min fair rates of classes of flows on a parking lot. */
#ifndef M3_FLUID_MAXMIN_H
#define M3_FLUID_MAXMIN_H
#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

/* A class: n flows that use links s..d−1, each of which may take at most `cap`. Rates are in one unit throughout. */
typedef struct {
    uint16_t s, d;
    uint32_t n;
    double cap;
    double rate; /* out: of each flow of the class; stale while n = 0 */
} MaxminClass;

/* One parking lot's state. Everything lies in the arena given to maxmin_init. */
typedef struct {
    uint32_t n_links, n_classes, n_words; /* words of 64 classes */
    const double *link_rate;              /* [n_links] caller's */
    MaxminClass *classes;                 /* [n_classes] caller's, ascending by cap */
    double *count, *demand;               /* [n_links] flows crossing a link, and the sum of their caps */
    bool dirty;                           /* a link that is or was overloaded gained or lost a flow since the last fill */
    uint64_t *active;                     /* [n_words] bit c: class c has flows */
    uint64_t *cross;                      /* [n_links × n_words] bit c: class c uses the link */
    uint64_t *open;                       /* [n_words] scratch: classes whose rate is not settled yet */
    uint32_t *over;                       /* [n_links] scratch: the overloaded links, … */
    double *left, *sharers;               /* [n_links] … what is left of them, and the unsettled flows on them */
} Maxmin;

/* classes: s < d ≤ n_links, n = 0, cap > 0, ascending by cap. Arrays are kept, not copied. */
void maxmin_init(Maxmin *m, const double *link_rate, uint32_t n_links, MaxminClass *classes, uint32_t n_classes, Arena *a);
/* A flow joins or leaves class c. A class that was empty starts at its cap. */
void maxmin_join(Maxmin *m, uint32_t c);
void maxmin_leave(Maxmin *m, uint32_t c);
/* Sets the rate of every class that has flows. Exact: each flow is at its cap or crosses a saturated link on which
 * no flow is faster. False if none has changed: no overloaded link was concerned since the last fill. */
bool maxmin_fill(Maxmin *m);
#endif
