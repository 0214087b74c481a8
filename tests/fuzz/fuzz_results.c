/* A result: compared with flows, and as a page. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_folder();
    fuzz_write("in", data, size);
    if (size % 2) fuzz_run("compare", "-q", "results.csv", "in", NULL);
    else fuzz_run("compare", "-q", "in", "results.csv", NULL);
    if (size % 4 == 0) fuzz_run("report", "-q", "in", "--out", "out.html", NULL);
    return 0;
}
