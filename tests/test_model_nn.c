/* The forward pass's parallel loops where memory is short: OpenBLAS maps a buffer for each thread
 * that is in a matrix product and tries for ever where there is no room, so threads must share what
 * buffers there are, also those of several loops at once. */
#include <dirent.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/nn.h"

enum { N = 64, ITEMS = 64, LOOPS = 4, THREADS = 3, ROUNDS = 4 };

/* Sums of products of a matrix of ones times i + 1 with itself. */
typedef struct {
    float sum[ITEMS];
} Sums;

static void multiply(void *ctx, size_t first, size_t n, Arena *a) {
    Sums *s = ctx;
    float *x = ARENA_NEW(a, float, N *N), *y = ARENA_NEW(a, float, N *N);
    for (size_t i = first; i < first + n; i++) {
        for (size_t k = 0; k < N * N; k++) x[k] = (float)(i + 1);
        nn_linear(y, x, x, NULL, N, N, N);
        s->sum[i] = 0;
        for (size_t k = 0; k < N; k++) s->sum[i] += y[k * N];
    }
}

static void *loop(void *failed) {
    for (int r = 0; r < ROUNDS; r++) {
        Sums s;
        nn_batched(ITEMS, 1, THREADS, multiply, &s);
        for (size_t i = 0; i < ITEMS; i++)
            if (s.sum[i] != (float)(N * N * (i + 1) * (i + 1))) *(int *)failed = 1;
    }
    return NULL;
}

static uint64_t address_space_b(void) {
    unsigned long long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f) {
        if (fscanf(f, "%llu", &pages) != 1) pages = 0;
        fclose(f);
    }
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* OpenBLAS's own, without its header, which model/nn alone includes. */
void openblas_set_num_threads(int n);
int openblas_get_num_threads(void);

/* Returns how many other threads this process has, if all of them sleep; else −1. */
static int n_asleep(void) {
    int n = 0;
    DIR *d = opendir("/proc/self/task");
    for (struct dirent *e; d && (e = readdir(d)) && n >= 0;) {
        char path[320], state = 'R';
        if (e->d_name[0] == '.' || atoi(e->d_name) == getpid()) continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/stat", e->d_name);
        FILE *f = fopen(path, "r");
        if (f && fscanf(f, "%*d %*s %c", &state) != 1) state = 'R';
        if (f) fclose(f);
        n = state == 'S' ? n + 1 : -1;
    }
    if (d) closedir(d);
    return n;
}

/* After a fork OpenBLAS starts its own threads anew with the first use. One takes a buffer when it
 * gets to run, on a busy machine only after the room for buffers was counted: so they are waited
 * for, until they sleep. */
static void start_openblas(void) {
    enum { TRIES = 1000, EACH_US = 5000 };
    int n = openblas_get_num_threads(), idle = 0;
    openblas_set_num_threads(n);
    for (int i = 0; i < TRIES && idle < 3; i++) {
        idle = n_asleep() == n - 1 ? idle + 1 : 0;
        usleep(EACH_US);
    }
}

/* In a child, which ends with the loops' verdict, or by the alarm if they never end. */
static void loops_with_room_for(uint64_t more_b) {
    pthread_t ids[LOOPS];
    pthread_attr_t small;
    int failed[LOOPS] = {0}, any = 0;
    mallopt(M_ARENA_MAX, 1); /* an arena for each thread would take the room */
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 1 << 20);
    start_openblas();
    struct rlimit limit;
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = address_space_b() + more_b;
    if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(98);
    alarm(20);
    for (int i = 0; i < LOOPS; i++)
        if (pthread_create(&ids[i], &small, loop, &failed[i]) != 0) _exit(97);
    for (int i = 0; i < LOOPS; i++) {
        pthread_join(ids[i], NULL);
        any |= failed[i];
    }
    _exit(any);
}

static int status_of_loops(uint64_t more_b) {
    int status;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) loops_with_room_for(more_b);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void loops_at_once_share_the_buffers_there_is_room_for(void **state) {
    (void)state;
    static const uint64_t ENOUGH = (uint64_t)8 << 30, BUFFER = (uint64_t)129 << 20,
                          STACKS = (uint64_t)120 << 20;
    if (address_space_b() == 0 || address_space_b() > (uint64_t)1 << 40) skip(); /* a sanitizer */
    assert_int_equal(status_of_loops(ENOUGH), 0);
    for (uint64_t buffers = 1; buffers <= 3; buffers++)
        assert_int_equal(status_of_loops(buffers * BUFFER + STACKS), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_at_once_share_the_buffers_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
