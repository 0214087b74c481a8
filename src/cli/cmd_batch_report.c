/* m3 batch report: tables and figures of a batch's folder, without any simulation. */
#include <stdlib.h>

#include "base/file.h"
#include "batch/batch_report.h"
#include "cli/cli.h"
#include "publish/batch_figures.h"

extern const CliCommand cmd_batch_report;

enum { TRUTH, NO_FIGURES };
static const CliOption options[] = {
    {"truth", "FILE",
     "what to compare with: CSV with columns id, bucket, p50, p90, p99, p99_9; columns NAME_p99\n"
     "are of further sources (ns3_p99 is the truth), p99__TRUTH__NAME are errors; repeatable\n"
     "(default: the folder's packet simulations)",
     "Input"},
    {"no-figures", NULL, "make no figures", "Output"},
    {NULL, NULL, NULL, NULL}};

typedef struct {
    BatchTruth truth;
    bool no_figures;
} BatchReportCmd;

static int set(void *state, int option, const char *value, Err *err) {
    BatchReportCmd *o = state;
    if (option == TRUTH) return batch_truth_add(&o->truth, value, err);
    o->no_figures = true;
    return 0;
}

static void release(void *state) {
    BatchReportCmd *o = state;
    batch_truth_free(&o->truth);
}

static int write_errors(const BatchErrors *e, const char *dir, Err *err) {
    FileOut f;
    char *path = file_join(dir, "errors.csv");
    int rc = file_out_open(&f, path, err);
    if (rc == 0) {
        batch_report_csv(f.f, e);
        rc = file_out_commit(&f, err);
    }
    free(path);
    return rc;
}

/* What couldn't be written keeps nobody from seeing the tables: it is told after them. */
static int deliver(const BatchReportCmd *o, const CliCommon *common, const BatchErrors *e,
                   const char *dir, Err *err) {
    size_t n = 0;
    Err why = {0};
    char *figures = file_join(dir, "figures");
    int wrote = write_errors(e, dir, err), drew = 0;
    if (!o->no_figures) drew = batch_figures(e, figures, NULL, &common->log, &n, &why);
    if (why.kind == ERR_STOPPED) {
        free(figures);
        return err_stopped(err);
    }
    if (common->json) batch_report_json(stdout, e);
    else batch_report_table(stdout, e);
    if (!common->json && wrote == 0) printf("\nerrors of each mix: %s/errors.csv", dir);
    if (!common->json && n > 0)
        printf("%s%zu figure%s: %s", wrote == 0 ? "; " : "\n", n, n == 1 ? "" : "s", figures);
    if (!common->json && (wrote == 0 || n > 0)) putchar('\n');
    free(figures);
    if (wrote == 0 && drew != 0) *err = why;
    else if (drew != 0) log_note(&common->log, "%s", why.msg);
    return wrote == 0 ? drew : wrote;
}

static int run(void *state, const CliCommon *common, Err *err) {
    BatchReportCmd *o = state;
    BatchResults results;
    BatchErrors errors;
    if (common->n_args != 1)
        return err_input(err, "batch report: expected the folder of a batch; see 'm3 batch report "
                              "--help'");
    const char *dir = common->args[0];
    if (batch_results_need(&results, dir, err) != 0) return -1;
    int rc = batch_errors_init(&errors, &results, &o->truth, dir, err);
    if (rc == 0) {
        batch_errors_note_strangers(&results, &o->truth, dir, &common->log);
        rc = deliver(o, common, &errors, dir, err);
        batch_errors_free(&errors);
    }
    batch_results_free(&results);
    return rc;
}

const CliCommand cmd_batch_report = {
    .name = "batch report",
    .summary = "tables and figures of a batch, without simulating anything",
    .usage = "m3 batch report DIR [--truth FILE]... [options]",
    .details = "Prints wall times of the methods and their errors at p99: overall, by quantile and "
               "size bucket, and by\nkind of mix. DIR/errors.csv has the errors of each mix, "
               "DIR/figures the figures: NAME.dat and NAME.gp,\nwhich gnuplot draws as NAME.svg "
               "and NAME.pdf.\n\n"
               "  m3 batch report runs/a\n"
               "  m3 batch report runs/5.2 --truth truth.csv --truth published-errors.csv",
    .options = options,
    .state_size = sizeof(BatchReportCmd),
    .max_args = 1,
    .set = set,
    .run = run,
    .free = release,
};
