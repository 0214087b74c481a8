/* mpi_shim: the plug-in that carries bytes between ranks by MPI.
 *
 * m3-mpi.so is this file alone, linked to the MPI library; m3 opens it when it was started by
 * mpirun. It hands out one table of functions (base/ranks.h).
 *
 * Who waits does so with sleeps of up to half a millisecond: MPI's own waiting takes a processor,
 * which a rank of several threads on the same machine can use. What comes after all have arrived
 * is exchanged by blocking calls.
 *
 * Items of loops are handed out by a thread of rank 0 that answers requests, rather than by
 * one-sided operations: over TCP these only go on while the target is in an MPI call, and rank 0
 * may be busy with an item for minutes.
 *
 * A process has one MPI, so its state is at file scope. Not here: more than one job a process. */
#include <mpi.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/ranks.h"

enum { TAG_ASK, TAG_ANSWER, TAG_DATA };
static const size_t PIECE_B = (size_t)1 << 30; /* MPI counts in ints */

typedef struct {
    uint64_t loop, n, grain, limit;
} Ask;
typedef struct {
    uint64_t first, count;
} Answer;

static struct {
    int rank, size;
    MPI_Comm talk, loops; /* for everything, and for handing out items */
    pthread_t server;     /* of rank 0 */
    pthread_mutex_t lock; /* of loop and next */
    uint64_t loop, next;  /* the loop in work and its first item that nobody has */
    atomic_bool done;
} job = {.lock = PTHREAD_MUTEX_INITIALIZER};

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Sleeps the longer, the more often nothing has happened. */
static void rest(unsigned times) {
    enum { EAGER = 100, STEP_NS = 5000, MOST_NS = 500000 };
    if (times < EAGER) return;
    unsigned long ns = (unsigned long)(times - EAGER + 1) * STEP_NS;
    struct timespec t = {.tv_nsec = (long)(ns < MOST_NS ? ns : MOST_NS)};
    nanosleep(&t, NULL);
}

/* ---- handing out items ---- */

static Answer hand_out(const Ask *a) {
    pthread_mutex_lock(&job.lock);
    if (a->loop > job.loop) job.loop = a->loop, job.next = 0;
    uint64_t end = a->n < a->limit ? a->n : a->limit, first = job.next,
             left = a->loop == job.loop && first < end ? end - first : 0;
    Answer answer = {first, left < a->grain ? left : a->grain};
    job.next += answer.count;
    pthread_mutex_unlock(&job.lock);
    return answer;
}

static void *serve(void *unused) {
    (void)unused;
    for (unsigned idle = 0; !atomic_load(&job.done); rest(idle++)) {
        int has;
        MPI_Status from;
        MPI_Iprobe(MPI_ANY_SOURCE, TAG_ASK, job.loops, &has, &from);
        if (!has) continue;
        Ask a;
        MPI_Recv(&a, sizeof a, MPI_BYTE, from.MPI_SOURCE, TAG_ASK, job.loops, MPI_STATUS_IGNORE);
        Answer answer = hand_out(&a);
        MPI_Send(&answer, sizeof answer, MPI_BYTE, from.MPI_SOURCE, TAG_ANSWER, job.loops);
        idle = 0;
    }
    return NULL;
}

static uint64_t take(uint64_t loop, uint64_t n, uint64_t grain, uint64_t limit, uint64_t *first) {
    Ask a = {loop, n, grain, limit};
    Answer answer;
    if (job.rank == 0) answer = hand_out(&a);
    else {
        MPI_Request q;
        int done = 0;
        MPI_Irecv(&answer, sizeof answer, MPI_BYTE, 0, TAG_ANSWER, job.loops, &q);
        MPI_Send(&a, sizeof a, MPI_BYTE, 0, TAG_ASK, job.loops);
        for (unsigned times = 0; !done; rest(times++)) MPI_Test(&q, &done, MPI_STATUS_IGNORE);
    }
    *first = answer.first;
    return answer.count;
}

/* ---- the job ---- */

static const char *join(int *rank, int *size, int *n_local) {
    int provided;
    MPI_Comm local;
    /* A batch forks for each of its groups, and its children know nothing of MPI. */
    setenv("OMPI_MCA_mpi_warn_on_fork", "0", 0);
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &provided) != MPI_SUCCESS)
        return "MPI does not start";
    if (provided < MPI_THREAD_MULTIPLE) return "this MPI does not know threads";
    MPI_Comm_dup(MPI_COMM_WORLD, &job.talk);
    MPI_Comm_dup(MPI_COMM_WORLD, &job.loops);
    MPI_Comm_rank(job.talk, &job.rank);
    MPI_Comm_size(job.talk, &job.size);
    MPI_Comm_split_type(job.talk, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &local);
    MPI_Comm_size(local, n_local);
    MPI_Comm_free(&local);
    if (job.rank == 0 && pthread_create(&job.server, NULL, serve, NULL) != 0)
        return "a thread can't be started";
    *rank = job.rank;
    *size = job.size;
    return NULL;
}

/* The buffers are the request's until it is done, so those of one given up are never freed. */
static int gather(const void *mine, size_t n, void *all, bool (*stop)(void)) {
    const double PATIENCE_S = 0.5; /* mpirun kills a second after it has asked to end */
    double stop_s = 0;
    int done = 0;
    MPI_Request q;
    char *buffer = malloc(n * (size_t)(job.size + 1));
    if (!buffer) return -1;
    memcpy(buffer, mine, n);
    MPI_Iallgather(buffer, (int)n, MPI_BYTE, buffer + n, (int)n, MPI_BYTE, job.talk, &q);
    for (unsigned times = 0; !done; rest(times++)) {
        MPI_Test(&q, &done, MPI_STATUS_IGNORE);
        if (done || !stop()) continue;
        if (stop_s == 0) stop_s = now_s();
        if (now_s() - stop_s > PATIENCE_S) return -1;
    }
    memcpy(all, buffer + n, n * (size_t)job.size);
    free(buffer);
    return 0;
}

static void spread(void *data, size_t n, int from, int to) {
    for (size_t at = 0; at < n; at += PIECE_B) {
        char *p = (char *)data + at;
        int piece = (int)(n - at < PIECE_B ? n - at : PIECE_B);
        if (to < 0) MPI_Bcast(p, piece, MPI_BYTE, from, job.talk);
        else if (from == to) return;
        else if (job.rank == from) MPI_Send(p, piece, MPI_BYTE, to, TAG_DATA, job.talk);
        else if (job.rank == to)
            MPI_Recv(p, piece, MPI_BYTE, from, TAG_DATA, job.talk, MPI_STATUS_IGNORE);
    }
}

static void leave(void) {
    atomic_store(&job.done, true);
    if (job.rank == 0) pthread_join(job.server, NULL);
    MPI_Comm_free(&job.loops);
    MPI_Comm_free(&job.talk);
    MPI_Finalize();
}

static void end_all(int status) { MPI_Abort(MPI_COMM_WORLD, status); }

__attribute__((visibility("default"))) extern const RanksTransport m3_ranks_transport;
const RanksTransport m3_ranks_transport = {.abi = RANKS_ABI,
                                           .join = join,
                                           .gather = gather,
                                           .spread = spread,
                                           .take = take,
                                           .leave = leave,
                                           .abort = end_all};
