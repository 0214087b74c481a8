/* evaluate_report: evaluations on paths of a data set as a table for people and JSON for programs,
 * on stdout; and what the reports on networks (evaluate_nets_report.h) share with it. */
#ifndef M3_EVALUATE_EVALUATE_REPORT_H
#define M3_EVALUATE_EVALUATE_REPORT_H
#include "base/json.h"
#include "data/datasplit.h"
#include "evaluate/evaluate_paths.h"

/* What the output says beside the numbers; the strings are the caller's. */
typedef struct {
    const char *source, *ckpt, *ckpt_sha256, *dataset_sha256;
    DataSplit split;
    bool all;                    /* all samples, not only the held-out ones */
    size_t n_chosen, n_existing; /* samples */
} EvaluateMeta;

/* evaluate_report_label returns what a distribution is called in tables and JSON: "all sizes" or
 * the bucket's label. */
const char *evaluate_report_label(int dist);
/* evaluate_report_begin opens the JSON object on stdout and writes schema and checkpoint. */
void evaluate_report_begin(JsonOut *j, const char *schema, const EvaluateMeta *m);
/* evaluate_report_end closes that object. */
void evaluate_report_end(JsonOut *j);

/* evaluate_report_table prints one table for all paths and one for each congestion control. */
void evaluate_report_table(const EvaluatePaths *e, const EvaluateMeta *m);
/* evaluate_report_json prints the numbers of evaluate_report_table as JSON, schema m3.evaluate/1.
 */
void evaluate_report_json(const EvaluatePaths *e, const EvaluateMeta *m);
#endif
