/* replay: runs a fuzz target on files, where there is no libFuzzer: fuzz_NAME FILE|FOLDER… It says
 * how many inputs it ran; one that fails aborts, and was named before. A name that is not there is
 * an error. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "harness.h"

static size_t run_file(const char *path) {
    FileView v;
    Err err = {0};
    fprintf(stderr, "%s\n", path);
    if (file_view(&v, path, &err) != 0) {
        fprintf(stderr, "replay: %s\n", err.msg);
        exit(1);
    }
    uint8_t *copy = MEM_NEW(uint8_t, v.len); /* a read beyond the end is then found */
    if (v.len) memcpy(copy, v.data, v.len);
    LLVMFuzzerTestOneInput(copy, v.len);
    free(copy);
    file_view_close(&v);
    return 1;
}

static size_t run_folder(const char *path) {
    struct dirent **names;
    size_t n = 0;
    int count = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char *file = file_join(path, names[i]->d_name);
        if (file_is_regular(file)) n += run_file(file);
        free(file);
        free(names[i]);
    }
    if (count >= 0) free(names);
    return n;
}

/* All names are looked up before any input is run: targets change the working folder. */
int main(int argc, char **argv) {
    size_t n = 0;
    for (int i = 1; i < argc; i++) {
        char *path = realpath(argv[i], NULL);
        if (!path) {
            fprintf(stderr, "replay: %s: %s\n", argv[i], strerror(errno));
            return 1;
        }
        argv[i] = path;
    }
    for (int i = 1; i < argc; i++) {
        n += file_is_dir(argv[i]) ? run_folder(argv[i]) : run_file(argv[i]);
        free(argv[i]);
    }
    fprintf(stderr, "%zu inputs\n", n);
    return 0;
}
