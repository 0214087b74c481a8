/* evaluate_nets_report: evaluations of whole networks as tables for people and JSON for programs,
 * on stdout. */
#ifndef M3_EVALUATE_EVALUATE_NETS_REPORT_H
#define M3_EVALUATE_EVALUATE_NETS_REPORT_H
#include "evaluate/evaluate_nets.h"
#include "evaluate/evaluate_report.h"

/* evaluate_nets_report_table prints every network, the worst ones, errors by size bucket and errors
 * by kind of network. Of meta, source and ckpt count. */
void evaluate_nets_report_table(const EvaluateNet *nets, size_t n, const EvaluateMeta *m);
/* evaluate_nets_report_json prints the numbers of the table as JSON, schema m3.evaluate-networks/1.
 * Of meta, ckpt_sha256 counts. */
void evaluate_nets_report_json(const EvaluateNet *nets, size_t n, const EvaluateMeta *m);
#endif
