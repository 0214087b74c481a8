/* harness: what the fuzz targets share: a folder of valid files, and commands run in the process.
 *
 * A target is a file fuzz_NAME.c with LLVMFuzzerTestOneInput, which puts its input into one file of
 * the folder and runs the commands that read it. Whatever the input, a command returns 0, 1 (I/O),
 * 2 (input) or 130, and says exactly one line for 1 and 2; all else aborts. */
#ifndef M3_TESTS_FUZZ_HARNESS_H
#define M3_TESTS_FUZZ_HARNESS_H
#include <stddef.h>
#include <stdint.h>

/* The entry point of libFuzzer, and of replay.c. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* fuzz_folder makes the folder with the files of tests/cli/net and makes it the working folder, at
 * its first call. fuzz_checkpoints adds model.m3 (a path model of a few thousand weights) with its
 * published pair llama.bin and mlp.bin, and flow.m3. Each returns at once when called again. */
void fuzz_folder(void);
void fuzz_checkpoints(void);

/* fuzz_write puts n bytes into a file of the folder. fuzz_write_sealed does so with length and
 * checksum of one of our binary files made right, so that what they guard is reached. */
void fuzz_write(const char *name, const uint8_t *data, size_t n);
void fuzz_write_sealed(const char *name, const uint8_t *data, size_t n);

/* fuzz_replace puts n bytes in the place of a file of the folder, which fuzz_restore puts back. */
void fuzz_replace(const char *path, const uint8_t *data, size_t n);
void fuzz_restore(const char *path);

/* fuzz_run runs a command line, words without "m3", ended by NULL: fuzz_run("topo", "show", …). */
void fuzz_run(const char *command, ...) __attribute__((sentinel));

/* FUZZ_ONCE runs a command line the first time that it is reached, to make files. */
#define FUZZ_ONCE(...)                            \
    do {                                          \
        static int done;                          \
        if (!done++) fuzz_run(__VA_ARGS__, NULL); \
    } while (0)
#endif
