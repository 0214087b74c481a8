/* Output files at the limits (full disks, permissions, what killed processes leave behind), and
 * sudden ends of the process: no memory, a mapped file that is cut, a second signal. What ends a
 * process is tried in a child. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "scratch_folder.h"

static void write_file(const char *path, size_t n) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (size_t i = 0; i < n; i++) fputc('x', f);
    assert_int_equal(fclose(f), 0);
}

/* How many files of `dir` have names that begin with `prefix`. */
static int count_files(const char *dir, const char *prefix) {
    DIR *d = opendir(dir);
    struct dirent *e;
    int n = 0;
    assert_non_null(d);
    while ((e = readdir(d)))
        n += e->d_name[0] != '.' && strncmp(e->d_name, prefix, strlen(prefix)) == 0;
    closedir(d);
    return n;
}

/* Runs fn(dir) in a child; returns its status as of waitpid, and what it wrote to stderr. */
static int in_child(void (*fn)(const char *dir), const char *dir, char said[512]) {
    int ends[2], status;
    size_t n = 0;
    ssize_t k;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        fn(dir);
        _exit(99);
    }
    close(ends[1]);
    while (n < 511 && (k = read(ends[0], said + n, 511 - n)) > 0) n += (size_t)k;
    said[n] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void begin_output(const char *dir) {
    char *path = file_join(dir, "out");
    FileOut o;
    if (file_out_open(&o, path, NULL) != 0 || fputs("half", o.f) < 0 || fflush(o.f) != 0) _exit(98);
    free(path);
}

static void *volatile kept; /* so that no allocation is optimised away */

static void run_out_of_memory(const char *dir) {
    begin_output(dir);
    kept = mem_alloc(SIZE_MAX / 2, 3);
}

static void test_no_memory_ends_in_a_line_and_leaves_nothing(void **state) {
    (void)state;
    char *dir = scratch_folder("cleanup"), said[512];
    int status = in_child(run_out_of_memory, dir, said);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_string_equal(said, "m3: out of memory: 9223372036854775807 × 3 bytes asked for\n");
    assert_int_equal(count_files(dir, ""), 0);
    assert_int_equal(scratch_folder_remove(dir), 0);
}

static void read_what_is_cut(const char *dir) {
    char *path = file_join(dir, "in");
    FileView v;
    cleanup_catch_faults();
    if (file_view(&v, path, NULL) != 0 || !v.mapped || v.data[v.len - 1] != 'x') _exit(97);
    begin_output(dir);
    if (truncate(path, 100) != 0) _exit(96);
    uint64_t sum = file_checksum(v.data, v.len);
    _exit(sum ? 95 : 94);
}

static void test_a_file_cut_while_read_is_named(void **state) {
    (void)state;
    char *dir = scratch_folder("cleanup"), *path = file_join(dir, "in"), said[512];
    char *expected = mem_printf("m3: %s: was cut while it was read\n", path);
    write_file(path, 100000);
    int status = in_child(read_what_is_cut, dir, said);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_string_equal(said, expected);
    assert_int_equal(count_files(dir, "out"), 0);
    free(expected);
    free(path);
    assert_int_equal(scratch_folder_remove(dir), 0);
}

static void get_two_signals(const char *dir) {
    diag_catch_signals();
    begin_output(dir);
    raise(SIGINT);
    if (!diag_stop_requested() || count_files(dir, "out") != 1) _exit(97);
    raise(SIGTERM);
}

static void test_a_second_signal_of_either_kind_kills(void **state) {
    (void)state;
    char *dir = scratch_folder("cleanup"), said[512];
    int status = in_child(get_two_signals, dir, said);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    assert_int_equal(count_files(dir, ""), 0);
    assert_int_equal(scratch_folder_remove(dir), 0);
}

static void begin_and_die(const char *dir) {
    begin_output(dir);
    _exit(0);
}

/* A child's entries are its own: it must not remove what its parent writes. */
static void test_what_a_dead_process_left_is_removed_but_nothing_else(void **state) {
    (void)state;
    char *dir = scratch_folder("cleanup"), *path = file_join(dir, "out"), said[512];
    char *other = mem_printf("%s.tmp1-00000000", path), *name = mem_printf("%s.tmp", path);
    FileOut o;
    Err err = {0};
    write_file(other, 1); /* of another host */
    write_file(name, 1);  /* of the user */
    in_child(begin_and_die, dir, said);
    assert_int_equal(count_files(dir, "out.tmp"), 3);
    assert_int_equal(file_out_open(&o, path, &err), 0);
    assert_int_equal(count_files(dir, "out.tmp"), 3); /* ours for the dead one's */
    assert_true(file_exists(other) && file_exists(name));
    in_child(run_out_of_memory, dir, said); /* looks for old files, too, and cleans up */
    assert_int_equal(count_files(dir, "out.tmp"), 3);
    assert_int_equal(file_out_commit(&o, &err), 0);
    assert_int_equal(count_files(dir, "out.tmp"), 2);
    free(path);
    free(other);
    free(name);
    assert_int_equal(scratch_folder_remove(dir), 0);
}

static void test_one_output_is_not_written_twice_at_once(void **state) {
    (void)state;
    char *dir = scratch_folder("cleanup"), *path = file_join(dir, "out");
    FileOut o, again;
    Err err = {0};
    assert_int_equal(file_out_open(&o, path, &err), 0);
    assert_int_equal(file_out_open(&again, path, &err), -1);
    assert_non_null(strstr(err.msg, "is being written already"));
    assert_int_equal(file_out_commit(&o, &err), 0);
    assert_int_equal(file_out_open(&again, path, &err), 0);
    file_out_abort(&again);
    free(path);
    assert_int_equal(scratch_folder_remove(dir), 0);
}

/* Of two that make a file where there is none, one does, and the other leaves it alone. */
static void test_a_new_file_replaces_none(void **state) {
    (void)state;
    char *dir = scratch_folder("cleanup"), *path = file_join(dir, "out");
    FileOut o;
    FileView v;
    Err err = {0};
    for (int i = 0; i < 2; i++) {
        bool made = i == 1;
        assert_int_equal(file_out_open(&o, path, &err), 0);
        fputs(i == 0 ? "first" : "second", o.f);
        assert_int_equal(file_out_commit_new(&o, &made, &err), 0);
        assert_int_equal(made, i == 0);
        assert_int_equal(file_view(&v, path, &err), 0);
        assert_true(v.len == 5 && memcmp(v.data, "first", 5) == 0);
        file_view_close(&v);
        assert_int_equal(count_files(dir, ""), 1);
    }
    /* Its folder is gone: an error, and no file is made. */
    bool made = true;
    assert_int_equal(unlink(path), 0);
    assert_int_equal(file_out_open(&o, path, &err), 0);
    assert_int_equal(scratch_folder_remove(dir), 0);
    assert_int_equal(file_out_commit_new(&o, &made, &err), -1);
    assert_false(made);
    assert_non_null(strstr(err.msg, "cannot write: No such file or directory"));
    free(path);
}

static mode_t mode_of(const char *path) {
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void replace(const char *path) {
    FileOut o;
    Err err = {0};
    assert_int_equal(file_out_open(&o, path, &err), 0);
    fputs("new", o.f);
    assert_int_equal(file_out_commit(&o, &err), 0);
}

static void test_permissions_and_links_stay(void **state) {
    (void)state;
    char *dir = scratch_folder("cleanup"), *path = file_join(dir, "out"),
         *link = file_join(dir, "link");
    struct stat st;
    mode_t before = umask(027);
    replace(path);
    assert_int_equal(mode_of(path), 0640);
    assert_int_equal(chmod(path, 0604), 0);
    replace(path);
    assert_int_equal(mode_of(path), 0604);
    assert_int_equal(symlink("out", link), 0);
    write_file(path, 100);
    replace(link);
    assert_true(lstat(link, &st) == 0 && S_ISLNK(st.st_mode));
    assert_true(stat(path, &st) == 0 && st.st_size == 3);
    assert_int_equal(mode_of(path), 0604);
    umask(before);
    free(path);
    free(link);
    assert_int_equal(scratch_folder_remove(dir), 0);
}

/* Writes more than a stream buffers, so that the failure comes before the commit, whose message it
 * returns. */
static const char *fail_to_write(const char *path, Err *err) {
    FileOut o;
    if (file_out_open(&o, path, err) != 0) return err->msg;
    for (int i = 0; i < 100000; i++) fputs("0123456789", o.f);
    return file_out_commit(&o, err) != 0 ? err->msg : "written";
}

static void exceed_the_file_size(const char *dir) {
    char *path = file_join(dir, "out");
    Err err = {0};
    diag_catch_signals();
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_cur = 10000, .rlim_max = 10000});
    fputs(fail_to_write(path, &err), stderr);
    _exit((int)err.kind);
}

static void test_failed_writes_say_why(void **state) {
    (void)state;
    char *dir = scratch_folder("cleanup"), said[512];
    Err err = {0};
    int status = in_child(exceed_the_file_size, dir, said);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == ERR_IO);
    assert_non_null(strstr(said, "out: cannot write: File too large"));
    assert_int_equal(count_files(dir, ""), 0);
    if (file_exists("/dev/full"))
        assert_string_equal(fail_to_write("/dev/full", &err),
                            "/dev/full: cannot write: No space left on device");
    assert_int_equal(scratch_folder_remove(dir), 0);
}

static void test_a_folder_of_files_is_removed_and_no_more(void **state) {
    (void)state;
    char *dir = scratch_folder("file"), *sub = file_join(dir, "sub"),
         *inner = file_join(sub, "inner"), *file = file_join(sub, "a"),
         *hidden = file_join(sub, ".b"), *deep = file_join(inner, "deep");
    assert_int_equal(file_mkdirs(inner, NULL), 0);
    write_file(file, 3);
    write_file(hidden, 0);
    write_file(deep, 1);
    file_remove_folder(sub);
    assert_false(file_exists(file) || file_exists(hidden));
    assert_true(file_exists(deep));
    file_remove_folder(inner);
    file_remove_folder(sub);
    assert_false(file_exists(sub));
    file_remove_folder(sub); /* not there: nothing to do */
    free(sub);
    free(inner);
    free(file);
    free(hidden);
    free(deep);
    assert_int_equal(scratch_folder_remove(dir), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_memory_ends_in_a_line_and_leaves_nothing),
        cmocka_unit_test(test_a_file_cut_while_read_is_named),
        cmocka_unit_test(test_a_second_signal_of_either_kind_kills),
        cmocka_unit_test(test_what_a_dead_process_left_is_removed_but_nothing_else),
        cmocka_unit_test(test_one_output_is_not_written_twice_at_once),
        cmocka_unit_test(test_a_new_file_replaces_none),
        cmocka_unit_test(test_permissions_and_links_stay),
        cmocka_unit_test(test_failed_writes_say_why),
        cmocka_unit_test(test_a_folder_of_files_is_removed_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
