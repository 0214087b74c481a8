/* pathfeat: the published feature map of one path.
 *
 * Every flow belongs to one size bucket and either to row 0 (foreground) or to the rows of the
 * links it crosses; of each (row, bucket) only 100 order statistics are wanted. So nothing is
 * sorted as a whole:
 *   1. count the flows per (row, bucket): a flow adds +1 at its first row and −1 after its last,
 * summed up over rows at the end;
 *   2. slowdowns of exactly 1, the minimum, are only counted; the others go to a list per
 * (row, bucket);
 *   3. a list is spread over bins of equal width in the bit pattern of its floats (which orders
 * like the values), and only bins that hold a wanted rank are sorted.
 *
 * The lists of row 0 lie side by side by bucket, and each output bucket is a run of input buckets;
 * so the foreground's percentiles per output bucket are selected from the same memory. */
#include "model/pathfeat.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "model/modelinput.h"
#include "net/wire.h"
#include "traffic/sizebucket.h"

/* All edges of buckets up to 50,000 B are multiples of 250 B, so a table of 201 entries finds the
 * bucket of a size. */
enum { BUCKET_GRID_B = 250, N_GRID = 201 };
/* Bins that a list is spread over at most (64 KiB of ends, which stay in the second-level cache),
 * and the length up to which insertion is used to sort. Chosen; results do not depend on them.
 */
enum { MAX_BINS = 1 << 14, FEW = 24 };

/* ---- configuration values ---- */

const char *const pathfeat_conf_names[PATHFEAT_N_CONF] = {
    "links_2",          "links_4",        "links_6",        "bdp_mtu",        "buffer_10kib",
    "window_kb",        "pfc_on",         "pfc_off",        "cc_dctcp",       "cc_dcqcn",
    "cc_hpcc",          "cc_timely",      "dctcp_k_kb",     "dcqcn_kmin_kb",  "dcqcn_kmax_kb",
    "hpcc_eta_percent", "hpcc_ai_10mbps", "timely_tlow_us", "timely_thigh_us"};

enum {
    CONF_LINKS,
    CONF_BDP = 3,
    CONF_BUFFER,
    CONF_WINDOW,
    CONF_PFC,
    CONF_CC = 8,
    CONF_DCTCP = 12,
    CONF_DCQCN,
    CONF_HPCC = 15,
    CONF_TIMELY = 17
};
_Static_assert(CONF_CC + MODELINPUT_N_CC == CONF_DCTCP && CONF_TIMELY + 2 == PATHFEAT_N_CONF,
               "every value has its place");

/* Bandwidth-delay product in packets of 1000 bytes: 5, 10 and 15 on the published lots of 2, 4 and
 * 6 links. */
static double bdp_mtu(const Lot *lot) {
    double delay_ns = 0;
    for (uint32_t l = 0; l < lot->n_links; l++) delay_ns += lot->delay_ns[l];
    return lot->host_rate_bps * 1e-9 * 2 * delay_ns / 8 / WIRE_PAYLOAD_B;
}

/* Fills all from CONF_BUFFER on, in the published units. */
static void describe_settings(const NetConf *conf, float out[PATHFEAT_N_CONF]) {
    static const int first_parameter[MODELINPUT_N_CC] = {CONF_DCTCP, CONF_DCQCN, CONF_HPCC,
                                                         CONF_TIMELY};
    for (int i = CONF_BUFFER; i < PATHFEAT_N_CONF; i++) out[i] = 0;
    out[CONF_BUFFER] = (float)netconf_published_number(conf, "bfsz");
    out[CONF_WINDOW] = (float)(conf->line_window_b / 1000);
    out[CONF_PFC + !conf->pfc] = 1;
    if ((int)conf->cc >= MODELINPUT_N_CC) return; /* a control that models do not know */
    out[CONF_CC + conf->cc] = 1;
    float *parameter = out + first_parameter[conf->cc];
    parameter[0] = (float)netconf_published_number(conf, "param_1");
    if (netconf_published_row("param_2", conf->cc))
        parameter[1] = (float)netconf_published_number(conf, "param_2");
}

void pathfeat_conf(const Lot *lot, const NetConf *conf, float out[PATHFEAT_N_CONF]) {
    for (int i = 0; i < CONF_BDP; i++) out[i] = 0;
    out[CONF_LINKS + (lot->n_links <= 2   ? 0
                      : lot->n_links <= 4 ? 1
                                          : 2)] = 1; /* the nearest of the shapes trained on */
    out[CONF_BDP] = (float)bdp_mtu(lot);
    describe_settings(conf, out);
}

int pathfeat_cc(const float conf[PATHFEAT_N_CONF]) {
    int cc = 0;
    while (cc < MODELINPUT_N_CC && conf[CONF_CC + cc] <= 0.5f) cc++; /* flags are 0 or 1 */
    return cc;
}

void pathfeat_set_conf(PathFeat *m, const NetConf *conf) { describe_settings(conf, m->conf); }

/* ---- selection ---- */

typedef struct {
    float *spread; /* capacity: the longest list */
    uint32_t *end; /* [MAX_BINS] */
} BinScratch;

/* Bit patterns of positive floats order like the floats. */
static uint32_t bits_of(float x) {
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static void sort_few(float *a, size_t n) {
    if (n > FEW) {
        stats_sort_f32(a, n);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        float x = a[i];
        size_t k = i;
        for (; k > 0 && a[k - 1] > x; k--) a[k] = a[k - 1];
        a[k] = x;
    }
}

/* How far to shift bit patterns in [lo, hi] so that they fall into n_bins bins. */
static int bin_shift(uint32_t lo, uint32_t hi, uint32_t n_bins) {
    int shift = 0;
    while ((hi - lo) >> shift >= n_bins) shift++;
    return shift;
}

/* Spreads v over bins of ascending value, s->end[b] = end of bin b; returns the number of bins. */
static uint32_t spread(const float *v, size_t n, BinScratch *s) {
    uint32_t lo = UINT32_MAX, hi = 0, n_bins = 16, at = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t u = bits_of(v[i]);
        lo = u < lo ? u : lo;
        hi = u > hi ? u : hi;
    }
    while (n_bins < n / 2 && n_bins < MAX_BINS) n_bins *= 2;
    int shift = bin_shift(lo, hi, n_bins);
    n_bins = ((hi - lo) >> shift) + 1;
    memset(s->end, 0, n_bins * sizeof *s->end);
    for (size_t i = 0; i < n; i++) s->end[(bits_of(v[i]) - lo) >> shift]++;
    for (uint32_t b = 0; b < n_bins; b++) {
        uint32_t count = s->end[b];
        s->end[b] = at;
        at += count;
    }
    for (size_t i = 0; i < n; i++) s->spread[s->end[(bits_of(v[i]) - lo) >> shift]++] = v[i];
    return n_bins;
}

/* Percentiles of n values above 1 together with `ones` times 1. */
static void select_percentiles(const float *v, size_t n, size_t ones, float out[STATS_N_PCT],
                               BinScratch *s) {
    uint32_t n_bins = n > 0 ? spread(v, n, s) : 0, bin = 0, begin = 0;
    bool sorted = false;
    for (int p = 0; p < STATS_N_PCT; p++) {
        size_t rank = stats_rank(ones + n, p + 1);
        if (rank < ones) {
            out[p] = 1;
            continue;
        }
        for (; s->end[bin] <= rank - ones; bin++) {
            assert(bin + 1 < n_bins);
            begin = s->end[bin];
            sorted = false;
        }
        if (!sorted) sort_few(s->spread + begin, s->end[bin] - begin);
        sorted = true;
        out[p] = s->spread[rank - ones];
    }
    (void)n_bins;
}

/* ---- the map ---- */

/* Bucket of a size by one table look-up. All edges are multiples of the grid (checked), and the
 * last bucket begins at its end. */
typedef struct {
    uint8_t in[N_GRID];
    uint8_t out_of_in[SIZEBUCKET_N_FINE]; /* output bucket that an input bucket lies in */
} BinBuckets;

static void buckets_init(BinBuckets *b) {
    for (uint64_t i = 0; i < N_GRID; i++) {
        uint64_t lo = i * BUCKET_GRID_B, hi = i == N_GRID - 1 ? UINT64_MAX : lo + BUCKET_GRID_B - 1;
        b->in[i] = (uint8_t)sizebucket_fine_of(lo);
        b->out_of_in[b->in[i]] = (uint8_t)sizebucket_of(lo);
        assert(sizebucket_fine_of(hi) == b->in[i] && sizebucket_of(hi) == b->out_of_in[b->in[i]]);
        (void)hi;
    }
}

static inline uint32_t bucket_of(const BinBuckets *b, uint64_t size_b) {
    return b->in[size_b < BUCKET_GRID_B * (N_GRID - 1) ? size_b / BUCKET_GRID_B : N_GRID - 1];
}

/* The rows [first, end) a flow counts in. */
typedef struct {
    uint32_t first, end;
} RowRange;

static inline RowRange rows_of(const LotFlow *f, uint32_t n_links) {
    return lot_is_foreground(n_links, f->s, f->d) ? (RowRange){0, 1}
                                                  : (RowRange){f->s + 1u, f->d + 1u};
}

/* Per (row, bucket): how many flows, and where the list of those above 1 begins (`list`) and ends
 * (`end`). */
typedef struct {
    uint32_t *count;
    size_t *list, *end;
    float *values;
} BinLists;

/* Both counts at once: differences along the rows first, then their running sums. */
static void count_flows(BinLists *t, const Lot *lot, const BinBuckets *b, const LotFlow *flows,
                        const float *slowdown, size_t n) {
    size_t cells = (size_t)(lot->n_links + 2) * SIZEBUCKET_N_FINE;
    memset(t->count, 0, cells * sizeof *t->count);
    memset(t->end, 0, cells * sizeof *t->end);
    for (size_t i = 0; i < n; i++) {
        RowRange r = rows_of(&flows[i], lot->n_links);
        uint32_t bucket = bucket_of(b, flows[i].size_b), above = slowdown[i] > 1;
        t->count[r.first * SIZEBUCKET_N_FINE + bucket]++;
        t->count[r.end * SIZEBUCKET_N_FINE + bucket]--;
        t->end[r.first * SIZEBUCKET_N_FINE + bucket] += above;
        t->end[r.end * SIZEBUCKET_N_FINE + bucket] -= above;
    }
    for (size_t c = SIZEBUCKET_N_FINE; c < cells; c++) {
        t->count[c] += t->count[c - SIZEBUCKET_N_FINE];
        t->end[c] += t->end[c - SIZEBUCKET_N_FINE];
    }
}

static void fill_lists(BinLists *t, const Lot *lot, const BinBuckets *b, const LotFlow *flows,
                       const float *slowdown, size_t n, Arena *a) {
    size_t cells = (size_t)(lot->n_links + 1) * SIZEBUCKET_N_FINE, total = 0;
    for (size_t c = 0; c < cells; c++) {
        t->list[c] = total;
        total += t->end[c];
        t->end[c] = t->list[c];
    }
    t->values = ARENA_NEW(a, float, total);
    for (size_t i = 0; i < n; i++) {
        if (!(slowdown[i] > 1)) continue;
        RowRange r = rows_of(&flows[i], lot->n_links);
        size_t *end = &t->end[bucket_of(b, flows[i].size_b)];
        for (uint32_t row = r.first; row < r.end; row++)
            t->values[end[row * SIZEBUCKET_N_FINE]++] = slowdown[i];
    }
}

static void build_rows(PathFeat *m, const BinLists *t, BinScratch *s) {
    for (uint32_t row = 0; row < m->n_rows; row++) {
        m->present[row] = 0;
        for (uint32_t b = 0; b < SIZEBUCKET_N_FINE; b++) {
            size_t cell = (size_t)row * SIZEBUCKET_N_FINE + b, above = t->end[cell] - t->list[cell];
            float *pct = m->pct + cell * STATS_N_PCT;
            m->count[cell] = t->count[cell];
            if (t->count[cell] == 0) {
                memset(pct, 0, STATS_N_PCT * sizeof *pct);
                continue;
            }
            m->present[row] |= (uint16_t)(1u << b);
            select_percentiles(t->values + t->list[cell], above, t->count[cell] - above, pct, s);
        }
    }
}

static void build_base(PathFeat *m, const BinLists *t, const BinBuckets *b, BinScratch *s) {
    for (uint32_t in = 0; in < SIZEBUCKET_N_FINE;) {
        uint32_t out = b->out_of_in[in], first = in, count = 0;
        for (; in < SIZEBUCKET_N_FINE && b->out_of_in[in] == out; in++) count += t->count[in];
        size_t above = t->end[in - 1] - t->list[first];
        float *pct = m->base + out * STATS_N_PCT;
        m->base_count[out] = count;
        if (count > 0) select_percentiles(t->values + t->list[first], above, count - above, pct, s);
        else
            for (int p = 0; p < STATS_N_PCT; p++) pct[p] = 1;
    }
}

/* Memory for the longest list that select_percentiles will see. */
static BinScratch scratch_new(const BinLists *t, uint32_t n_rows, Arena *a) {
    size_t longest = t->end[SIZEBUCKET_N_FINE - 1]; /* row 0 as a whole bounds the output buckets */
    for (size_t c = SIZEBUCKET_N_FINE; c < (size_t)n_rows * SIZEBUCKET_N_FINE; c++)
        if (t->end[c] - t->list[c] > longest) longest = t->end[c] - t->list[c];
    return (BinScratch){ARENA_NEW(a, float, longest), ARENA_NEW(a, uint32_t, MAX_BINS)};
}

void pathfeat_build(PathFeat *m, const Lot *lot, const LotFlow *flows, const float *slowdown,
                    size_t n, const NetConf *conf, Arena *a) {
    uint32_t n_rows = lot->n_links + 1;
    size_t cells = (size_t)n_rows * SIZEBUCKET_N_FINE;
    *m = (PathFeat){.n_rows = n_rows,
                    .pct = ARENA_NEW(a, float, cells *STATS_N_PCT),
                    .present = ARENA_NEW(a, uint16_t, n_rows)};
    m->count = ARENA_NEW(a, uint32_t, cells);
    BinLists lists = {.count = ARENA_NEW(a, uint32_t, cells + SIZEBUCKET_N_FINE),
                      .list = ARENA_NEW(a, size_t, cells),
                      .end = ARENA_NEW(a, size_t, cells + SIZEBUCKET_N_FINE)};
    BinBuckets buckets;
    buckets_init(&buckets);
    count_flows(&lists, lot, &buckets, flows, slowdown, n);
    fill_lists(&lists, lot, &buckets, flows, slowdown, n, a);
    BinScratch s = scratch_new(&lists, n_rows, a);
    build_rows(m, &lists, &s);
    build_base(m, &lists, &buckets, &s);
    pathfeat_conf(lot, conf, m->conf);
}

void pathfeat_row(const PathFeat *m, uint32_t row, const float *empty, bool zero_rows, float *out) {
    memcpy(out, m->pct + (size_t)row * PATHFEAT_N_PCT, PATHFEAT_N_PCT * sizeof *out);
    memcpy(out + PATHFEAT_N_PCT, m->conf, sizeof m->conf);
    if (!empty || (zero_rows && m->present[row] == 0)) return;
    for (int b = 0; b < SIZEBUCKET_N_FINE; b++)
        if (!(m->present[row] >> b & 1))
            memcpy(out + b * STATS_N_PCT, empty, STATS_N_PCT * sizeof *out);
}
