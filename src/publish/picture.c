/* picture: what gnuplot draws, as part of the page.
 *
 * A figure (publish/figure.h) is drawn into a folder, the user's or a temporary one, and its SVG is
 * copied into the page with these changes:
 *
 *   colours      become variables of the page's style, which differ in light and dark
 *   prolog, ids  are left out: a page must have no id twice, and it has a title of its own
 *   symbols      of points are taken from the first picture that has them
 *   groups       without content, of which gnuplot writes many, are left out
 *
 * The copy is read tag by tag. Text between tags is gnuplot's, which escapes it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "publish/page_private.h"

/* ---- the folder ---- */

int picture_open(Page *p, Err *err) {
    const char *figures = p->options->figures, *tmp = getenv("TMPDIR");
    p->draw = figure_can_draw();
    if (figures) {
        p->folder = mem_strdup(figures);
        return file_mkdirs(figures, err);
    }
    if (!p->draw) return 0;
    p->folder = mem_printf("%s/m3-report-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (mkdtemp(p->folder)) return 0;
    err_io(err, "%s: can't make a folder for pictures", p->folder);
    free(p->folder);
    p->folder = NULL;
    return -1;
}

void picture_close(Page *p) {
    if (p->folder && !p->options->figures) file_remove_folder(p->folder);
    free(p->folder);
    p->folder = NULL;
}

/* ---- from gnuplot's SVG to the page's ---- */

/* Colours of figures, and the style's names for them. */
static const struct {
    const char *colour, *name;
} colours[] = {
    {FIGURE_BLUE, "c-blue"},     {FIGURE_ORANGE, "c-orange"}, {FIGURE_INK, "c-ink"},
    {FIGURE_GREEN, "c-green"},   {FIGURE_PURPLE, "c-purple"}, {FIGURE_GRID, "c-grid"},
    {FIGURE_SIZE_1, "c-size-1"}, {FIGURE_SIZE_2, "c-size-2"}, {FIGURE_SIZE_3, "c-size-3"},
    {FIGURE_SIZE_4, "c-size-4"},
};

/* Writes the colour at s ("rgb(…)") and returns where it ends; NULL if there is none. */
static const char *put_colour(FILE *f, const char *s) {
    static const char *const before[] = {"rgb(", ",", ","};
    unsigned part[3];
    char colour[16], *end;
    for (int i = 0; i < 3; i++) {
        size_t n = strlen(before[i]);
        if (strncmp(s, before[i], n) != 0) return NULL;
        part[i] = (unsigned)strtol(s + n, &end, 10) & 255;
        if (end == s + n) return NULL;
        s = end + strspn(end, " ");
    }
    if (*s++ != ')') return NULL;
    snprintf(colour, sizeof colour, "#%02x%02x%02x", part[0], part[1], part[2]);
    size_t i = 0;
    while (i < sizeof colours / sizeof *colours && strcmp(colours[i].colour, colour) != 0) i++;
    if (i < sizeof colours / sizeof *colours) fprintf(f, "var(--%s)", colours[i].name);
    else fputs(colour, f);
    return s;
}

/* Texts within tags and what becomes of them. */
static const struct {
    const char *from, *to;
} words[] = {
    {"\"black\"", "\"var(--c-ink)\""},
    {"'black'", "'var(--c-ink)'"},
    {"\"white\"", "\"var(--c-paper)\""},
    {"'white'", "'var(--c-paper)'"},
    {"\"gray\"", "\"var(--c-grid)\""},
    {" font-family=\"sans-serif\"", ""},
    {" id=\"gnuplot_canvas\"", ""},
    {" class=\"gridline\"", ""},
    {" stroke-linecap=\"butt\" stroke-linejoin=\"miter\"", ""},
};

static void put_tag(FILE *f, const char *s, const char *end) {
    while (s < end) {
        const char *after = put_colour(f, s);
        for (size_t i = 0; !after && i < sizeof words / sizeof *words; i++) {
            size_t n = strlen(words[i].from);
            if (strncmp(s, words[i].from, n) != 0) continue;
            fputs(words[i].to, f);
            after = s + n;
        }
        if (!after) {
            fputc(*s == '\n' ? ' ' : *s, f);
            after = s + 1;
        }
        s = after;
    }
}

static bool begins(const char *s, const char *with) { return strncmp(s, with, strlen(with)) == 0; }

/* Where the tag at s ends. */
static const char *tag_end(const char *s) {
    const char *end = strchr(s, '>');
    return end ? end + 1 : s + strlen(s);
}

static const char *skip_space(const char *s) { return s + strspn(s, " \t\r\n"); }

/* Returns where an element without content ends that begins at s; NULL if s is none. */
static const char *empty_group(const char *s) {
    if (!begins(s, "<g ")) return NULL;
    const char *next = skip_space(tag_end(s));
    return begins(next, "</g>") ? next + 4 : NULL;
}

/* Copies from the first "<g" on, up to the last "</svg>". */
static void put_body(Page *p, const char *svg) {
    const char *s = strstr(svg, "<g "), *end = strstr(svg, "</svg>");
    bool symbols = !p->has_symbols;
    while (s && end && s < end) {
        const char *after = empty_group(s),
                   *defs = begins(s, "<defs>") ? strstr(s, "</defs>") : NULL;
        if (after) s = skip_space(after);
        else if (defs && !symbols) s = defs + strlen("</defs>");
        else if (*s == '<') {
            put_tag(p->f, s, tag_end(s));
            s = tag_end(s);
        } else if (*s == '\n' || *s == '\t') {
            const char *next = skip_space(s);
            if (*next != '<') fputc(' ', p->f);
            s = next;
        } else fputc(*s++, p->f);
    }
    p->has_symbols = true;
}

static void put_svg(Page *p, const PictureText *t, const char *svg) {
    fprintf(p->f, "<svg class=\"plot\" role=\"img\" viewBox=\"0 0 %d %d\" ", t->width, t->height);
    fprintf(p->f, "aria-labelledby=\"%s-t %s-d\" xmlns:xlink=\"http://www.w3.org/1999/xlink\">",
            t->name, t->name);
    fprintf(p->f, "<title id=\"%s-t\">", t->name);
    html_text(p->f, t->title);
    fprintf(p->f, "</title><desc id=\"%s-d\">", t->name);
    html_text(p->f, t->description);
    fputs("</desc>\n", p->f);
    put_body(p, svg);
    fputs("</svg>\n", p->f);
}

/* ---- one picture ---- */

static int embed(Page *p, const PictureText *t, Err *err) {
    FileView v;
    char *path = mem_printf("%s/%s.svg", p->folder, t->name);
    int rc = file_view(&v, path, err);
    if (rc == 0) {
        char *svg = mem_printf("%.*s", (int)v.len, v.data);
        put_svg(p, t, svg);
        free(svg);
        file_view_close(&v);
    }
    free(path);
    return rc;
}

void picture_missing(Page *p) {
    fputs("<p class=\"missing\">No picture: gnuplot is not installed where this page was made. "
          "The numbers are in the table.</p>\n",
          p->f);
}

int picture_frame(Page *p, const PictureText *t, bool drawn, const char *caption, Err *err) {
    int rc = 0;
    fputs("<figure>\n", p->f);
    if (drawn) rc = embed(p, t, err);
    else if (!p->draw) picture_missing(p);
    fputs("<figcaption>", p->f);
    html_text(p->f, caption);
    fputs("</figcaption></figure>\n", p->f);
    return rc;
}

int picture_put(Page *p, const PictureText *t, void (*write)(Figure *f, const void *ctx),
                const void *ctx, Err *err) {
    Figure f;
    if (p->folder) {
        if (figure_begin(&f, p->folder, t->name, t->width, t->height, err) != 0) return -1;
        write(&f, ctx);
        if (figure_end(&f, err) != 0) return -1;
        if (p->draw && figure_draw(p->folder, t->name, err) != 0) return -1;
    }
    return picture_frame(p, t, p->draw, t->title, err);
}
