/* clock: runs a command and adds a line to FILE: its wall seconds, CPU seconds (user and system),
 * and kilobytes of memory at most.
 *
 *   clock FILE COMMAND ARGUMENT…
 *
 * A line is one write to the end of the file, so the ranks of mpirun may share FILE. The status is
 * that of the command, 128 + N for signal N. This program is small because Linux counts what a
 * process held before it became another: a runner of some megabytes would be part of the figure. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double seconds(struct timeval t) { return (double)t.tv_sec + 1e-6 * (double)t.tv_usec; }

static void die(const char *what) {
    perror(what);
    exit(127);
}

static void add_line(const char *path, double wall_s, const struct rusage *u) {
    char line[96];
    int n = snprintf(line, sizeof line, "%.6f %.6f %ld\n", wall_s,
                     seconds(u->ru_utime) + seconds(u->ru_stime), u->ru_maxrss);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (fd < 0 || write(fd, line, (size_t)n) != n || close(fd) != 0) die(path);
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fputs("usage: clock FILE COMMAND ARGUMENT...\n", stderr);
        return 2;
    }
    struct rusage usage;
    int status;
    double start_s = now_s();
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
        execvp(argv[2], argv + 2);
        die(argv[2]);
    }
    if (wait4(child, &status, 0, &usage) < 0) die("wait4");
    add_line(argv[1], now_s() - start_s, &usage);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
