/* npy: numpy's array files, format versions 1.0 to 3.0, as numpy documents them (numpy.lib.format).
 *
 * A file is the magic "\x93NUMPY", two version bytes, the header's length (2 bytes, from version 2
 * on 4), a header that is a Python dictionary with the keys descr, fortran_order and shape, padded
 * with blanks so that the data begin at a multiple of 64, then the data. Reading maps the file and
 * hands out a pointer into it, so a data set larger than memory can be walked through; everything
 * that could make that pointer lie is checked first.
 *
 * Left out: structured types, big endian, Fortran order, more than two dimensions; none is written
 * here. */
#include "data/npy.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [NPY_F32] = {"<f4", 4}, [NPY_U32] = {"<u4", 4}, [NPY_U16] = {"<u2", 2}, [NPY_U8] = {"|u1", 1}};
/* Magic, version and the header's length take 10 bytes; numpy ends headers at multiples of 64. */
enum { N_TYPES = sizeof types / sizeof types[0], PREFIX = 10, ALIGN = 64 };

const char *npy_type_name(NpyType t) { return types[t].name; }
size_t npy_type_size(NpyType t) { return types[t].size; }

/* Start and length of the header's text; −1 if the file does not even hold that. */
static int find_header(const FileView *v, const char *path, size_t *start, size_t *len, Err *err) {
    const unsigned char *p = (const unsigned char *)v->data;
    if (v->len < PREFIX || memcmp(p, "\x93NUMPY", 6) != 0)
        return err_input(err, "%s: not a .npy file", path);
    if (p[6] < 1 || p[6] > 3)
        return err_input(err, "%s: .npy format %d.%d is not supported (1.0 to 3.0 are)", path, p[6],
                         p[7]);
    *start = p[6] == 1 ? 10 : 12;
    if (v->len < *start) return err_input(err, "%s: cut off within the header", path);
    *len = (size_t)p[8] | (size_t)p[9] << 8;
    if (p[6] > 1) *len |= (size_t)p[10] << 16 | (size_t)p[11] << 24;
    if (*len > v->len - *start) return err_input(err, "%s: cut off within the header", path);
    return 0;
}

/* Text after "'key':" and blanks, or NULL. */
static const char *find_key(const char *header, const char *key) {
    char quoted[32];
    snprintf(quoted, sizeof quoted, "'%s':", key);
    const char *p = strstr(header, quoted);
    if (!p) return NULL;
    p += strlen(quoted);
    return p + strspn(p, " ");
}

static int parse_type(const char *p, NpyType *out) {
    for (int t = 0; t < N_TYPES; t++) {
        char quoted[8];
        snprintf(quoted, sizeof quoted, "'%s'", types[t].name);
        if (strncmp(p, quoted, strlen(quoted)) == 0) {
            *out = (NpyType)t;
            return 0;
        }
    }
    return -1;
}

/* "(12,)" or "(3, 4)". */
static int parse_shape(const char *p, Npy *a) {
    if (*p++ != '(') return -1;
    a->n_dims = 0;
    a->shape[0] = a->shape[1] = 1;
    for (;;) {
        p += strspn(p, " ");
        if (*p == ')') return a->n_dims > 0 ? 0 : -1;
        if (a->n_dims == NPY_MAX_DIMS || *p < '0' || *p > '9') return -1;
        char *end;
        a->shape[a->n_dims++] = strtoull(p, &end, 10);
        p = end + strspn(end, " ");
        if (*p == ',') p++;
        else if (*p != ')') return -1;
    }
}

static int parse_header(Npy *a, const char *header, const char *path, Err *err) {
    const char *descr = find_key(header, "descr"), *order = find_key(header, "fortran_order"),
               *shape = find_key(header, "shape");
    if (!descr || !order || !shape)
        return err_input(err, "%s: .npy header lacks descr, fortran_order or shape", path);
    if (parse_type(descr, &a->type) != 0)
        return err_input(err, "%s: .npy type %.12s is not supported (<f4, <u4, <u2 and |u1 are)",
                         path, descr);
    if (strncmp(order, "False", 5) != 0)
        return err_input(err, "%s: .npy array is in Fortran order, expected C order", path);
    if (parse_shape(shape, a) != 0)
        return err_input(err, "%s: .npy shape: expected (rows,) or (rows, columns), got %.40s",
                         path, shape);
    return 0;
}

static int check_length(const Npy *a, size_t data_start, const char *path, Err *err) {
    uint64_t cells, bytes;
    if (__builtin_mul_overflow(a->shape[0], a->shape[1], &cells) ||
        __builtin_mul_overflow(cells, (uint64_t)types[a->type].size, &bytes))
        return err_input(err, "%s: .npy shape (%" PRIu64 ", %" PRIu64 ") is too large", path,
                         a->shape[0], a->shape[1]);
    if (bytes != a->view.len - data_start)
        return err_input(err,
                         "%s: .npy shape (%" PRIu64 ", %" PRIu64 ") needs %" PRIu64
                         " bytes of data, the file has %zu",
                         path, a->shape[0], a->shape[1], bytes, a->view.len - data_start);
    if (data_start % types[a->type].size != 0)
        return err_input(err, "%s: .npy data are not aligned", path);
    return 0;
}

int npy_open(Npy *a, const char *path, Err *err) {
    *a = (Npy){0};
    size_t start = 0, len = 0;
    if (file_view(&a->view, path, err) != 0) return -1;
    int rc = find_header(&a->view, path, &start, &len, err);
    if (rc == 0) {
        char *header = strndup(a->view.data + start, len);
        rc = header ? parse_header(a, header, path, err) : err_io(err, "%s: out of memory", path);
        free(header);
    }
    if (rc == 0) rc = check_length(a, start + len, path, err);
    if (rc != 0) npy_close(a);
    else a->data = a->view.data + start + len;
    return rc;
}

void npy_close(Npy *a) {
    file_view_close(&a->view);
    *a = (Npy){0};
}

int npy_expect(const Npy *a, const char *path, NpyType type, uint64_t n_rows, uint64_t n_cols,
               Err *err) {
    if (a->type != type)
        return err_input(err, "%s: expected type %s, got %s", path, types[type].name,
                         types[a->type].name);
    if (a->shape[0] != n_rows || a->shape[1] != n_cols)
        return err_input(
            err, "%s: expected shape (%" PRIu64 ", %" PRIu64 "), got (%" PRIu64 ", %" PRIu64 ")",
            path, n_rows, n_cols, a->shape[0], a->shape[1]);
    return 0;
}

int npy_check_above(const Npy *a, const char *dir, const char *name, float above, Err *err) {
    const float *v = a->data;
    for (uint64_t i = 0; i < a->shape[0] * a->shape[1]; i++)
        if (!isfinite(v[i]) || v[i] <= above)
            return err_input(err, "%s/%s.npy: row %zu: expected finite values above %g, got %g",
                             dir, name, (size_t)(i / a->shape[1]), (double)above, (double)v[i]);
    return 0;
}

int npy_out_open(NpyOut *o, const char *path, NpyType type, uint64_t n_rows, uint64_t n_cols,
                 Err *err) {
    *o = (NpyOut){.bytes_left = n_rows * n_cols * types[type].size};
    if (file_out_open(&o->file, path, err) != 0) return -1;
    char columns[24] = "", header[160];
    if (n_cols != 1) snprintf(columns, sizeof columns, " %" PRIu64, n_cols);
    int n = snprintf(header, sizeof header,
                     "{'descr': '%s', 'fortran_order': False, 'shape': (%" PRIu64 ",%s), }",
                     types[type].name, n_rows, columns);
    int padded = (PREFIX + n + 1 + ALIGN - 1) / ALIGN * ALIGN - PREFIX;
    fwrite("\x93NUMPY\x01", 1, 7, o->file.f);
    fputc(0, o->file.f);
    fputc(padded & 255, o->file.f);
    fputc(padded >> 8, o->file.f);
    fprintf(o->file.f, "%-*s\n", padded - 1, header);
    return 0;
}

void npy_out_append(NpyOut *o, const void *data, size_t bytes) {
    assert(bytes <= o->bytes_left);
    fwrite(data, 1, bytes, o->file.f);
    o->bytes_left -= bytes;
}

int npy_out_commit(NpyOut *o, Err *err) {
    assert(o->bytes_left == 0);
    return file_out_commit(&o->file, err);
}

void npy_out_abort(NpyOut *o) { file_out_abort(&o->file); }
