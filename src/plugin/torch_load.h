/* torch_load: opens the training plug-in. */
#ifndef M3_PLUGIN_TORCH_LOAD_H
#define M3_PLUGIN_TORCH_LOAD_H
#include "base/diag.h"
#include "plugin/torch_shim.h"

/* torch_load returns the plug-in's functions: of $M3_TORCH_PLUGIN if set, else m3-torch.so beside
 * the running program or in ../lib/m3/. Stays loaded until the program ends. NULL: input error that
 * names the paths tried and what to install. */
const TorchApi *torch_load(Err *err);
#endif
