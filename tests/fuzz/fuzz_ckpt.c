/* A checkpoint: described, exported, and used on features. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_checkpoints();
    FUZZ_ONCE("estimate", "-q", "--topo", "clos.json", "--flows", "flows.csv", "--paths", "3",
              "--ckpt", "flow.m3", "--check", "off", "--save-features", "flows.feat");
    FUZZ_ONCE("estimate", "-q", "--topo", "clos.json", "--flows", "flows.csv", "--paths", "3",
              "--ckpt", "model.m3", "--check", "off", "--save-features", "paths.feat");
    fuzz_write_sealed("in.m3", data, size);
    fuzz_run("ckpt", "info", "in.m3", NULL);
    if (size % 2) fuzz_run("ckpt", "export", "in.m3", "--llama", "l.bin", "--mlp", "m.bin", NULL);
    fuzz_run("estimate", "-q", "--features", "flows.feat", "--ckpt", "in.m3", "--threads", "1",
             NULL);
    fuzz_run("estimate", "-q", "--features", "paths.feat", "--ckpt", "in.m3", "--threads", "1",
             NULL);
    return 0;
}
