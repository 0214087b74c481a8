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
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/ranks.h"

enum { TAG_ASK, TAG_ANSWER, TAG_DATA, TAG_HEAD, TAG_REST };
static const size_t PIECE_B = (size_t)1 << 30; /* MPI counts in ints */

typedef struct {
    uint64_t loop, n, grain, limit;
} Ask;
typedef struct {
    uint64_t first, count;
} Answer;

/* What a rank exchanges with another one in swap: a head of the length and the first bytes, which
 * mostly is all, then the rest. */
enum { HEAD_B = 8192 };
typedef struct {
    uint64_t n;
    char first[HEAD_B - sizeof(uint64_t)];
} Head;
typedef struct {
    Head out, in;
    char *all; /* [cap] what came, if it is more than the head has */
    size_t cap;
} Peer;

static struct {
    Peer *peers;        /* [size] */
    MPI_Request *asked; /* [2 size] */
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
    job.peers = calloc((size_t)job.size, sizeof *job.peers);
    job.asked = calloc((size_t)job.size * 2, sizeof *job.asked);
    if (!job.peers || !job.asked) return "no memory";
    if (job.rank == 0 && pthread_create(&job.server, NULL, serve, NULL) != 0)
        return "a thread can't be started";
    *rank = job.rank;
    *size = job.size;
    return NULL;
}

/* Waits for k requests: by looking so many times, while others run whom this rank may share a
 * processor with, then with sleeps. −1: stop() became true and they are not done. */
static int wait_for(MPI_Request *asked, int k, unsigned looks, bool (*stop)(void)) {
    const double PATIENCE_S = 0.5; /* mpirun kills a second after it has asked to end */
    double stop_s = 0;
    for (unsigned times = 0;; times++) {
        int done;
        MPI_Testall(k, asked, &done, MPI_STATUSES_IGNORE);
        if (done) return 0;
        if (times < looks) sched_yield();
        else rest(times - looks);
        if (!stop()) continue;
        if (stop_s == 0) stop_s = now_s();
        if (now_s() - stop_s > PATIENCE_S) return -1;
    }
}

/* The buffers are the request's until it is done, so those of one given up are never freed. */
static int gather(const void *mine, size_t n, void *all, bool (*stop)(void)) {
    MPI_Request q;
    char *buffer = malloc(n * (size_t)(job.size + 1));
    if (!buffer) return -1;
    memcpy(buffer, mine, n);
    MPI_Iallgather(buffer, (int)n, MPI_BYTE, buffer + n, (int)n, MPI_BYTE, job.talk, &q);
    if (wait_for(&q, 1, 0, stop) != 0) return -1;
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

/* Ranks that simulate wait for each other often and briefly. Most of what they tell fits in a head,
 * so that one message from each to each is a round. */
static int ask_heads(const RanksPiece *out, int n) {
    int k = 0;
    for (int q = 0; q < n; q++) {
        Peer *p = &job.peers[q];
        size_t first = out[q].n < sizeof p->out.first ? out[q].n : sizeof p->out.first;
        if (q == job.rank) continue;
        MPI_Irecv(&p->in, sizeof p->in, MPI_BYTE, q, TAG_HEAD, job.talk, &job.asked[k++]);
        p->out.n = out[q].n;
        if (first > 0) memcpy(p->out.first, out[q].data, first);
        MPI_Isend(&p->out, (int)(sizeof p->out.n + first), MPI_BYTE, q, TAG_HEAD, job.talk,
                  &job.asked[k++]);
    }
    return k;
}

/* −1: no memory for what comes. */
static int ask_rests(const RanksPiece *out, int n) {
    int k = 0;
    for (int q = 0; q < n; q++) {
        Peer *p = &job.peers[q];
        const size_t first = sizeof p->out.first;
        if (q == job.rank) continue;
        if (p->in.n > first) {
            if (p->in.n > p->cap) {
                free(p->all);
                p->cap = 2 * p->in.n;
                if (!(p->all = malloc(p->cap))) return -1;
            }
            memcpy(p->all, p->in.first, first);
            MPI_Irecv(p->all + first, (int)(p->in.n - first), MPI_BYTE, q, TAG_REST, job.talk,
                      &job.asked[k++]);
        }
        if (out[q].n > first)
            MPI_Isend(out[q].data + first, (int)(out[q].n - first), MPI_BYTE, q, TAG_REST, job.talk,
                      &job.asked[k++]);
    }
    return k;
}

static int swap(const RanksPiece *out, RanksPiece *in, int n, bool (*stop)(void)) {
    enum { LOOKS = 2000 };
    int k = ask_heads(out, n);
    if (wait_for(job.asked, k, LOOKS, stop) != 0) return -1;
    k = ask_rests(out, n);
    if (k < 0 || wait_for(job.asked, k, LOOKS, stop) != 0) return -1;
    for (int q = 0; q < n; q++) {
        const Peer *p = &job.peers[q];
        if (q == job.rank) in[q] = (RanksPiece){0};
        else in[q] = (RanksPiece){p->in.n > sizeof p->in.first ? p->all : p->in.first, p->in.n};
    }
    return 0;
}

static void leave(void) {
    for (int q = 0; q < job.size; q++) free(job.peers[q].all);
    free(job.peers);
    free(job.asked);
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
                                           .swap = swap,
                                           .take = take,
                                           .leave = leave,
                                           .abort = end_all};
