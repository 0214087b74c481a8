/* html: pieces of a page that is readable without style, scripts or sight. */
#ifndef M3_PUBLISH_HTML_H
#define M3_PUBLISH_HTML_H
#include <stdio.h>

#include "base/diag.h"

/* html_text writes text with everything escaped that means something in HTML, within attributes as
 * well; control characters become U+FFFD. */
void html_text(FILE *f, const char *text);
/* html_print formats a text and writes it so. */
void html_print(FILE *f, const char *fmt, ...) DIAG_PRINTF(2, 3);

/* html_table_begin begins a table with a caption and a row of column headings (NULL-ended), of
 * which the first is that of the row headings. It scrolls inside a box of its own, which the
 * keyboard reaches. html_row_begin begins a row (css: its class, or NULL) with its heading;
 * html_cell and html_cell_bar write a cell, the latter with a bar of that share (0 to 1) of the
 * cell's width. */
void html_table_begin(FILE *f, const char *caption, const char *const *columns);
void html_row_begin(FILE *f, const char *css, const char *fmt, ...) DIAG_PRINTF(3, 4);
void html_cell(FILE *f, const char *fmt, ...) DIAG_PRINTF(2, 3);
void html_cell_bar(FILE *f, double share, const char *fmt, ...) DIAG_PRINTF(3, 4);
/* html_cell_small writes a cell with a second line in small print; either may be empty. */
void html_cell_small(FILE *f, const char *large, const char *small);
void html_row_end(FILE *f);
void html_table_end(FILE *f);

/* html_details_begin begins what is folded away under a summary. */
void html_details_begin(FILE *f, const char *summary);
void html_details_end(FILE *f);
#endif
