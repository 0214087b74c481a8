/* page_compare: the page of a comparison, from its JSON. */
#include <math.h>
#include <string.h>

#include "estimate/result.h"
#include "publish/page_private.h"

static int put_cell(Page *p, const Json *row, int k, Err *err) {
    Json q;
    double a, b, error;
    char small[80] = "";
    if (json_need(row, result_quantile_keys[k], &q, err) != 0 ||
        json_need_number_or_null(&q, "a", &a, err) != 0 ||
        json_need_number_or_null(&q, "b", &b, err) != 0 ||
        json_need_number_or_null(&q, "error", &error, err) != 0)
        return -1;
    if (!isnan(a) || !isnan(b))
        snprintf(small, sizeof small, "%s → %s", page_value(a).s, page_value(b).s);
    html_cell_small(p->f, page_signed(error).s, small);
    return 0;
}

int page_compare(Page *p, const Json *root, Err *err) {
    static const char *const columns[] = {"Flow size", "p50", "p90", "p99", "p99.9", NULL};
    Json errors, it;
    const char *a, *b, *bucket;
    bool within;
    if (json_need_string(root, "a", &a, err) != 0 || json_need_string(root, "b", &b, err) != 0 ||
        json_need_bool(root, "within_limits", &within, err) != 0 ||
        json_need_array(root, "errors", &errors, err) != 0)
        return -1;
    page_section(p, "Errors of one result against another");
    page_paragraph(p, "The reference A is %s, the result B is %s. An error is B over A, less 1.", a,
                   b);
    if (!within) page_paragraph(p, "The errors are beyond the limits that were set.");
    html_table_begin(p->f, "Errors of quantiles, and the quantiles of A and B", columns);
    for (bool ok = json_first(&errors, &it); ok; ok = json_next(&it)) {
        if (json_need_string(&it, "bucket", &bucket, err) != 0) return -1;
        html_row_begin(p->f, strcmp(bucket, "all") == 0 ? "all" : NULL, "%s", bucket);
        for (int k = 0; k < RESULT_N_QUANTILES; k++)
            if (put_cell(p, &it, k, err) != 0) return -1;
        html_row_end(p->f);
    }
    html_table_end(p->f);
    return 0;
}
