/* diag: errors, log lines, progress, interruption.
 *
 * Errors travel up as a filled Err and a −1; only main prints them and exits. Everything written
 * here goes to stderr, or to the log's sink: stdout belongs to data.
 *
 * Two things are mutable at file scope. The flag that a signal sets is the process's, as in
 * base/cleanup, since a handler can reach nothing else. The request to stop that a thread is under
 * is the thread's own: a call of the library sets it for its time and par passes it on to workers,
 * so that the loops in between, which have no log, need not hand it down.
 *
 * Progress may be updated by all workers of a loop: one that finds another drawing returns at
 * once, so that no worker waits for the terminal. */
#include "base/diag.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/units.h"

/* Lock-free, so that a signal handler may write what workers read. */
static atomic_int stop_flag;
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "an int is atomic without a lock");

static _Thread_local const DiagStop *under;

/* Texts from files may hold what a terminal obeys rather than shows: control characters, also those
 * of UTF-8 (U+0080 to U+009F), become question marks, and ends of lines blanks. */
static void make_printable(char *s) {
    for (; *s; s++) {
        unsigned char c = (unsigned char)s[0], next = (unsigned char)s[1];
        if (c == '\n' || c == '\r' || c == '\t') *s = ' ';
        else if (c < ' ' || c == 0x7f) *s = '?';
        else if (c == 0xc2 && next >= 0x80 && next < 0xa0) s[0] = s[1] = '?';
    }
}

static int fill(Err *err, ErrKind kind, const char *fmt, va_list ap) {
    if (!err) return -1;
    err->kind = kind;
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    make_printable(err->msg);
    return -1;
}

int err_input(Err *err, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    fill(err, ERR_INPUT, fmt, ap);
    va_end(ap);
    return -1;
}

int err_io(Err *err, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    fill(err, ERR_IO, fmt, ap);
    va_end(ap);
    return -1;
}

int err_stopped(Err *err) {
    if (err) {
        err->kind = ERR_STOPPED;
        snprintf(err->msg, sizeof err->msg, "interrupted");
    }
    return -1;
}

int err_wrap(Err *err, const char *fmt, ...) {
    if (!err) return -1;
    char whole[2 * sizeof err->msg];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(whole, sizeof err->msg, fmt, ap);
    va_end(ap);
    size_t at = n < 0 ? 0 : (size_t)n < sizeof err->msg ? (size_t)n : sizeof err->msg - 1;
    snprintf(whole + at, sizeof whole - at, ": %s", err->msg);
    memcpy(err->msg, whole, sizeof err->msg);
    err->msg[sizeof err->msg - 1] = '\0';
    make_printable(err->msg);
    return -1;
}

void diag_die(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    fputs("m3: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    cleanup_remove_files();
    abort();
}

/* Without memory there is no stream to print to: the line is put together on the stack. */
void diag_out_of_memory(const char *fmt, ...) {
    char line[256] = "m3: out of memory: ";
    size_t n = strlen(line);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line + n, sizeof line - 1 - n, fmt, ap);
    va_end(ap);
    line[strlen(line)] = '\n'; /* all after it is 0 */
    cleanup_exit(line);
}

enum { MAX_LINE = 1024, MAX_REMARKS = 100 };

/* Sweeps say the same of many settings: a line is kept once. */
static void keep_remark(LogRemarks *r, const char *line) {
    int idle = 0;
    while (
        !__atomic_compare_exchange_n(&r->busy, &idle, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        idle = 0;
    bool known = r->n >= MAX_REMARKS;
    for (size_t i = 0; i < r->n && !known; i++) known = strcmp(r->lines[i], line) == 0;
    if (!known) {
        MEM_GROW(r->lines, r->cap, r->n + 1);
        r->lines[r->n++] = mem_strdup(line);
    }
    __atomic_store_n(&r->busy, 0, __ATOMIC_RELEASE);
}

void log_remarks_free(LogRemarks *r) {
    for (size_t i = 0; i < r->n; i++) free(r->lines[i]);
    free(r->lines);
    *r = (LogRemarks){0};
}

/* Hands a line to the log's sink, or to stderr if its level lets it. */
static void say(const Log *log, LogLevel level, const char *line) {
    if (log->sink) log->sink->line(log->sink->ctx, level, line);
    else if (log->level >= level) fprintf(stderr, "m3: %s\n", line);
}

void log_note(const Log *log, const char *fmt, ...) {
    char line[MAX_LINE];
    if (!log || (log->level < LOG_NORMAL && !log->remarks && !log->sink)) return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    make_printable(line);
    if (log->remarks) keep_remark(log->remarks, line);
    say(log, LOG_NORMAL, line);
}

void log_detail(const Log *log, const char *fmt, ...) {
    char line[MAX_LINE];
    if (!log || (log->level < LOG_VERBOSE && !log->sink)) return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    make_printable(line);
    say(log, LOG_VERBOSE, line);
}

void progress_init(Progress *p, const Log *log, const char *what, uint64_t total) {
    memset(p, 0, sizeof *p);
    p->log = log;
    p->what = what;
    p->total = total;
    p->t_start_s = p->t_drawn_s = diag_now_s();
    if (log && log->sink) log->sink->progress(log->sink->ctx, what, 0, total);
}

static void draw(Progress *p, uint64_t done, double elapsed_s) {
    double rate = (double)done / elapsed_s;
    if (p->total > 0) {
        double left = rate > 0 ? (double)(p->total > done ? p->total - done : 0) / rate : 0;
        fprintf(stderr, "\r\033[K%s %llu/%llu (%.0f %%), %s, %.0f s left", p->what,
                (unsigned long long)done, (unsigned long long)p->total,
                100.0 * (double)done / (double)p->total, units_per_s(rate).s, left);
    } else {
        fprintf(stderr, "\r\033[K%s %llu, %s", p->what, (unsigned long long)done,
                units_per_s(rate).s);
    }
    fflush(stderr);
    p->drawn = true;
}

/* What takes less than a second needs no progress; ten lines a second look like a moving one. */
void progress_update(Progress *p, uint64_t done) {
    static const double FIRST_S = 1.0, AGAIN_S = 0.1;
    const LogSink *sink = p->log ? p->log->sink : NULL;
    if (!p->log || (!sink && (!p->log->tty || p->log->level < LOG_NORMAL))) return;
    int idle = 0;
    if (!__atomic_compare_exchange_n(&p->busy, &idle, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    double now = diag_now_s(), elapsed = now - p->t_start_s;
    if ((sink || elapsed >= FIRST_S) && now - p->t_drawn_s >= AGAIN_S) {
        if (sink) sink->progress(sink->ctx, p->what, done, p->total);
        else draw(p, done, elapsed);
        p->t_drawn_s = now;
    }
    __atomic_store_n(&p->busy, 0, __ATOMIC_RELEASE);
}

void progress_finish(Progress *p) {
    if (p->drawn) fputs("\r\033[K", stderr);
    p->drawn = false;
}

static void on_signal(int sig) {
    int saved = errno; /* of what the signal interrupted */
    if (atomic_exchange_explicit(&stop_flag, 1, memory_order_relaxed) != 0) {
        signal(sig, SIG_DFL);
        cleanup_remove_files();
        raise(sig);
    }
    errno = saved;
}

void diag_catch_signals(void) {
    struct sigaction sa;
    memset(&sa, 0, sizeof sa);
    sa.sa_handler = on_signal;
    sa.sa_flags = SA_NODEFER; /* a third one kills, whatever the second one waits for */
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    signal(SIGXFSZ, SIG_IGN);
}

void diag_stop_request(DiagStop *s) { __atomic_store_n(&s->requested, 1, __ATOMIC_RELAXED); }

bool diag_stop_is_requested(const DiagStop *s) {
    return __atomic_load_n(&s->requested, __ATOMIC_RELAXED) != 0 ||
           (s->also && __atomic_load_n(s->also, __ATOMIC_RELAXED) != 0);
}

const DiagStop *diag_stop_under(const DiagStop *s) {
    const DiagStop *before = under;
    under = s;
    return before;
}

const DiagStop *diag_stop_current(void) { return under; }

bool diag_stop_requested(void) {
    return atomic_load_explicit(&stop_flag, memory_order_relaxed) != 0 ||
           (under && diag_stop_is_requested(under));
}

double diag_now_s(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

uint64_t diag_peak_rss_bytes(void) {
    struct rusage ru;
    if (getrusage(RUSAGE_SELF, &ru) != 0) return 0;
    return (uint64_t)ru.ru_maxrss * 1024u;
}
