/* publish: a figure's data and its gnuplot script.
 *
 * gnuplot is Debian's gnuplot-nox; it is run, not linked, since pictures are the one thing that m3
 * can do without. The script draws the same commands twice, as SVG and as PDF, in a loop over the
 * two forms; its output names can be changed from outside (`gnuplot -e "base='x'" NAME.gp`), which
 * figure_draw uses to draw beside the places of the pictures.
 *
 * Texts and names may come from anybody's files. gnuplot runs what stands between backquotes, and
 * statements after a ';', but neither within single quotes: texts go there and nowhere else. */
#include "publish/figure.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/process.h"

static int open_beside(FileOut *o, const char *dir, const char *name, const char *ending,
                       Err *err) {
    char *path = mem_printf("%s/%s.%s", dir, name, ending);
    int rc = file_out_open(o, path, err);
    free(path);
    return rc;
}

const char *const figure_curve_colours[FIGURE_N_CURVES] = {
    FIGURE_SIZE_3, FIGURE_SIZE_1, FIGURE_SIZE_2, FIGURE_SIZE_4, FIGURE_INK, FIGURE_GREEN};

/* Macros of every script: what a colour stands for. */
static const char macros[] = "M3 = \"'" FIGURE_BLUE "'\"\n"
                             "PARSIMON = \"'" FIGURE_ORANGE "'\"\n"
                             "TRUTH = \"'" FIGURE_INK "'\"\n"
                             "PUBLISHED = \"'" FIGURE_GREEN "'\"\n"
                             "OTHER = \"'" FIGURE_PURPLE "'\"\n";

/* What is safe in a file's name, in any program. */
static bool is_plain(char c) {
    return isalnum((unsigned char)c) || c == '.' || c == '_' || c == '-';
}

static void begin_script(FILE *f, const char *name, int width, int height) {
    char id[64]; /* of the drawing, for pages that hold several: gnuplot takes letters and digits */
    snprintf(id, sizeof id, "%s", name);
    for (char *c = id; *c; c++)
        if (!isalnum((unsigned char)*c)) *c = '_';
    char *data = mem_printf("%s.dat", name);
    fputs("# Draws NAME.svg and NAME.pdf from NAME.dat: gnuplot NAME.gp\n", f);
    fputs("if (!exists(\"base\")) base = ", f);
    figure_quote(f, name);
    fputs("\ndata = ", f);
    figure_quote(f, data);
    fputs("\nset macros\n", f);
    free(data);
    fputs(macros, f);
    fprintf(f, "do for [form in \"svg pdf\"] {\n");
    fprintf(f, "if (form eq \"svg\") {\n");
    fprintf(f, "set terminal svg size %d,%d dynamic font 'sans-serif,13' name '%s'\n} else {\n",
            width, height, id);
    fprintf(f, "set terminal pdfcairo size %.2f,%.2f font 'sans-serif,10'\n}\n", width / 144.0,
            height / 144.0);
    fputs("set output base.'.'.form\nset grid lc rgb '" FIGURE_GRID "' lw 0.5\n", f);
    fputs("set border 3 lc rgb '#808080'\nset tics nomirror out scale 0.5 tc rgb '#404040'\n", f);
    fputs("set key noenhanced samplen 2\n", f);
}

int figure_begin(Figure *f, const char *dir, const char *name, int width, int height, Err *err) {
    *f = (Figure){.dir = dir, .name = name, .width = width, .height = height};
    if (open_beside(&f->data_file, dir, name, "dat", err) != 0) return -1;
    if (open_beside(&f->script_file, dir, name, "gp", err) != 0) {
        file_out_abort(&f->data_file);
        return -1;
    }
    f->data = f->data_file.f;
    f->script = f->script_file.f;
    begin_script(f->script, name, width, height);
    return 0;
}

void figure_block(Figure *f, const char *heading) {
    if (ftell(f->data) > 0) fputs("\n\n", f->data);
    fputs("# ", f->data);
    for (; *heading; heading++)
        if ((unsigned char)*heading >= ' ') fputc(*heading, f->data);
    fputc('\n', f->data);
}

void figure_cell(Figure *f, const char *text) {
    fputc('"', f->data);
    for (; *text; text++) {
        if (*text == '"') fputc('\'', f->data);
        else if (*text == '\\') fputc('/', f->data);
        else if ((unsigned char)*text >= ' ') fputc(*text, f->data);
    }
    fputc('"', f->data);
}

char *figure_safe_name(const char *text) {
    enum { MOST = 120, HASH = 16 };
    size_t n = strlen(text);
    bool same = n <= MOST;
    char *name = mem_printf("%.*s", MOST - HASH - 1, text);
    for (const char *c = text; *c; c++) same &= is_plain(*c);
    for (char *c = name; *c; c++)
        if (!is_plain(*c)) *c = '_';
    char *out =
        same ? mem_strdup(text)
             : mem_printf("%s-%0*llx", name, HASH, (unsigned long long)file_checksum(text, n));
    free(name);
    return out;
}

int figure_end(Figure *f, Err *err) {
    fputs("unset output\n}\n", f->script);
    int rc = file_out_commit(&f->data_file, err);
    if (rc != 0) file_out_abort(&f->script_file);
    else rc = file_out_commit(&f->script_file, err);
    return rc;
}

void figure_abort(Figure *f) {
    file_out_abort(&f->data_file);
    file_out_abort(&f->script_file);
}

bool figure_can_draw(void) { return process_find("gnuplot"); }

void figure_quote(FILE *f, const char *text) {
    fputc('\'', f);
    for (; *text; ++text) {
        if (*text == '\'') fputc('\'', f);
        if ((unsigned char)*text >= ' ') fputc(*text, f);
    }
    fputc('\'', f);
}

/* Renames what was drawn under the temporary name, or removes it. */
static int put_in_place(const char *dir, const char *base, const char *name, const char *form,
                        bool keep, Err *err) {
    char *from = mem_printf("%s/%s.%s", dir, base, form);
    char *to = mem_printf("%s/%s.%s", dir, name, form);
    int rc = 0;
    if (!keep) remove(from);
    else if (rename(from, to) != 0)
        rc = err_io(err, "%s: can't be put into place: %s", to, strerror(errno));
    free(from);
    free(to);
    return rc;
}

/* The gnuplot command base='TEXT'; caller frees. */
static char *define_base(const char *text) {
    char *out = NULL;
    size_t n;
    FILE *f = mem_stream_open(&out, &n);
    fputs("base=", f);
    figure_quote(f, text);
    mem_stream_close(f);
    return out;
}

int figure_draw(const char *dir, const char *name, Err *err) {
    static const char *const forms[] = {"svg", "pdf"};
    char *base = mem_printf(".%s.tmp%ld", name, (long)getpid());
    char *define = define_base(base), *script = mem_printf("./%s.gp", name);
    const char *argv[] = {"gnuplot", "-e", define, script, NULL};
    int rc = process_run(argv, dir, err);
    if (rc != 0 && !diag_stop_requested()) err_wrap(err, "%s/%s.gp", dir, name);
    bool keep = rc == 0;
    for (size_t i = 0; i < 2; ++i) {
        Err *first = rc == 0 ? err : NULL;
        if (put_in_place(dir, base, name, forms[i], keep, first) != 0) rc = -1;
    }
    free(base);
    free(define);
    free(script);
    return rc;
}
