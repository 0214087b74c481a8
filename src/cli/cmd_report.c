/* m3 report: results as one HTML page. */
#include "base/file.h"
#include "cli/cli.h"
#include "publish/page.h"

enum { OUT, TITLE, TRUTH, FIGURES };
static const CliOption options[] = {
    {"out", "FILE", "write the page there, - is stdout (default report.html)", "Page"},
    {"title", "TEXT", "its title (default: made from the result's name)", "Page"},
    {"truth", "FILE",
     "a result that estimates and flows are compared with: an estimate's JSON, or flows with "
     "their\n"
     "completion times; of a batch, a table as m3 batch report takes it, repeatable",
     "Page"},
    {"figures", "DIR",
     "keep the pictures as SVG and PDF with their data and gnuplot scripts, for restyling", "Page"},
    {NULL, NULL, NULL, NULL}};

enum { MAX_TRUTHS = 8 };
typedef struct {
    const char *out;
    const char *truths[MAX_TRUTHS];
    PageOptions page;
} ReportCmd;

static void init(void *state) {
    ReportCmd *o = state;
    o->out = "report.html";
    o->page.truths = o->truths;
}

static int set(void *state, int option, const char *value, Err *err) {
    ReportCmd *o = state;
    switch (option) {
    case OUT: o->out = value; return 0;
    case TITLE: o->page.title = value; return 0;
    case TRUTH:
        if (o->page.n_truths == MAX_TRUTHS)
            return err_input(err, "--truth: expected at most %d", MAX_TRUTHS);
        o->truths[o->page.n_truths++] = value;
        return 0;
    default: o->page.figures = value; return 0;
    }
}

static int check_inputs(const ReportCmd *o, const CliCommon *common, Err *err) {
    const char *path[CLI_MAX_ARGS + MAX_TRUTHS], *what[CLI_MAX_ARGS + MAX_TRUTHS];
    size_t n = 0;
    for (; n < o->page.n; n++) {
        path[n] = common->args[n];
        what[n] = "RESULT";
    }
    for (size_t i = 0; i < o->page.n_truths; i++) {
        path[n] = o->truths[i];
        what[n++] = "--truth";
    }
    return file_check_stdin(n, path, what, err);
}

static int run(void *state, const CliCommon *common, Err *err) {
    ReportCmd *o = state;
    FileOut out;
    o->page.results = common->args;
    o->page.n = (size_t)common->n_args;
    if (o->page.n == 0)
        return err_input(err, "report: expected a result or several; see 'm3 report --help'");
    if (check_inputs(o, common, err) != 0 || file_out_open(&out, o->out, err) != 0) return -1;
    if (page_write(out.f, &o->page, &common->log, err) != 0) {
        file_out_abort(&out);
        return -1;
    }
    return file_out_commit(&out, err);
}

const CliCommand cmd_report = {
    .name = "report",
    .summary = "one HTML page of a result or several, to show to others",
    .usage = "m3 report RESULT... [options]",
    .details = "A result is what m3 estimate --out or m3 sweep --out wrote, what m3 compare --json "
               "printed, or a list of\n"
               "flows with their completion times (m3 simulate --out), or what ports did over time "
               "(CSV that begins with\n"
               "start_ns,end_ns,port), or the folder of m3 batch. The page needs no network "
               "and nothing beside it.\n"
               "Pictures are drawn by gnuplot (Debian: gnuplot-nox); without it their numbers are "
               "in tables.\n\n"
               "  m3 estimate --topo spec/clos-256-2to1.json --mix spec/demo.json --out "
               "result.json\n"
               "  m3 report result.json",
    .options = options,
    .state_size = sizeof(ReportCmd),
    .max_args = CLI_MAX_ARGS,
    .init = init,
    .set = set,
    .run = run,
};
