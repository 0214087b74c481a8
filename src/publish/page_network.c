/* page_network: a network drawn as tiers with their loads, and where the tail comes from.
 *
 * Tiers are drawn where all links join neighbouring ones, from the top tier down to the hosts, each
 * pair of directions as two arrows whose width and colour follow the most loaded link; text beside
 * them has the same in numbers. Any other graph gets a sentence and the table. */
#include <math.h>
#include <string.h>

#include "base/units.h"
#include "estimate/origin.h"
#include "publish/page_private.h"

/* Links from one tier to another, as in the JSON. */
typedef struct {
    uint32_t from, to, n;
    double rate_bps, load_mean, load_max, tail_share; /* tail_share NAN: not known */
} TierLinks;

typedef struct {
    uint32_t n_hosts, n_switches, n_racks, n_pods, n_links, n_left_out;
    uint32_t n_tiers, tier_nodes[NETUSE_MAX_TIERS];
    size_t n_rows;
    TierLinks rows[ORIGIN_MAX_CLASSES];
} TierView;

/* ---- reading ---- */

static int read_row(const Json *j, TierLinks *row, Err *err) {
    if (json_need_u32(j, "from", NETUSE_MAX_TIERS - 1, &row->from, err) != 0 ||
        json_need_u32(j, "to", NETUSE_MAX_TIERS - 1, &row->to, err) != 0 ||
        json_need_u32(j, "links", UINT32_MAX, &row->n, err) != 0 ||
        json_need_number(j, "rate_bps", &row->rate_bps, err) != 0 ||
        json_need_number(j, "load_mean", &row->load_mean, err) != 0 ||
        json_need_number(j, "load_max", &row->load_max, err) != 0)
        return -1;
    return page_number(j, "tail_share", &row->tail_share, err);
}

static int read_network(const Json *j, TierView *t, Err *err) {
    Json nodes, rows, it;
    uint64_t n;
    *t = (TierView){0};
    if (json_need_u32(j, "hosts", UINT32_MAX, &t->n_hosts, err) != 0 ||
        json_need_u32(j, "switches", UINT32_MAX, &t->n_switches, err) != 0 ||
        json_need_u32(j, "racks", UINT32_MAX, &t->n_racks, err) != 0 ||
        json_need_u32(j, "pods", UINT32_MAX, &t->n_pods, err) != 0 ||
        json_need_u32(j, "links", UINT32_MAX, &t->n_links, err) != 0 ||
        json_need_u32(j, "links_left_out", UINT32_MAX, &t->n_left_out, err) != 0 ||
        json_need_array(j, "tier_nodes", &nodes, err) != 0 ||
        json_need_array(j, "tiers", &rows, err) != 0)
        return -1;
    if (json_len(&nodes) > NETUSE_MAX_TIERS)
        return json_fail(&nodes, err, "expected at most %d tiers", NETUSE_MAX_TIERS);
    if (json_len(&rows) > ORIGIN_MAX_CLASSES)
        return json_fail(&rows, err, "expected at most %d rows", ORIGIN_MAX_CLASSES);
    for (bool ok = json_first(&nodes, &it); ok; ok = json_next(&it)) {
        if (json_uint(&it, UINT32_MAX, &n, err) != 0) return -1;
        t->tier_nodes[t->n_tiers++] = (uint32_t)n;
    }
    for (bool ok = json_first(&rows, &it); ok; ok = json_next(&it))
        if (read_row(&it, &t->rows[t->n_rows++], err) != 0) return -1;
    return 0;
}

/* ---- names ---- */

/* The words of Clos networks with three or four tiers; "tier 4" elsewhere. */
static const char *tier_name(uint32_t n_tiers, uint32_t tier, bool many, char text[32]) {
    static const char *const one[] = {"host", "rack switch", "fabric switch", "spine switch"};
    static const char *const more[] = {"hosts", "rack switches", "fabric switches",
                                       "spine switches"};
    uint32_t word = tier == 2 && n_tiers == 3 ? 3 : tier;
    if (n_tiers <= 4 && word < 4) return many ? more[word] : one[word];
    if (tier < 2) return many ? more[tier] : one[tier];
    snprintf(text, 32, many ? "switches of tier %u" : "switch of tier %u", tier);
    return text;
}

/* "rack switch to host". */
typedef struct {
    char s[80];
} Hop;
static Hop hop_name(uint32_t n_tiers, uint32_t from, uint32_t to) {
    Hop h;
    char a[32], b[32];
    snprintf(h.s, sizeof h.s, "%s → %s", tier_name(n_tiers, from, false, a),
             tier_name(n_tiers, to, false, b));
    return h;
}

/* ---- tiers as a picture ---- */

enum { MAX_ROWS_A_PAIR = 2, MAX_DRAWN_TIERS = 6 };

static size_t count_rows(const TierView *t, uint32_t from, uint32_t to) {
    size_t n = 0;
    for (size_t i = 0; i < t->n_rows; i++) n += t->rows[i].from == from && t->rows[i].to == to;
    return n;
}

static bool is_tiered(const TierView *t) {
    if (t->n_tiers < 2 || t->n_tiers > MAX_DRAWN_TIERS || t->n_left_out > 0) return false;
    for (size_t i = 0; i < t->n_rows; i++) {
        const TierLinks *r = &t->rows[i];
        if (r->from + 1 != r->to && r->to + 1 != r->from) return false;
        if (count_rows(t, r->from, r->to) > MAX_ROWS_A_PAIR) return false;
    }
    return true;
}

static int colour_of(double load) { return load < 0.3 ? 1 : load < 0.6 ? 2 : load < 0.8 ? 3 : 4; }

/* Sizes of the drawing, in pixels at which fonts have 13. */
enum { WIDTH = 440, BOX = 40, ROW = 46, PAD = 14, COLUMN = WIDTH / 2 };

/* An arrow up or down in a column of width COLUMN at x, and its numbers. */
static void put_arrow(FILE *f, const TierLinks *r, int x, int y) {
    bool up = r->from < r->to;
    double wide = 3 + 7 * fmin(r->load_max, 1);
    int top = y + 2, bottom = y + ROW - 4, head = up ? top : bottom, tail = up ? bottom : top;
    int neck = head + (up ? 11 : -11);
    fprintf(f, "<g fill=\"var(--load-%d)\" stroke=\"none\">", colour_of(r->load_max));
    fprintf(f, "<path d=\"M%.1f %d L%.1f %d L%.1f %d L%.1f %d Z\"/>", x - wide / 2, tail,
            x + wide / 2, tail, x + wide / 2, neck, x - wide / 2, neck);
    fprintf(f, "<path d=\"M%d %d L%.1f %d L%.1f %d Z\"/></g>\n", x, head, x + wide / 2 + 5, neck,
            x - wide / 2 - 5, neck);
    fprintf(f, "<text class=\"text\" x=\"%d\" y=\"%d\" font-size=\"13\">", x + 18, y + 18);
    html_print(f, "%s × %s", units_count(r->n).s, units_rate(r->rate_bps).s);
    fprintf(f, "</text><text class=\"soft\" x=\"%d\" y=\"%d\" font-size=\"12\">", x + 18, y + 35);
    html_print(f, "load %s, up to %s", page_percent(r->load_mean).s, page_percent(r->load_max).s);
    fputs("</text>\n", f);
}

static void put_box(FILE *f, const TierView *t, uint32_t tier, int y) {
    char text[32];
    fprintf(f, "<rect class=\"box\" x=\"1\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"7\"/>", y,
            WIDTH - 2, BOX);
    fprintf(f, "<text class=\"name\" x=\"%d\" y=\"%d\" font-size=\"14\" text-anchor=\"middle\">",
            WIDTH / 2, y + BOX / 2 + 5);
    html_print(f, "%s %s", units_count(t->tier_nodes[tier]).s,
               tier_name(t->n_tiers, tier, t->tier_nodes[tier] != 1, text));
    fputs("</text>\n", f);
}

static int rows_between(const TierView *t, uint32_t low) {
    size_t up = count_rows(t, low, low + 1), down = count_rows(t, low + 1, low);
    return (int)(up > down ? up : down);
}

static void put_arrows(FILE *f, const TierView *t, uint32_t low, int y) {
    int n_up = 0, n_down = 0;
    for (size_t i = 0; i < t->n_rows; i++) {
        const TierLinks *r = &t->rows[i];
        if (r->from == low && r->to == low + 1) put_arrow(f, r, 24, y + ROW * n_up++);
        if (r->from == low + 1 && r->to == low) put_arrow(f, r, COLUMN + 24, y + ROW * n_down++);
    }
}

static void put_tiers(Page *p, const TierView *t) {
    int height = BOX + 2;
    for (uint32_t low = 0; low + 1 < t->n_tiers; low++)
        height += 2 * PAD + ROW * rows_between(t, low) + BOX;
    size_t id = p->result + 1;
    fprintf(p->f, "<figure>\n<svg class=\"tiers\" role=\"img\" viewBox=\"0 0 %d %d\" ", WIDTH,
            height);
    fprintf(p->f, "aria-labelledby=\"tiers-%zu-t tiers-%zu-d\"><title id=\"tiers-%zu-t\">", id, id,
            id);
    fprintf(p->f, "The network’s tiers</title><desc id=\"tiers-%zu-d\">", id);
    html_print(p->f, "Tiers from the top down to the hosts, with the number of links between them, "
                     "their rate, and their mean and largest load. The table has the same.");
    fputs("</desc>\n", p->f);
    int y = 1;
    for (uint32_t tier = t->n_tiers; tier-- > 0;) {
        put_box(p->f, t, tier, y);
        y += BOX + PAD;
        if (tier == 0) break;
        put_arrows(p->f, t, tier - 1, y);
        y += ROW * rows_between(t, tier - 1) + PAD;
    }
    fputs("</svg>\n<figcaption>The network. Arrows show the direction; they are wider and warmer "
          "where the most loaded link is.</figcaption></figure>\n",
          p->f);
}

static void put_rows(Page *p, const TierView *t) {
    static const char *const columns[] = {"From → to",    "Links", "Rate", "Mean load",
                                          "Largest load", "Tail",  NULL};
    html_table_begin(p->f,
                     "Links by tier; tail: share of the slowest 1 % of flows whose path is most "
                     "loaded there",
                     columns);
    for (size_t i = 0; i < t->n_rows; i++) {
        const TierLinks *r = &t->rows[i];
        html_row_begin(p->f, NULL, "%s", hop_name(t->n_tiers, r->from, r->to).s);
        html_cell(p->f, "%s", units_count(r->n).s);
        html_cell(p->f, "%s", units_rate(r->rate_bps).s);
        html_cell(p->f, "%s", page_percent(r->load_mean).s);
        html_cell(p->f, "%s", page_percent(r->load_max).s);
        html_cell(p->f, "%s", page_percent(r->tail_share).s);
        html_row_end(p->f);
    }
    html_table_end(p->f);
    if (t->n_left_out > 0)
        page_paragraph(p, "%s further links are of other tiers and rates.",
                       units_count(t->n_left_out).s);
}

int page_network(Page *p, const Json *network, Err *err) {
    TierView t;
    if (read_network(network, &t, err) != 0) return -1;
    page_paragraph(p, "%s hosts in %s racks, %s switches and %s directed links.",
                   units_count(t.n_hosts).s, units_count(t.n_racks).s, units_count(t.n_switches).s,
                   units_count(t.n_links).s);
    if (!is_tiered(&t)) {
        page_paragraph(p, "Not all of its links join neighbouring tiers, so it isn’t drawn.");
        put_rows(p, &t);
        return 0;
    }
    put_tiers(p, &t);
    html_details_begin(p->f, "The network’s numbers");
    put_rows(p, &t);
    html_details_end(p->f);
    return 0;
}

/* ---- where the tail comes from ---- */

/* A link in the JSON. */
typedef struct {
    const char *name;
    uint32_t from, to;
    double rate_bps, load, tail_share;
} LinkRow;

static int read_link(const Json *j, LinkRow *l, Err *err) {
    if (json_need_string(j, "name", &l->name, err) != 0 ||
        json_need_u32(j, "from", NETUSE_MAX_TIERS - 1, &l->from, err) != 0 ||
        json_need_u32(j, "to", NETUSE_MAX_TIERS - 1, &l->to, err) != 0 ||
        json_need_number(j, "rate_bps", &l->rate_bps, err) != 0 ||
        json_need_number(j, "load", &l->load, err) != 0)
        return -1;
    return page_number(j, "tail_share", &l->tail_share, err);
}

/* The name with an arrow instead of ">". Ids have at most 20 digits; what is longer is cut. */
typedef struct {
    char s[48];
} LinkName;
static LinkName link_name(const char *name) {
    enum { MOST = 20 };
    LinkName n;
    const char *arrow = strchr(name, '>');
    int len = arrow && arrow - name < MOST ? (int)(arrow - name) : MOST;
    if (arrow) snprintf(n.s, sizeof n.s, "%.*s → %.*s", len, name, MOST, arrow + 1);
    else snprintf(n.s, sizeof n.s, "%.*s", 2 * MOST, name);
    return n;
}

static int put_links(Page *p, const Json *links, uint32_t n_tiers, Err *err) {
    static const char *const columns[] = {"Link",    "Load", "Tail across it",
                                          "Between", "Rate", NULL};
    Json it;
    LinkRow l;
    html_table_begin(p->f, "The most loaded links", columns);
    for (bool ok = json_first(links, &it); ok; ok = json_next(&it)) {
        if (read_link(&it, &l, err) != 0) return -1;
        html_row_begin(p->f, NULL, "%s", link_name(l.name).s);
        html_cell_bar(p->f, l.load, "%s", page_percent(l.load).s);
        html_cell(p->f, "%s", page_percent(l.tail_share).s);
        html_cell(p->f, "%s", hop_name(n_tiers, l.from, l.to).s);
        html_cell(p->f, "%s", units_rate(l.rate_bps).s);
        html_row_end(p->f);
    }
    html_table_end(p->f);
    return 0;
}

/* A path in the JSON. */
typedef struct {
    uint64_t src, dst, n_flows;
    double p99, tail_share;
    LinkRow busiest;
} PathRow;

static int read_path(const Json *j, PathRow *r, Err *err) {
    Json busiest;
    if (json_need_uint(j, "src", UINT64_MAX, &r->src, err) != 0 ||
        json_need_uint(j, "dst", UINT64_MAX, &r->dst, err) != 0 ||
        json_need_uint(j, "flows", UINT64_MAX, &r->n_flows, err) != 0 ||
        json_need_number(j, "p99", &r->p99, err) != 0 ||
        json_need_number(j, "tail_share", &r->tail_share, err) != 0 ||
        json_need(j, "busiest", &busiest, err) != 0)
        return -1;
    return read_link(&busiest, &r->busiest, err);
}

static void put_path(Page *p, const PathRow *r, double most, uint32_t n_tiers) {
    char detail[128];
    snprintf(detail, sizeof detail, "%s, %s loaded",
             hop_name(n_tiers, r->busiest.from, r->busiest.to).s, page_percent(r->busiest.load).s);
    html_row_begin(p->f, NULL, "%llu → %llu", (unsigned long long)r->src,
                   (unsigned long long)r->dst);
    html_cell_bar(p->f, r->tail_share / most, "%s", page_percent(r->tail_share).s);
    html_cell(p->f, "%s", page_value(r->p99).s);
    html_cell_small(p->f, link_name(r->busiest.name).s, detail);
    html_cell(p->f, "%s", units_count(r->n_flows).s);
    html_row_end(p->f);
}

static int put_paths(Page *p, const Json *paths, uint32_t n_tiers, Err *err) {
    static const char *const columns[] = {
        "Path", "Share of tail", "p99", "Most loaded link", "Flows", NULL};
    Json it;
    PathRow r;
    double most = 0;
    for (bool ok = json_first(paths, &it); ok; ok = json_next(&it)) {
        if (read_path(&it, &r, err) != 0) return -1;
        most = fmax(most, r.tail_share);
    }
    html_table_begin(p->f, "The paths with the largest shares of the tail", columns);
    for (bool ok = json_first(paths, &it); ok; ok = json_next(&it)) {
        if (read_path(&it, &r, err) != 0) return -1;
        put_path(p, &r, most, n_tiers);
    }
    html_table_end(p->f);
    return 0;
}

/* The kinds of links that most of the tail waits at, in words. */
static void put_summary(Page *p, const TierView *t, double tail_from) {
    bool told[ORIGIN_MAX_CLASSES] = {false};
    double sum = 0;
    page_paragraph(p,
                   "The tail are the flows at or above %s, the slowest 1 %% as predicted from the "
                   "drawn paths, each of which stands for all paths like it. Shares of the tail by "
                   "the most loaded link of the path:",
                   page_value(tail_from).s);
    fputs("<ul class=\"remarks\">\n", p->f);
    for (int k = 0; k < 3 && sum < 0.95; k++) {
        size_t best = t->n_rows;
        for (size_t i = 0; i < t->n_rows; i++)
            if (!told[i] && (best == t->n_rows || t->rows[i].tail_share > t->rows[best].tail_share))
                best = i;
        if (best == t->n_rows || !(t->rows[best].tail_share > 0.01)) break;
        const TierLinks *r = &t->rows[best];
        told[best] = true;
        sum += r->tail_share;
        fputs("<li><strong>", p->f);
        html_text(p->f, page_percent(r->tail_share).s);
        fputs("</strong> ", p->f);
        html_print(p->f, "%s, %s each", hop_name(t->n_tiers, r->from, r->to).s,
                   units_rate(r->rate_bps).s);
        fputs("</li>\n", p->f);
    }
    fputs("</ul>\n", p->f);
}

int page_origin(Page *p, const Json *root, Err *err) {
    Json network, origin, from, links, paths;
    TierView t;
    if (!page_find(root, "network", &network) || !page_find(root, "origin", &origin)) return 0;
    if (read_network(&network, &t, err) != 0 ||
        json_need_array(&origin, "links", &links, err) != 0 ||
        json_need_array(&origin, "paths", &paths, err) != 0)
        return -1;
    bool has_paths = page_find(&origin, "tail_from", &from) && json_len(&paths) > 0;
    double tail_from = NAN;
    if (has_paths && json_number(&from, &tail_from, err) != 0) return -1;
    page_section(p, has_paths ? "Where the tail comes from" : "The most loaded links");
    if (p->is_sweep) page_paragraph(p, "Under the best setting:");
    if (has_paths) put_summary(p, &t, tail_from);
    if (has_paths && put_paths(p, &paths, t.n_tiers, err) != 0) return -1;
    return put_links(p, &links, t.n_tiers, err);
}
