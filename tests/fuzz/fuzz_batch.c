/* The folder of a batch, and a table of truth: the first byte says which file the rest is. */
#include <stdio.h>

#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"b/manifest.json", "b/summary.csv",  "b/0/flowsim.json",
                                        "b/0/packet.json", "b/0/loads.json", "results.csv"};
    if (size == 0) return 0;
    const char *name = names[data[0] % 6];
    fuzz_folder();
    FUZZ_ONCE("batch", "mix.json", "-q", "--topo", "clos.json", "--n-flows", "100", "--out", "b",
              "--method", "flowsim,packet", "--threads", "1");
    fuzz_replace(name, data + 1, size - 1);
    fuzz_run("batch", "report", "b", "-q", "--truth", "results.csv", NULL);
    if (size % 4 == 0) fuzz_run("report", "b", "-q", "--out", "out.html", NULL);
    fuzz_restore(name);
    return 0;
}
