/* A list of flows as text, in any dialect: estimated, simulated, and as a path's flows. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_folder();
    fuzz_write("in", data, size);
    if (size % 4 == 0)
        fuzz_run("estimate", "-q", "--topo", "topology.txt", "--flows", "in", "--method", "flowsim",
                 "--paths", "3", "--threads", "1", NULL);
    else if (size % 4 == 1)
        fuzz_run("workload", "-q", "--topo", "graph.gml", "--flows", "in", "--out", "out.csv",
                 "--threads", "1", NULL);
    else if (size % 4 == 2)
        fuzz_run("estimate", "-q", "--topo", "clos.json", "--flows", "in", "--flow-columns",
                 "src,dst,pg,dport,size,start", "--method", "flowsim", "--paths", "3", "--threads",
                 "1", NULL);
    else fuzz_run("flowsim", "-q", "--links", "4", "--flows", "in", NULL);
    return 0;
}
