/* publish: a figure's data and script, what gnuplot draws of them where it is installed, and how
 * failures of another program are told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/process.h"
#include "publish/figure.h"
#include "scratch_folder.h"

static char *contents(const char *dir, const char *file) {
    char *path = file_join(dir, file);
    FileView v;
    assert_int_equal(file_view(&v, path, NULL), 0);
    char *text = mem_printf("%.*s", (int)v.len, v.data);
    file_view_close(&v);
    free(path);
    return text;
}

static void a_failed_program_is_quoted(void **state) {
    (void)state;
    const char *const fails[] = {"sh", "-c", "echo one >&2; echo two >&2; exit 3", NULL};
    const char *const works[] = {"sh", "-c", "test -r figure.c", NULL};
    const char *const none[] = {"m3-no-such-program", NULL};
    Err err = {0};
    assert_int_equal(process_run(fails, NULL, &err), -1);
    assert_string_equal(err.msg, "sh failed (exit 3): two");
    assert_int_equal(process_run(works, "src/publish", &err), 0);
    assert_int_equal(process_run(none, NULL, &err), -1);
    assert_string_equal(err.msg, "m3-no-such-program: can't be run");
    assert_true(process_find("sh"));
    assert_true(process_find("/bin/sh"));
    assert_false(process_find("m3-no-such-program"));
}

static void a_program_is_not_looked_for_in_a_folder_that_path_names_from_here(void **state) {
    (void)state;
    char *path = mem_strdup(getenv("PATH")), *here = getcwd(NULL, 0), *dir = scratch_folder("path");
    char *file = file_join(dir, "m3-here");
    const char *const program[] = {"m3-here", NULL};
    FILE *f = fopen(file, "w");
    fputs("#!/bin/sh\n", f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(file, 0755), 0);
    setenv("PATH", dir, 1);
    assert_int_equal(process_run(program, NULL, NULL), 0);
    assert_int_equal(chdir(dir), 0);
    const char *const relative[] = {".", "", ":/nonexistent", ".:/nonexistent:"};
    for (size_t i = 0; i < sizeof relative / sizeof *relative; i++) {
        setenv("PATH", relative[i], 1);
        assert_false(process_find("m3-here"));
        assert_int_equal(process_run(program, dir, NULL), -1);
    }
    assert_int_equal(chdir(here), 0);
    setenv("PATH", path, 1);
    free(file);
    free(here);
    free(path);
    assert_int_equal(scratch_folder_remove(dir), 0);
}

static void begin(Figure *f, const char *dir) {
    Err err = {0};
    assert_int_equal(figure_begin(f, dir, "line", 320, 240, &err), 0);
    figure_block(f, "x y");
    fputs("0 1\n1 2\n", f->data);
    figure_block(f, "x y");
    fputs("0 2\n1 1\n", f->data);
}

static void it_is_drawn_as_svg_and_pdf(void **state) {
    (void)state;
    char *dir = scratch_folder("figure");
    Figure f;
    Err err = {0};
    begin(&f, dir);
    fputs("set title ", f.script);
    figure_quote(f.script, "it's a line");
    fputs("\nplot data index 0 with lines lc @M3 title 'up', data index 1 with lines lc @PARSIMON "
          "title 'down'\n",
          f.script);
    assert_int_equal(figure_end(&f, &err), 0);
    char *data = contents(dir, "line.dat");
    assert_string_equal(data, "# x y\n0 1\n1 2\n\n\n# x y\n0 2\n1 1\n");
    free(data);
    if (figure_can_draw()) {
        assert_int_equal(figure_draw(dir, "line", &err), 0);
        char *svg = contents(dir, "line.svg"), *pdf = contents(dir, "line.pdf");
        assert_non_null(strstr(svg, "it's a line"));
        assert_non_null(strstr(svg, "</svg>"));
        assert_int_equal(strncmp(pdf, "%PDF", 4), 0);
        free(svg);
        free(pdf);
    } else print_message("no gnuplot: nothing drawn\n");
    assert_int_equal(scratch_folder_remove(dir), 0);
}

/* Names and texts of anybody's files: with quotes, commands of gnuplot and of the shell. */
static const char hostile[] = "x';system('touch pwned');y=`touch pwned`\"\\\n} # @M3 {";

static void texts_are_only_texts(void **state) {
    (void)state;
    char *dir = scratch_folder("figure");
    Figure f;
    Err err = {0};
    assert_int_equal(figure_begin(&f, dir, "x';system('touch pwned');y='", 320, 240, &err), 0);
    figure_block(&f, hostile);
    figure_cell(&f, hostile);
    fputs(" 1\n", f.data);
    fputs("set title ", f.script);
    figure_quote(f.script, hostile);
    fputs(" noenhanced\nset xtics noenhanced (", f.script);
    figure_quote(f.script, hostile);
    fputs(" 0)\nplot data index 0 using 2:xtic(1) with points title ", f.script);
    figure_quote(f.script, hostile);
    fputc('\n', f.script);
    assert_int_equal(figure_end(&f, &err), 0);
    char *data = contents(dir, "x';system('touch pwned');y='.dat");
    assert_string_equal(data, "# x';system('touch pwned');y=`touch pwned`\"\\} # @M3 {\n"
                              "\"x';system('touch pwned');y=`touch pwned`'/} # @M3 {\" 1\n");
    free(data);
    if (figure_can_draw()) {
        assert_int_equal(figure_draw(dir, f.name, &err), 0);
        const char *const only[] = {"sh", "-c", "test $(ls -A | wc -l) = 4 && ! ls pwned", NULL};
        assert_int_equal(process_run(only, dir, &err), 0);
    } else print_message("no gnuplot: nothing drawn\n");
    assert_int_equal(scratch_folder_remove(dir), 0);
}

static void safe_names_differ(void **state) {
    (void)state;
    const char *const plain[] = {"7", "mixes-7", "a.b_c"};
    const char *const texts[] = {"a b", "a_b", "a/b", "a'b", hostile, "ä"};
    enum { N = sizeof texts / sizeof *texts };
    char *name[N], many[400] = {0};
    for (int i = 0; i < 3; i++) {
        char *same = figure_safe_name(plain[i]);
        assert_string_equal(same, plain[i]);
        free(same);
    }
    for (int i = 0; i < N; i++) {
        name[i] = figure_safe_name(texts[i]);
        assert_int_equal(name[i][strspn(name[i], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
                                                 "XYZ0123456789._-")],
                         '\0');
        for (int k = 0; k < i; k++) assert_string_not_equal(name[i], name[k]);
    }
    memset(many, 'a', sizeof many - 1);
    char *cut = figure_safe_name(many);
    assert_int_equal(strlen(cut), 120);
    free(cut);
    for (int i = 0; i < N; i++) free(name[i]);
}

static void a_script_that_fails_leaves_the_old_picture(void **state) {
    (void)state;
    if (!figure_can_draw()) skip();
    char *dir = scratch_folder("figure");
    Figure f;
    Err err = {0};
    begin(&f, dir);
    fputs("plot data index 0 with lines\n", f.script);
    assert_int_equal(figure_end(&f, &err), 0);
    assert_int_equal(figure_draw(dir, "line", &err), 0);
    begin(&f, dir);
    fputs("plot nonsense(\n", f.script);
    assert_int_equal(figure_end(&f, &err), 0);
    assert_int_equal(figure_draw(dir, "line", &err), -1);
    assert_non_null(strstr(err.msg, "line.gp: gnuplot failed"));
    char *svg = contents(dir, "line.svg");
    assert_non_null(strstr(svg, "</svg>"));
    free(svg);
    const char *const only[] = {"sh", "-c", "test $(ls -A | wc -l) = 4", NULL};
    assert_int_equal(process_run(only, dir, &err), 0);
    assert_int_equal(scratch_folder_remove(dir), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_program_is_quoted),
        cmocka_unit_test(a_program_is_not_looked_for_in_a_folder_that_path_names_from_here),
        cmocka_unit_test(it_is_drawn_as_svg_and_pdf),
        cmocka_unit_test(texts_are_only_texts),
        cmocka_unit_test(safe_names_differ),
        cmocka_unit_test(a_script_that_fails_leaves_the_old_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
