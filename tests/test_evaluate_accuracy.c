/* The shipped checkpoint on four small networks with known completion times (tests/golden/nets): a
 * tripwire for a broken model, feature or mixture. The tolerances stand between the model's errors
 * and flowSim's, which must fail each of them. The truth itself is checked by making one of the
 * networks again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/netgen.h"
#include "estimate/estimate.h"
#include "evaluate/evaluate_group.h"

#define NETS "tests/golden/nets"

enum { N_NETS = 4 };
/* Mean magnitude over the networks. When set: the model 0.019, 0.059, 0.048; flowSim 0.080, 0.257,
 * 0.383. */
static const double tolerance[EVALUATE_N_SHOWN] = {0.05, 0.12, 0.12};

static void model_is_near_the_truth(void **state) {
    (void)state;
    Ckpt c;
    EvaluateNet *nets;
    size_t n;
    Err err = {0};
    if (estimate_load_ckpt(&c, "ckpts/default", &err) != 0) fail_msg("%s", err.msg);
    EvaluateNetOptions o = {.ckpt = &c, .seed = 1, .threads = 2, .check = {.off = true}};
    if (evaluate_nets(NETS, &o, NULL, &nets, &n, &err) != 0) fail_msg("%s", err.msg);
    assert_int_equal(n, N_NETS);
    EvaluateGroup g = evaluate_group_all(nets, n);
    for (int k = 0; k < EVALUATE_N_SHOWN; k++) {
        EvaluateCell cell = evaluate_group_cell(&g, RESULT_ALL, k);
        print_message("p%d: mean error of m3 %.3f, of flowSim %.3f\n", evaluate_percentiles[k],
                      cell.m3.mean_abs, cell.flowsim.mean_abs);
        assert_int_equal(cell.m3.n, N_NETS);
        assert_true(cell.m3.mean_abs <= tolerance[k]);
        assert_true(cell.flowsim.mean_abs > tolerance[k]);
    }
    evaluate_group_free(&g);
    evaluate_nets_free(nets, n);
    ckpt_free(&c);
}

static void packet_simulation_gives_the_truth_again(void **state) {
    (void)state;
    char dir[] = "/tmp/m3-test-XXXXXX";
    assert_non_null(mkdtemp(dir));
    NetGenOptions o;
    NetGenInfo info;
    Err err = {0};
    netgen_default(&o);
    o.draw.seed = 4001;
    o.draw.flows_lo = 1000;
    o.draw.flows_hi = 1600;
    o.draw.max_packet_hops = 3e6;
    o.out = dir;
    o.first = 3;
    o.count = 1;
    o.threads = 1;
    if (netgen_run(&o, NULL, &info, &err) != 0) fail_msg("%s", err.msg);
    char *made = mem_printf("%s/net00003/flows.csv", dir);
    FileView got, want;
    if (file_view(&got, made, &err) != 0 || file_view(&want, NETS "/net00003/flows.csv", &err) != 0)
        fail_msg("%s", err.msg);
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.data, want.data, want.len);
    file_view_close(&got);
    file_view_close(&want);
    free(made);
    static const char *const files[] = {"net00003/flows.csv", "net00003/scenario.json",
                                        "net00003/topo.json", "manifest.json"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = file_join(dir, files[i]);
        unlink(path);
        free(path);
    }
    char *net = file_join(dir, "net00003");
    rmdir(net);
    rmdir(dir);
    free(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(model_is_near_the_truth),
                                       cmocka_unit_test(packet_simulation_gives_the_truth_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
