/* plugin: the training plug-in for tests: where it is, a trainer of a small model, and TRY for its
 * calls. To be included after cmocka.h. A group set-up with plugin_find gets it; a test without it
 * skips, since it is not built where libtorch is not installed. */
#ifndef M3_TESTS_PLUGIN_H
#define M3_TESTS_PLUGIN_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "plugin/torch_load.h"

#define PLUGIN_ERRBUF errbuf, sizeof errbuf
#define PLUGIN_TRY(call)                                    \
    do {                                                    \
        char errbuf[512] = "";                              \
        if ((call) != 0) fail_msg("%s: %s", #call, errbuf); \
    } while (0)

/* plugin_name names the plug-in beside the tests' folder in M3_TORCH_PLUGIN, if it was built and
 * the variable is not set. */
static inline void plugin_name(void) {
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    char *dir = file_dirname(exe), *path = file_join(dir, "../m3-torch.so");
    if (file_exists(path)) setenv("M3_TORCH_PLUGIN", path, 0);
    free(dir);
    free(path);
}

/* plugin_exists tells whether there is one that torch_load would find. */
static inline bool plugin_exists(void) {
    const char *path = getenv("M3_TORCH_PLUGIN");
    return path && file_exists(path);
}

/* plugin_find, a group set-up, loads the plug-in beside the tests' folder or the one that
 * M3_TORCH_PLUGIN names into *state; NULL where there is none. */
static inline int plugin_find(void **state) {
    Err err = {0};
    plugin_name();
    const TorchApi *api = getenv("M3_TORCH_PLUGIN") ? torch_load(&err) : NULL;
    if (!api && err.kind != ERR_NONE) fprintf(stderr, "%s\n", err.msg);
    *state = (void *)(uintptr_t)api;
    return err.kind == ERR_NONE ? 0 : -1;
}

static inline const TorchApi *plugin_of(void **state) { return *state; }

/* plugin_options is what the tests' trainers have in common. */
static inline TorchOptions plugin_options(double dropout, double average) {
    return (TorchOptions){.lr = 1e-3,
                          .beta1 = 0.9,
                          .beta2 = 0.95,
                          .weight_decay = 0.02,
                          .dropout = dropout,
                          .average = average,
                          .seed = 11,
                          .threads = 1,
                          .device = "cpu"};
}

/* plugin_trainer makes a trainer that starts from `weights`; release with api->destroy. */
static inline TorchTrainer *plugin_trainer(const TorchApi *api, const ModelSpec *s,
                                           const float *weights, double dropout, double average) {
    char errbuf[512] = "";
    TorchOptions o = plugin_options(dropout, average);
    TorchTrainer *t = api->create(s, weights, &o, PLUGIN_ERRBUF);
    if (!t) fail_msg("%s", errbuf);
    return t;
}
#endif
