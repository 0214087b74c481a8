/* process: another program, run to its end.
 *
 * The child is made by fork and exec. Its stderr is a temporary file without a name, not a pipe, so
 * that a program that writes much can't block on us; only the last line is used, since programs
 * such as gnuplot print the line of the script, a caret, and then what is wrong. The signals that
 * we catch or ignore have their default action in the child: Ctrl-C ends both, and a file that gets
 * larger than the system allows ends a program that would not look. */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

static bool is_program(const char *file) { return access(file, X_OK) == 0 && !file_is_dir(file); }

/* The program's file, which the caller frees; NULL if there is none. Folders of PATH that are not
 * named from the root are passed over: the program runs in another folder than ours, maybe one that
 * holds somebody else's files. */
static char *find(const char *program) {
    if (strchr(program, '/')) return is_program(program) ? mem_strdup(program) : NULL;
    for (const char *path = getenv("PATH"); path && *path;) {
        int n = (int)strcspn(path, ":");
        char *file = mem_printf("%.*s/%s", n, path, program);
        if (file[0] == '/' && is_program(file)) return file;
        free(file);
        path += n + (path[n] == ':');
    }
    return NULL;
}

bool process_find(const char *program) {
    char *file = find(program);
    bool found = file != NULL;
    free(file);
    return found;
}

/* In the child: never returns. 127, as shells do, says that the program could not be started. */
static _Noreturn void become(const char *file, const char *const *argv, const char *dir,
                             int err_fd) {
    int null = open("/dev/null", O_RDWR);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    bool ok = null >= 0 && dup2(null, 0) >= 0 && dup2(null, 1) >= 0 && dup2(err_fd, 2) >= 0;
    if (ok && (!dir || chdir(dir) == 0)) execv(file, (char *const *)(uintptr_t)argv);
    _exit(127);
}

/* The last line of the file that isn't blank, without control characters. */
static void last_line(FILE *f, char *line, size_t size) {
    char buf[512];
    line[0] = '\0';
    rewind(f);
    while (fgets(buf, sizeof buf, f)) {
        char *s = buf + strspn(buf, " \t\r\n");
        size_t n = strcspn(s, "\r\n");
        if (n > 0) snprintf(line, size, "%.*s", (int)n, s);
    }
    for (char *s = line; *s; ++s)
        if ((unsigned char)*s < ' ') *s = ' ';
}

static int conclude(const char *program, int status, FILE *messages, Err *err) {
    char line[300];
    if (diag_stop_requested()) return err_stopped(err);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
    last_line(messages, line, sizeof line);
    if (WIFSIGNALED(status))
        return err_io(err, "%s was killed by signal %d", program, WTERMSIG(status));
    if (WEXITSTATUS(status) == 127 && !line[0]) return err_io(err, "%s: can't be run", program);
    return err_io(err, "%s failed (exit %d)%s%s", program, WEXITSTATUS(status), line[0] ? ": " : "",
                  line);
}

/* Waits for the program, and ends it when we are to stop: a signal may have been for us alone. */
static void wait_for(pid_t pid, int *status) {
    bool told = false;
    while (waitpid(pid, status, WNOHANG) == 0) {
        if (diag_stop_requested() && !told) told = kill(pid, SIGTERM) == 0;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

int process_run(const char *const *argv, const char *dir, Err *err) {
    char *file = find(argv[0]);
    int status = 0, rc = -1;
    if (!file) return err_io(err, "%s: can't be run", argv[0]);
    FILE *messages = tmpfile();
    if (!messages) {
        free(file);
        return err_io(err, "%s: no temporary file: %s", argv[0], strerror(errno));
    }
    pid_t pid = fork();
    if (pid == 0) become(file, argv, dir, fileno(messages));
    if (pid < 0) err_io(err, "%s: can't be started: %s", argv[0], strerror(errno));
    else {
        wait_for(pid, &status);
        rc = conclude(argv[0], status, messages, err);
    }
    fclose(messages);
    free(file);
    return rc;
}

void process_put_word(FILE *f, const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "%+,-./:=@_";
    if (*word && word[strspn(word, plain)] == '\0') {
        fputs(word, f);
        return;
    }
    fputc('\'', f);
    for (; *word; word++)
        if (*word == '\'') fputs("'\\''", f);
        else fputc(*word, f);
    fputc('\'', f);
}
