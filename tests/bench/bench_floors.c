/* What the machine does at best on one thread, and what its cores take to tell each other
 * something: the rates that the floors in README.md are counted in. Best of several runs. */
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "model/nn.h"
#include "row.h"

enum {
    REPEATS = 9,
    N_DRAWS = 4000000,
    N_BYTES = 256 << 20,
    LINE = 64,
    N_LOOKS = 4000000,
    N_TURNS = 300000,
    GEMM_N = 4096,
    GEMM_K = 128
};

static char *from, *to;
static float *x, *w, *y;
static double sink; /* keeps what is measured from being left out */

static void copy_warm(void) { memcpy(to, from, N_BYTES); }

static void copy_fresh(void) {
    char *fresh = MEM_NEW(char, N_BYTES);
    memcpy(fresh, from, N_BYTES);
    sink += fresh[(size_t)sink & 1];
    free(fresh);
}

static void draw(void) {
    double sum = 0;
    Rng r = rng_stream(1, "bench", 0);
    for (int i = 0; i < N_DRAWS; i++) sum += rng_u01(&r);
    sink += sum;
}

static void logarithm(void) {
    double sum = 0;
    double u = 0.1;
    for (int i = 0; i < N_DRAWS; i++) sum += log(u += 1e-7);
    sink += sum;
}

static void exponential(void) {
    double sum = 0;
    double u = 0.1;
    for (int i = 0; i < N_DRAWS; i++) sum += exp(u += 1e-7);
    sink += sum;
}

/* Cache lines in no order, many under way at a time; the index is cheaper than a random draw. */
static void look(void) {
    uint64_t at = 1;
    unsigned sum = 0;
    for (int i = 0; i < N_LOOKS; i++) {
        at = at * 6364136223846793005u + 1442695040888963407u;
        sum += (unsigned char)from[(at >> 32) % (N_BYTES / LINE) * LINE];
    }
    sink += sum;
}

static void multiply(void) { nn_linear(y, x, w, NULL, GEMM_N, GEMM_K, GEMM_K); }

/* Two threads, on a core each, raise a number in turn: its cache line goes to and fro. */
static _Alignas(LINE) atomic_int turn;

static void take_turns(int first, int core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    for (int i = first; i < 2 * N_TURNS; i += 2) {
        while (atomic_load(&turn) != i) continue;
        atomic_store(&turn, i + 1);
    }
}

static void *answer(void *core) {
    take_turns(1, *(int *)core);
    return NULL;
}

static double line_ns(int core) {
    pthread_t t;
    turn = -1;
    if (pthread_create(&t, NULL, answer, &core) != 0) return NAN;
    double from_s = bench_wall_s();
    turn = 0;
    take_turns(0, 0);
    double s = bench_wall_s() - from_s;
    pthread_join(t, NULL);
    return s / (2 * N_TURNS) * 1e9;
}

/* Virtual cores move between real ones: the least and the most of some runs are told. */
static void row_between_cores(void) {
    double least = INFINITY, most = 0;
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2) return;
    for (int i = 0; i < REPEATS; i++) {
        double ns = line_ns(1);
        least = fmin(least, ns);
        most = fmax(most, ns);
    }
    bench_row("floor: a cache line from core to core", bench_cell("%.0f ns", least),
              bench_cell("at most %.0f ns", most), bench_none(), bench_none());
}

static double best_s(void (*f)(void)) {
    double best = 1e9;
    for (int i = 0; i < REPEATS; i++) {
        double t = bench_cpu_s();
        f();
        t = bench_cpu_s() - t;
        if (t < best) best = t;
    }
    return best;
}

static void row_ns(const char *what, void (*f)(void), double n) {
    bench_row(what, bench_cell("%.2f ns", best_s(f) / n * 1e9), bench_none(), bench_none(),
              bench_none());
}

static void row_rate(const char *what, void (*f)(void), double n, const char *unit) {
    double s = best_s(f);
    bench_row(what, bench_cell("%.2f ms", s * 1e3), bench_cell("%.1f %s", n / s * 1e-9, unit),
              bench_none(), bench_none());
}

int main(void) {
    from = MEM_NEW(char, N_BYTES);
    to = MEM_NEW(char, N_BYTES);
    memset(from, 1, N_BYTES);
    memset(to, 1, N_BYTES);
    x = MEM_ZNEW(float, GEMM_N *GEMM_K);
    w = MEM_ZNEW(float, GEMM_K *GEMM_K);
    y = MEM_ZNEW(float, GEMM_N *GEMM_K);
    nn_begin();
    row_rate("floor: memcpy", copy_warm, N_BYTES, "GB/s");
    row_rate("floor: memcpy into fresh memory", copy_fresh, N_BYTES, "GB/s");
    row_rate("floor: sgemm 4096 x 128 x 128", multiply, 2.0 * GEMM_N * GEMM_K * GEMM_K, "GFLOP/s");
    row_ns("floor: a random draw", draw, N_DRAWS);
    row_ns("floor: log", logarithm, N_DRAWS);
    row_ns("floor: exp", exponential, N_DRAWS);
    row_ns("floor: a cache line anywhere in 256 MB", look, N_LOOKS);
    nn_end();
    row_between_cores();
    free(from);
    free(to);
    free(x);
    free(w);
    free(y);
    return sink < 0;
}
