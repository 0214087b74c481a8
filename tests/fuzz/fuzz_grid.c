/* The values of --set, a line each: as axes of a sweep's grid, and as settings of a mix. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "harness.h"
#include "scenario/grid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = MEM_NEW(char, size + 1), *rest = text;
    Grid g;
    Err err = {0};
    fuzz_folder();
    memcpy(text, data, size);
    text[size] = '\0';
    grid_init(&g);
    int rc = 0;
    for (char *line; rc == 0 && (line = strsep(&rest, "\n"));) {
        rc = grid_add(&g, line, &err);
        fuzz_run("topo", "-q", "show", "clos.json", "--hosts", line, NULL);
        if (rc == 0)
            fuzz_run("workload", "-q", "--topo", "clos.json", "--mix", "mix.json", "--n-flows", "9",
                     "--out", "out.csv", "--threads", "1", "--set", line, NULL);
    }
    assert(rc == 0 ? g.n >= 1 && g.n <= GRID_MAX : err.kind == ERR_INPUT && err.msg[0]);
    for (size_t a = 0; rc == 0 && a < g.n_axes; a++) assert(*grid_value(&g, g.n - 1, a));
    grid_free(&g);
    free(text);
    return 0;
}
