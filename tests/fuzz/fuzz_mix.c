/* A mix, ours or published: its flows are drawn, estimated with a printed table, and explained. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_folder();
    fuzz_write("in", data, size);
    if (size % 2)
        fuzz_run("workload", "-q", "--topo", "clos.json", "--mix", "in", "--n-flows", "20", "--out",
                 "out.csv", "--threads", "1", NULL);
    else if (size % 4 == 2)
        fuzz_run("explain", "-q", "--topo", "clos.json", "--mix", "in", "--method", "flowsim",
                 "--n-flows", "20", "--paths", "3", "--links", "1", "--threads", "1", NULL);
    else
        fuzz_run("estimate", "-q", "--topo", "topology.txt", "--mix", "in", "--method", "flowsim",
                 "--n-flows", "20", "--paths", "3", "--threads", "1", NULL);
    return 0;
}
