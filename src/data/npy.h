/* npy: arrays in numpy's .npy format: read by mapping, written as a stream. */
#ifndef M3_DATA_NPY_H
#define M3_DATA_NPY_H
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"

typedef enum { NPY_F32, NPY_U32, NPY_U16, NPY_U8 } NpyType;
enum { NPY_MAX_DIMS = 2 }; /* of arrays that are read: no data set has more */

/* A mapped array; `data` points into the file. C order, little endian. */
typedef struct {
    NpyType type;
    uint32_t n_dims;
    uint64_t shape[NPY_MAX_DIMS]; /* shape[1] = 1 for a vector */
    const void *data;
    FileView view;
} Npy;
/* Header, type, shape and exact length are verified. npy_close releases (also after
 * zero-initialising). */
int npy_open(Npy *a, const char *path, Err *err);
void npy_close(Npy *a);
/* −1 unless of this type, with `n_rows` rows and `n_cols` columns (1: a vector). */
int npy_expect(const Npy *a, const char *path, NpyType type, uint64_t n_rows, uint64_t n_cols,
               Err *err);

/* −1 unless every float of the array, read from dir/name.npy, is finite and above `above`; names
 * the row. */
int npy_check_above(const Npy *a, const char *dir, const char *name, float above, Err *err);

/* A file in the making. Rows are appended; their number is known beforehand. Exactly one of commit
 * or abort. */
typedef struct {
    FileOut file;
    uint64_t bytes_left;
} NpyOut;
int npy_out_open(NpyOut *o, const char *path, NpyType type, uint64_t n_rows, uint64_t n_cols,
                 Err *err); /* n_cols 1: a vector */
void npy_out_append(NpyOut *o, const void *data, size_t bytes);
int npy_out_commit(NpyOut *o, Err *err); /* every row must have come (asserted) */
void npy_out_abort(NpyOut *o);

const char *npy_type_name(NpyType t); /* "<f4", "<u4", "<u2", "|u1" */
size_t npy_type_size(NpyType t);
#endif
