/* diag: errors that carry their context, log lines, progress, interruption. */
#ifndef M3_BASE_DIAG_H
#define M3_BASE_DIAG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define DIAG_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define DIAG_PRINTF(f, a)
#endif

/* What went wrong: one line naming file, place and expectation, without a newline at its end.
 * ERR_INPUT becomes exit status 2 (usage or input), ERR_IO exit status 1 (the world failed us). */
typedef enum { ERR_NONE, ERR_INPUT, ERR_IO, ERR_STOPPED } ErrKind;
typedef struct {
    ErrKind kind;
    char msg[768];
} Err;

/* Fill `err` (may be NULL) and return −1, so that callers write `return err_input(err, …)`. */
int err_input(Err *err, const char *fmt, ...) DIAG_PRINTF(2, 3);
int err_io(Err *err, const char *fmt, ...) DIAG_PRINTF(2, 3);
/* Interrupted by the user (exit status 130 by way of main). */
int err_stopped(Err *err);
/* Put "prefix: " before the message that is there; returns −1. */
int err_wrap(Err *err, const char *fmt, ...) DIAG_PRINTF(2, 3);

/* For out of memory and broken invariants only. */
_Noreturn void diag_die(const char *fmt, ...) DIAG_PRINTF(1, 2);

/* Where remarks go: stderr, never stdout. A NULL Log is silent. */
typedef enum { LOG_QUIET, LOG_NORMAL, LOG_VERBOSE } LogLevel;
typedef struct {
    LogLevel level;
    bool tty; /* stderr is a terminal: progress lines may be redrawn */
} Log;

void log_note(const Log *log, const char *fmt, ...) DIAG_PRINTF(2, 3);   /* shown unless quiet */
void log_detail(const Log *log, const char *fmt, ...) DIAG_PRINTF(2, 3); /* shown if verbose */

/* Progress with rate and ETA; draws at most ten times a second, only on a terminal, and only once
 * the job has lasted a second. Safe to call from several threads with a growing total. */
typedef struct {
    const Log *log;
    const char *what; /* "flows", "paths" */
    uint64_t total;   /* 0: unknown */
    double t_start_s, t_drawn_s;
    bool drawn;
    int busy; /* one drawer at a time */
} Progress;
void progress_init(Progress *p, const Log *log, const char *what, uint64_t total);
void progress_update(Progress *p, uint64_t done);
void progress_finish(Progress *p);

/* Ctrl-C and SIGTERM ask long jobs to stop at the next safe place. `diag_catch_signals` is called
 * once, by main; a second signal kills at once. */
void diag_catch_signals(void);
bool diag_stop_requested(void);

double diag_now_s(void);            /* monotonic clock, seconds */
uint64_t diag_peak_rss_bytes(void); /* of this process so far */
#endif
