/* Settings of the network, a line of --set each: a simulation of a moment under all of them. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "harness.h"

/* The lines of text in turn, then NULL. */
static char *next_line(char **rest) {
    char *line;
    while ((line = strsep(rest, "\n")) && !*line) {}
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = MEM_NEW(char, size + 1), *rest = text, *line[4];
    fuzz_folder();
    memcpy(text, data, size);
    text[size] = '\0';
    int n = 0;
    while (n < 4 && (line[n] = next_line(&rest))) n++;
    for (int i = n; i < 4; i++) line[i] = n ? line[0] : NULL; /* the same once more */
    if (n > 0)
        fuzz_run("simulate", "-q", "--topo", "clos.json", "--flows", "flows.csv", "--stop", "30us",
                 "--threads", "1", "--set", line[0], "--set", line[1], "--set", line[2], "--set",
                 line[3], NULL);
    free(text);
    return 0;
}
