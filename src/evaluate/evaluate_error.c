/* evaluate_error: relative errors and their summaries.
 *
 * The error of a cell (a sample or a network, a size bucket, a percentile) is estimate/truth − 1,
 * as in the paper's section 5. Its mean magnitude tells accuracy; the signed mean tells bias from
 * scatter. Every cell weighs the same. */
#include "evaluate/evaluate_error.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/stats.h"

const int evaluate_percentiles[EVALUATE_N_SHOWN] = {50, 90, 99};

double evaluate_error_of(double estimate, double truth) { return estimate / truth - 1; }

void evaluate_error_add(EvaluateError *e, double estimate, double truth) {
    double error = evaluate_error_of(estimate, truth);
    e->n++;
    e->sum_abs += fabs(error);
    e->sum_signed += error;
}

double evaluate_error_mean_abs(const EvaluateError *e) {
    return e->n ? e->sum_abs / (double)e->n : NAN;
}

double evaluate_error_mean_signed(const EvaluateError *e) {
    return e->n ? e->sum_signed / (double)e->n : NAN;
}

EvaluateSummary evaluate_error_summary(const double *errors, size_t n) {
    if (n == 0) return (EvaluateSummary){0, NAN, NAN, NAN, NAN, NAN};
    EvaluateSummary s = {.n = n};
    double *abs_error = MEM_NEW(double, n);
    for (size_t i = 0; i < n; i++) {
        abs_error[i] = fabs(errors[i]);
        s.mean_abs += abs_error[i] / (double)n;
        s.mean_signed += errors[i] / (double)n;
    }
    stats_sort(abs_error, n);
    s.median_abs = abs_error[stats_rank(n, 50)];
    s.p90_abs = abs_error[stats_rank(n, 90)];
    s.max_abs = abs_error[n - 1];
    free(abs_error);
    return s;
}
