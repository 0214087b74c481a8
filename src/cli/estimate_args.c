/* estimate_args: values of options that estimate and sweep share: method, --compat, --target-error.
 */
#include "cli/estimate_args.h"

#include <string.h>

#include "base/units.h"
#include "cli/cli.h"
#include "cli/value.h"

int estimate_args_method(const char *value, Method *method, Err *err) {
    for (int i = 0; estimate_methods[i]; i++)
        if (strcmp(value, estimate_methods[i]) == 0) {
            *method = (Method)i;
            return 0;
        }
    return err_input(err,
                     "--method: expected m3, flowsim, sampled, parsimon or packet, got '%.40s'%s",
                     value, cli_suggest(value, estimate_methods, "", "").s);
}

const char *const estimate_args_compat_names[] = {"published", "hpcc-ns3", NULL};
const char *const estimate_args_ecmp_names[] = {"polarised", "independent", NULL};

static bool is_word(const char *s, size_t n, const char *word) {
    return n == strlen(word) && strncmp(s, word, n) == 0;
}

int estimate_args_compat(const char *value, EstimateOptions *e, Err *err) {
    for (const char *s = value;; s++) {
        size_t n = strcspn(s, ",");
        if (is_word(s, n, "published")) e->published = true;
        else if (is_word(s, n, "hpcc-ns3")) e->hpcc_ns3 = true;
        else
            return err_input(err, "--compat: expected published or hpcc-ns3, got '%.*s'",
                             n < 40 ? (int)n : 40, s);
        s += n;
        if (*s == '\0') return 0;
    }
}

static int parse_quantile(const char *name, int *quantile, Err *err) {
    *quantile = result_quantile_named(name, strlen(name));
    if (*quantile >= 0) return 0;
    return err_input(
        err, "--target-error: expected p50, p90, p99 or p99.9 after the @, got '%.40s'", name);
}

int estimate_args_target(const char *value, TargetError *t, Err *err) {
    char number[32];
    size_t n = strcspn(value, "@");
    if (n >= sizeof number)
        return err_input(err, "--target-error: expected an error like 2%% or 2%%@p99, got '%.40s'",
                         value);
    memcpy(number, value, n);
    number[n] = '\0';
    if (units_parse_share(number, "--target-error", &t->asked, NULL) != 0 || !(t->asked > 0))
        return err_input(err, "--target-error: expected an error like 2%% or 2%%@p99, got '%.40s'",
                         value);
    if (t->asked >= 1)
        return err_input(err, "--target-error: expected less than 100 %%, got '%.40s'", value);
    return value[n] == '@' ? parse_quantile(value + n + 1, &t->quantile, err) : 0;
}

int estimate_args_quantile(const char *value, int *quantile, Err *err) {
    *quantile = result_quantile_named(value, strlen(value));
    if (*quantile >= 0) return 0;
    return err_input(err, "--quantile: expected p50, p90, p99 or p99.9, got '%.40s'", value);
}

int estimate_args_bucket(const char *value, int *dist, Err *err) {
    double size_b;
    *dist = RESULT_ALL;
    if (strcmp(value, "all") == 0) return 0;
    if (units_parse_size(value, "--bucket", &size_b, err) != 0) return -1;
    *dist = result_of_bucket(sizebucket_of(size_b < 1e18 ? (uint64_t)size_b : UINT64_MAX));
    return 0;
}

int estimate_args_check(const char *value, CheckBudget *b, Err *err) {
    size_t n = strlen(value);
    *b = (CheckBudget){0};
    if (strcmp(value, "default") == 0) return 0;
    if (strcmp(value, "off") == 0) {
        b->off = true;
        return 0;
    }
    if (n > 0 && value[n - 1] == '%') {
        if (units_parse_share(value, "--check", &b->share, NULL) != 0 || !(b->share > 0) ||
            b->share > 1)
            return err_input(err, "--check: expected a share above 0 and up to 100%%, got '%.40s'",
                             value);
        return 0;
    }
    double ns;
    if (units_parse_time(value, "--check", &ns, NULL) != 0 || !(ns > 0))
        return err_input(err,
                         "--check: expected a time like 5s, a share of the run like 2%% or "
                         "off, got '%.40s'",
                         value);
    b->seconds = ns / 1e9;
    return 0;
}

int estimate_args_ecmp(const char *value, bool *independent, Err *err) {
    int kind;
    if (value_choice(value, "--parsimon-ecmp", estimate_args_ecmp_names, &kind, err) != 0)
        return -1;
    *independent = kind == 1;
    return 0;
}

void estimate_args_ckpt(ReportMeta *m, const Ckpt *ckpt, char sha256[65]) {
    if (!ckpt) return;
    ckpt_sha256(ckpt, sha256);
    m->ckpt_name = ckpt->name;
    m->ckpt_sha256 = sha256;
}
