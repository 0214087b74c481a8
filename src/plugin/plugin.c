/* plugin: what the training plug-in and the MPI plug-in have in common.
 *
 * The program links neither libtorch nor MPI: it starts in milliseconds, and runs where they are
 * not installed. Each sits behind dlopen, as a file beside the program or where `make install` puts
 * it. A plug-in hands out one table, which says first which version of the interface it speaks.
 *
 * Left out: other search paths. Whoever can place a file there can replace the program. */
#include "plugin/plugin.h"

#include <dlfcn.h>
#include <stdlib.h>

#include "base/file.h"

static const void *open_file(const Plugin *p, const char *path, Err *err) {
    void *lib = dlopen(path, RTLD_NOW | p->flags);
    if (!lib) {
        err_io(err, "%s: %s", p->what, dlerror());
        return NULL;
    }
    const int *abi = dlsym(lib, p->symbol);
    if (abi && *abi == p->abi) return abi;
    err_input(err, "%s: %s: expected interface %d, got %d", p->what, path, p->abi, abi ? *abi : 0);
    if (err) err->kind = p->unfit;
    dlclose(lib);
    return NULL;
}

static const void *find(const Plugin *p, const char *beside, const char *installed, Err *err) {
    if (file_exists(beside)) return open_file(p, beside, err);
    if (file_exists(installed)) return open_file(p, installed, err);
    err_input(err, "%s: neither %s nor %s is there; install %s and run make", p->missing, beside,
              installed, p->install);
    if (err) err->kind = p->unfit;
    return NULL;
}

const void *plugin_open(const Plugin *p, Err *err) {
    const char *named = getenv(p->variable);
    if (named && *named) return open_file(p, named, err);
    char *dir = file_program_dir(), *beside = file_join(dir, p->file),
         *lib_dir = file_join(dir, "../lib/m3"), *installed = file_join(lib_dir, p->file);
    const void *table = find(p, beside, installed, err);
    free(dir);
    free(beside);
    free(lib_dir);
    free(installed);
    return table;
}
