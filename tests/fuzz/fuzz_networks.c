/* Networks with completion times: the first byte says which of a network's files the rest is. */
#include <stdio.h>

#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"topo.json", "scenario.json", "flows.csv"};
    char path[64];
    if (size == 0) return 0;
    fuzz_checkpoints();
    FUZZ_ONCE("dataset", "networks", "-q", "--out", "nets", "--count", "1", "--n-flows", "100",
              "--threads", "1");
    snprintf(path, sizeof path, "nets/net00000/%s", names[data[0] % 3]);
    fuzz_replace(path, data + 1, size - 1);
    fuzz_run("evaluate", "-q", "--networks", "nets", "--paths", "3", "--ckpt", "flow.m3",
             "--threads", "1", NULL);
    fuzz_restore(path);
    return 0;
}
