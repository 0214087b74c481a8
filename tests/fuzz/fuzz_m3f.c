/* Flows in binary, with and without completion times: read as traffic and as a result. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_folder();
    if (size % 2) fuzz_write_sealed("in", data, size);
    else fuzz_write("in", data, size);
    fuzz_run("workload", "-q", "--topo", "clos.json", "--flows", "in", "--out", "out.csv",
             "--threads", "1", NULL);
    fuzz_run("compare", "-q", "results.csv", "in", NULL);
    return 0;
}
