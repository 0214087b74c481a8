/* batch_slurm: a batch as a job array of Slurm. */
#ifndef M3_BATCH_BATCH_SLURM_H
#define M3_BATCH_BATCH_SLURM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

/* What the script asks Slurm for, and what it runs. */
typedef struct {
    const char *program;     /* m3, as a path that nodes have */
    const char *const *args; /* [n_args] the command's arguments without --slurm */
    size_t n_args;
    const char *out;   /* the batch's folder, where logs go */
    uint32_t n_tasks;  /* of the array */
    int cpus;          /* of each task, */
    bool add_threads;  /* which are told to m3 as --threads */
    double wall_s;     /* expected of a task */
    uint64_t memory_b; /* expected of a task */
} BatchSlurm;

/* batch_slurm_check returns −1 with an input error for a folder whose path Slurm doesn't take, or a
 * present folder of such a path. */
int batch_slurm_check(const char *out, Err *err);
/* batch_slurm_write writes an sbatch script, executable, that runs as it is from anywhere: it
 * changes to the present folder, which nodes must have too. Time and memory are asked for with room
 * to spare. −1 with err. */
int batch_slurm_write(const char *path, const BatchSlurm *s, Err *err);
#endif
