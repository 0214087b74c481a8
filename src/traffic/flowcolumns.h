/* flowcolumns: what the columns of a text flow file are: by the names in its header, by an option,
 * or, where a file has no names, by their number and what stands in them. */
#ifndef M3_TRAFFIC_FLOWCOLUMNS_H
#define M3_TRAFFIC_FLOWCOLUMNS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

/* ORDER FLOWCOL: names in flowcolumns.c. */
typedef enum {
    FLOWCOL_ID,
    FLOWCOL_SRC,      /* node id */
    FLOWCOL_DST,      /* node id */
    FLOWCOL_SIZE,     /* bytes */
    FLOWCOL_START,    /* time */
    FLOWCOL_FCT,      /* time; may be empty */
    FLOWCOL_IDEAL,    /* completion time in the empty network; may be empty */
    FLOWCOL_SLOWDOWN, /* instead of both */
    FLOWCOL_SRC_IP,   /* a node as the HPCC authors' simulator addresses it, 8 hex digits */
    FLOWCOL_DST_IP,
    FLOWCOL_PACKETS, /* size in packets */
    FLOWCOL_PRIORITY,
    FLOWCOL_PORT,
    FLOWCOL_STOP,  /* when the flow may send no longer */
    FLOWCOL_AFTER, /* ids of flows that it waits for */
    FLOWCOL_DELAY, /* time from their end to its start */
    FLOWCOL_JOB,   /* what it is part of */
    FLOWCOL_OTHER,
    FLOWCOL_N = FLOWCOL_OTHER
} FlowColumnKind;

typedef struct {
    FlowColumnKind kind;
    bool has_unit;   /* the name says in what unit numbers are; else ns or bytes, by assumption */
    int ns_shift;    /* of times: a number is in 10^shift ns, −3 to 9 */
    uint32_t factor; /* of sizes: bytes per number */
} FlowColumn;

/* A file has up to ten columns for us, and what else its makers put beside them. */
enum { FLOWCOLUMNS_MAX = 64 };
typedef struct {
    FlowColumn column[FLOWCOLUMNS_MAX];
    int n;
} FlowColumns;

/* flowcolumns_named returns what a name in a header stands for, in any case and in the spellings of
 * common tools ("flow_size", "Destination", "start_us", "fct [ns]"); FLOWCOL_OTHER if it is none of
 * ours. `len` bytes at `name`, without quotes. */
FlowColumn flowcolumns_named(const char *name, size_t len);

/* flowcolumns_add appends a column. −1 with an input error that `place` begins ("flows.csv: line
 * 1"), if it is there already or one too many. */
int flowcolumns_add(FlowColumns *c, FlowColumn column, const char *place, Err *err);

/* flowcolumns_parse reads the value of --flow-columns: names separated by commas. Times without a
 * unit in their names are in s. −1 with an input error, also if one that is needed is missing. */
int flowcolumns_parse(FlowColumns *c, const char *list, Err *err);

/* flowcolumns_check returns −1 with an input error if what a flow needs is missing: src, dst, size
 * and start, or, for results, size and either a slowdown or both times. */
int flowcolumns_check(const FlowColumns *c, bool results, const char *place, Err *err);

/* flowcolumns_find returns the position of the first column of a kind, −1 without one. */
int flowcolumns_find(const FlowColumns *c, FlowColumnKind kind);

/* flowcolumns_guess says what the columns of rows without names are, `n` words each, from rows:
 * word w of row r is rows[r * n + w]. `is_end` tells whether a number may be a flow's source or
 * destination, NULL: any. `packets` tells that the file itself says that sizes are in packets.
 * Of the layouts known with so many columns, the one that fits all rows; −1 with an input error
 * that shows the layouts if several do, or none. */
typedef struct {
    bool (*is_end)(const void *ctx, uint64_t id);
    const void *ctx;
    bool packets;
    const char *path; /* for messages */
} FlowColumnsHints;
int flowcolumns_guess(FlowColumns *c, const char *const *rows, size_t n_rows, int n,
                      const FlowColumnsHints *hints, Err *err);
#endif
