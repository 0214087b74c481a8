/* ranks: loops and agreement over the ranks of a job.
 *
 * Every rank runs the whole command. What is cheap each does for itself, so that all of them hold
 * the same data; what takes long is a loop that they share. Between loops ranks need no words, and
 * their results are stored by item, so that neither the number of ranks nor who ran what shows.
 *
 *     rank 0   ── the same ──┬─ items 0, 3, 4 ─┬─ all results ── the same ── output
 *     rank 1   ── the same ──┴─ items 1, 2, 5 ─┴─ all results ── the same
 *
 * Whenever ranks meet, each first says what it comes with: results, or the end of the command. A
 * rank that fails on its own (a file that only its machine lacks) comes with its end and its error
 * while the others bring results; they take the error over and end as well. So nobody waits for a
 * rank that is gone; one that crashed is noticed by mpirun, which ends the others.
 *
 * Items of a loop are handed out in ascending order, and a rank runs all of its items below the
 * lowest that it knows to have failed. Hence all items below the lowest failing one are run, and
 * its error is the answer, as in par_try. */
#include "base/ranks.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

bool ranks_several(const Ranks *r) { return r && r->size > 1; }
bool ranks_first(const Ranks *r) { return !r || r->rank == 0; }

void ranks_put(RanksOut *out, const void *p, size_t n) {
    if (n == 0) return;
    MEM_GROW(out->data, out->cap, out->len + n);
    memcpy(out->data + out->len, p, n);
    out->len += n;
}

void ranks_get(RanksIn *in, void *p, size_t n) {
    if (n > (size_t)(in->end - in->at)) diag_die("a rank was told less than it needs");
    if (n > 0) memcpy(p, in->at, n);
    in->at += n;
}

/* ---- meeting ---- */

typedef enum { MEET_RESULTS, MEET_END } MeetKind;
typedef struct {
    uint64_t n;
    uint64_t kind; /* MeetKind */
} MeetHead;

/* What each rank brought to a meeting. */
typedef struct {
    MeetHead *head;
    char **data; /* [rank]; NULL: not for this one */
} Meeting;

static void meeting_free(const Ranks *r, Meeting *m) {
    for (int i = 0; m->data && i < r->size; i++)
        if (i != r->rank) free(m->data[i]);
    free(m->data);
    free(m->head);
    *m = (Meeting){0};
}

/* Lets every rank know what the others bring. −1 if a rank that is waited for stays away. */
static int meet(Ranks *r, MeetKind kind, const RanksOut *mine, bool first_only, Meeting *m,
                Err *err) {
    MeetHead head = {mine->len, kind};
    m->head = MEM_NEW(MeetHead, (size_t)r->size);
    m->data = MEM_ZNEW(char *, (size_t)r->size);
    if (r->via->gather(&head, sizeof head, m->head, diag_stop_requested) != 0) {
        meeting_free(r, m);
        r->over = r->lost = true;
        return err_stopped(err);
    }
    for (int i = 0; i < r->size; i++) {
        /* Errors are for everybody. */
        int to = first_only && m->head[i].kind != MEET_END ? 0 : -1;
        if (i == r->rank) m->data[i] = mine->data;
        else if (to < 0 || to == r->rank) m->data[i] = MEM_NEW(char, m->head[i].n);
        if (m->head[i].n > 0) r->via->spread(m->data[i], m->head[i].n, i, to);
    }
    return 0;
}

/* ---- errors ---- */

/* What a rank says of its error: from which item, or n if there is none. */
typedef struct {
    uint64_t item;
    uint64_t stopped;
    Err err;
} Failure;

/* Takes over the error of another rank, with the name of that rank. */
static int take_over(int rank, const Err *theirs, Err *err) {
    if (!err) return -1;
    *err = *theirs;
    if (err->kind != ERR_STOPPED) err_wrap(err, "rank %d", rank);
    return -1;
}

/* A meeting of results to which a rank came with its end: its error ends this rank, too. */
static int find_end(Ranks *r, const Meeting *m, Err *err) {
    for (int i = 0; i < r->size; i++) {
        if (m->head[i].kind != MEET_END) continue;
        Failure f;
        assert(m->head[i].n == sizeof f);
        memcpy(&f, m->data[i], sizeof f);
        r->over = true;
        if (f.err.kind == ERR_NONE) err_io(&f.err, "ended before the others");
        return take_over(i, &f.err, err);
    }
    return 0;
}

static int meet_results(Ranks *r, const RanksOut *mine, bool first_only, Meeting *m, Err *err) {
    if (r->over) return err_stopped(err);
    if (meet(r, MEET_RESULTS, mine, first_only, m, err) != 0) return -1;
    if (find_end(r, m, err) == 0) return 0;
    meeting_free(r, m);
    return -1;
}

int ranks_agree(Ranks *r, int rc, Err *err) {
    if (!ranks_several(r)) return rc;
    Failure own = {.item = rc == 0};
    if (rc != 0 && err) own.err = *err;
    RanksOut out = {(char *)&own, sizeof own, sizeof own};
    Meeting m;
    if (meet_results(r, &out, false, &m, err) != 0) return -1;
    rc = 0;
    for (int i = 0; i < r->size && rc == 0; i++) {
        Failure f;
        memcpy(&f, m.data[i], sizeof f);
        if (f.item == 0) rc = i == r->rank ? -1 : take_over(i, &f.err, err);
    }
    meeting_free(r, &m);
    return rc;
}

int ranks_end(Ranks *r, int rc, Err *err) {
    if (!ranks_several(r)) return rc;
    Failure own = {0};
    if (rc != 0) own.err = *err;
    RanksOut out = {(char *)&own, sizeof own, sizeof own};
    Meeting m;
    if (r->over) return rc;
    if (meet(r, MEET_END, &out, false, &m, err) != 0) return -1;
    for (int i = 0; i < r->size && rc == 0; i++) {
        Failure f;
        if (m.head[i].kind != MEET_END) continue;
        memcpy(&f, m.data[i], sizeof f);
        if (f.err.kind != ERR_NONE) rc = take_over(i, &f.err, err);
    }
    meeting_free(r, &m);
    return rc;
}

/* ---- sums ---- */

static int combine(Ranks *r, double *x, size_t n, bool largest, Err *err) {
    if (!ranks_several(r)) return 0;
    RanksOut out = {(char *)x, n * sizeof *x, n * sizeof *x};
    Meeting m;
    if (meet_results(r, &out, false, &m, err) != 0) return -1;
    double *own = MEM_NEW(double, n);
    memcpy(own, x, n * sizeof *x);
    m.data[r->rank] = (char *)own;
    for (size_t k = 0; k < n; k++) {
        double y = 0;
        for (int i = 0; i < r->size; i++) {
            double theirs;
            memcpy(&theirs, m.data[i] + k * sizeof theirs, sizeof theirs);
            y = !largest ? y + theirs : i == 0 || theirs > y ? theirs : y;
        }
        x[k] = y;
    }
    free(own);
    meeting_free(r, &m);
    return 0;
}

int ranks_sum(Ranks *r, double *x, size_t n, Err *err) { return combine(r, x, n, false, err); }
int ranks_max(Ranks *r, double *x, size_t n, Err *err) { return combine(r, x, n, true, err); }

/* ---- what is told outside loops ---- */

int ranks_tell(Ranks *r, const RanksOut *mine, void (*hear)(void *ctx, RanksIn *in), void *ctx,
               Err *err) {
    Meeting m;
    if (!ranks_several(r)) return 0;
    if (meet_results(r, mine, true, &m, err) != 0) return -1;
    for (int i = 1; i < r->size && r->rank == 0; i++) {
        RanksIn in = {m.data[i], m.data[i] + m.head[i].n};
        hear(ctx, &in);
    }
    meeting_free(r, &m);
    return 0;
}

int ranks_swap(Ranks *r, const RanksPiece *out, RanksPiece *in, int n, Err *err) {
    if (r->over) return err_stopped(err);
    if (r->via->swap(out, in, n, diag_stop_requested) == 0) return 0;
    r->over = r->lost = true;
    return err_stopped(err);
}

/* ---- loops ---- */

bool ranks_take(Ranks *r, uint64_t *loop, size_t n, size_t *item) {
    if (!ranks_several(r)) {
        *item = (size_t)(*loop)++;
        return *item < n;
    }
    uint64_t first;
    if (*loop == 0) *loop = ++r->n_loops;
    if (r->via->take(*loop, n, 1, n, &first) == 0) return false;
    *item = (size_t)first;
    return true;
}

typedef struct {
    Ranks *ranks;
    const RanksLoop *l;
    uint64_t number;
    pthread_mutex_t lock; /* of all below */
    uint64_t next, left;  /* items that this rank has taken and not begun */
    uint64_t failed;      /* the lowest that is known to have failed; n: none */
    bool stopped;
    Err err;    /* of item `failed` */
    bool *mine; /* [n] items that this rank has finished */
} SharedLoop;

/* Of items that have their ranks, the next one of this. */
static void find_own(SharedLoop *s) {
    const uint16_t *rank_of = s->l->rank_of;
    while (s->next < s->failed && rank_of[s->next] != s->ranks->rank) s->next++;
    s->left = s->next < s->failed;
}

/* Draws the next item; false if there is none, or none that matters. */
static bool draw(SharedLoop *s, size_t *item) {
    const RanksLoop *l = s->l;
    pthread_mutex_lock(&s->lock);
    if (diag_stop_requested()) s->stopped = true;
    if (l->rank_of) find_own(s);
    else if (s->left == 0 && !s->stopped)
        s->left = s->ranks->via->take(s->number, l->n, l->grain, s->failed, &s->next);
    bool has = s->left > 0 && !s->stopped && s->next < s->failed;
    if (has) {
        *item = (size_t)s->next++;
        s->left--;
    }
    pthread_mutex_unlock(&s->lock);
    return has;
}

static void note(SharedLoop *s, size_t item, int rc, const Err *err) {
    pthread_mutex_lock(&s->lock);
    if (rc == 0) s->mine[item] = true;
    else if (err->kind == ERR_STOPPED) s->stopped = true;
    else if (item < s->failed) {
        s->failed = item;
        s->err = *err;
    }
    pthread_mutex_unlock(&s->lock);
}

static void work(void *ctx, size_t index, int worker) {
    (void)index;
    SharedLoop *s = ctx;
    for (size_t item; draw(s, &item);) {
        Err err = {0};
        int rc = s->l->run(s->l->ctx, item, worker, &err);
        note(s, item, rc, &err);
    }
}

/* What this rank has to tell: whether anything failed, then its items. */
static void tell(const SharedLoop *s, RanksOut *out) {
    const RanksLoop *l = s->l;
    Failure f = {.item = s->failed, .stopped = s->stopped, .err = s->err};
    ranks_put(out, &f, sizeof f);
    for (uint64_t i = 0; l->pack && i < l->n; i++) {
        if (!s->mine[i]) continue;
        ranks_put(out, &i, sizeof i);
        l->pack(l->ctx, (size_t)i, out);
    }
}

/* The lowest failing item's error, or an interruption, whichever rank had it. */
static int agree_on_failure(Ranks *r, const RanksLoop *l, const Meeting *m, Err *err) {
    Failure f, lowest = {.item = l->n};
    bool stopped = false;
    for (int i = 0; i < r->size; i++) {
        if (!m->data[i]) continue;
        memcpy(&f, m->data[i], sizeof f);
        stopped |= f.stopped != 0;
        if (f.item < lowest.item) lowest = f;
    }
    if (lowest.item < l->n) {
        if (err) *err = lowest.err;
        return -1;
    }
    return stopped ? err_stopped(err) : 0;
}

static void hear(const Ranks *r, const RanksLoop *l, const Meeting *m) {
    for (int i = 0; l->unpack && i < r->size; i++) {
        if (i == r->rank || !m->data[i]) continue;
        RanksIn in = {m->data[i] + sizeof(Failure), m->data[i] + m->head[i].n};
        while (in.at < in.end) {
            uint64_t item;
            ranks_get(&in, &item, sizeof item);
            l->unpack(l->ctx, (size_t)item, &in);
        }
    }
}

int ranks_run(Ranks *r, const RanksLoop *l, Err *err) {
    if (!ranks_several(r)) return par_try(l->n, l->threads, l->run, l->ctx, err);
    SharedLoop s = {.ranks = r,
                    .l = l,
                    .number = ++r->n_loops,
                    .lock = PTHREAD_MUTEX_INITIALIZER,
                    .failed = l->n,
                    .mine = MEM_ZNEW(bool, l->n)};
    int workers = par_resolve(l->threads);
    par_for((size_t)workers, workers, work, &s);
    RanksOut out = {0};
    Meeting m;
    tell(&s, &out);
    int rc = meet_results(r, &out, l->first_only, &m, err);
    if (rc == 0) {
        hear(r, l, &m);
        rc = agree_on_failure(r, l, &m, err);
        meeting_free(r, &m);
    }
    if (l->first_only) rc = ranks_agree(r, rc, err);
    free(out.data);
    free(s.mine);
    return rc;
}
