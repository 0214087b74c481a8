/* mpi_load: notices mpirun, finds and opens the MPI plug-in.
 *
 * The program itself neither links nor needs MPI. Started by mpirun it must not run as if alone,
 * though: N processes would do the same work N times and write the same files at once. So what
 * mpirun, srun and MPICH's mpiexec leave in the environment decides, and a process that can't join
 * the others ends with an error.
 *
 * Left out: launchers that leave nothing. */
#include "plugin/mpi_load.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define MPI_PLUGIN "m3-mpi.so"

int mpi_started(int *rank) {
    static const struct {
        const char *rank, *size;
    } left[] = {{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
                {"PMIX_RANK", "SLURM_STEP_NUM_TASKS"}, /* srun --mpi=pmix */
                {"PMI_RANK", "PMI_SIZE"}};
    const char *off = getenv("M3_MPI_PLUGIN");
    *rank = 0;
    if (off && strcmp(off, "off") == 0) return 1;
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
        const char *r = getenv(left[i].rank), *n = getenv(left[i].size);
        if (!r || !n || atoi(n) < 2) continue;
        *rank = atoi(r);
        return atoi(n);
    }
    return 1;
}

/* MPI opens parts of itself that look for its names, hence RTLD_GLOBAL. */
static const RanksTransport *open_plugin(const char *path, Err *err) {
    void *lib = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    if (!lib) {
        err_io(err, "MPI plug-in: %s", dlerror());
        return NULL;
    }
    const RanksTransport *t = dlsym(lib, RANKS_SYMBOL);
    if (t && t->abi == RANKS_ABI) return t;
    err_io(err, "MPI plug-in: %s: expected interface %d, got %d", path, RANKS_ABI, t ? t->abi : 0);
    return NULL;
}

static const RanksTransport *find_plugin(int size, Err *err) {
    const char *named = getenv("M3_MPI_PLUGIN");
    if (named && *named) return open_plugin(named, err);
    char *dir = file_program_dir(), *beside = file_join(dir, MPI_PLUGIN),
         *installed = file_join(dir, "../lib/m3/" MPI_PLUGIN);
    const RanksTransport *t = NULL;
    if (file_exists(beside)) t = open_plugin(beside, err);
    else if (file_exists(installed)) t = open_plugin(installed, err);
    else
        err_io(err,
               "started as %d processes by mpirun, but the MPI plug-in is missing: neither %s nor "
               "%s is there; install Open MPI (apt-get install libopenmpi-dev) and run make",
               size, beside, installed);
    free(dir);
    free(beside);
    free(installed);
    return t;
}

int mpi_join(Ranks *r, int size, Err *err) {
    Ranks joined = {.via = find_plugin(size, err)};
    if (!joined.via) return -1;
    const char *why = joined.via->join(&joined.rank, &joined.size, &joined.n_local);
    if (why) return err_io(err, "MPI plug-in: %s", why);
    if (joined.size != size)
        return err_io(err,
                      "started as %d processes, but MPI knows %d: the plug-in was built for "
                      "another MPI than this mpirun's",
                      size, joined.size);
    *r = joined;
    return 0;
}

void mpi_leave(Ranks *r, int status) {
    if (!r->via) return;
    if (r->lost) r->via->abort(status);
    else r->via->leave();
}
