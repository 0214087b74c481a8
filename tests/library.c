/* A program that embeds m3: the 99th percentile of the slowdown of all flows of a mix.
 *
 *     cc library.c $(pkg-config --cflags --libs m3) && ./a.out TOPO MIX
 */
#include <m3.h>
#include <stdio.h>

int main(int argc, char **argv) {
    char error[M3_ERROR_LEN];
    M3Options options;
    if (argc != 3) return 2;
    m3_options_init(&options);
    options.topo = argv[1];
    options.mix = argv[2];
    options.n_flows = 20000;
    options.n_paths = 50;
    M3Result *result = m3_estimate(&options, error);
    if (!result) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    printf("%.17g\n", m3_result_percentile(result, M3_ALL, 99));
    m3_result_free(result);
    return 0;
}
