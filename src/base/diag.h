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

/* An error: one line naming file, place and expectation, without a newline at its end; longer ones
 * are cut (768 bytes hold two paths of ordinary length and the longest message), and control
 * characters, as a file's text may hold, are '?'. The kind decides main's exit status: ERR_INPUT 2
 * (bad usage or input), ERR_IO 1 (a file could not be read or written), ERR_STOPPED 130
 * (interrupted by the user). */
typedef enum { ERR_NONE, ERR_INPUT, ERR_IO, ERR_STOPPED } ErrKind;
typedef struct {
    ErrKind kind;
    char msg[768];
} Err;

/* err_* fill *err (may be NULL) and return −1, so that callers write `return err_input(err, …)`.
 * err_stopped says "interrupted"; err_wrap keeps the kind and puts "prefix: " before the message.
 */
int err_input(Err *err, const char *fmt, ...) DIAG_PRINTF(2, 3);
int err_io(Err *err, const char *fmt, ...) DIAG_PRINTF(2, 3);
int err_stopped(Err *err);
int err_wrap(Err *err, const char *fmt, ...) DIAG_PRINTF(2, 3);

/* diag_die prints "m3: message" to stderr, removes temporary files and aborts: for broken
 * invariants only, never for input. diag_out_of_memory prints "m3: out of memory: message", removes
 * temporary files and ends the process with status 1. */
_Noreturn void diag_die(const char *fmt, ...) DIAG_PRINTF(1, 2);
_Noreturn void diag_out_of_memory(const char *fmt, ...) DIAG_PRINTF(1, 2);

/* What takes remarks and progress in place of stderr: a program that embeds us. Several threads may
 * call both at once. `line` gets every remark and its level; `progress` gets what progress_init and
 * progress_update were given, at the beginning of each job and then at most ten times a second. */
typedef enum { LOG_QUIET, LOG_NORMAL, LOG_VERBOSE } LogLevel;
typedef struct {
    void (*line)(void *ctx, LogLevel level, const char *line);
    void (*progress)(void *ctx, const char *what, uint64_t done, uint64_t total);
    void *ctx;
} LogSink;

/* A Log says which remarks go to stderr. NULL: none. */
typedef struct {
    char **lines; /* owned, as their texts */
    size_t n, cap;
    int busy; /* one thread at a time adds */
} LogRemarks;
typedef struct {
    LogLevel level;
    bool tty;            /* stderr is a terminal: progress lines may be redrawn */
    LogRemarks *remarks; /* keeps what log_note was given, each line once, also if quiet; or NULL */
    const LogSink *sink; /* takes all lines and progress, whatever the level; NULL: stderr does */
} Log;

/* log_note prints one line unless the log is quiet, log_detail only if it is verbose. */
void log_note(const Log *log, const char *fmt, ...) DIAG_PRINTF(2, 3);
void log_detail(const Log *log, const char *fmt, ...) DIAG_PRINTF(2, 3);

/* log_remarks_free releases the lines that a log kept. */
void log_remarks_free(LogRemarks *r);

/* A progress line with rate and remaining time: on a terminal only, redrawn at most ten times a
 * second, and not before the job has lasted a second. progress_update takes the items done so far;
 * several threads may call it. progress_finish clears the line. */
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

/* diag_catch_signals makes the first SIGINT or SIGTERM a request to stop, which long loops poll
 * with diag_stop_requested; a second signal of either kind removes temporary files and kills at
 * once. A write beyond the size that files may have fails like any other (EFBIG), instead of
 * killing. Called once, by main. */
void diag_catch_signals(void);

/* A request to stop one call of the library, and no other that goes on in the process. Members are
 * read and written atomically, by any thread. */
typedef struct {
    int requested;
    const int *also; /* the caller's own flag, as good as `requested` if it is not 0; or NULL */
} DiagStop;
/* diag_stop_request makes the request; diag_stop_is_requested returns whether it was made. */
void diag_stop_request(DiagStop *s);
bool diag_stop_is_requested(const DiagStop *s);
/* diag_stop_under makes *s (NULL: none) the request that this thread's loops poll beside the
 * signals, and those of the workers they start (par.h). It returns the one before, which the caller
 * puts back when *s ends. */
const DiagStop *diag_stop_under(const DiagStop *s);
/* diag_stop_requested returns whether a signal, or the request that this thread is under, asks for
 * an end. diag_stop_current returns that request, or NULL. */
bool diag_stop_requested(void);
const DiagStop *diag_stop_current(void);

/* diag_now_s returns the monotonic clock in seconds. */
double diag_now_s(void);
/* diag_peak_rss_bytes returns the largest resident memory of this process so far; 0: unknown. */
uint64_t diag_peak_rss_bytes(void);
#endif
