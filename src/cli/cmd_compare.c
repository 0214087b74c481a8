/* m3 compare: quantile errors of one result against another, and a gate for CI.
 *
 * report_read brings estimates and flow files with completion times to the same form: quantiles of
 * the slowdown over all flows and per size bucket. The error of a quantile of B against the
 * reference A is (B - A) / A. Each --max-error is a limit on the errors of one quantile; beyond any
 * of them the exit status is 1. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/junit.h"
#include "estimate/report.h"
#include "estimate/report_read.h"

/* A --max-error: "p99=0.05", "p99=5%", "p99:all=0.05", "p99:1-10KB=0.05". */
typedef struct {
    const char *text;
    int quantile, dist; /* dist −1: all flows and every bucket */
    double max_error;
} ErrorLimit;

typedef struct {
    ErrorLimit *limits;
    size_t n, cap;
    bool allow_unfinished;
    const char *junit_path;
    FileOut junit; /* .f NULL: not asked for */
} CompareCmd;

enum { OPT_MAX_ERROR, OPT_ALLOW_UNFINISHED, OPT_JUNIT };
static const CliOption options[] = {
    {"max-error", "Q=X",
     "exit 1 if a quantile is off by more than X (0.05 or 5%), overall or in any bucket:\n"
     "p50, p90, p99 or p99.9; in one place with Q:all=X or Q:BUCKET=X (1-10KB); repeatable",
     "Gate"},
    {"allow-unfinished", NULL,
     "with --max-error: pass although more than 1 % of a result's flows did not finish", "Gate"},
    {"junit", "FILE",
     "write the checks of --max-error as JUnit XML, for a CI system to show, or - for stdout",
     "Gate"},
    {NULL, NULL, NULL, NULL}};

static int parse_limit(const char *text, ErrorLimit *l, Err *err) {
    const char *equals = strrchr(text, '='), *colon = strchr(text, ':');
    if (!equals || equals == text)
        return err_input(err, "--max-error: expected something like p99=0.05, got '%.40s'", text);
    const char *name_end = colon && colon < equals ? colon : equals;
    *l = (ErrorLimit){.text = text,
                      .quantile = result_quantile_named(text, (size_t)(name_end - text)),
                      .dist = -1};
    if (l->quantile < 0)
        return err_input(err, "--max-error: expected p50, p90, p99 or p99.9, got '%.40s'", text);
    if (name_end == colon) l->dist = result_dist_named(colon + 1, (size_t)(equals - colon - 1));
    if (name_end == colon && l->dist < 0)
        return err_input(err,
                         "--max-error: expected all, <1KB, 1-10KB, 10-50KB or >=50KB after the "
                         "colon, got '%.40s'",
                         text);
    if (units_parse_share(equals + 1, "--max-error", &l->max_error, err) != 0) return -1;
    if (l->max_error < 0)
        return err_input(
            err, "--max-error: expected a fraction or percentage of at least 0, got '%.40s'", text);
    return 0;
}

static int set(void *state, int option, const char *value, Err *err) {
    CompareCmd *o = state;
    if (option == OPT_ALLOW_UNFINISHED) {
        o->allow_unfinished = true;
        return 0;
    }
    if (option == OPT_JUNIT) {
        o->junit_path = value;
        return 0;
    }
    MEM_GROW(o->limits, o->cap, o->n + 1);
    return parse_limit(value, &o->limits[o->n++], err);
}

typedef struct {
    ReportResult a, b;
    const char *name_a, *name_b;
    const CompareCmd *options;
} Comparison;

static double value_of(const ReportResult *r, int dist, int k) {
    return r->slowdown.dist[dist].q[k].value;
}

/* Percentiles over the flows that finished say little if many did not: the slowest are missing. */
static bool too_many_unfinished(const Comparison *c, const ReportResult *r) {
    static const double MOST = 0.01;
    return c->options->n > 0 && !c->options->allow_unfinished &&
           (double)r->n_unfinished > MOST * (double)r->n_flows;
}

/* (B − A)/A; NAN unless both results have flows in that bucket. */
static double error_of(const Comparison *c, int dist, int k) {
    double a = value_of(&c->a, dist, k);
    return (value_of(&c->b, dist, k) - a) / a;
}

/* Whether the limit is for this distribution, and one of the results has flows there. */
static bool applies(const Comparison *c, const ErrorLimit *l, int dist) {
    if (l->dist >= 0 && l->dist != dist) return false;
    return !isnan(value_of(&c->a, dist, l->quantile)) || !isnan(value_of(&c->b, dist, l->quantile));
}

/* A bucket that has flows in one result only exceeds every limit. */
static bool exceeds(const Comparison *c, const ErrorLimit *l, int dist) {
    static const double ROUNDING = 1e-12; /* 2.1 is within 0.05 of 2 */
    return applies(c, l, dist) &&
           !(fabs(error_of(c, dist, l->quantile)) <= l->max_error + ROUNDING);
}

static size_t count_exceeded(const Comparison *c) {
    size_t n = 0;
    for (size_t i = 0; i < c->options->n; i++)
        for (int dist = 0; dist < RESULT_N_DISTS; dist++)
            n += exceeds(c, &c->options->limits[i], dist);
    return n;
}

static bool fails(const Comparison *c) {
    return count_exceeded(c) > 0 || too_many_unfinished(c, &c->a) || too_many_unfinished(c, &c->b);
}

typedef struct {
    char s[80];
} ErrorCell;

/* Numbers of 1e15 and more have three digits and an exponent, so that three fit into a cell. */
static ErrorCell error_cell(const Comparison *c, int dist, int k) {
    static const double LONGEST_WHOLE = 1e15;
    ErrorCell cell = {"-"};
    double percent = 100 * error_of(c, dist, k), a = value_of(&c->a, dist, k),
           b = value_of(&c->b, dist, k);
    if (isnan(percent)) return cell;
    int n = snprintf(cell.s, sizeof cell.s,
                     fabs(percent) < LONGEST_WHOLE ? "%+.1f %% (" : "%+.3g %% (", percent);
    n += snprintf(cell.s + n, sizeof cell.s - (size_t)n,
                  a < LONGEST_WHOLE ? "%.2f -> " : "%.3g -> ", a);
    snprintf(cell.s + n, sizeof cell.s - (size_t)n, b < LONGEST_WHOLE ? "%.2f)" : "%.3g)", b);
    return cell;
}

static void print_table(const Comparison *c) {
    int width[RESULT_N_QUANTILES] = {0};
    printf("%-8s", "error");
    for (int k = 0; k < RESULT_N_QUANTILES; k++) {
        for (int dist = 0; dist < RESULT_N_DISTS; dist++) {
            int n = (int)strlen(error_cell(c, dist, k).s);
            if (n > width[k]) width[k] = n;
        }
        printf("  %*s", width[k], result_quantile_names[k]);
    }
    putchar('\n');
    for (int row = 0; row < RESULT_N_DISTS; row++) {
        int dist = (row + 1) % RESULT_N_DISTS; /* all flows last */
        printf("%-8s", result_label(dist));
        for (int k = 0; k < RESULT_N_QUANTILES; k++)
            printf("  %*s", width[k], error_cell(c, dist, k).s);
        putchar('\n');
    }
}

static void print_exceeded(const Comparison *c) {
    for (size_t i = 0; i < c->options->n; i++)
        for (int dist = 0; dist < RESULT_N_DISTS; dist++) {
            const ErrorLimit *l = &c->options->limits[i];
            if (!exceeds(c, l, dist)) continue;
            double e = error_of(c, dist, l->quantile);
            if (isnan(e))
                printf("beyond --max-error %s: %s has flows in one result only\n", l->text,
                       result_label(dist));
            else
                printf("beyond --max-error %s: %s is off by %+.1f %%\n", l->text,
                       result_label(dist), 100 * e);
        }
}

static void print_unfinished(const Comparison *c, const ReportResult *r, const char *name) {
    if (!too_many_unfinished(c, r)) return;
    printf("beyond --max-error: %.2g %% of the flows of %s did not finish, more than 1 %%; "
           "--allow-unfinished passes them\n",
           100 * (double)r->n_unfinished / (double)r->n_flows, name);
}

static void put_coverage(JsonOut *o, const char *key, const ReportResult *r) {
    if (r->n_flows == 0) return;
    json_put_object(o, key);
    json_put_count(o, "n_flows", r->n_flows);
    json_put_count(o, "n_unfinished", r->n_unfinished);
    json_out_end(o, '}');
}

static void print_json(const Comparison *c) {
    JsonOut o;
    json_out_init(&o, stdout);
    json_out_object(&o);
    json_put_string(&o, "schema", "m3.compare/1");
    json_put_string(&o, "a", c->name_a);
    json_put_string(&o, "b", c->name_b);
    json_put_bool(&o, "within_limits", !fails(c));
    put_coverage(&o, "simulated_a", &c->a);
    put_coverage(&o, "simulated_b", &c->b);
    json_put_array(&o, "errors");
    for (int dist = 0; dist < RESULT_N_DISTS; dist++) {
        json_out_object(&o);
        json_put_string(&o, "bucket", result_label(dist));
        for (int k = 0; k < RESULT_N_QUANTILES; k++) {
            json_put_object(&o, result_quantile_keys[k]);
            json_put_number(&o, "a", value_of(&c->a, dist, k));
            json_put_number(&o, "b", value_of(&c->b, dist, k));
            json_put_number(&o, "error", error_of(c, dist, k));
            json_out_end(&o, '}');
        }
        json_out_end(&o, '}');
    }
    json_out_end(&o, ']');
    json_out_end(&o, '}');
    json_out_finish(&o);
}

/* ---- JUnit ---- */

static void add_limit(const Comparison *c, const ErrorLimit *l, int dist, Junit *j) {
    char name[160], failure[160];
    double a = value_of(&c->a, dist, l->quantile), b = value_of(&c->b, dist, l->quantile);
    if (!applies(c, l, dist)) return;
    snprintf(name, sizeof name, "%s of %s within %g %%", result_quantile_names[l->quantile],
             result_label(dist), 100 * l->max_error);
    if (isnan(a) || isnan(b)) snprintf(failure, sizeof failure, "flows in one result only");
    else
        snprintf(failure, sizeof failure, "off by %+.3g %%: %.6g -> %.6g",
                 100 * error_of(c, dist, l->quantile), a, b);
    junit_add(j, name, exceeds(c, l, dist) ? failure : NULL);
}

static void add_finished(const Comparison *c, const ReportResult *r, const char *which, Junit *j) {
    char name[80], failure[80];
    if (r->n_flows == 0) return;
    snprintf(name, sizeof name, "flows of %s finished", which);
    snprintf(failure, sizeof failure, "%.2g %% did not",
             100 * (double)r->n_unfinished / (double)r->n_flows);
    junit_add(j, name, too_many_unfinished(c, r) ? failure : NULL);
}

static int write_junit(const Comparison *c, FileOut *out, Err *err) {
    Junit j = {0};
    for (size_t i = 0; i < c->options->n; i++)
        for (int row = 0; row < RESULT_N_DISTS; row++)
            add_limit(c, &c->options->limits[i], (row + 1) % RESULT_N_DISTS, &j);
    add_finished(c, &c->a, "A", &j);
    add_finished(c, &c->b, "B", &j);
    junit_write(&j, "m3 compare", out->f);
    junit_free(&j);
    return file_out_commit(out, err);
}

static void release(void *state) {
    CompareCmd *o = state;
    file_out_abort(&o->junit);
    free(o->limits);
}

static int run(void *state, const CliCommon *common, Err *err) {
    CompareCmd *o = state;
    Comparison c = {.options = o, .name_a = common->args[0], .name_b = common->args[1]};
    if (common->n_args != 2)
        return err_input(err, "compare: expected two results, A and B; see 'm3 compare --help'");
    if (o->junit_path && o->n == 0)
        return err_input(err, "compare: --junit shows the checks of --max-error; expected one");
    if (o->junit_path && file_out_open(&o->junit, o->junit_path, err) != 0) return -1;
    if (file_check_stdin(2, common->args, (const char *[]){"A", "B"}, err) != 0 ||
        report_read(&c.a, c.name_a, &common->log, err) != 0 ||
        report_read(&c.b, c.name_b, &common->log, err) != 0)
        return -1;
    if (o->junit_path && write_junit(&c, &o->junit, err) != 0) return -1;
    if (common->json) {
        print_json(&c);
    } else if (!o->junit_path || strcmp(o->junit_path, "-") != 0) {
        print_table(&c);
        print_exceeded(&c);
        print_unfinished(&c, &c.a, c.name_a);
        print_unfinished(&c, &c.b, c.name_b);
    }
    return fails(&c) ? 1 : 0;
}

const CliCommand cmd_compare = {
    .name = "compare",
    .summary = "quantile errors of result B against the reference A",
    .usage = "m3 compare A B [options]",
    .details = "A and B are results of m3 estimate (--out FILE.json) or lists of flows with their "
               "completion\n"
               "times (m3 simulate, the HPCC family's fct.txt and others); one of them may be -, "
               "standard input. An error is (B - "
               "A) / A.\n\n"
               "  m3 compare truth.csv estimate.json --max-error p99=0.1 --max-error p50:all=0.05",
    .options = options,
    .state_size = sizeof(CompareCmd),
    .max_args = 2,
    .set = set,
    .run = run,
    .free = release,
};
