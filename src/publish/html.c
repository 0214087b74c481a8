/* html: escaped text, tables, details.
 *
 * All text goes through html_text, whether it is ours or a file's, so that no name can become
 * markup. Tables have a caption and headings of rows and columns, which screen readers announce
 * with every cell. */
#include "publish/html.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/mem.h"

void html_text(FILE *f, const char *text) {
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) switch (*c) {
        case '<': fputs("&lt;", f); break;
        case '>': fputs("&gt;", f); break;
        case '&': fputs("&amp;", f); break;
        case '"': fputs("&quot;", f); break;
        case '\'': fputs("&#39;", f); break;
        case '\n':
        case '\t': fputc(*c, f); break;
        default:
            if (*c < ' ' || *c == 0x7F) fputs("\xEF\xBF\xBD", f);
            else fputc(*c, f);
        }
}

static void print(FILE *f, const char *fmt, va_list ap) {
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    char *text = MEM_NEW(char, (size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, fmt, ap);
    html_text(f, text);
    free(text);
}

void html_print(FILE *f, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    print(f, fmt, ap);
    va_end(ap);
}

/* ---- tables ---- */

void html_table_begin(FILE *f, const char *caption, const char *const *columns) {
    fputs("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"", f);
    html_text(f, caption);
    fputs("\"><table>\n<caption>", f);
    html_text(f, caption);
    fputs("</caption>\n<thead><tr>", f);
    for (; *columns; columns++) {
        fputs("<th scope=\"col\">", f);
        html_text(f, *columns);
        fputs("</th>", f);
    }
    fputs("</tr></thead>\n<tbody>\n", f);
}

void html_row_begin(FILE *f, const char *css, const char *fmt, ...) {
    va_list ap;
    if (css) fprintf(f, "<tr class=\"%s\"><th scope=\"row\">", css);
    else fputs("<tr><th scope=\"row\">", f);
    va_start(ap, fmt);
    print(f, fmt, ap);
    va_end(ap);
    fputs("</th>", f);
}

void html_cell(FILE *f, const char *fmt, ...) {
    va_list ap;
    fputs("<td>", f);
    va_start(ap, fmt);
    print(f, fmt, ap);
    va_end(ap);
    fputs("</td>", f);
}

void html_cell_bar(FILE *f, double share, const char *fmt, ...) {
    va_list ap;
    fputs("<td class=\"bar\">", f);
    va_start(ap, fmt);
    print(f, fmt, ap);
    va_end(ap);
    if (!(share >= 0)) share = 0;
    fprintf(f, "<span style=\"width:%.1f%%\"></span></td>", 100 * fmin(share, 1));
}

void html_cell_small(FILE *f, const char *large, const char *small) {
    fputs("<td>", f);
    html_text(f, large);
    if (*small) {
        fputs(" <small>", f);
        html_text(f, small);
        fputs("</small>", f);
    }
    fputs("</td>", f);
}

void html_row_end(FILE *f) { fputs("</tr>\n", f); }
void html_table_end(FILE *f) { fputs("</tbody></table></div>\n", f); }

void html_details_begin(FILE *f, const char *summary) {
    fputs("<details><summary>", f);
    html_text(f, summary);
    fputs("</summary>\n", f);
}

void html_details_end(FILE *f) { fputs("</details>\n", f); }
