/* batch: the sbatch script of a job array, a shard a task.
 *
 * Shards of a folder know of each other by its locks, so tasks may be cancelled, run again or run
 * twice. Slurm ends a task that takes more time or memory than it asked for; results that are there
 * by then stay, and the same script goes on. */
#include "batch/batch_slurm.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"

/* Room to spare: other mixes, and other machines, take several times what a sample takes. Chosen;
 * the published mixes take 0.4 to 2.5 times their mean. */
enum { TIME_FACTOR = 4, LEAST_TIME_S = 600, MEMORY_PERCENT = 200, LEAST_MEMORY_MB = 512 };

/* "1-02:03:04", as Slurm has times. */
static void put_time(FILE *f, double s) {
    uint64_t t = (uint64_t)ceil(s);
    if (t >= 86400) fprintf(f, "%llu-", (unsigned long long)(t / 86400));
    fprintf(f, "%02u:%02u:%02u", (unsigned)(t / 3600 % 24), (unsigned)(t / 60 % 60),
            (unsigned)(t % 60));
}

/* Writes a path as a part of Slurm's pattern of file names. */
static void put_pattern(FILE *f, const char *path) {
    for (; *path; path++) {
        if (*path == '%') fputc('%', f);
        fputc(*path, f);
    }
}

/* A line that begins with #SBATCH knows no escapes. */
static bool is_plain(const char *path) {
    for (; *path; path++)
        if ((unsigned char)*path < ' ' || *path == '"' || *path == '\\') return false;
    return true;
}

static void put_head(FILE *f, const BatchSlurm *s, const char *here) {
    uint64_t memory_mb = s->memory_b * MEMORY_PERCENT / 100 / 1000000;
    fputs("#!/bin/sh\n# A batch of m3 as a job array: sbatch this file. Run it again to go on.\n",
          f);
    fputs("#SBATCH --job-name=m3-batch\n", f);
    fprintf(f, "#SBATCH --array=0-%u\n#SBATCH --ntasks=1\n", s->n_tasks - 1);
    fprintf(f, "#SBATCH --cpus-per-task=%d\n", s->cpus);
    fprintf(f, "#SBATCH --mem=%lluM\n",
            (unsigned long long)(memory_mb > LEAST_MEMORY_MB ? memory_mb : LEAST_MEMORY_MB));
    fputs("#SBATCH --time=", f);
    put_time(f, fmax(TIME_FACTOR * s->wall_s, LEAST_TIME_S));
    fputs("\n#SBATCH --output=\"", f);
    if (s->out[0] != '/') {
        put_pattern(f, here);
        fputc('/', f);
    }
    put_pattern(f, s->out);
    fputs("/slurm-%a.log\"\n", f);
}

static void put_body(FILE *f, const BatchSlurm *s, const char *here) {
    fputs("cd ", f);
    process_put_word(f, here);
    fputs(" || exit 1\nexec ", f);
    process_put_word(f, s->program);
    fputs(" batch", f);
    if (s->add_threads) fputs(" --threads \"$SLURM_CPUS_PER_TASK\"", f);
    fprintf(f, " --shard \"$SLURM_ARRAY_TASK_ID/%u\"", s->n_tasks);
    for (size_t i = 0; i < s->n_args; i++) {
        fputc(' ', f);
        process_put_word(f, s->args[i]);
    }
    fputc('\n', f);
}

int batch_slurm_check(const char *out, Err *err) {
    char *here = getcwd(NULL, 0);
    int rc = 0;
    if (!here) rc = err_io(err, "the present folder has no path: %s", strerror(errno));
    else if (!is_plain(here) || !is_plain(out))
        rc = err_input(err, "--slurm: Slurm takes no quotes, backslashes or control characters in "
                            "the paths of --out and the present folder");
    free(here);
    return rc;
}

int batch_slurm_write(const char *path, const BatchSlurm *s, Err *err) {
    FileOut o;
    if (batch_slurm_check(s->out, err) != 0 || file_out_open(&o, path, err) != 0) return -1;
    char *here = getcwd(NULL, 0);
    put_head(o.f, s, here);
    put_body(o.f, s, here);
    free(here);
    if (fflush(o.f) == 0) fchmod(fileno(o.f), 0777 & ~022);
    return file_out_commit(&o, err);
}
