/* A path's scenario, of which data sets are made: the first byte says which file the rest is. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "harness.h"

static void write_text(const char *name, const char *text) {
    fuzz_write(name, (const uint8_t *)text, strlen(text));
}

static void make_scenario(void) {
    mkdir("ps", 0777);
    mkdir("ps/path0", 0777);
    write_text("ps/path0/scenario.json",
               "{\"n_hosts\": 3, \"cc\": \"dctcp\", \"enable_pfc\": 1, \"buffer_kb\": 300,\n"
               " \"window_b\": 18000, \"param_1\": 30, \"param_2\": 0}\n");
    write_text("ps/path0/flows.csv", "flow,src,dst,size_b,start_ns,fct_ns,ideal_fct_ns\n"
                                     "0,0,2,1000,0,5300,5000\n1,0,2,20000,100,29000,21000\n"
                                     "2,0,1,400,200,2600,2300\n3,1,2,90000,350,81000,78000\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static int made;
    if (size == 0) return 0;
    fuzz_folder();
    if (!made++) make_scenario();
    const char *name = data[0] % 2 ? "ps/path0/flows.csv" : "ps/path0/scenario.json";
    fuzz_replace(name, data + 1, size - 1);
    fuzz_run("dataset", "-q", "--scenarios", "ps", "--out", "set", "--threads", "1", NULL);
    fuzz_restore(name);
    remove("set/manifest.json"); /* or the data set would be kept as it is */
    return 0;
}
