/* Groups of a graph of flows: a name has one number, whatever the others are and however many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "traffic/flowgraph.h"

static uint32_t group(FlowGraph *g, const char *name) {
    return flowgraph_group(g, name, strlen(name));
}

static void names_are_compared_in_full(void **state) {
    (void)state;
    FlowGraph *g = flowgraph_new();
    assert_int_equal(group(g, "job1"), 0);
    assert_int_equal(group(g, "job"), 1);
    assert_int_equal(group(g, "job10"), 2);
    assert_int_equal(group(g, "Job"), 3);
    assert_int_equal(flowgraph_group(g, "job10#3", 5), 2);
    assert_int_equal(flowgraph_group(g, "job10#3", 3), 1);
    assert_string_equal(g->name[2], "job10");
    assert_int_equal(g->n_groups, 4);
    flowgraph_destroy(g);
}

/* If each name were compared with all before it, this would take minutes. */
static void many_names_keep_their_numbers(void **state) {
    (void)state;
    enum { N = 300000 };
    FlowGraph *g = flowgraph_new();
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < N; i++) {
            char name[24];
            snprintf(name, sizeof name, "query-%u", i);
            if (group(g, name) != i) fail_msg("%s: not %u", name, i);
        }
    assert_int_equal(g->n_groups, N);
    flowgraph_destroy(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_compared_in_full),
        cmocka_unit_test(many_names_keep_their_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
