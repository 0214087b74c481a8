/* Other programs: what they say when they fail, how they end, and which signals they get. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/process.h"
#include "scratch_folder.h"

static int shell(const char *script, const char *dir, Err *err) {
    return process_run((const char *const[]){"sh", "-c", script, NULL}, dir, err);
}

static void programs_are_found_on_the_path(void **state) {
    (void)state;
    char *before = mem_strdup(getenv("PATH")), *dir = scratch_folder("process"),
         *path = mem_printf("/nonexistent::%s", before);
    assert_true(process_find("sh"));
    assert_true(process_find("/bin/sh"));
    assert_false(process_find("no-such-program-of-ours"));
    assert_false(process_find("/bin"));
    setenv("PATH", path, 1);
    assert_true(process_find("sh"));
    setenv("PATH", "", 1);
    assert_false(process_find("sh"));
    setenv("PATH", before, 1);
    free(path);
    free(before);
    assert_int_equal(scratch_folder_remove(dir), 0);
}

static void the_last_line_says_what_is_wrong(void **state) {
    (void)state;
    char *dir = scratch_folder("process"), *made = file_join(dir, "made");
    Err err = {0};
    assert_int_equal(shell("echo noise; echo warning >&2; : >made", dir, &err), 0);
    assert_true(file_exists(made)); /* in the folder that was named */
    assert_int_equal(shell("echo first >&2; printf ' a\\033b\\n\\n' >&2; exit 3", NULL, &err), -1);
    assert_int_equal(err.kind, ERR_IO);
    assert_string_equal(err.msg, "sh failed (exit 3): a b");
    assert_int_equal(shell("exit 4", NULL, &err), -1);
    assert_string_equal(err.msg, "sh failed (exit 4)");
    assert_int_equal(shell("kill -TERM $$", NULL, &err), -1);
    assert_string_equal(err.msg, "sh was killed by signal 15");
    assert_int_equal(
        process_run((const char *const[]){"no-such-program-of-ours", NULL}, NULL, &err), -1);
    assert_string_equal(err.msg, "no-such-program-of-ours: can't be run");
    assert_int_equal(shell("exit 0", "/no/such/folder", &err), -1);
    assert_string_equal(err.msg, "sh: can't be run");
    unlink(made);
    free(made);
    assert_int_equal(scratch_folder_remove(dir), 0);
}

/* In a child, as signals are the process's: 0 if what is caught and ignored here ends a program. */
static int programs_get_signals(void) {
    static const char *const names[] = {"INT", "TERM", "XFSZ"};
    int n_killed = 0;
    diag_catch_signals();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        Err err = {0};
        char script[32];
        snprintf(script, sizeof script, "kill -%s $$", names[i]);
        n_killed += shell(script, NULL, &err) == -1 && strstr(err.msg, "was killed by signal");
    }
    return n_killed == 3 ? 0 : 1;
}

/* In a child: 0 if a request to stop ends the program that is waited for. */
static int a_stop_ends_the_program(void) {
    Err err = {0};
    diag_catch_signals();
    raise(SIGINT);
    alarm(20);
    return shell("exec sleep 60", NULL, &err) == -1 && err.kind == ERR_STOPPED ? 0 : 1;
}

static void signals_reach_programs(void **state) {
    (void)state;
    int (*const in_child[])(void) = {programs_get_signals, a_stop_ends_the_program};
    for (int i = 0; i < 2; i++) {
        int status;
        fflush(NULL);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) _exit(in_child[i]());
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_are_found_on_the_path),
        cmocka_unit_test(the_last_line_says_what_is_wrong),
        cmocka_unit_test(signals_reach_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
