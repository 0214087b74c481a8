/* nn: the kernels of the forward pass, on OpenBLAS where they are matrix products.
 *
 * Nearly all time goes into sgemm over all rows of a group of paths; attention works on at most a
 * handful of positions and stays in plain loops. Every kernel computes in a fixed order for given
 * shapes, so that a group gives the same bytes on whichever thread it runs.
 *
 * OpenBLAS has one number of threads for the whole process, hence the state at file scope: how many
 * are between nn_begin and nn_end, and what the first of them found.
 *
 * OpenBLAS maps a buffer for every thread that is in a matrix product at the same time, keeps it
 * for the next one, and where there is no room tries again for ever. So buffers are made before,
 * one by one, after a look whether there is room, and threads take them: no more threads are in
 * products than there are buffers. A loop that gets fewer than it wants runs on fewer threads; one
 * that gets none, as others have all, waits for them. While buffers are made nobody is in a
 * product, so that a buffer which OpenBLAS hands out beyond those it has is a new one. Threads that
 * OpenBLAS starts with the program have buffers of their own, which they are taken to have by then.
 */
#include "model/nn.h"

#include <cblas.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/diag.h"
#include "base/par.h"
#include "model/nn_exp.h"

/* OpenBLAS's own, of which its header says nothing; absent from builds that hide them. */
void *blas_memory_alloc(int which) __attribute__((weak));
void blas_memory_free(void *buffer) __attribute__((weak));

/* A buffer on x86-64, the largest of all machines (BUFFER_SIZE of OpenBLAS 0.3.21), and a little.
 */
static const size_t BUFFER_B = (size_t)129 << 20;

static struct {
    pthread_mutex_t lock; /* of the numbers below */
    pthread_cond_t given_back;
    int n_inside, threads_before;
    int n_buffers, n_taken; /* OpenBLAS's buffers, and those that are some thread's */
} blas = {.lock = PTHREAD_MUTEX_INITIALIZER, .given_back = PTHREAD_COND_INITIALIZER};

/* Read by who is in a product, written by who makes buffers, who goes first. */
static pthread_rwlock_t products = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;

/* Whether there is room for a buffer. Where OpenBLAS lets us, it gets one at once, in *held, before
 * anything else takes the room. */
static bool make_buffer(void **held) {
    void *p = mmap(NULL, BUFFER_B, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return false;
    munmap(p, BUFFER_B);
    if (blas_memory_alloc) *held = blas_memory_alloc(0);
    return true;
}

/* Makes buffers until there are n, or no room for more. Under the lock. */
static void make_buffers(int n) {
    if (n <= blas.n_buffers) return;
    void **held = MEM_ZNEW(void *, (size_t)n);
    pthread_rwlock_wrlock(&products);
    for (int i = 0; i < blas.n_buffers && blas_memory_alloc; i++) held[i] = blas_memory_alloc(0);
    while (blas.n_buffers < n && make_buffer(&held[blas.n_buffers])) blas.n_buffers++;
    for (int i = 0; i < blas.n_buffers && blas_memory_free; i++) blas_memory_free(held[i]);
    pthread_rwlock_unlock(&products);
    free(held);
}

/* Takes up to `most` buffers, waiting until there are `least`, and returns how many. */
static int take_buffers(int least, int most) {
    pthread_mutex_lock(&blas.lock);
    for (;;) {
        make_buffers(blas.n_taken + most);
        int n = blas.n_buffers - blas.n_taken;
        if (n >= least) {
            if (n > most) n = most;
            blas.n_taken += n;
            pthread_mutex_unlock(&blas.lock);
            return n;
        }
        if (blas.n_taken == 0)
            diag_out_of_memory("the model needs %zu MiB a thread for OpenBLAS", BUFFER_B >> 20);
        pthread_cond_wait(&blas.given_back, &blas.lock);
    }
}

static void give_back(int n) {
    pthread_mutex_lock(&blas.lock);
    blas.n_taken -= n;
    pthread_cond_broadcast(&blas.given_back);
    pthread_mutex_unlock(&blas.lock);
}

void nn_begin(void) {
    take_buffers(1, 1);
    pthread_mutex_lock(&blas.lock);
    if (blas.n_inside++ == 0) {
        blas.threads_before = openblas_get_num_threads();
        openblas_set_num_threads(1);
    }
    pthread_mutex_unlock(&blas.lock);
}

void nn_end(void) {
    pthread_mutex_lock(&blas.lock);
    if (--blas.n_inside == 0) openblas_set_num_threads(blas.threads_before);
    pthread_mutex_unlock(&blas.lock);
    give_back(1);
}

typedef struct {
    size_t n_items, group;
    NnGroupFn fn;
    void *ctx;
    Arena *arenas; /* one a worker */
} NnBatches;

static void run_group(void *ctx, size_t index, int worker) {
    const NnBatches *b = ctx;
    Arena *a = &b->arenas[worker];
    size_t first = index * b->group, left = b->n_items - first;
    arena_reset(a);
    b->fn(b->ctx, first, left < b->group ? left : b->group, a);
}

void nn_batched(size_t n_items, size_t group, int threads, NnGroupFn fn, void *ctx) {
    size_t n_groups = (n_items + group - 1) / group;
    int n_workers = par_resolve(threads);
    if ((size_t)n_workers > n_groups) n_workers = n_groups > 0 ? (int)n_groups : 1;
    nn_begin();
    int n_more = take_buffers(0, n_workers - 1); /* than the one of nn_begin */
    n_workers = 1 + n_more;
    NnBatches b = {.n_items = n_items,
                   .group = group,
                   .fn = fn,
                   .ctx = ctx,
                   .arenas = MEM_ZNEW(Arena, (size_t)n_workers)};
    par_for(n_groups, n_workers, run_group, &b);
    for (int i = 0; i < n_workers; i++) arena_free(&b.arenas[i]);
    free(b.arenas);
    give_back(n_more);
    nn_end();
}

const char *nn_library(void) { return openblas_get_config(); }

static void gemm(float *y, const float *x, const float *w, float beta, size_t n, size_t in,
                 size_t out) {
    if (n == 0) return;
    pthread_rwlock_rdlock(&products);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)n, (blasint)out, (blasint)in, 1,
                x, (blasint)in, w, (blasint)in, beta, y, (blasint)out);
    pthread_rwlock_unlock(&products);
}

void nn_linear(float *y, const float *x, const float *w, const float *bias, size_t n, size_t in,
               size_t out) {
    for (size_t i = 0; bias && i < n; i++) memcpy(y + i * out, bias, out * sizeof *y);
    gemm(y, x, w, bias ? 1 : 0, n, in, out);
}

void nn_linear_add(float *y, const float *x, const float *w, size_t n, size_t in, size_t out) {
    gemm(y, x, w, 1, n, in, out);
}

void nn_rmsnorm(float *y, const float *x, const float *gain, size_t n, size_t dim) {
    for (size_t i = 0; i < n; i++, x += dim, y += dim) {
        float square = cblas_sdot((blasint)dim, x, 1, x, 1);
        float scale = 1 / sqrtf(square / (float)dim + 1e-5f);
        for (size_t k = 0; k < dim; k++) y[k] = x[k] * scale * gain[k];
    }
}

void nn_rope_table(float *table, size_t n_pos, size_t head_dim) {
    for (size_t p = 0; p < n_pos; p++)
        for (size_t k = 0; k < head_dim; k += 2) {
            double angle = (double)p * pow(10000.0, -(double)k / (double)head_dim);
            table[p * head_dim + k] = (float)cos(angle);
            table[p * head_dim + k + 1] = (float)sin(angle);
        }
}

void nn_rope(float *x, const float *table, size_t n, size_t n_heads, size_t head_dim,
             size_t stride) {
    for (size_t p = 0; p < n; p++)
        for (size_t h = 0; h < n_heads; h++) {
            float *v = x + p * stride + h * head_dim;
            const float *t = table + p * head_dim;
            for (size_t k = 0; k < head_dim; k += 2) {
                float a = v[k], b = v[k + 1];
                v[k] = a * t[k] - b * t[k + 1];
                v[k + 1] = a * t[k + 1] + b * t[k];
            }
        }
}

static void softmax(float *x, size_t n) {
    float max = x[0], sum = 0;
    for (size_t i = 1; i < n; i++) max = fmaxf(max, x[i]);
    for (size_t i = 0; i < n; i++) sum += x[i] = expf(x[i] - max);
    for (size_t i = 0; i < n; i++) x[i] /= sum;
}

void nn_attention(float *out, const float *qkv, float *score, size_t n, size_t n_heads,
                  size_t head_dim, bool causal) {
    size_t dim = n_heads * head_dim, stride = 3 * dim;
    float scale = 1 / sqrtf((float)head_dim);
    blasint len = (blasint)head_dim;
    memset(out, 0, n * dim * sizeof *out);
    for (size_t h = 0; h < n_heads; h++)
        for (size_t i = 0; i < n; i++) {
            const float *q = qkv + i * stride + h * head_dim, *k = qkv + dim + h * head_dim,
                        *v = k + dim;
            float *o = out + i * dim + h * head_dim;
            size_t reach = causal ? i + 1 : n;
            for (size_t j = 0; j < reach; j++)
                score[j] = scale * cblas_sdot(len, q, 1, k + j * stride, 1);
            softmax(score, reach);
            for (size_t j = 0; j < reach; j++) cblas_saxpy(len, score[j], v + j * stride, 1, o, 1);
        }
}

void nn_swiglu(float *a, const float *b, size_t n) {
    nn_silu(a, n);
    for (size_t i = 0; i < n; i++) a[i] *= b[i];
}

void nn_relu(float *x, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] = x[i] > 0 ? x[i] : 0;
}

void nn_mean(float *mean, const float *x, size_t n, size_t dim) {
    memset(mean, 0, dim * sizeof *mean);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < dim; k++) mean[k] += x[i * dim + k];
    for (size_t k = 0; n > 0 && k < dim; k++) mean[k] /= (float)n;
}
