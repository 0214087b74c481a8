/* The published size buckets: their limits, and that every size has one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "traffic/sizebucket.h"

static void buckets_cover_all_sizes(void **state) {
    (void)state;
    assert_int_equal(sizebucket_fine_of(1), 0);
    assert_int_equal(sizebucket_fine_of(249), 0);
    assert_int_equal(sizebucket_fine_of(250), 1);
    assert_int_equal(sizebucket_fine_of(49999), 8);
    assert_int_equal(sizebucket_fine_of(50000), 9);
    for (int b = 0; b < SIZEBUCKET_N; b++) {
        assert_int_equal(sizebucket_of(sizebucket_lo(b)), b);
        assert_int_equal(sizebucket_of(sizebucket_hi(b) - 1), b);
    }
    assert_int_equal(sizebucket_of(UINT64_MAX), SIZEBUCKET_N - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_cover_all_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
