/* A connection matrix of htsim, with its triggers: described, and simulated for a moment. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_folder();
    fuzz_write("in.cm", data, size);
    if (size % 2)
        fuzz_run("workload", "-q", "--topo", "clos.json", "--flows", "in.cm", "--out", "out.csv",
                 "--threads", "1", NULL);
    else
        fuzz_run("simulate", "-q", "--topo", "clos.json", "--flows", "in.cm", "--stop", "30us",
                 "--json", "--threads", "1", NULL);
    return 0;
}
