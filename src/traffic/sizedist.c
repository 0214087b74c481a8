/* sizedist: flow-size distributions as piecewise linear CDFs.
 *
 * Invariant: cdf[0] = 0, cdf[n−1] = 1, both arrays ascending (not strictly: equal sizes make an
 * atom, equal percentages a gap that is never drawn). A draw inverts the curve; the guide table
 * (Chen and Asau 1974) holds, for each of 4,096 equal slices of [0, 1), the segment of the slice's
 * beginning, so that a draw examines one or two segments of the measured curves' 151. The result is
 * the same as that of a search from the first segment. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "traffic/flows.h"
#include "traffic/sizedist.h"

enum { GUIDE = 4096, MAX_LINE = 200 /* bytes: two numbers of any precision are shorter */ };
#define MAX_SIZE_B ((double)FLOWS_MAX_SIZE_B)

/* Appends the point of one line "bytes percent". */
static int add_point(SizeDist *d, size_t *cap, const char *text, size_t line, Err *err) {
    char *e, *e2;
    double size = strtod(text, &e), percent = strtod(e, &e2);
    while (strchr(" \t\r", *e2) && *e2) e2++;
    if (e == text || e2 == e || *e2)
        return err_input(err, "%s: line %zu: expected `bytes percent`, got '%.40s'", d->name, line,
                         text);
    if (!(size >= 0 && size <= MAX_SIZE_B))
        return err_input(err, "%s: line %zu: bytes: must be in [0, 1e15], got %g", d->name, line,
                         size);
    if (!(percent >= 0 && percent <= 100))
        return err_input(err, "%s: line %zu: percent: must be in [0, 100], got %g", d->name, line,
                         percent);
    if (d->n == 0 && percent != 0)
        return err_input(err, "%s: line %zu: percent: must begin at 0, got %g", d->name, line,
                         percent);
    if (d->n > 0 && size < d->size_b[d->n - 1])
        return err_input(err, "%s: line %zu: bytes: must not decrease, got %g after %g", d->name,
                         line, size, d->size_b[d->n - 1]);
    if (d->n > 0 && percent / 100 < d->cdf[d->n - 1])
        return err_input(err, "%s: line %zu: percent: must not decrease, got %g after %g", d->name,
                         line, percent, d->cdf[d->n - 1] * 100);
    if (d->n == *cap) {
        *cap *= 2;
        d->size_b = mem_realloc(d->size_b, *cap, sizeof *d->size_b);
        d->cdf = mem_realloc(d->cdf, *cap, sizeof *d->cdf);
    }
    d->size_b[d->n] = size;
    d->cdf[d->n++] = percent / 100;
    return 0;
}

static int read_points(SizeDist *d, const FileView *v, Err *err) {
    size_t cap = 256, line = 1;
    d->size_b = MEM_NEW(double, cap);
    d->cdf = MEM_NEW(double, cap);
    for (const char *p = v->data, *end = p + v->len; p < end; line++) {
        const char *nl = memchr(p, '\n', (size_t)(end - p)), *e = nl ? nl : end;
        char text[MAX_LINE];
        if (e - p >= MAX_LINE)
            return err_input(err,
                             "%s: line %zu: expected `bytes percent`, got a line of %td characters",
                             d->name, line, e - p);
        memcpy(text, p, (size_t)(e - p));
        text[e - p] = '\0';
        text[strcspn(text, "#")] = '\0';
        if (text[strspn(text, " \t\r")] &&
            add_point(d, &cap, text + strspn(text, " \t\r"), line, err) != 0)
            return -1;
        p = nl ? nl + 1 : end;
    }
    if (d->n == 0)
        return err_input(err, "%s: expected lines of `bytes percent`, got an empty file", d->name);
    if (fabs(d->cdf[d->n - 1] - 1) > 1e-9)
        return err_input(err, "%s: line %zu: percent: must end at 100, got %g", d->name, line - 1,
                         d->cdf[d->n - 1] * 100);
    return 0;
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

int sizedist_load(SizeDist *d, const char *path, Err *err) {
    FileView v;
    *d = (SizeDist){0};
    if (file_view(&v, path, err) != 0) return -1;
    d->name = mem_strdup(path);
    int rc = read_points(d, &v, err);
    file_view_close(&v);
    if (rc == 0) prepare(d);
    if (rc == 0 && d->mean_b < 1)
        rc = err_input(err, "%s: mean size: must be at least 1 byte, got %g", path, d->mean_b);
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
