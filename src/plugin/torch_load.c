/* torch_load: the training plug-in. Only `m3 train` needs libtorch, which is large and slow to
 * load. */
#include "plugin/torch_load.h"

#include <dlfcn.h>

#include "plugin/plugin.h"

const TorchApi *torch_load(Err *err) {
    const Plugin torch = {.what = "training plug-in",
                          .file = "m3-torch.so",
                          .variable = "M3_TORCH_PLUGIN",
                          .symbol = TORCH_SHIM_SYMBOL,
                          .abi = TORCH_SHIM_ABI,
                          .flags = RTLD_LOCAL,
                          .missing = "training plug-in",
                          .install = "libtorch (apt-get install libtorch-dev)",
                          .unfit = ERR_INPUT};
    return plugin_open(&torch, err);
}
