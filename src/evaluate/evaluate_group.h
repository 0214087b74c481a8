/* evaluate_group: errors and coverage over many networks, all of them or those of one kind. */
#ifndef M3_EVALUATE_EVALUATE_GROUP_H
#define M3_EVALUATE_EVALUATE_GROUP_H
#include "evaluate/evaluate_nets.h"

/* What networks are told apart by: the congestion control, then each trait (data/nettraits.h). */
typedef enum {
    EVALUATE_BY_CC,
    EVALUATE_BY_TRAIT,
    EVALUATE_N_BY = EVALUATE_BY_TRAIT + NET_N_TRAITS
} EvaluateBy;
extern const char *const evaluate_by_names[EVALUATE_N_BY]; /* "cc", "load", … */

/* Networks of one kind; net[0..n) point into the caller's, label as well. */
typedef struct {
    const char *label;
    size_t n;
    const EvaluateNet **net;
} EvaluateGroup;
/* evaluate_group_all returns all n networks as a group; free with evaluate_group_free. */
EvaluateGroup evaluate_group_all(const EvaluateNet *nets, size_t n);
/* evaluate_group_intact returns those that did not collapse (nettraits_collapsed); free with
 * evaluate_group_free. */
EvaluateGroup evaluate_group_intact(const EvaluateNet *nets, size_t n);
/* ORDER STRATUM */
typedef enum {
    EVALUATE_LOW_LOAD,  /* without loss, load up to 0.65 */
    EVALUATE_HIGH_LOAD, /* without loss, above */
    EVALUATE_LOSS,      /* some packet is lost */
    EVALUATE_N_STRATA
} EvaluateStratum;
/* evaluate_group_stratum returns those of a stratum; free with evaluate_group_free. */
EvaluateGroup evaluate_group_stratum(const EvaluateNet *nets, size_t n, EvaluateStratum stratum);
/* evaluate_group_split returns the number of kinds among g's networks and fills *kinds with them
 * by ascending label, "unknown" where a network has none; free with evaluate_group_free_all. */
size_t evaluate_group_split(const EvaluateGroup *g, EvaluateBy by, EvaluateGroup **kinds);
/* evaluate_group_is_known returns whether the n kinds of a split tell anything: false if all
 * networks are in "unknown". */
bool evaluate_group_is_known(const EvaluateGroup *kinds, size_t n, EvaluateBy by);
/* evaluate_group_free frees the pointers of one group, not the networks. */
void evaluate_group_free(EvaluateGroup *g);
/* evaluate_group_free_all frees n groups and the array itself. */
void evaluate_group_free_all(EvaluateGroup *g, size_t n);

/* One distribution and quantile over the networks that have flows enough there. */
typedef struct {
    EvaluateSummary m3, flowsim;
    EvaluateSummary model, sampled; /* of the networks checked by packet windows: each alone */
    size_t n_intervals, n_covered;  /* networks with an interval, and with the truth in it */
} EvaluateCell;
/* evaluate_group_cell returns the errors of distribution `dist` at quantile k (RESULT_P50 …). */
EvaluateCell evaluate_group_cell(const EvaluateGroup *g, int dist, int k);
/* evaluate_group_coverage returns the share of intervals with the truth in it, NAN without any. */
double evaluate_group_coverage(const EvaluateCell *c);

/* evaluate_group_worst fills worst[0..cap) with the networks of the largest |error| of the p99 over
 * all sizes, worst first, and returns how many there are. */
size_t evaluate_group_worst(const EvaluateGroup *g, const EvaluateNet **worst, size_t cap);
#endif
