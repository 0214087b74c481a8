/* A program that embeds m3: the 99th percentile of the slowdown of all flows of a mix; and that
 * calls which are wrong return errors.
 *
 *     cc library.c $(pkg-config --cflags --libs m3) && ./a.out TOPO MIX
 */
#include <m3.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int failed;

static void expect(int ok, const char *what) {
    if (ok) return;
    fprintf(stderr, "library.c: %s\n", what);
    failed = 1;
}

/* Options that are wrong: NULL, and a message that has `word` in it. */
static void refused(const M3Options *o, const char *word) {
    char error[M3_ERROR_LEN] = "";
    M3Result *r = m3_estimate(o, error);
    expect(!r && strstr(error, word) && !strchr(error, '\n'), word);
    m3_result_free(r);
    expect(!m3_estimate(o, NULL), word); /* nobody wants the message */
}

static void wrong_calls(const M3Options *good, const M3Result *result) {
    char error[M3_ERROR_LEN] = "";
    M3Options o = *good;
    refused(NULL, "options");
    o.topo = o.mix = NULL;
    refused(&o, "expected a mix");
    o = *good, o.duration_s = -1;
    refused(&o, "duration_s");
    o.duration_s = (double)NAN;
    refused(&o, "duration_s");
    o.duration_s = (double)INFINITY;
    refused(&o, "duration_s");
    o = *good, o.mix_id = -7;
    refused(&o, "mix_id");
    o = *good, o.threads = -1;
    refused(&o, "threads");
    o = *good, o.method = (M3Method)9;
    refused(&o, "method");
    o = *good, o.check_s = (double)NAN;
    refused(&o, "check_s");
    o = *good, o.mix = "no/such/mix.json";
    refused(&o, "no/such/mix.json");
    m3_options_init(NULL);
    m3_result_free(NULL);
    expect(m3_result_save(NULL, "x", error) == -1 && strstr(error, "result"), "save: NULL result");
    expect(m3_result_save(result, NULL, error) == -1 && strstr(error, "path"), "save: NULL path");
    expect(m3_result_save(result, "no/such/folder/x", NULL) == -1, "save: NULL error");
    expect(m3_result_n_flows(NULL) == 0 && m3_result_n_paths(NULL) == 0, "counts of NULL");
    expect(isnan(m3_result_wall_s(NULL)) && isnan(m3_result_share(NULL, 0)) &&
               isnan(m3_result_percentile(NULL, M3_ALL, 99)) &&
               isnan(m3_result_quantile(NULL, M3_ALL, 99).value),
           "figures of NULL");
}

int main(int argc, char **argv) {
    char error[M3_ERROR_LEN];
    M3Options options;
    if (argc != 3) return 2;
    m3_options_init(&options);
    options.topo = argv[1];
    options.mix = argv[2];
    options.n_flows = 20000;
    options.n_paths = 50;
    M3Result *result = m3_estimate(&options, error);
    if (!result) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    printf("%.17g\n", m3_result_percentile(result, M3_ALL, 99));
    wrong_calls(&options, result);
    m3_result_free(result);
    return failed;
}
