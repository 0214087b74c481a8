/* flowfile: flows that stay in a file and are read from it a chunk at a time. */
#ifndef M3_TRAFFIC_FLOWFILE_H
#define M3_TRAFFIC_FLOWFILE_H
#include "traffic/flows.h"

/* Flows in order of start, in a file that is open: a binary one, or a temporary one that has what a
 * text file had. Any thread may read. */
typedef struct FlowFile FlowFile;

/* The columns that are read. */
typedef enum { FLOWFILE_SRC, FLOWFILE_DST, FLOWFILE_SIZE, FLOWFILE_START, FLOWFILE_N } FlowFileCol;

/* Where a column begins in the file. */
typedef struct {
    uint64_t at[FLOWFILE_N];
} FlowFilePlaces;

/* flowfile_columns returns n flows of a file whose columns follow each other, at `places`. The
 * numbers in src and dst stand for host_of[number], which becomes the FlowFile's. NULL with `err`
 * filled if the file cannot be opened. The values are taken as they are. */
FlowFile *flowfile_columns(const char *path, size_t n, const FlowFilePlaces *places,
                           uint32_t *host_of, Err *err);

/* flowfile_spool returns an empty list in a temporary file ($TMPDIR, or /tmp) that is gone when it
 * is closed. flowfile_append adds flows first … first + n − 1 of a chunk, whole chunks but for the
 * last; −1 (an io error) if they cannot be written. */
FlowFile *flowfile_spool(Err *err);
int flowfile_append(FlowFile *f, const Flows *chunk, size_t n, Err *err);

void flowfile_close(FlowFile *f);
size_t flowfile_n(const FlowFile *f);
/* flowfile_read reads a chunk into `room`, which has space for FLOW_CHUNK flows; flowfile_pairs
 * reads its hosts alone. A file that has become shorter meanwhile ends the program. */
void flowfile_read(const FlowFile *f, size_t chunk, const Flows *room);
void flowfile_pairs(const FlowFile *f, size_t chunk, uint32_t *src, uint32_t *dst);
#endif
