/* frame: binary files that say what they are: magic, version, a JSON header, a payload, a checksum
 * over all. */
#ifndef M3_BASE_FRAME_H
#define M3_BASE_FRAME_H
#include "base/file.h"

/*   0   magic (8 bytes)
 *   8   version (u32), length of the JSON header (u32)
 *   16  length of the whole file (u64)
 *   24  JSON header
 *   ..  zeros up to a multiple of 64, then the payload
 *   end-8  file_checksum of all bytes before it (u64)
 * Little-endian, and so must the machine be. */
typedef struct {
    char magic[8];
    uint32_t version;
    const char *what; /* "an m3 checkpoint", for messages */
} FrameKind;

/* An opened file; header and payload point into the view. */
typedef struct {
    FileView view;
    const char *header; /* not ended by NUL */
    size_t header_len;
    const char *payload; /* aligned to 8 bytes */
    size_t payload_len;
} Frame;

/* frame_open verifies a file as a whole (magic, version, length, checksum) before anything in it is
 * believed, and views it. frame_close releases, also after −1. */
int frame_open(Frame *f, const char *path, const FrameKind *kind, Err *err);
void frame_close(Frame *f);
/* frame_write writes the image of a file to `out`, a FileOut's stream, whose commit finds errors.
 */
void frame_write(FILE *out, const FrameKind *kind, const char *header, size_t header_len,
                 const char *payload, size_t payload_len);
#endif
