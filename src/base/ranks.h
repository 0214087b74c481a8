/* ranks: one command on several processes, the ranks of an MPI job. */
#ifndef M3_BASE_RANKS_H
#define M3_BASE_RANKS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/par.h"

/* What carries bytes between ranks: the plug-in m3-mpi.so, or a test. Pointers are never NULL.
 * All ranks call gather, spread and leave in the same order. */
enum { RANKS_ABI = 2 };
#define RANKS_SYMBOL "m3_ranks_transport"
/* Bytes for or of another rank. */
typedef struct {
    const char *data;
    size_t n;
} RanksPiece;
typedef struct {
    int abi; /* RANKS_ABI */
    /* Joins the job and says which of how many ranks this is, and how many share its machine.
     * NULL, or why it could not. */
    const char *(*join)(int *rank, int *size, int *n_local);
    /* Makes n bytes of every rank known to all: all[rank × n]. Waits without using the processor;
     * −1 if stop() became true and a rank was still missing half a second later. */
    int (*gather)(const void *mine, size_t n, void *all, bool (*stop)(void));
    /* Copies n bytes from rank `from` to all ranks, or to rank `to` alone (−1: all). */
    void (*spread)(void *data, size_t n, int from, int to);
    /* Sends piece out[q] to each other rank q below n, and receives in[q] from it, which is the
     * transport's until the next call: for ranks that wait for each other many thousand times a
     * second. Pieces are below 1 GiB. The ranks below n call it alike, with a processor in use for
     * a while. −1 as gather, after which it is not to be called again. */
    int (*swap)(const RanksPiece *out, RanksPiece *in, int n, bool (*stop)(void));
    /* Takes at most `grain` items of loop number `loop` that no rank has taken, below n and
     * `limit`, in ascending order. Returns how many, from *first on. One thread at a time. */
    uint64_t (*take)(uint64_t loop, uint64_t n, uint64_t grain, uint64_t limit, uint64_t *first);
    void (*leave)(void);       /* the job is done; no further calls */
    void (*abort)(int status); /* ends all ranks at once; does not return */
} RanksTransport;

/* The ranks of a job, and which one this is. All of them run the same command on the same inputs;
 * loops over items that take long are shared out, and their results are then known to all. NULL
 * stands for a process that is alone. */
typedef struct Ranks {
    int rank, size, n_local;
    const RanksTransport *via;
    uint64_t n_loops;
    bool over; /* a rank has ended, … */
    bool lost; /* … or one that was waited for has stayed away */
} Ranks;

/* ranks_several returns whether there are more ranks than this one; ranks_first whether this one
 * writes what the job puts out. */
bool ranks_several(const Ranks *r);
bool ranks_first(const Ranks *r);

/* Bytes that a rank tells the others, and hears of them. */
typedef struct {
    char *data;
    size_t len, cap;
} RanksOut;
typedef struct {
    const char *at, *end;
} RanksIn;
/* ranks_put appends n bytes; ranks_get takes the next n, which must be there. */
void ranks_put(RanksOut *out, const void *p, size_t n);
void ranks_get(RanksIn *in, void *p, size_t n);

/* A loop over independent items, as par_try's. Items are handed out `grain` at a time to whichever
 * rank asks for more, unless each has its rank. */
typedef struct {
    size_t n, grain;
    int threads; /* of each rank */
    ParTryFn run;
    /* What an item's result is, told by the rank that ran it, and heard by the others in ascending
     * order of items of each rank. NULL: the results are in files. */
    void (*pack)(void *ctx, size_t item, RanksOut *out);
    void (*unpack)(void *ctx, size_t item, RanksIn *in);
    bool first_only; /* only rank 0 hears */
    /* [n] the rank that runs each item; NULL: whichever asks */
    const uint16_t *rank_of;
    void *ctx;
} RanksLoop;
/* ranks_run runs the items of a loop over the ranks. Returns what par_try would: the error of the
 * lowest failing item, on all ranks. */
int ranks_run(Ranks *r, const RanksLoop *l, Err *err);

/* ranks_take begins a loop if *loop is 0, and hands out its next item: false if there is none. For
 * callers that wait for items themselves; ranks_agree must follow. */
bool ranks_take(Ranks *r, uint64_t *loop, size_t n, size_t *item);
/* ranks_agree waits for all ranks. −1 with the lowest one's error if rc of any is −1. */
int ranks_agree(Ranks *r, int rc, Err *err);
/* ranks_sum replaces x[n] by its sum over the ranks; ranks_max by the largest. */
int ranks_sum(Ranks *r, double *x, size_t n, Err *err);
int ranks_max(Ranks *r, double *x, size_t n, Err *err);

/* ranks_tell lets rank 0 hear what each of the others has to tell it, in order of ranks. */
int ranks_tell(Ranks *r, const RanksOut *mine, void (*hear)(void *ctx, RanksIn *in), void *ctx,
               Err *err);
/* ranks_swap exchanges pieces as RanksTransport.swap does, among ranks none of which can fail by
 * itself until they have met again. −1 if one stays away: then the job is over. */
int ranks_swap(Ranks *r, const RanksPiece *out, RanksPiece *in, int n, Err *err);

/* ranks_end ends the job: all ranks have come to its end, or, where rc of one is −1, the others
 * hear of that when they next wait for it. Returns −1 with the error that rank 0 has to print. */
int ranks_end(Ranks *r, int rc, Err *err);
#endif
