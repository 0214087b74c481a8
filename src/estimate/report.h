/* report: estimates as tables for people, and as JSON and CSV for programs. */
#ifndef M3_ESTIMATE_REPORT_H
#define M3_ESTIMATE_REPORT_H
#include <stdio.h>

#include "base/json.h"
#include "estimate/estimate.h"

#define REPORT_SCHEMA "m3.estimate/1"

/* What the JSON says beside the numbers. NULL strings become null; all are the caller's. */
typedef struct {
    const char *command, *topo, *mix, *method, *ckpt_name, *ckpt_sha256;
    const char *features, *features_sha256; /* the file that the features were read from */
    const Scenario *scenario;               /* what was loaded; NULL: from features */
    const NetConf *conf;                    /* the settings in use; NULL: not told */
    const LogRemarks *remarks;              /* what was said on the way; NULL: not kept */
    uint64_t seed;
    double wall_total_s, wall_read_s;
} ReportMeta;

/* report_meta_scenario puts what was loaded, which stays the caller's, into the head of a report:
 * the scenario, its settings, how long reading it took, and the topology's file, or its name where
 * topo_path is NULL. */
void report_meta_scenario(ReportMeta *m, const Scenario *s, const char *topo_path);

/* report_table prints a line per distribution and a line on what it rests on. */
void report_table(FILE *f, const Estimate *e, const ReportMeta *m);
/* report_json prints all that is known, schema REPORT_SCHEMA. */
void report_json(FILE *f, const Estimate *e, const ReportMeta *m);
/* report_csv prints bucket, percentile, slowdown of the distributions that have flows. */
void report_csv(FILE *f, const Estimate *e);

/* report_put_* write parts of that JSON, for reports of several estimates, as members of the object
 * that is open: "out_of_range", "windows_per_buffer", "n_flows", "n_paths", "fluid", "interval" and
 * "slowdown"; "checkpoint"; "features"; "network" and "origin"; "settings"; "remarks". */
void report_put_estimate(JsonOut *o, const Estimate *e);
void report_put_checkpoint(JsonOut *o, const ReportMeta *m);
void report_put_features(JsonOut *o, const ReportMeta *m);
void report_put_origin(JsonOut *o, const Origin *origin);
void report_put_settings(JsonOut *o, const ReportMeta *m);

/* report_put_events adds what changes when, as it was written, as members of an open object: only
 * if something does. */
void report_put_events(JsonOut *o, const Scenario *s);
void report_put_remarks(JsonOut *o, const ReportMeta *m);

/* A quantile as text: three numbers of at most 17 characters, and " [", ", ", "]". */
typedef struct {
    char s[64];
} ReportCell;
/* report_cell returns "12.34 [11.90, 12.71]", the value alone where its interval is nothing but the
 * value, "-" where there is none. From 1e15 on, numbers have three digits and an exponent. */
ReportCell report_cell(const SlowdownQuantile *q);
#endif
