/* sizedist: flow-size distributions as piecewise linear CDFs.
 *
 * Invariant: cdf[0] = 0, cdf[n−1] = 1, both arrays ascending (not strictly: equal sizes make an
 * atom, equal percentages a gap that is never drawn). A draw inverts the curve; the guide table
 * (Chen and Asau 1974) holds, for each of 4,096 equal slices of [0, 1), the segment of the slice's
 * beginning, so that a draw examines one or two segments of the measured curves' 151. The result is
 * the same as that of a search from the first segment. */
#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/units.h"
#include "traffic/flows.h"
#include "traffic/sizedist.h"

enum { GUIDE = 4096, MAX_LINE = 200 /* bytes: two numbers of any precision are shorter */ };
#define MAX_SIZE_B ((double)FLOWS_MAX_SIZE_B)
/* How far a curve may end from its whole: published ones end at 99.98 % from rounding. */
#define TOLERANCE 0.001

typedef struct {
    SizeDist *d;
    size_t cap;
    int n_columns; /* of all lines; 0: not known yet */
    Err *err;
} SizeReader;

/* Appends the point of one line: `bytes value`, or `bytes anything value`. The value is kept as it
 * stands. */
static int add_point(SizeReader *r, char *text, size_t line) {
    SizeDist *d = r->d;
    double x[3] = {0};
    int n = 0;
    char *p = text, *end = text;
    for (char *c = text; *c; c++)
        if (*c == ',' || *c == ';') *c = ' ';
    while (n < 3 && (x[n] = strtod(p, &end), end != p)) n++, p = end;
    while (*p && strchr(" \t\r", *p)) p++;
    if (n < 2 || *p || (r->n_columns > 0 && n != r->n_columns))
        return err_input(r->err, "%s: line %zu: expected `bytes percent`, got '%.40s'", d->name,
                         line, text);
    r->n_columns = n;
    double size = x[0], value = x[n - 1];
    if (!(size >= 0 && size <= MAX_SIZE_B))
        return err_input(r->err, "%s: line %zu: bytes: must be in [0, 1e15], got %g", d->name, line,
                         size);
    if (!(value >= 0 && value <= 100 * (1 + TOLERANCE)))
        return err_input(r->err, "%s: line %zu: percent: must be in [0, 100], got %g", d->name,
                         line, value);
    if (d->n == 0 && value != 0)
        return err_input(r->err, "%s: line %zu: percent: must begin at 0, got %g", d->name, line,
                         value);
    if (d->n > 0 && size < d->size_b[d->n - 1])
        return err_input(r->err, "%s: line %zu: bytes: must not decrease, got %g after %g", d->name,
                         line, size, d->size_b[d->n - 1]);
    if (d->n > 0 && value < d->cdf[d->n - 1])
        return err_input(r->err, "%s: line %zu: percent: must not decrease, got %g after %g",
                         d->name, line, value, d->cdf[d->n - 1]);
    if (d->n == r->cap) {
        r->cap *= 2;
        d->size_b = mem_realloc(d->size_b, r->cap, sizeof *d->size_b);
        d->cdf = mem_realloc(d->cdf, r->cap, sizeof *d->cdf);
    }
    d->size_b[d->n] = size;
    d->cdf[d->n++] = value;
    return 0;
}

/* Values are percentages if the last is 100, fractions if it is 1; to within the rounding of what
 * made the file. */
static int scale_values(SizeDist *d, size_t line, const Log *log, Err *err) {
    double last = d->cdf[d->n - 1], whole = fabs(last - 100) <= 100 * TOLERANCE ? 100
                                            : fabs(last - 1) <= TOLERANCE       ? 1
                                                                                : 0;
    if (whole == 0)
        return err_input(err,
                         "%s: line %zu: percent: must end at 100 (or at 1, if fractions), got %g",
                         d->name, line, last);
    if (fabs(last / whole - 1) > 1e-9)
        log_note(log, "%s: ends at %g, taken as %g", d->name, last, whole);
    for (uint32_t i = 0; i < d->n; i++) d->cdf[i] = fmin(d->cdf[i] / whole, 1);
    return 0;
}

static int read_points(SizeDist *d, const FileView *v, int *n_columns, const Log *log, Err *err) {
    SizeReader r = {.d = d, .cap = 256, .err = err};
    size_t line = 1, last = 1;
    const char *p = v->data, *end = p + v->len;
    d->size_b = MEM_NEW(double, r.cap);
    d->cdf = MEM_NEW(double, r.cap);
    if (v->len >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0) p += 3;
    for (bool first = true; p < end; line++) {
        size_t near = end - p < MAX_LINE ? (size_t)(end - p) : MAX_LINE;
        const char *nl = memchr(p, '\n', near), *e = nl ? nl : end;
        char text[MAX_LINE];
        if (e - p >= MAX_LINE)
            return err_input(err,
                             "%s: line %zu: expected `bytes percent`, got a line of %d or more "
                             "characters",
                             d->name, line, MAX_LINE);
        memcpy(text, p, (size_t)(e - p));
        text[e - p] = '\0';
        text[strcspn(text, "#")] = '\0';
        char *content = text + strspn(text, " \t\r");
        bool header = first && (isalpha((unsigned char)*content) || *content == '"') &&
                      strncasecmp(content, "nan", 3) != 0 && strncasecmp(content, "inf", 3) != 0;
        if (*content) first = false;
        if (*content && !header) {
            if (add_point(&r, content, line) != 0) return -1;
            last = line;
        }
        p = nl ? nl + 1 : end;
    }
    if (d->n == 0)
        return err_input(err, "%s: expected lines of `bytes percent`, got an empty file", d->name);
    *n_columns = r.n_columns;
    return scale_values(d, last, log, err);
}

/* Computes the mean and the guide table of checked points. */
static void prepare(SizeDist *d) {
    d->cdf[d->n - 1] = 1;
    for (uint32_t i = 1; i < d->n; i++)
        d->mean_b += (d->cdf[i] - d->cdf[i - 1]) * (d->size_b[i] + d->size_b[i - 1]) / 2;
    d->guide = MEM_NEW(uint32_t, GUIDE);
    for (uint32_t k = 0, i = 0; k < GUIDE; k++) {
        while (d->cdf[i + 1] <= (double)k / GUIDE) i++;
        d->guide[k] = i;
    }
}

int sizedist_load(SizeDist *d, const char *path, const Log *log, Err *err) {
    FileView v;
    int n_columns = 0;
    *d = (SizeDist){0};
    if (file_view(&v, path, err) != 0) return -1;
    d->name = mem_strdup(path);
    int rc = read_points(d, &v, &n_columns, log, err);
    file_view_close(&v);
    if (rc == 0) prepare(d);
    if (rc == 0 && d->mean_b < 1)
        rc = err_input(err, "%s: mean size: must be at least 1 byte, got %g", path, d->mean_b);
    if (rc == 0 && n_columns == 3)
        log_note(log,
                 "%s: three columns are taken as bytes, something else and the cumulative share; "
                 "the mean is %s",
                 path, units_size(d->mean_b).s);
    if (rc != 0) sizedist_free(d);
    return rc;
}

int sizedist_init(SizeDist *d, const char *name, const double *size_b, const double *cdf,
                  uint32_t n, Err *err) {
    *d = (SizeDist){
        .n = n, .size_b = MEM_NEW(double, n), .cdf = MEM_NEW(double, n), .name = mem_strdup(name)};
    memcpy(d->size_b, size_b, n * sizeof *size_b);
    memcpy(d->cdf, cdf, n * sizeof *cdf);
    bool ok = n >= 2 && cdf[0] == 0 && cdf[n - 1] == 1;
    for (uint32_t i = 0; ok && i < n; i++)
        ok = size_b[i] >= 0 && size_b[i] <= MAX_SIZE_B &&
             (i == 0 || (size_b[i] >= size_b[i - 1] && cdf[i] >= cdf[i - 1]));
    if (ok) prepare(d);
    if (ok && d->mean_b >= 1) return 0;
    sizedist_free(d);
    return err_input(
        err,
        "%s: expected ascending sizes up to 1e15 bytes, of mean 1 or more, with shares from 0 to 1",
        name);
}

void sizedist_free(SizeDist *d) {
    free(d->size_b);
    free(d->cdf);
    free(d->guide);
    free(d->name);
    *d = (SizeDist){0};
}

uint64_t sizedist_draw(const SizeDist *d, double u) {
    uint32_t i = d->guide[(uint32_t)(u * GUIDE)];
    while (d->cdf[i + 1] <= u) i++;
    double x = d->size_b[i] +
               (u - d->cdf[i]) / (d->cdf[i + 1] - d->cdf[i]) * (d->size_b[i + 1] - d->size_b[i]);
    return x < 1 ? 1 : (uint64_t)(x + 0.5);
}
