/* calibrate: two loops of which the time on the machine of the recorded figures is known, so that
 * these can be compared with this machine's. Best of several runs, CPU time.
 *
 * The figures recorded of the published C program (../shared/ref/flowsim/README.md) have two parts
 * that depend on little but the machine: reading 200,000 lines of seven numbers by the C library
 * (74 ms), and the sums of products of a transformer of 16.8 M weights on the 7 rows of a path of
 * 6 links (83 ms), which a plain compilation adds one after the other, each waiting for the one
 * before. What was recorded of ns-3 is of the same machine, or one like it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "row.h"

enum { REPEATS = 5, LINES = 200000, WIDTH = 576, HEIGHT = 29127, ROWS = 7 };

static double sink; /* keeps what is measured from being left out */

static FILE *write_lines(void) {
    FILE *f = tmpfile();
    if (!f) {
        perror("calibrate: a temporary file");
        exit(1);
    }
    Rng r = rng_stream(1, "calibrate", 0);
    double start_s = 1;
    for (int i = 0; i < LINES; i++)
        fprintf(f, "%d %u %u 3 100 %u %.9f\n", i, (unsigned)rng_below(&r, 6),
                (unsigned)rng_below(&r, 6), 1 + (unsigned)rng_below(&r, 10000),
                start_s += 2e-6 * rng_u01(&r));
    return f;
}

static double read_lines_s(FILE *f) {
    double t = bench_cpu_s(), start_s;
    unsigned flow, src, dst, sport, dport, size_b;
    rewind(f);
    while (fscanf(f, "%u %u %u %u %u %u %lf", &flow, &src, &dst, &sport, &dport, &size_b,
                  &start_s) == 7)
        sink += start_s + size_b;
    return bench_cpu_s() - t;
}

static double sums_s(const float *weights, const float *in, float *out) {
    double t = bench_cpu_s();
    for (int row = 0; row < ROWS; row++)
        for (size_t i = 0; i < HEIGHT; i++) {
            float sum = 0;
            for (size_t j = 0; j < WIDTH; j++)
                sum += weights[i * WIDTH + j] * in[(size_t)row * WIDTH + j];
            out[i] = sum;
            sink += sum;
        }
    return bench_cpu_s() - t;
}

static void row(const char *what, double s, double recorded_ms) {
    bench_row(what, bench_cell("%.2f ms", s * 1e3), bench_none(),
              bench_published(recorded_ms, s * 1e3), bench_none());
}

int main(void) {
    float *weights = MEM_NEW(float, (size_t)HEIGHT *WIDTH), *in = MEM_NEW(float, ROWS *WIDTH),
          *out = MEM_NEW(float, HEIGHT);
    for (size_t i = 0; i < (size_t)HEIGHT * WIDTH; i++) weights[i] = (float)(i % 7) * 0.1f;
    for (size_t i = 0; i < (size_t)ROWS * WIDTH; i++) in[i] = (float)(i % 5);
    FILE *lines = write_lines();
    double reading_s = 1e9, summing_s = 1e9;
    for (int i = 0; i < REPEATS; i++) {
        double r = read_lines_s(lines), s = sums_s(weights, in, out);
        if (r < reading_s) reading_s = r;
        if (s < summing_s) summing_s = s;
    }
    row("calibration: 200000 lines read", reading_s, 74);
    row("calibration: sums of products", summing_s, 83);
    fclose(lines);
    free(weights);
    free(in);
    free(out);
    return sink < 0;
}
