/* batch_figures: the figures of a batch, those of the paper where the batch is the paper's. */
#ifndef M3_PUBLISH_BATCH_FIGURES_H
#define M3_PUBLISH_BATCH_FIGURES_H
#include "batch/batch_errors.h"
#include "publish/figure.h"

/* Is told of every figure when its files are there, drawn or not, with a title and a sentence on
 * what it shows; −1 with err ends the making of figures. */
typedef struct {
    int (*made)(void *ctx, const Figure *f, const char *title, const char *shows, Err *err);
    void *ctx;
    const char *suffix; /* of all figures' names; "": none */
} BatchFigureUser;

/* batch_figures writes the data and scripts of all figures that the batch has something for, into
 * the folder `dir`, and draws them where gnuplot is installed (else a remark says that it isn't):
 *
 *   sensitivity_cdf              magnitudes of errors of p99, by source
 *   sensitivity_cdf_time         wall times, by method
 *   sensitivity_error_over_load  errors in bins of max_load
 *   sensitivity_time_over_load   wall times by size distribution
 *   sensitivity_boxplot          errors by matrix, oversubscription, sizes and sigma
 *   eva_large_scale_MIX_BUCKET   distributions of slowdown, of batches of up to four mixes
 *   counterfactual_SETTING       p99 over a setting, where nothing else differs
 *   flow-sizes, matrices         the inputs
 *
 * *n is the number of figures; user: NULL, or told of each. A figure without any curve is left out,
 * and so is, with a remark, one of inputs that can't be read. −1 with err if one can't be written,
 * or if interrupted; a figure that gnuplot fails at is a remark. */
int batch_figures(const BatchErrors *e, const char *dir, const BatchFigureUser *user,
                  const Log *log, size_t *n, Err *err);
#endif
