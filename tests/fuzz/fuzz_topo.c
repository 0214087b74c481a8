/* A topology in any dialect: described, and as the network of an estimate. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_folder();
    fuzz_write("in", data, size);
    if (size % 2)
        fuzz_run("topo", "-q", "show", "in", "--link-rate", "25Gbps", "--link-delay", "1us",
                 "--rate-unit", "Gbps", "--delay-unit", "us", "--merge-duplicates", NULL);
    else fuzz_run("topo", "-q", "show", "in", "--json", NULL);
    if (size % 4 == 3) fuzz_run("topo", "-q", "convert", "in", "out.json", NULL);
    if (size < 4096)
        fuzz_run("estimate", "-q", "--topo", "in", "--mix", "mix.json", "--method", "flowsim",
                 "--n-flows", "20", "--paths", "3", "--threads", "1", NULL);
    return 0;
}
