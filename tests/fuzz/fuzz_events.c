/* Links that fail, degrade and come back: a line each for --fail, --degrade and --events. The
 * description of the network, its drawing, and a simulation in which they happen. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = MEM_NEW(char, size + 1), *rest = text;
    fuzz_folder();
    memcpy(text, data, size);
    text[size] = '\0';
    const char *fail = strsep(&rest, "\n"), *degrade = strsep(&rest, "\n"), *events = rest;
    if (fail && *fail) fuzz_run("topo", "-q", "show", "graph.json", "--fail", fail, NULL);
    if (degrade && *degrade)
        fuzz_run("topo", "-q", "show", "clos.json", "--dot", "--degrade", degrade, NULL);
    if (events && *events)
        fuzz_run("simulate", "-q", "--topo", "clos.json", "--flows", "flows.csv", "--events",
                 events, "--set", "reroute_delay=1us", "--stop", "30us", "--threads", "1", NULL);
    free(text);
    return 0;
}
