/* evaluate_summary: errors and coverage over many networks, all of them or by kind. */
#ifndef M3_EVALUATE_EVALUATE_SUMMARY_H
#define M3_EVALUATE_EVALUATE_SUMMARY_H
#include "evaluate/evaluate.h"

typedef enum { EVAL_BY_CC, EVAL_BY_TRAIT, EVAL_N_BY = EVAL_BY_TRAIT + NET_N_TRAITS } EvalBy;
extern const char *const evalby_names[EVAL_N_BY]; /* "cc", "load", … */

/* Networks of one kind, pointing into the caller's. */
typedef struct {
    const char *label;
    size_t n;
    const EvalNet **net;
} EvalNetGroup;
EvalNetGroup evalgroup_all(const EvalNet *nets, size_t n);
EvalNetGroup evalgroup_intact(const EvalNet *nets, size_t n); /* those that did not collapse */
/* The kinds among g, by ascending label; "unknown" where no network says. evalgroups_free releases.
 */
size_t evalgroup_split(const EvalNetGroup *g, EvalBy by, EvalNetGroup **kinds);
void evalgroup_free(EvalNetGroup *g);
void evalgroups_free(EvalNetGroup *g, size_t n);

/* One cell over the networks that have flows enough there. */
typedef struct {
    EvalSummary m3, flowsim;
    size_t n_intervals, n_covered; /* networks with an interval, and with the truth in it */
} EvalCell;
EvalCell evalgroup_cell(const EvalNetGroup *g, int row, int percentile);
double evalcell_coverage(const EvalCell *c); /* NAN without intervals */

/* Networks of the largest |error| of p99 over all sizes, worst first; up to `cap`, returns how
 * many. */
size_t evalgroup_worst(const EvalNetGroup *g, const EvalNet **worst, size_t cap);
#endif
