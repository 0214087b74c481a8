/* A distribution of flow sizes, which a mix names. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_folder();
    fuzz_write("in", data, size);
    fuzz_run("workload", "-q", "--topo", "clos.json", "--mix", "mix.json", "--set", "sizes=in",
             "--n-flows", "20", "--out", "out.csv", "--threads", "1", NULL);
    return 0;
}
