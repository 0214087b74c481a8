/* torch_load: finds and opens the training plug-in.
 *
 * Only `m3 train` needs libtorch, which is large and slow to load, so it sits behind dlopen:
 * everything else starts in milliseconds and runs where libtorch is not installed. The plug-in says
 * which version of the interface it speaks. */
#include "plugin/torch_load.h"

#include <dlfcn.h>
#include <stdlib.h>

#include "base/file.h"

#define PLUGIN "m3-torch.so"

static const TorchApi *open_plugin(const char *path, Err *err) {
    void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!lib) {
        err_io(err, "training plug-in: %s", dlerror());
        return NULL;
    }
    const TorchApi *api = dlsym(lib, TORCH_SHIM_SYMBOL);
    if (api && api->abi == TORCH_SHIM_ABI) return api;
    err_input(err, "training plug-in: %s: expected interface %d, got %d", path, TORCH_SHIM_ABI,
              api ? api->abi : 0);
    dlclose(lib);
    return NULL;
}

const TorchApi *torch_load(Err *err) {
    const char *named = getenv("M3_TORCH_PLUGIN");
    if (named && *named) return open_plugin(named, err);
    char *dir = file_program_dir(), *beside = file_join(dir, PLUGIN),
         *installed = file_join(dir, "../lib/m3/" PLUGIN);
    const TorchApi *api = NULL;
    if (file_exists(beside)) api = open_plugin(beside, err);
    else if (file_exists(installed)) api = open_plugin(installed, err);
    else
        err_input(err,
                  "training plug-in: neither %s nor %s is there; install libtorch (apt-get install "
                  "libtorch-dev) and run make",
                  beside, installed);
    free(dir);
    free(beside);
    free(installed);
    return api;
}
