/* mpi_load: joins the job of mpirun that started this process. */
#ifndef M3_PLUGIN_MPI_LOAD_H
#define M3_PLUGIN_MPI_LOAD_H
#include "base/ranks.h"

/* mpi_started returns how many processes mpirun started with this one, by what it left in the
 * environment, and in *rank which of them this is. 1: none beside it. */
int mpi_started(int *rank);

/* mpi_join fills *r with the job of `size` processes; for that it opens the plug-in: the file that
 * $M3_MPI_PLUGIN names, else m3-mpi.so beside the running program or in ../lib/m3/. −1 with an
 * error of kind ERR_IO if there is none or it can't join. */
int mpi_join(Ranks *r, int size, Err *err);

/* mpi_leave ends what mpi_join began, with ranks_end's answer behind it. Where a rank has stayed
 * away, all are ended at once with the status, and it does not return. */
void mpi_leave(Ranks *r, int status);
#endif
