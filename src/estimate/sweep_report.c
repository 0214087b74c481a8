/* sweep_report: a sweep for people (one row a setting, the best marked) and for programs.
 *
 * Only settings with several values are columns. A setting that has no effect in a row, because it
 * belongs to another congestion control, is "-" in the table, absent from the JSON's "set" and
 * empty in the CSV. */
#include "estimate/sweep_report.h"

#include <math.h>
#include <string.h>

#include "base/units.h"

/* Quantiles in the table: p50, p90, p99. With their intervals a fourth would make lines too long.
 */
enum { N_SHOWN = 3 };

/* ORDER STAGE */
static const char *const stage_names[] = {"model", "fluid", "traffic"};

/* What a row took anew beside packets. */
static const char *computed(const SweepRow *row) {
    bool packets_alone = row->computed != SWEEP_TRAFFIC && row->estimate.method == METHOD_SAMPLED;
    return packets_alone ? "packets" : stage_names[row->computed];
}

/* Returns the value of an axis in a row; NULL if it has no effect there. */
static const char *value_in(const SweepReport *r, const SweepRow *row, size_t axis) {
    return sweep_applies(row, &r->grid->axes[axis]) ? grid_value(r->grid, row->combination, axis)
                                                    : NULL;
}

static const SlowdownQuantile *quantile_in(const SweepReport *r, const SweepRow *row, int k) {
    return &row->estimate.slowdown.dist[r->rank.dist].q[k];
}

/* ---- table ---- */

static int longer(int width, const char *s) {
    return (int)strlen(s) > width ? (int)strlen(s) : width;
}

/* Prints a row's value of every setting that varies, or their names where row is NULL. */
static void print_settings(FILE *f, const SweepReport *r, const SweepRow *row) {
    for (size_t a = 0; a < r->grid->n_axes; a++) {
        const GridAxis *axis = &r->grid->axes[a];
        if (axis->n == 1) continue;
        int width = longer(0, axis->key);
        for (size_t i = 0; i < r->sweep->n; i++) {
            const char *value = value_in(r, &r->sweep->rows[i], a);
            if (value) width = longer(width, value);
        }
        const char *own = row ? value_in(r, row, a) : axis->key;
        fprintf(f, "%-*s  ", width, own ? own : "-");
    }
}

static void print_rows(FILE *f, const SweepReport *r, size_t best) {
    int width[N_SHOWN];
    print_settings(f, r, NULL);
    for (int k = 0; k < N_SHOWN; k++) {
        width[k] = longer(0, result_quantile_names[k]);
        for (size_t i = 0; i < r->sweep->n; i++)
            width[k] = longer(width[k], report_cell(quantile_in(r, &r->sweep->rows[i], k)).s);
        fprintf(f, "%*s  ", width[k], result_quantile_names[k]);
    }
    fputs("  computed\n", f);
    for (size_t i = 0; i < r->sweep->n; i++) {
        const SweepRow *row = &r->sweep->rows[i];
        print_settings(f, r, row);
        for (int k = 0; k < N_SHOWN; k++)
            fprintf(f, "%*s  ", width[k], report_cell(quantile_in(r, row, k)).s);
        const char *anew = computed(row);
        bool packets = row->estimate.check.done && strcmp(anew, "packets") != 0;
        fprintf(f, "%c %s%s\n", i == best ? '*' : ' ', anew, packets ? ", packets" : "");
    }
}

static void print_best(FILE *f, const SweepReport *r, size_t best) {
    if (best == r->sweep->n) return;
    const SweepRow *row = &r->sweep->rows[best];
    fprintf(f, "* lowest %s of %s flows: %s", result_quantile_names[r->rank.k],
            result_label(r->rank.dist), report_cell(quantile_in(r, row, r->rank.k)).s);
    const char *before = " with ";
    for (size_t a = 0; a < r->grid->n_axes; a++) {
        const char *value = value_in(r, row, a);
        if (r->grid->axes[a].n == 1 || !value) continue;
        fprintf(f, "%s%s=%s", before, r->grid->axes[a].key, value);
        before = ", ";
    }
    fputc('\n', f);
}

/* How often a stage ran, and how long it took in all. */
static void print_once(FILE *f, double s, size_t n) {
    if (n == 0) fputs(" from file", f);
    else if (n == 1) fprintf(f, " %.2f s once", s);
    else fprintf(f, " %.2f s for %zu", s, n);
}

/* How many rows have packet windows, and what became of the others. */
static void print_checked(FILE *f, const Sweep *s) {
    uint64_t n_flows = 0;
    size_t n_corrected = 0;
    for (size_t i = 0; i < s->n; i++) {
        n_flows += s->rows[i].estimate.check.n_flows;
        n_corrected += s->rows[i].corrected;
    }
    if (n_corrected == 0 && s->n_checked == 0) return;
    fputs("packets: ", f);
    if (s->n_checked == 0) fputs("windows under saved settings", f);
    else
        fprintf(f, "%s flows under %s setting%s", units_count(n_flows).s,
                units_count(s->n_checked).s, s->n_checked == 1 ? "" : "s");
    if (s->wall_check_s > 0) fprintf(f, " in %.2f s", s->wall_check_s);
    fputs(n_corrected > 0 ? "; they correct the others too\n" : "\n", f);
}

void sweep_report_table(FILE *f, const SweepReport *r) {
    const Sweep *s = r->sweep;
    size_t best = sweep_best(s, r->rank);
    fprintf(f, "slowdown of %s flows\n", result_label(r->rank.dist));
    print_rows(f, r, best);
    print_best(f, r, best);
    fprintf(f, "%s setting%s in %.2f s: traffic", units_count(s->n).s, s->n == 1 ? "" : "s",
            r->meta.wall_total_s);
    print_once(f, s->wall_traffic_s, s->n_traffic);
    fputs(", fluid", f);
    print_once(f, s->wall_fluid_s, s->n_fluid);
    fprintf(f, ", model %.0f ms a setting\n", s->n ? 1000 * s->wall_predict_s / (double)s->n : 0);
    print_checked(f, s);
}

/* ---- JSON ---- */

static void put_row(JsonOut *o, const SweepReport *r, const SweepRow *row) {
    json_out_object(o);
    json_put_object(o, "set");
    for (size_t a = 0; a < r->grid->n_axes; a++) {
        const char *value = value_in(r, row, a);
        if (value) json_put_string(o, r->grid->axes[a].key, value);
    }
    json_out_end(o, '}');
    json_put_number(o, "window_b", row->estimate.window_b);
    json_put_string(o, "computed", computed(row));
    json_put_seconds(o, "wall_s", row->wall_s);
    json_put_bool(o, "corrected", row->corrected);
    report_put_estimate(o, &row->estimate);
    json_out_end(o, '}');
}

/* Network and origin of the tail of one row, the best. */
static void put_shown(JsonOut *o, const SweepReport *r, size_t row) {
    static const Origin unknown = {0};

    report_put_origin(o, r->sweep->n > 0 ? &r->sweep->rows[row].estimate.origin : &unknown);
}

void sweep_report_json(FILE *f, const SweepReport *r) {
    size_t best = sweep_best(r->sweep, r->rank);
    JsonOut o;
    json_out_init(&o, f);
    json_out_object(&o);
    json_put_string(&o, "schema", SWEEP_SCHEMA);
    json_put_string(&o, "version", M3_VERSION);
    json_put_count(&o, "seed", r->meta.seed);
    json_put_string(&o, "command", r->meta.command);
    json_put_string(&o, "topo", r->meta.topo);
    json_put_string(&o, "mix", r->meta.mix);
    report_put_features(&o, &r->meta);
    report_put_checkpoint(&o, &r->meta);
    json_put_string(&o, "method", r->meta.method);
    report_put_remarks(&o, &r->meta);
    put_shown(&o, r, best < r->sweep->n ? best : 0);

    json_put_object(&o, "wall_s");
    json_put_seconds(&o, "total", r->meta.wall_total_s);
    json_put_seconds(&o, "traffic", r->sweep->wall_traffic_s);
    json_put_seconds(&o, "fluid", r->sweep->wall_fluid_s);
    json_put_seconds(&o, "settings", r->sweep->wall_predict_s);
    json_put_seconds(&o, "check", r->sweep->wall_check_s);
    json_out_end(&o, '}');
    json_put_count(&o, "n_traffic", r->sweep->n_traffic);
    json_put_count(&o, "n_fluid", r->sweep->n_fluid);
    json_put_count(&o, "n_checked", r->sweep->n_checked);

    json_put_object(&o, "best");
    json_put_string(&o, "bucket", result_label(r->rank.dist));
    json_put_string(&o, "quantile", result_quantile_keys[r->rank.k]);
    if (best < r->sweep->n) json_put_count(&o, "setting", best);
    else json_put_null(&o, "setting");
    json_out_end(&o, '}');

    json_put_array(&o, "settings");
    for (size_t i = 0; i < r->sweep->n; i++) put_row(&o, r, &r->sweep->rows[i]);
    json_out_end(&o, ']');
    json_out_end(&o, '}');
    json_out_finish(&o);
}

/* ---- CSV ---- */

static void put_csv_row(FILE *f, const SweepReport *r, const SweepRow *row, int dist, int k) {
    const SlowdownQuantile *q = &row->estimate.slowdown.dist[dist].q[k];
    if (isnan(q->value)) return;
    for (size_t a = 0; a < r->grid->n_axes; a++) {
        const char *value = value_in(r, row, a);
        fprintf(f, "%s,", value ? value : "");
    }
    fprintf(f, "%s,%s,%s,%s,%s\n", result_label(dist), result_quantile_names[k] + 1,
            json_number_text(q->value).s, json_number_text(q->lo).s, json_number_text(q->hi).s);
}

void sweep_report_csv(FILE *f, const SweepReport *r) {
    for (size_t a = 0; a < r->grid->n_axes; a++) fprintf(f, "%s,", r->grid->axes[a].key);
    fputs("bucket,percentile,slowdown,lo,hi\n", f);
    for (size_t i = 0; i < r->sweep->n; i++)
        for (int dist = 0; dist < RESULT_N_DISTS; dist++)
            for (int k = 0; k < RESULT_N_QUANTILES; k++)
                put_csv_row(f, r, &r->sweep->rows[i], dist, k);
}
