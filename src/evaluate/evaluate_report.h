/* evaluate_report: evaluations as tables for people and JSON for programs, on stdout. */
#ifndef M3_EVALUATE_EVALUATE_REPORT_H
#define M3_EVALUATE_EVALUATE_REPORT_H
#include "evaluate/evaluate.h"

/* What the output says beside the numbers. */
typedef struct {
    const char *source, *ckpt, *ckpt_sha256, *dataset_sha256;
    DataSplit split;
    bool all;                    /* all samples, not only the held-out ones */
    size_t n_chosen, n_existing; /* samples */
} EvalMeta;
const char *evaluate_row_label(int row); /* of a bucket or RESULT_ALL */
void evaluate_print_table(const Evaluation *e, const EvalMeta *m);
void evaluate_print_json(const Evaluation *e, const EvalMeta *m);
void evaluate_print_nets(const EvalNet *nets, size_t n, const EvalMeta *m);
void evaluate_print_nets_json(const EvalNet *nets, size_t n, const EvalMeta *m);
#endif
