/* manual: man pages, made of the tables that --help prints.
 *
 * The pages are in the man macros, which every formatter knows, and in ASCII: whatever else a text
 * holds is written by its number. A command's details are prose, filled anew, and lines indented by
 * two spaces, which are its examples. The hyphen is the character of that name throughout, so that
 * what is copied from a page can be typed. */
#include "cli/manual.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

#if !defined(M3_VERSION) || !defined(M3_RELEASED)
#error "M3_VERSION and M3_RELEASED come from the Makefile"
#endif

/* ---- text ---- */

/* Reads the character at *s, UTF-8, and moves on; a stray byte is taken as Latin-1. */
static unsigned next_char(const char **s) {
    const unsigned char *p = (const unsigned char *)*s;
    unsigned c = *p++;
    int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
    if (more) c &= 0x3fU >> more;
    for (; more > 0 && (*p & 0xc0) == 0x80; more--) c = c << 6 | (*p++ & 0x3fU);
    *s = (const char *)p;
    return c;
}

/* Writes n bytes of a line, which `first` says are its beginning. */
static void put_chars(FILE *f, const char *s, size_t n, bool first) {
    for (const char *end = s + n; s < end; first = false) {
        unsigned c = next_char(&s);
        if (first && (c == '.' || c == '\'')) fputs("\\&", f);
        if (c == '\\') fputs("\\e", f);
        else if (c == '-') fputs("\\-", f);
        else if (c < 0x80) fputc((int)c, f);
        else fprintf(f, "\\[u%04X]", c);
    }
}

static void put_word(FILE *f, const char *font, const char *s, size_t n) {
    fprintf(f, "\\f%s", font);
    put_chars(f, s, n, false);
    fputs("\\fR", f);
}

static size_t line_length(const char *s) { return strcspn(s, "\n"); }

static const char *next_line(const char *s) {
    s += line_length(s);
    return *s ? s + 1 : s;
}

/* A line of prose, as one or more lines, for the formatter to fill. */
static void put_prose_line(FILE *f, const char *s, size_t n) {
    enum { MOST = 60 }; /* of the text's bytes; some take several in the page */
    size_t column = 0;
    for (const char *end = s + n; s < end;) {
        size_t blanks = strspn(s, " "), len = strcspn(s + blanks, " \n");
        s += blanks;
        if (len == 0) break;
        bool first = column == 0 || column + len > MOST;
        if (column > 0) fputc(first ? '\n' : ' ', f);
        put_chars(f, s, len, first);
        column = (first ? 0 : column) + len + 1;
        s += len;
    }
    fputc('\n', f);
}

static void put_prose(FILE *f, const char *s) {
    for (; *s; s = next_line(s)) put_prose_line(f, s, line_length(s));
}

/* Lines as they are. */
static void put_verbatim(FILE *f, const char *s) {
    fputs(".nf\n", f);
    for (; *s; s = next_line(s)) {
        put_chars(f, s, line_length(s), true);
        fputc('\n', f);
    }
    fputs(".fi\n", f);
}

/* ---- parts of a page ---- */

/* "" → "m3", "batch report" → "m3-batch-report"; caller frees. */
static char *page_name(const char *name) {
    char *page;
    size_t len;
    FILE *f = mem_stream_open(&page, &len);
    fputs("m3", f);
    if (*name) fputc('-', f);
    for (; *name; name++) fputc(*name == ' ' ? '-' : *name, f);
    mem_stream_close(f);
    return page;
}

static void put_head(FILE *f, const char *name, int section, const char *summary) {
    char *page = page_name(name);
    fputs(".TH ", f);
    for (const char *c = page; *c; c++)
        fputs(*c == '-' ? "\\-" : (char[]){(char)toupper(*c), 0}, f);
    fprintf(f, " %d \"%s\" \"m3 %s\" \"%s\"\n.SH NAME\n", section, M3_RELEASED, M3_VERSION,
            section == 1 ? "User commands" : "m3 manual");
    put_chars(f, page, strlen(page), true);
    fputs(" \\-\n", f);
    put_prose(f, summary);
    free(page);
}

/* A line of a usage text: options and words to be typed bold, what stands for a value in italics.
 */
static void put_usage_line(FILE *f, const char *s, size_t n) {
    static const char name_chars[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
        "-=_";
    for (const char *end = s + n; s < end;) {
        size_t len = strspn(s, name_chars), upper = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ=_");
        bool stands_for = upper == len || (len == 7 && strncmp(s, "options", len) == 0);
        const char *from = s;
        if (len == 0) next_char(&s);
        else s += len;
        if (len == 0) put_chars(f, from, (size_t)(s - from), false);
        else put_word(f, stands_for ? "I" : "B", from, len);
    }
    fputc('\n', f);
}

static void put_usage(FILE *f, const char *s) {
    fputs(".SH SYNOPSIS\n", f);
    for (; *s; s = next_line(s)) {
        s += strspn(s, " ");
        fputs(".HP\n", f);
        put_usage_line(f, s, line_length(s));
    }
}

/* "-q: no remarks" of an option with a short form: the length of "-q: ", else 0. */
static size_t short_form(const CliOption *o) {
    return o->help[0] == '-' && o->help[1] && strncmp(o->help + 2, ": ", 2) == 0 ? 4 : 0;
}

static void put_options(FILE *f, const CliOption *o) {
    const char *group = "";
    for (; o->name; o++) {
        if (strcmp(group, o->group) != 0) fprintf(f, ".SS %s\n", group = o->group);
        fputs(".TP\n", f);
        if (short_form(o)) fprintf(f, "\\fB\\-%c\\fR, ", o->help[1]);
        fputs("\\fB\\-\\-", f);
        put_chars(f, o->name, strlen(o->name), false);
        fputs("\\fR", f);
        if (o->arg) fputc(' ', f);
        if (o->arg) put_word(f, "I", o->arg, strlen(o->arg));
        fputc('\n', f);
        put_prose(f, o->help + short_form(o));
    }
}

/* "Examples:" */
static bool is_heading(const char *s) { return strncmp(s, "Example", 7) == 0; }

static bool is_example(const char *s) { return strncmp(s, "  ", 2) == 0; }

/* The prose of a command's details. */
static void put_description(FILE *f, const char *s) {
    bool open = false; /* a paragraph is to begin before the next line */
    fputs(".SH DESCRIPTION\n", f);
    for (; *s; s = next_line(s)) {
        if (line_length(s) == 0) open = true;
        if (line_length(s) == 0 || is_heading(s) || is_example(s)) continue;
        if (open) fputs(".PP\n", f);
        open = false;
        put_prose_line(f, s, line_length(s));
    }
}

static void put_examples(FILE *f, const char *s) {
    bool any = false;
    for (; *s; s = next_line(s)) {
        if (!is_example(s)) continue;
        if (!any) fputs(".SH EXAMPLES\n.nf\n", f);
        any = true;
        put_chars(f, s + 2, line_length(s) - 2, true);
        fputc('\n', f);
    }
    if (any) fputs(".fi\n", f);
}

static void put_reference(FILE *f, const char *name, int section) {
    char *page = page_name(name);
    put_word(f, "B", page, strlen(page));
    fprintf(f, "(%d)", section);
    free(page);
}

static void put_see_also(FILE *f, const CliProgram *program, const CliCommand *cmd) {
    fputs(".SH SEE ALSO\n\\fBm3\\fR(1)", f);
    for (const CliCommand *const *sub = cmd ? cmd->subcommands : NULL; sub && *sub; sub++) {
        fputs(",\n", f);
        put_reference(f, (*sub)->name, 1);
    }
    for (const CliTopic *topic = program->topics; cmd && topic->name; topic++) {
        fputs(",\n", f);
        put_reference(f, topic->name, 7);
    }
    fputc('\n', f);
}

/* ---- pages ---- */

static void put_exit_status(FILE *f) {
    fputs(".SH EXIT STATUS\n"
          ".TP\n0\nDone.\n"
          ".TP\n1\nSomething failed, or a limit that was asked for is exceeded.\n"
          ".TP\n2\nUsage or input is wrong; one line on standard error says what.\n"
          ".TP\n130\nInterrupted.\n",
          f);
}

static void put_command(FILE *f, const CliProgram *program, const CliCommand *cmd) {
    const char *details = cmd->details ? cmd->details : "";
    put_head(f, cmd->name, 1, cmd->summary);
    put_usage(f, cmd->usage);
    if (*details) put_description(f, details);
    fputs(".SH OPTIONS\n", f);
    put_options(f, cmd->options);
    put_options(f, cli_common_options);
    put_examples(f, details);
    put_exit_status(f);
    put_see_also(f, program, cmd);
}

static void put_topic(FILE *f, const CliProgram *program, const CliTopic *topic) {
    char *text;
    size_t len;
    FILE *memory = mem_stream_open(&text, &len);
    topic->print(memory);
    mem_stream_close(memory);
    put_head(f, topic->name, 7, topic->summary);
    fputs(".SH DESCRIPTION\n", f);
    put_verbatim(f, text);
    put_see_also(f, program, NULL);
    free(text);
}

static void put_entry(FILE *f, const char *name, int section, const char *summary) {
    fputs(".TP\n", f);
    put_reference(f, name, section);
    fputc('\n', f);
    put_prose(f, summary);
}

static void put_program(FILE *f, const CliProgram *program) {
    put_head(f, "", 1, "slowdowns of flows in data-centre networks");
    put_usage(f, "m3 COMMAND [options]\nm3 help [COMMAND | TOPIC]\nm3 --version");
    fputs(".SH DESCRIPTION\n", f);
    put_prose(f,
              "m3 estimates how much slower than ideal flows finish in a data-centre network.\n"
              "m3 help COMMAND, or m3 COMMAND --help, prints what the command's page here says.");
    fputs(".SH COMMANDS\n", f);
    for (const CliCommand *const *c = program->commands; *c; c++)
        put_entry(f, (*c)->name, 1, (*c)->summary);
    fputs(".SH TOPICS\n", f);
    for (const CliTopic *topic = program->topics; topic->name; topic++)
        put_entry(f, topic->name, 7, topic->summary);
    fputs(".SH OPTIONS\nEvery command has these beside its own.\n", f);
    put_options(f, cli_common_options);
    fputs(
        ".SH FILES\n"
        ".TP\n\\fIPREFIX\\fR/share/m3/spec\n"
        "topologies, mixes and flow sizes, found by name: \\fB\\-\\-topo clos\\-16.json\\fR\n"
        ".TP\n\\fIPREFIX\\fR/share/m3/ckpts/default\n"
        "the checkpoint that is used unless \\fB\\-\\-ckpt\\fR names one\n"
        ".SH ENVIRONMENT\n"
        ".TP\nTMPDIR\nwhere temporary files without a place of their own go (/tmp)\n"
        ".TP\nPATH\nwhere \\fBgnuplot\\fR is looked for\n"
        ".TP\nM3_TORCH_PLUGIN\nthe plug-in that \\fBm3 train\\fR loads, if not the one beside m3\n"
        ".TP\nM3_MPI_PLUGIN\nthe plug-in by which m3 joins the ranks of \fBmpirun\fR, if not the "
        "one beside m3; off: each process runs alone\n",
        f);
    put_exit_status(f);
    fputs(".SH SEE ALSO\n\\fBgnuplot\\fR(1)\n", f);
}

/* What is to be written: cmd, topic, or the page of m3 itself. */
static int write_page(const CliProgram *program, const CliCommand *cmd, const CliTopic *topic,
                      const char *dir, Err *err) {
    char *name = page_name(cmd     ? cmd->name
                           : topic ? topic->name
                                   : ""),
         *stem = file_join(dir, name);
    char *path = MEM_NEW(char, strlen(stem) + 3);
    FileOut out;
    sprintf(path, "%s.%d", stem, topic ? 7 : 1);
    int rc = file_out_open(&out, path, err);
    if (rc == 0) {
        if (cmd) put_command(out.f, program, cmd);
        else if (topic) put_topic(out.f, program, topic);
        else put_program(out.f, program);
        rc = file_out_commit(&out, err);
    }
    free(path);
    free(stem);
    free(name);
    return rc;
}

static int write_command(const CliProgram *program, const CliCommand *cmd, const char *dir,
                         Err *err) {
    int rc = write_page(program, cmd, NULL, dir, err);
    for (const CliCommand *const *sub = cmd->subcommands; rc == 0 && sub && *sub; sub++)
        rc = write_command(program, *sub, dir, err);
    return rc;
}

int manual_write(const CliProgram *program, const char *dir, Err *err) {
    if (file_mkdirs(dir, err) != 0 || write_page(program, NULL, NULL, dir, err) != 0) return -1;
    for (const CliCommand *const *c = program->commands; *c; c++)
        if (write_command(program, *c, dir, err) != 0) return -1;
    for (const CliTopic *topic = program->topics; topic->name; topic++)
        if (write_page(program, NULL, topic, dir, err) != 0) return -1;
    return 0;
}
