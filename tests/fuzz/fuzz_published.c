/* The published pair of binary files of weights: the first byte says which one the rest is. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    fuzz_checkpoints();
    fuzz_write("in.bin", data + 1, size - 1);
    if (data[0] % 2)
        fuzz_run("ckpt", "import", "--llama", "in.bin", "--mlp", "mlp.bin", "--out", "out.m3",
                 NULL);
    else
        fuzz_run("ckpt", "import", "--llama", "llama.bin", "--mlp", "in.bin", "--out", "out.m3",
                 NULL);
    return 0;
}
