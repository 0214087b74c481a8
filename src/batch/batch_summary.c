/* batch: summary.csv.
 *
 * Settings stand in the columns and units of published mixes (bfsz, param_1, param_2), so that the
 * table can be laid beside published ones; lo and hi are the 95 % interval of p99. */
#include "batch/batch_summary.h"

#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "batch/batch_csv.h"
#include "batch/batch_results.h"

static void put_number(FILE *f, double x) {
    if (isfinite(x)) fprintf(f, ",%s", json_number_text(x).s);
    else fputc(',', f);
}

static void put_text(FILE *f, const char *s) {
    fputc(',', f);
    batch_csv_text(f, s);
}

static void put_facts(FILE *f, const BatchFacts *a) {
    put_text(f, a->matrix);
    put_text(f, a->sizes);
    put_number(f, a->sigma);
    put_number(f, a->max_load);
    put_number(f, a->load[LOAD_ROUTED].max);
    put_number(f, a->load[a->polarised ? LOAD_POLARISED : LOAD_ROUTED].top10pct);
    put_number(f, a->oversubscription);
    put_number(f, a->conf.line_window_b);
    fprintf(f, ",%d,%s", a->conf.pfc, netconf_cc_name(a->conf.cc));
    put_number(f, netconf_published_number(&a->conf, "param_1"));
    put_number(f, netconf_published_number(&a->conf, "param_2"));
    put_number(f, netconf_published_number(&a->conf, "bfsz"));
}

static void put_line(FILE *f, const BatchMix *m, Method method, int dist) {
    const BatchResult *r = &m->by[method];
    const SlowdownDist *d = &r->slowdown.dist[dist];
    batch_csv_text(f, m->name);
    fprintf(f, ",%s,%s", estimate_methods[method], result_label(dist));
    put_facts(f, &m->facts);
    fprintf(f, ",%llu,%llu,%llu", (unsigned long long)r->n_flows, (unsigned long long)r->n_paths,
            (unsigned long long)r->n_unique);
    put_number(f, d->share);
    for (int k = 0; k < RESULT_N_QUANTILES; k++) put_number(f, d->q[k].value);
    put_number(f, d->q[RESULT_P99].lo);
    put_number(f, d->q[RESULT_P99].hi);
    fprintf(f, ",%.3f,%llu\n", r->wall_s, (unsigned long long)r->peak_rss_b);
}

int batch_summary_write(const char *dir, Err *err) {
    BatchResults r;
    FileOut out;
    if (batch_results_read(&r, dir, err) != 0) return -1;
    char *path = file_join(dir, "summary.csv");
    int rc = file_out_open(&out, path, err);
    free(path);
    if (rc == 0) {
        fputs("id,method,bucket,matrix,sizes,sigma,max_load,routed_max_load,top10pct_load,"
              "oversubscription,window_b,pfc,cc,param_1,param_2,bfsz,n_flows,n_paths,unique,share,"
              "p50,p90,p99,p99_9,lo,hi,wall_s,peak_rss_b\n",
              out.f);
        for (size_t i = 0; i < r.n; i++)
            for (int k = 0; k < METHOD_N; k++)
                for (int d = 0; d < RESULT_N_DISTS && r.mix[i].by[k].there; d++)
                    put_line(out.f, &r.mix[i], (Method)k, d);
        rc = file_out_commit(&out, err);
    }
    batch_results_free(&r);
    return rc;
}
