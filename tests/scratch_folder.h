/* scratch_folder: a folder of a test's own under /tmp, and files of two of them compared. To be
 * included after cmocka.h. */
#ifndef M3_TESTS_SCRATCH_FOLDER_H
#define M3_TESTS_SCRATCH_FOLDER_H
#include <stdlib.h>

#include "base/diag.h"
#include "base/file.h"
#include "base/mem.h"

/* scratch_folder returns the path of a new, empty folder, whose name has `of` in it; give it to
 * scratch_folder_remove, which removes it with what is in it, releases the path and returns 0 if
 * that succeeded. */
static inline char *scratch_folder(const char *of) {
    char *dir = mem_printf("/tmp/m3-%s-XXXXXX", of);
    if (!mkdtemp(dir)) diag_die("%s: cannot be made", dir);
    return dir;
}

static inline int scratch_folder_remove(char *dir) {
    char *command = mem_printf("rm -rf '%s'", dir);
    int rc = system(command);
    free(command);
    free(dir);
    return rc;
}

/* scratch_folder_same asserts that a/name and b/name hold the same bytes. */
static inline void scratch_folder_same(const char *a, const char *b, const char *name) {
    char *pa = file_join(a, name), *pb = file_join(b, name);
    FileView x, y;
    assert_int_equal(file_view(&x, pa, NULL), 0);
    assert_int_equal(file_view(&y, pb, NULL), 0);
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
    file_view_close(&x);
    file_view_close(&y);
    free(pa);
    free(pb);
}
#endif
