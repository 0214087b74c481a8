/* mpi_load: notices mpirun and joins its job through the MPI plug-in.
 *
 * The program itself neither links nor needs MPI. Started by mpirun it must not run as if alone,
 * though: N processes would do the same work N times and write the same files at once. So what
 * mpirun, srun and MPICH's mpiexec leave in the environment decides, and a process that can't join
 * the others ends with an error.
 *
 * Left out: launchers that leave nothing. */
#include "plugin/mpi_load.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/plugin.h"

/* 0 for what is no number. */
static int number(const char *text) { return (int)strtol(text, NULL, 10); }

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
        if (!r || !n || number(n) < 2) continue;
        *rank = number(r);
        return number(n);
    }
    return 1;
}

/* MPI opens parts of itself that look for its names, hence RTLD_GLOBAL. */
static const RanksTransport *find_plugin(int size, Err *err) {
    char missing[96];
    snprintf(missing, sizeof missing,
             "started as %d processes by mpirun, but the MPI plug-in is missing", size);
    const Plugin mpi = {.what = "MPI plug-in",
                        .file = "m3-mpi.so",
                        .variable = "M3_MPI_PLUGIN",
                        .symbol = RANKS_SYMBOL,
                        .abi = RANKS_ABI,
                        .flags = RTLD_GLOBAL,
                        .missing = missing,
                        .install = "Open MPI (apt-get install libopenmpi-dev)",
                        .unfit = ERR_IO};
    return plugin_open(&mpi, err);
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
