/* A data set: the first byte says which of its files the rest replaces, manifest or array. */
#include <stdio.h>

#include "harness.h"

static const char *const names[] = {"manifest.json",  "base.npy",         "bucket.npy",
                                    "truth.npy",      "bucket_count.npy", "draws.npy",
                                    "flow.npy",       "flow_start.npy",   "link.npy",
                                    "link_start.npy", "net.npy",          "path.npy"};
enum { N_NAMES = sizeof names / sizeof *names };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[64];
    if (size == 0) return 0;
    fuzz_checkpoints();
    FUZZ_ONCE("dataset", "networks", "-q", "--out", "nets", "--count", "2", "--n-flows", "100",
              "--threads", "1");
    FUZZ_ONCE("dataset", "flows", "-q", "--networks", "nets", "--out", "set", "--paths", "3",
              "--threads", "1");
    snprintf(path, sizeof path, "set/%s", names[data[0] % N_NAMES]);
    fuzz_replace(path, data + 1, size - 1);
    fuzz_run("evaluate", "-q", "--dataset", "set", "--split", "all", "--ckpt", "flow.m3",
             "--threads", "1", NULL);
    fuzz_restore(path);
    return 0;
}
