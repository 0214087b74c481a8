/* Coded lists of offsets against the offsets: of every length about where the code changes, dense
 * and sparse, at both ends of a chunk, and whole chunks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "path/flowlist.h"
#include "traffic/flows.h"

/* n different offsets in [from, until), ascending: all of them with equal probability. */
static void draw(Rng *rng, uint16_t *offset, uint32_t n, uint32_t from, uint32_t until) {
    for (uint32_t i = from, k = 0; k < n; i++)
        if (rng_below(rng, until - i) < n - k) offset[k++] = (uint16_t)i;
}

static size_t check(const uint16_t *offset, uint32_t n) {
    size_t bytes = flowlist_bytes(n);
    uint8_t *list = MEM_NEW(uint8_t, bytes + FLOWLIST_SLACK_B);
    uint16_t *back = MEM_NEW(uint16_t, n + 1), first, last;
    memset(list, 0xff, bytes + FLOWLIST_SLACK_B); /* what lies behind must not matter */
    flowlist_encode(offset, n, list);
    for (int k = 0; k < FLOWLIST_SLACK_B; k++) assert_int_equal(list[bytes + (size_t)k], 0xff);
    assert_int_equal(flowlist_n(list, bytes), n);
    assert_int_equal(flowlist_decode(list, bytes, back), n);
    if (n > 0) {
        assert_memory_equal(back, offset, n * sizeof *back);
        flowlist_ends(list, bytes, &first, &last);
        assert_true(first == offset[0] && last == offset[n - 1]);
    }
    free(list);
    free(back);
    return bytes;
}

static void lists_survive_coding(void **state) {
    (void)state;
    Rng rng = rng_stream(1, "flow lists", 0);
    uint16_t *offset = MEM_NEW(uint16_t, FLOW_CHUNK);
    for (uint32_t n = 0; n < 600; n++) {
        draw(&rng, offset, n, 0, FLOW_CHUNK);
        check(offset, n);
        draw(&rng, offset, n, 0, n + 3);
        check(offset, n);
        draw(&rng, offset, n, FLOW_CHUNK - n, FLOW_CHUNK);
        check(offset, n);
    }
    for (uint32_t n = 1000; n <= FLOW_CHUNK;
         n = n < FLOW_CHUNK && 2 * n > FLOW_CHUNK ? FLOW_CHUNK : 2 * n) {
        draw(&rng, offset, n, 0, FLOW_CHUNK);
        assert_true((double)check(offset, n) < 1.17 * n);
        if (n == FLOW_CHUNK) break;
    }
    free(offset);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(lists_survive_coding)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
