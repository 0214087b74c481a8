/* What the files of the page share. */
#ifndef M3_PUBLISH_PAGE_PRIVATE_H
#define M3_PUBLISH_PAGE_PRIVATE_H
#include <stdbool.h>

#include "base/json.h"
#include "estimate/report_read.h"
#include "publish/figure.h"
#include "publish/html.h"
#include "publish/page.h"

/* A heading that the contents list. */
typedef struct {
    char *id, *text;
    bool is_result;
} PageHeading;

typedef struct {
    FILE *f; /* the body */
    const PageOptions *options;
    const Log *log;
    const ReportResult *truth; /* NULL: none given */
    char *folder;              /* where pictures are drawn; NULL: nowhere */
    bool draw;                 /* gnuplot is there */
    bool has_symbols;          /* the symbols of gnuplot's points are on the page */
    size_t result;             /* the present one, from 0 */
    size_t section;
    const char *path; /* of the present result */
    char *subject;    /* what it is of, for the title; NULL: not told */
    bool is_series;   /* it has no slowdowns */
    bool is_links;    /* nor has this */
    bool is_sweep;    /* it is one: loads and tail are those of its best setting */
    PageHeading *headings;
    size_t n_headings, headings_cap;
} Page;

/* ---- page.c ---- */

/* page_section ends the section before and begins one; page_section_end ends the last. */
void page_section(Page *p, const char *heading);
void page_section_end(Page *p);
/* page_paragraph writes one. */
void page_paragraph(Page *p, const char *fmt, ...) DIAG_PRINTF(2, 3);
/* page_value returns a slowdown as text, page_percent a share, page_signed an error. */
typedef struct {
    char s[32];
} PageText;
PageText page_value(double x);
PageText page_percent(double share);
PageText page_signed(double share);
/* page_size_name returns "all flows", or the label of a distribution's flow sizes. */
const char *page_size_name(int dist);
/* page_range returns "4.49 to 5.14"; empty where the interval is nothing but the value. */
typedef struct {
    char s[72];
} PageRange;
PageRange page_range(const SlowdownQuantile *q);
/* page_find returns whether the object has the member, and it is not null. */
bool page_find(const Json *j, const char *key, Json *out);
/* page_number reads a member that may be missing or null: NAN then. */
int page_number(const Json *j, const char *key, double *x, Err *err);

/* page_style is the page's CSS, by line; NULL-ended. */
extern const char *const page_style[];

/* ---- picture.c ---- */

/* A picture's names: that of its files, its title, and a description for those who don't see it. */
typedef struct {
    const char *name, *title, *description;
    int width, height; /* pixels, in which fonts have 13 */
} PictureText;
/* picture_open makes the folder that pictures are drawn in; picture_close removes it unless it is
 * the user's. */
int picture_open(Page *p, Err *err);
void picture_close(Page *p);
/* picture_put has `write` write a figure's data and gnuplot commands, and puts what gnuplot makes
 * of them on the page; without gnuplot a sentence. −1 with err. */
int picture_put(Page *p, const PictureText *text, void (*write)(Figure *f, const void *ctx),
                const void *ctx, Err *err);
/* picture_frame puts NAME.svg of the pictures' folder on the page, if it was drawn just now, with a
 * caption below; without gnuplot a sentence, as picture_missing does. */
int picture_frame(Page *p, const PictureText *text, bool drawn, const char *caption, Err *err);
void picture_missing(Page *p);

/* ---- kinds of results, and parts of them; each −1 with err ---- */

/* page_slowdowns writes what distributions come to: figures, picture, table, and errors against the
 * truth if that was given. */
int page_slowdowns(Page *p, const Slowdowns *s, Err *err);
/* page_network draws a network's tiers or lists its links (member "network"); page_origin says
 * where the tail comes from (members "network" and "origin" of root). */
int page_network(Page *p, const Json *network, Err *err);
int page_origin(Page *p, const Json *root, Err *err);

/* page_asked says what an estimate or sweep is of: files, workload, settings, network. */
int page_asked(Page *p, const Json *root, Err *err);
/* page_remarks lists the member "remarks", if there are any. */
int page_remarks(Page *p, const Json *root, Err *err);
/* page_command writes the command that repeats the result, if its JSON has that. */
int page_command(Page *p, const Json *root, Err *err);

int page_estimate(Page *p, const Json *root, Err *err);
int page_sweep(Page *p, const Json *root, Err *err);
int page_compare(Page *p, const Json *root, Err *err);
int page_batch(Page *p, Err *err); /* the folder p->path */
int page_flows(Page *p, Err *err);
int page_series(Page *p, const FileView *v, Err *err);
/* page_is_series returns whether the text is a series of a simulation's ports. */
bool page_is_series(const char *text, size_t len);
int page_links(Page *p, const FileView *v, Err *err);
/* page_is_links returns whether the text is what a simulation's links did. */
bool page_is_links(const char *text, size_t len);
#endif
