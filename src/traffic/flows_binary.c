/* flows_binary: flow lists as memory has them, for traces too large to be text.
 *
 *   header, 64 bytes       magic, version, which optional columns, numbers of flows and of hosts,
 *                          checksum
 *   hosts                  uint64: the node id of each host that src and dst count from 0
 *   src, dst               uint32 each, a column after the other
 *   size_b, start_ns       uint64, int64; starts ascend
 *   id, fct_ns, ideal_fct_ns   uint64, double, double: only those the header names; NaN: unknown
 *
 * All is little-endian, and so must the machine be; every column begins at a multiple of 64 bytes,
 * so that a mapped file is an array of columns. Hosts are listed once, so a flow takes 24 bytes and
 * reading a file needs no look-up per flow but one in a small table.
 *
 * A file is as long as its header says, to the byte. Values are checked in whole columns without
 * branches; only when one of them is bad, the rows are gone through for the first, to name it. The
 * checksum is of header and hosts: one wrong bit there would silently move traffic elsewhere.
 * Columns have none, since it would cost as much as reading. */
#include "traffic/flows_binary.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "traffic/flows_private.h"

enum { VERSION = 1, ALIGN = 64 }; /* header and columns begin at multiples of a cache line */
/* No text file begins so, and a copy in text mode breaks it. */
static const char magic[8] = {'\x89', 'M', '3', 'F', 'L', 'O', 'W', '\n'};

typedef enum { HOSTS, SRC, DST, SIZE, START, ID, FCT, IDEAL, N_COLUMNS } BinaryColumn;
static const size_t width[N_COLUMNS] = {8, 4, 4, 8, 8, 8, 8, 8};
static const char *const names[N_COLUMNS] = {"hosts",    "src",  "dst",    "size_b",
                                             "start_ns", "flow", "fct_ns", "ideal_fct_ns"};
enum { OPTIONAL = 1u << ID | 1u << FCT | 1u << IDEAL };

typedef struct {
    char magic[8];
    uint32_t version, optional; /* bit c: column c is there */
    uint64_t n_flows, n_hosts;
    uint64_t checksum; /* of the header with 0 here, then of the hosts */
    uint64_t reserved[3];
} BinaryHeader;
static_assert(sizeof(BinaryHeader) == ALIGN, "no padding");

static bool has(const BinaryHeader *h, int c) { return c < ID || (h->optional >> c & 1); }
static uint64_t count(const BinaryHeader *h, int c) { return c == HOSTS ? h->n_hosts : h->n_flows; }
static uint64_t aligned(uint64_t n) { return (n + ALIGN - 1) / ALIGN * ALIGN; }

static uint64_t checksum(BinaryHeader h, const uint64_t *hosts) {
    h.checksum = 0;
    uint64_t part[2] = {file_checksum(&h, sizeof h),
                        file_checksum(hosts, h.n_hosts * sizeof *hosts)};
    return file_checksum(part, sizeof part);
}

/* ---- reading ---- */

typedef struct {
    BinaryHeader h;
    const void *column[N_COLUMNS]; /* in the file; NULL: not there */
    uint32_t *host; /* [n_hosts] the end that a number in src or dst stands for, or TOPO_NONE */
    const FlowEnds *ends;
    Flows *f;
    Err *err;
} BinaryReader;

bool flows_binary_is(const FileView *v) {
    return v->len >= sizeof magic && memcmp(v->data, magic, sizeof magic) == 0;
}

static int read_header(BinaryReader *r, const FileView *v) {
    const char *path = r->ends->path;
    BinaryHeader *h = &r->h;
    if (v->len < sizeof *h)
        return err_input(r->err, "%s: cut short: %zu bytes, the header alone has %zu", path, v->len,
                         sizeof *h);
    memcpy(h, v->data, sizeof *h);
    if (h->version != VERSION)
        return err_input(r->err, "%s: version: expected %d, got %u", path, VERSION, h->version);
    if (h->optional & ~(uint32_t)OPTIONAL)
        return err_input(r->err, "%s: header: unknown columns (bits %#x)", path, h->optional);
    if (h->n_flows > v->len || h->n_hosts > v->len || h->n_hosts >= TOPO_NONE)
        return err_input(r->err, "%s: cut short: %zu bytes cannot hold %llu flows of %llu hosts",
                         path, v->len, (unsigned long long)h->n_flows,
                         (unsigned long long)h->n_hosts);

    /* Where columns begin; counts are at most the file's length, so nothing overflows. */
    uint64_t length = sizeof *h, at[N_COLUMNS];
    for (int c = 0; c < N_COLUMNS; c++) {
        at[c] = length;
        if (has(h, c)) length = aligned(length + count(h, c) * width[c]);
    }
    if (length != v->len)
        return err_input(r->err, "%s: %s: %llu flows of %llu hosts take %llu bytes, got %zu", path,
                         v->len < length ? "cut short" : "longer than it says",
                         (unsigned long long)h->n_flows, (unsigned long long)h->n_hosts,
                         (unsigned long long)length, v->len);
    for (int c = 0; c < N_COLUMNS; c++) r->column[c] = has(h, c) ? v->data + at[c] : NULL;
    if (checksum(*h, r->column[HOSTS]) != h->checksum)
        return err_input(r->err, "%s: header: damaged (its checksum does not match)", path);
    return h->n_flows > 0 ? 0 : err_input(r->err, "%s: expected at least one flow", path);
}

/* The hosts of one column; false if one of them is bad. */
static bool copy_hosts(const BinaryReader *r, BinaryColumn c, uint32_t *out) {
    const uint32_t *in = r->column[c];
    uint32_t n_hosts = (uint32_t)r->h.n_hosts, bad = 0;
    for (size_t i = 0; i < r->f->n; i++) {
        if (in[i] >= n_hosts) return false;
        out[i] = r->host[in[i]];
        bad |= out[i] == TOPO_NONE;
    }
    return !bad;
}

static bool time_is_good(double ns) { return isnan(ns) || (ns > 0 && ns < (double)INFINITY); }

/* A column of times, if it is there; false if one of them is bad. */
static bool copy_times(const BinaryReader *r, BinaryColumn c, double **out) {
    const double *in = r->column[c];
    bool bad = false;
    if (!in) return true;
    *out = MEM_NEW(double, r->f->n);
    for (size_t i = 0; i < r->f->n; i++) {
        (*out)[i] = in[i];
        bad |= !time_is_good(in[i]);
    }
    return !bad;
}

/* The flows of all columns; false if one of their values is bad. */
static bool copy_columns(BinaryReader *r) {
    Flows *f = r->f;
    bool bad = false;
    if (r->column[ID]) f->id = memcpy(MEM_NEW(uint64_t, f->n), r->column[ID], f->n * sizeof *f->id);
    if (!copy_hosts(r, SRC, f->src) || !copy_hosts(r, DST, f->dst)) return false;
    for (size_t i = 0; i < f->n; i++) bad |= !flows_ends_ok(r->ends, f->src[i], f->dst[i]);

    const uint64_t *size_b = r->column[SIZE];
    for (size_t i = 0; i < f->n; i++) {
        f->size_b[i] = size_b[i];
        bad |= !flows_size_ok(size_b[i]);
    }

    const int64_t *start_ns = r->column[START];
    int64_t before_ns = 0;
    for (size_t i = 0; i < f->n; i++) {
        f->start_ns[i] = start_ns[i];
        bad |= !flows_start_ok(start_ns[i], before_ns);
        before_ns = start_ns[i];
    }
    return !bad && copy_times(r, FCT, &f->fct_ns) && copy_times(r, IDEAL, &f->ideal_fct_ns);
}

/* ---- what is wrong ---- */

static int fail_host(const BinaryReader *r, size_t i, BinaryColumn c, uint32_t number) {
    const FlowEnds *e = r->ends;
    if (number >= r->h.n_hosts)
        return err_input(r->err, "%s: row %zu: %s: expected one of %llu hosts, got number %u",
                         e->path, i, names[c], (unsigned long long)r->h.n_hosts, number);
    return flows_fail_end(e, "row", i, names[c], ((const uint64_t *)r->column[HOSTS])[number],
                          r->err);
}

static bool host_is_good(const BinaryReader *r, uint32_t number) {
    return number < r->h.n_hosts && r->host[number] != TOPO_NONE;
}

/* −1 with the message if row i is bad. */
static int check_row(const BinaryReader *r, size_t i) {
    const char *path = r->ends->path;
    uint32_t src = ((const uint32_t *)r->column[SRC])[i],
             dst = ((const uint32_t *)r->column[DST])[i];
    const int64_t *start = r->column[START];
    uint64_t size_b = ((const uint64_t *)r->column[SIZE])[i];
    if (!host_is_good(r, src)) return fail_host(r, i, SRC, src);
    if (!host_is_good(r, dst)) return fail_host(r, i, DST, dst);
    if (!flows_ends_ok(r->ends, r->host[src], r->host[dst]))
        return flows_fail_ends(r->ends, "row", i, r->err);
    if (!flows_size_ok(size_b))
        return err_input(r->err, "%s: row %zu: size_b: expected 1 to 1e15 bytes, got %llu", path, i,
                         (unsigned long long)size_b);
    if (!flows_start_ok(start[i], i > 0 ? start[i - 1] : 0))
        return err_input(
            r->err,
            "%s: row %zu: start_ns: expected 0 to 9e18, and not before the row above, got %lld",
            path, i, (long long)start[i]);
    for (BinaryColumn c = FCT; c <= IDEAL; c++)
        if (r->column[c] && !time_is_good(((const double *)r->column[c])[i]))
            return err_input(
                r->err,
                "%s: row %zu: %s: expected a positive time in ns, or NaN for unknown, got %g", path,
                i, names[c], ((const double *)r->column[c])[i]);
    return 0;
}

/* What the numbers in src and dst stand for. */
static void find_hosts(BinaryReader *r) {
    const FlowEnds *e = r->ends;
    r->host = MEM_NEW(uint32_t, r->h.n_hosts);
    for (size_t k = 0; k < r->h.n_hosts; k++) {
        uint64_t id = ((const uint64_t *)r->column[HOSTS])[k];
        if (e->topo) r->host[k] = flows_host_of(e->topo, id);
        else if (e->ignored) r->host[k] = 0;
        else r->host[k] = id <= e->n_links ? (uint32_t)id : TOPO_NONE;
    }
}

/* −1 with the message for the first bad row of those from `first`; there was one a moment ago. */
static int fail_row(const BinaryReader *r, size_t first, size_t n) {
    for (size_t i = first; i < first + n; i++)
        if (check_row(r, i) != 0) return -1;
    return err_io(r->err, "%s: was changed while it was read", r->ends->path);
}

int flows_binary_read(Flows *f, const FileView *v, const FlowEnds *e, Err *err) {
    BinaryReader r = {.ends = e, .f = f, .err = err};
    *f = (Flows){0};
    if (read_header(&r, v) != 0) return -1;
    flows_init(f, r.h.n_flows);
    find_hosts(&r);
    int rc = copy_columns(&r) ? 0 : fail_row(&r, 0, f->n);
    free(r.host);
    if (rc != 0) flows_free(f);
    return rc;
}

/* ---- in the file ---- */

uint64_t flows_binary_n(const FileView *v) {
    BinaryHeader h = {0};
    if (v->len >= sizeof h) memcpy(&h, v->data, sizeof h);
    return h.n_flows;
}

/* Whether flows first … first + n − 1 are good, of the columns that are read later. */
static bool rows_are_good(const BinaryReader *r, size_t first, size_t n) {
    const uint32_t *src = (const uint32_t *)r->column[SRC] + first,
                   *dst = (const uint32_t *)r->column[DST] + first;
    const uint64_t *size_b = (const uint64_t *)r->column[SIZE] + first;
    const int64_t *start_ns = (const int64_t *)r->column[START] + first;
    int64_t before_ns = first > 0 ? start_ns[-1] : 0;
    bool bad = false;
    for (size_t i = 0; i < n && !bad; i++) {
        bad = !host_is_good(r, src[i]) || !host_is_good(r, dst[i]) ||
              !flows_ends_ok(r->ends, r->host[src[i]], r->host[dst[i]]) ||
              !flows_size_ok(size_b[i]) || !flows_start_ok(start_ns[i], before_ns);
        before_ns = start_ns[i];
    }
    return !bad;
}

/* Lets go of what the check of a chunk has read. */
static void forget_rows(const BinaryReader *r, const FileView *v, size_t first, size_t n) {
    for (int c = SRC; c <= START; c++) {
        size_t at = (size_t)((const char *)r->column[c] - v->data) + first * width[c];
        file_view_forget(v, at, at + n * width[c]);
    }
}

int flows_binary_open(FlowFile **file, const FileView *v, const FlowEnds *e, Err *err) {
    BinaryReader r = {.ends = e, .err = err};
    *file = NULL;
    if (read_header(&r, v) != 0) return -1;
    find_hosts(&r);
    uint64_t begin_b[FLOWFILE_N];
    for (int k = 0; k < FLOWFILE_N; k++)
        begin_b[k] = (uint64_t)((const char *)r.column[SRC + k] - v->data);
    int rc = 0;
    for (size_t i = 0; i < r.h.n_flows && rc == 0; i += FLOW_CHUNK) {
        size_t left = r.h.n_flows - i, n = left < FLOW_CHUNK ? left : FLOW_CHUNK;
        if (diag_stop_requested()) rc = err_stopped(err);
        else if (!rows_are_good(&r, i, n)) rc = fail_row(&r, i, n);
        forget_rows(&r, v, i, n);
    }
    if (rc != 0) free(r.host);
    else *file = flowfile_open(e->path, r.h.n_flows, begin_b, r.host, (uint32_t)r.h.n_hosts, err);
    return *file ? 0 : -1;
}

/* ---- writing ---- */

int flows_binary_save(const Flows *f, const char *path, const Topo *t, Err *err) {
    static const char zeros[ALIGN] = {0};
    FileOut out;
    BinaryHeader h = {.version = VERSION, .n_flows = f->n, .n_hosts = t ? t->n_hosts : 0};
    if (f->graph)
        return err_input(err, "%s: binary files do not hold what flows wait for; write CSV", path);
    if (file_out_open(&out, path, err) != 0) return -1;
    for (size_t i = 0; !t && i < f->n; i++) {
        uint32_t top = f->src[i] > f->dst[i] ? f->src[i] : f->dst[i];
        if (top >= h.n_hosts) h.n_hosts = (uint64_t)top + 1;
    }
    uint64_t *hosts = MEM_NEW(uint64_t, h.n_hosts);
    for (uint32_t k = 0; k < h.n_hosts; k++) hosts[k] = t ? t->node_id[t->host_node[k]] : k;

    const void *column[N_COLUMNS] = {hosts,       f->src, f->dst,    f->size_b,
                                     f->start_ns, f->id,  f->fct_ns, f->ideal_fct_ns};
    memcpy(h.magic, magic, sizeof magic);
    for (int c = ID; c < N_COLUMNS; c++) h.optional |= column[c] ? 1u << c : 0;
    h.checksum = checksum(h, hosts);
    fwrite(&h, sizeof h, 1, out.f);
    for (int c = 0; c < N_COLUMNS && !ferror(out.f); c++) {
        uint64_t bytes = column[c] ? count(&h, c) * width[c] : 0;
        if (bytes > 0) fwrite(column[c], 1, bytes, out.f);
        fwrite(zeros, 1, aligned(bytes) - bytes, out.f);
    }
    free(hosts);
    return file_out_commit(&out, err);
}
