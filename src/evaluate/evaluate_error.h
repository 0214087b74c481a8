/* evaluate_error: relative errors of estimates against truth, and what many of them come to. */
#ifndef M3_EVALUATE_EVALUATE_ERROR_H
#define M3_EVALUATE_EVALUATE_ERROR_H
#include <stddef.h>
#include <stdint.h>

/* The percentiles that evaluations show: p50, p90 and p99, the first of ORDER QUANTILE
 * (estimate/result.h), so that RESULT_P50, RESULT_P90 and RESULT_P99 are their indices. p99.9 is
 * left out: most buckets have too few flows for a true one. */
enum { EVALUATE_N_SHOWN = 3 };
extern const int evaluate_percentiles[EVALUATE_N_SHOWN]; /* 50, 90, 99 */

/* evaluate_error_of returns estimate/truth − 1; NAN if either is. */
double evaluate_error_of(double estimate, double truth);

/* Sums over errors of one kind of cell; {0} is empty. */
typedef struct {
    uint64_t n;
    double sum_abs, sum_signed;
} EvaluateError;
/* evaluate_error_add adds the error of one estimate. */
void evaluate_error_add(EvaluateError *e, double estimate, double truth);
/* evaluate_error_mean_abs returns the mean magnitude, NAN if e is empty. */
double evaluate_error_mean_abs(const EvaluateError *e);
/* evaluate_error_mean_signed returns the mean with its sign (the bias), NAN if e is empty. */
double evaluate_error_mean_signed(const EvaluateError *e);

/* What n signed errors come to. */
typedef struct {
    size_t n;
    double mean_abs, mean_signed, median_abs, p90_abs, max_abs;
} EvaluateSummary;
/* evaluate_error_summary returns the summary of errors[0..n); NANs if n = 0. */
EvaluateSummary evaluate_error_summary(const double *errors, size_t n);
#endif
