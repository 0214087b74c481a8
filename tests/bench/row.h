/* row: one row of the table that `make bench` prints. */
#ifndef M3_BENCH_ROW_H
#define M3_BENCH_ROW_H
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    char s[40];
} BenchCell;

__attribute__((format(printf, 1, 2))) static inline BenchCell bench_cell(const char *fmt, ...) {
    BenchCell c;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(c.s, sizeof c.s, fmt, ap);
    va_end(ap);
    return c;
}

static inline BenchCell bench_none(void) { return bench_cell("-"); }

/* CPU seconds of this thread so far: of loops on one thread, what others do on the machine hardly
 * shows in their differences. */
static inline double bench_cpu_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline double bench_wall_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Published time over ours, both in ms. The published times are those of a reference folder beside
 * the checkout, or in the folder that M3_BENCH_SHARED names; without it, or where none is known
 * (0), "-". */
static inline BenchCell bench_published(double published_ms, double our_ms) {
    char path[4096];
    const char *shared = getenv("M3_BENCH_SHARED");
    snprintf(path, sizeof path, "%s/ref/flowsim/README.md", shared ? shared : "../shared");
    bool known = published_ms > 0 && access(path, R_OK) == 0;
    return known ? bench_cell("x%.4g", published_ms / our_ms) : bench_none();
}

/* floor: our share of what the machine does at best, measured in the same run; "-": not compared.
 * Cells are separated by tabs if the environment has M3_BENCH_TABS, as it has in `make bench`. */
static inline void bench_row(const char *what, BenchCell value, BenchCell rate, BenchCell published,
                             BenchCell floor) {
    printf(getenv("M3_BENCH_TABS") ? "%s\t%s\t%s\t%s\t%s\n" : "%-46s %12s %20s %10s  %s\n", what,
           value.s, rate.s, published.s, floor.s);
    fflush(stdout);
}

#endif
