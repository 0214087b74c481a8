/* figure: a picture that users can restyle: its numbers, its gnuplot script, and what gnuplot makes
 * of the two.
 *
 *     DIR/NAME.dat   blocks of columns, each with a comment line above: gnuplot's index 0, 1, …
 *     DIR/NAME.gp    draws them; "gnuplot NAME.gp" in DIR draws again
 *     DIR/NAME.svg   and NAME.pdf
 */
#ifndef M3_PUBLISH_FIGURE_H
#define M3_PUBLISH_FIGURE_H
#include <stdbool.h>
#include <stdio.h>

#include "base/diag.h"
#include "base/file.h"

/* The colours of all figures, which the page's style has variables for (publish/picture.c). They
 * differ in lightness as well as in hue, so that they can be told apart in grey and by colour-blind
 * readers. SIZE_1 to _4 are of size buckets. */
#define FIGURE_BLUE "#1f6fb4"
#define FIGURE_ORANGE "#d9822b"
#define FIGURE_INK "#333333"
#define FIGURE_GREEN "#7aa874"
#define FIGURE_PURPLE "#8a5aa8"
#define FIGURE_GRID "#d0d0d0"
#define FIGURE_SIZE_1 "#b85f0a"
#define FIGURE_SIZE_2 "#1c7d66"
#define FIGURE_SIZE_3 "#2b64c4"
#define FIGURE_SIZE_4 "#853a9e"
/* Those of curves that have no colour of their own, in order. */
enum { FIGURE_N_CURVES = 6 };
extern const char *const figure_curve_colours[FIGURE_N_CURVES];

typedef struct {
    const char *dir, *name;
    int width, height; /* pixels, of the SVG */
    FileOut data_file, script_file;
    FILE *data, *script; /* written to by the user, between begin and end */
    bool drawn;          /* by gnuplot, just now; set by who had it drawn */
} Figure;

/* figure_begin opens both files; dir and name are kept, not copied. The script already holds what
 * is the same in all of them: width and height in pixels of the SVG, terminal, macros of colours,
 * grid; the caller writes gnuplot commands, which are run once for each output form. −1 with err;
 * nothing is left behind. Exactly one of figure_end and figure_abort must follow success. */
int figure_begin(Figure *f, const char *dir, const char *name, int width, int height, Err *err);
/* figure_block begins a block of data under a heading that says what its columns are. */
void figure_block(Figure *f, const char *heading);
/* figure_cell writes a text as one column of data; what gnuplot would read otherwise is replaced.
 */
void figure_cell(Figure *f, const char *text);
/* figure_safe_name returns a name for a figure's files made of any text: letters, digits, '.', '_'
 * and '-', at most 120 of them. Where it isn't the text itself, it ends in a hash of that, so that
 * different texts have different names; caller frees. */
char *figure_safe_name(const char *text);
/* figure_end puts both files into place; −1 with err if they can't be written. */
int figure_end(Figure *f, Err *err);
void figure_abort(Figure *f);

/* figure_can_draw returns whether gnuplot is installed. */
bool figure_can_draw(void);
/* figure_draw runs gnuplot on DIR/NAME.gp. The pictures are drawn beside their places and renamed:
 * an interruption leaves the old ones. −1 with err. */
int figure_draw(const char *dir, const char *name, Err *err);
/* figure_quote writes `text` to f as a gnuplot string in single quotes, in which nothing is run or
 * replaced; control characters are left out. */
void figure_quote(FILE *f, const char *text);
#endif
