/* cleanup: ends of the process that nobody returns from.
 *
 * Two tables say what a sudden end needs to know: the temporary files to remove, and which file is
 * mapped where. They are at file scope, since a signal handler can reach nothing else, and of fixed
 * size, since it can't allocate. Who adds and drops entries takes a lock, so that none is filled
 * while another thread looks through them; who ends the process does not, since the thread that
 * holds it may be the one that was interrupted.
 *
 * Invariant: an entry's text is written only while the entry is FILLING, and read only once it was
 * seen IN_USE. A process that ends takes the entries of files (IN_USE to TAKEN), so that none is
 * dropped and filled again while its name is read. An entry of a map cannot be: the fault is in a
 * mapping that somebody still uses.
 *
 * What doesn't fit into a table is left out: a temporary file then stays until its output is
 * written again (file_beside), and the line of a fault doesn't name the file. */
#include "base/cleanup.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* More files than threads write at once, and more maps than the files of a training set; names of
 * maps are cut, since they are for messages. */
enum { MAX_FILES = 256, MAX_MAPS = 4096, MAX_MAP_NAME = 224 };
enum { FREE, FILLING, IN_USE, TAKEN };

typedef struct {
    atomic_int state;
    pid_t pid;
    char path[PATH_MAX];
} TempFile;

typedef struct {
    atomic_int state;
    const char *data;
    size_t len;
    char path[MAX_MAP_NAME];
} MappedFile;

static TempFile files[MAX_FILES];
static MappedFile maps[MAX_MAPS];
static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER;
static atomic_flag ending = ATOMIC_FLAG_INIT;

static bool move(atomic_int *state, int from, int to) {
    return atomic_compare_exchange_strong(state, &from, to);
}

void cleanup_add_file(const char *path) {
    size_t n = strlen(path);
    int i = 0;
    if (n >= PATH_MAX) return;
    pthread_mutex_lock(&changing);
    while (i < MAX_FILES && !move(&files[i].state, FREE, FILLING)) i++;
    if (i < MAX_FILES) {
        files[i].pid = getpid();
        memcpy(files[i].path, path, n + 1);
        atomic_store(&files[i].state, IN_USE);
    }
    pthread_mutex_unlock(&changing);
}

void cleanup_drop_file(const char *path) {
    pthread_mutex_lock(&changing);
    for (int i = 0; i < MAX_FILES; i++)
        if (atomic_load(&files[i].state) == IN_USE && strcmp(files[i].path, path) == 0 &&
            move(&files[i].state, IN_USE, FREE))
            break;
    pthread_mutex_unlock(&changing);
}

void cleanup_add_map(const void *data, size_t len, const char *path) {
    int i = 0;
    pthread_mutex_lock(&changing);
    while (i < MAX_MAPS && !move(&maps[i].state, FREE, FILLING)) i++;
    if (i < MAX_MAPS) {
        maps[i].data = data;
        maps[i].len = len;
        snprintf(maps[i].path, sizeof maps[i].path, "%s", path);
        atomic_store(&maps[i].state, IN_USE);
    }
    pthread_mutex_unlock(&changing);
}

void cleanup_drop_map(const void *data) {
    pthread_mutex_lock(&changing);
    for (int i = 0; i < MAX_MAPS; i++)
        if (atomic_load(&maps[i].state) == IN_USE && maps[i].data == data &&
            move(&maps[i].state, IN_USE, FREE))
            break;
    pthread_mutex_unlock(&changing);
}

void cleanup_remove_files(void) {
    for (int i = 0; i < MAX_FILES; i++)
        if (files[i].pid == getpid() && move(&files[i].state, IN_USE, TAKEN)) unlink(files[i].path);
}

void cleanup_exit(const char *line) {
    while (atomic_flag_test_and_set(&ending)) pause(); /* until the first one has ended us all */
    ssize_t written = write(STDERR_FILENO, line, strlen(line));
    (void)written; /* nobody is left to be told */
    cleanup_remove_files();
    _exit(1);
}

/* Appends `more` to line, which holds *n characters; snprintf is no function for a signal handler.
 */
static void append(char *line, size_t cap, size_t *n, const char *more) {
    while (*more && *n + 1 < cap) line[(*n)++] = *more++;
    line[*n] = '\0';
}

static const MappedFile *map_at(const char *address) {
    for (int i = 0; i < MAX_MAPS; i++)
        if (atomic_load(&maps[i].state) == IN_USE &&
            (uintptr_t)address - (uintptr_t)maps[i].data < maps[i].len)
            return &maps[i];
    return NULL;
}

/* A fault that is no file's, such as a misaligned access, is a broken invariant: the default action
 * follows when the access is tried again. */
static void on_fault(int sig, siginfo_t *info, void *context) {
    (void)context;
    char line[MAX_MAP_NAME + 64] = "";
    size_t n = 0;
    struct stat st;
    const MappedFile *m = map_at(info->si_addr);
    if (info->si_code != BUS_ADRERR) {
        signal(sig, SIG_DFL);
        return;
    }
    bool whole = m && stat(m->path, &st) == 0 && (size_t)st.st_size >= m->len;
    append(line, sizeof line, &n, "m3: ");
    append(line, sizeof line, &n, m ? m->path : "a file");
    append(line, sizeof line, &n,
           whole ? ": cannot read: input/output error\n" : ": was cut while it was read\n");
    cleanup_exit(line);
}

void cleanup_catch_faults(void) {
    struct sigaction sa;
    memset(&sa, 0, sizeof sa);
    sa.sa_sigaction = on_fault;
    sa.sa_flags = SA_SIGINFO;
    sigaction(SIGBUS, &sa, NULL);
}
