/* flowfile: flows that stay in a file and are read from it a chunk at a time. */
#ifndef M3_TRAFFIC_FLOWFILE_H
#define M3_TRAFFIC_FLOWFILE_H
#include "traffic/flows.h"

/* Flows in order of start, in a file that is open: a binary one, or a temporary one that has what a
 * text file had. Any thread may read. */
typedef struct FlowFile FlowFile;

/* The columns that are read. */
typedef enum {
    FLOWFILE_SRC,
    FLOWFILE_DST,
    FLOWFILE_SIZE,
    FLOWFILE_START,
    FLOWFILE_N
} FlowFileColumn;

/* flowfile_open returns n flows of a file in which column k, all flows, begins at byte begin_b[k].
 * A number in src and dst stands for host_of[number] of n_numbers, which becomes the FlowFile's.
 * NULL with `err` filled if the file cannot be opened. */
FlowFile *flowfile_open(const char *path, size_t n, const uint64_t begin_b[FLOWFILE_N],
                        uint32_t *host_of, uint32_t n_numbers, Err *err);

/* flowfile_new returns an empty list in a temporary file ($TMPDIR, or /tmp) that is gone when it is
 * closed. flowfile_append adds a chunk of n flows, whole ones but for the last; −1 (an io error) if
 * they cannot be written. */
FlowFile *flowfile_new(Err *err);
int flowfile_append(FlowFile *f, const Flows *chunk, size_t n, Err *err);

void flowfile_close(FlowFile *f);
size_t flowfile_n(const FlowFile *f);
/* flowfile_read reads a chunk into `room`, which has space for FLOW_CHUNK flows; flowfile_pairs
 * reads its hosts alone. A file that was cut or changed meanwhile ends the process with status 1
 * and a line that names it (cleanup_exit). */
void flowfile_read(const FlowFile *f, size_t chunk, const Flows *room);
void flowfile_pairs(const FlowFile *f, size_t chunk, uint32_t *src, uint32_t *dst);
#endif
