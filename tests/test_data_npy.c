/* npy: what is written reads back, numpy's documented byte layout, and damaged files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "data/npy.h"

static char *temp_path(void) {
    char *p = mem_strdup("/tmp/m3-npy-XXXXXX");
    int fd = mkstemp(p);
    assert_true(fd >= 0);
    close(fd);
    return p;
}

static void write_bytes(const char *path, const void *data, size_t n) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void test_round_trip(void **state) {
    (void)state;
    char *path = temp_path();
    float x[6] = {1, 2.5f, -3, 4, 5e-30f, 6};
    uint16_t y[3] = {1, 2, 65535};
    Err err = {0};
    NpyOut out;
    Npy a;
    assert_int_equal(npy_out_open(&out, path, NPY_F32, 3, 2, &err), 0);
    npy_out_append(&out, x, 8);
    npy_out_append(&out, x + 2, 16);
    assert_int_equal(npy_out_commit(&out, &err), 0);
    assert_int_equal(npy_open(&a, path, &err), 0);
    assert_int_equal(a.n_dims, 2);
    assert_int_equal(npy_expect(&a, path, NPY_F32, 3, 2, &err), 0);
    assert_memory_equal(a.data, x, sizeof x);
    assert_int_equal((uintptr_t)a.data % 64, 0);
    assert_int_equal(npy_expect(&a, path, NPY_U32, 3, 2, &err), -1);
    assert_non_null(strstr(err.msg, "expected type <u4, got <f4"));
    assert_int_equal(npy_expect(&a, path, NPY_F32, 2, 3, &err), -1);
    assert_non_null(strstr(err.msg, "expected shape (2, 3), got (3, 2)"));
    npy_close(&a);
    assert_int_equal(npy_out_open(&out, path, NPY_U16, 3, 1, &err), 0);
    npy_out_append(&out, y, sizeof y);
    assert_int_equal(npy_out_commit(&out, &err), 0);
    assert_int_equal(npy_open(&a, path, &err), 0);
    assert_int_equal(a.n_dims, 1);
    assert_memory_equal(a.data, y, sizeof y);
    npy_close(&a);
    unlink(path);
    free(path);
}

/* The bytes that numpy.save(np.array([1, 2], '<f4')) writes, from numpy's description of the
 * format. */
static const char numpy_header[] =
    "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";

static size_t numpy_file(char bytes[136]) {
    const float values[2] = {1, 2};
    memset(bytes, ' ', 128);
    memcpy(bytes, numpy_header, sizeof numpy_header - 1);
    bytes[127] = '\n';
    memcpy(bytes + 128, values, sizeof values);
    return 136;
}

static void test_same_bytes_as_numpy(void **state) {
    (void)state;
    char *path = temp_path(), bytes[136];
    const float values[2] = {1, 2};
    size_t n = numpy_file(bytes);
    Err err = {0};
    NpyOut out;
    FileView v;
    assert_int_equal(npy_out_open(&out, path, NPY_F32, 2, 1, &err), 0);
    npy_out_append(&out, values, sizeof values);
    assert_int_equal(npy_out_commit(&out, &err), 0);
    assert_int_equal(file_view(&v, path, &err), 0);
    assert_int_equal(v.len, n);
    assert_memory_equal(v.data, bytes, n);
    file_view_close(&v);
    unlink(path);
    free(path);
}

static void test_cut_anywhere_is_refused(void **state) {
    (void)state;
    char *path = temp_path(), bytes[137];
    size_t n = numpy_file(bytes);
    bytes[136] = 0;
    for (size_t len = 0; len <= n + 1; len++) {
        Err err = {0};
        Npy a;
        write_bytes(path, bytes, len);
        assert_int_equal(npy_open(&a, path, &err), len == n ? 0 : -1);
        if (len == n) npy_close(&a);
        else assert_non_null(strstr(err.msg, path));
    }
    unlink(path);
    free(path);
}

static void refuse_header(const char *header, const char *expected) {
    char *path = temp_path(), bytes[136];
    Err err = {0};
    Npy a;
    numpy_file(bytes);
    memset(bytes + 10, ' ', 117);
    memcpy(bytes + 10, header, strlen(header));
    write_bytes(path, bytes, sizeof bytes);
    assert_int_equal(npy_open(&a, path, &err), -1);
    if (!strstr(err.msg, expected)) fail_msg("expected '%s' in '%s'", expected, err.msg);
    assert_int_equal(err.kind, ERR_INPUT);
    unlink(path);
    free(path);
}

static void test_hostile_headers(void **state) {
    (void)state;
    refuse_header("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", "type '<f8'");
    refuse_header("{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", "type '>f4'");
    refuse_header("{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }", "Fortran order");
    refuse_header("{'descr': '<f4', 'fortran_order': False, }", "lacks");
    refuse_header("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", "shape");
    refuse_header("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", "shape");
    refuse_header("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 2), }", "shape");
    refuse_header("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }",
                  "too large");
    refuse_header("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
                  "too large");
    refuse_header("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", "needs 12 bytes");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_same_bytes_as_numpy),
        cmocka_unit_test(test_cut_anywhere_is_refused),
        cmocka_unit_test(test_hostile_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
