/* A file of features: of the flow model, of the path model, of the fluid simulation alone. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_checkpoints();
    fuzz_write_sealed("in.feat", data, size);
    fuzz_run("estimate", "-q", "--features", "in.feat", "--ckpt", "flow.m3", "--threads", "1",
             NULL);
    if (size % 2)
        fuzz_run("sweep", "-q", "--features", "in.feat", "--ckpt", "model.m3", "--check", "off",
                 "--threads", "1", "--set", "window=12KB,20KB", NULL);
    else
        fuzz_run("estimate", "-q", "--features", "in.feat", "--method", "flowsim", "--threads", "1",
                 "--set", "window=12KB", NULL);
    return 0;
}
