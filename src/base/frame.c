/* frame: the envelope of binary files (layout: frame.h).
 *
 * The checksum covers every byte, so the image is put together in memory before it is written.
 * Payloads begin at a multiple of 64 bytes, a cache line and the widest vector register, so that
 * their arrays can be used where they are mapped. Left out: other byte orders. */
#include "base/frame.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The fields before the header's text, and the checksum at the end (frame.h). */
enum { HEAD_BYTES = 24, ALIGNMENT = 64, SUM_BYTES = 8 };

static size_t aligned(size_t n) { return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

int frame_open(Frame *f, const char *path, const FrameKind *kind, Err *err) {
    uint32_t version, header_len;
    uint64_t file_len, sum;
    const FileView *v = &f->view;
    *f = (Frame){0};
    if (file_view(&f->view, path, err) != 0) return -1;
    if (v->len < HEAD_BYTES + SUM_BYTES || memcmp(v->data, kind->magic, sizeof kind->magic) != 0)
        return err_input(err, "%s: not %s (its first bytes are not \"%.6s\")", path, kind->what,
                         kind->magic);
    memcpy(&version, v->data + 8, sizeof version);
    memcpy(&header_len, v->data + 12, sizeof header_len);
    memcpy(&file_len, v->data + 16, sizeof file_len);
    if (version != kind->version)
        return err_input(err, "%s: version of %s: expected %u, got %u", path, kind->what,
                         kind->version, version);
    if (file_len != v->len)
        return err_input(err, "%s: length: expected %llu bytes, got %zu", path,
                         (unsigned long long)file_len, v->len);
    memcpy(&sum, v->data + v->len - SUM_BYTES, sizeof sum);
    if (sum != file_checksum(v->data, v->len - SUM_BYTES))
        return err_input(err, "%s: checksum does not match: the file is damaged", path);
    size_t start = aligned(HEAD_BYTES + (size_t)header_len);
    if (start > v->len - SUM_BYTES)
        return err_input(err, "%s: header: %u bytes exceed the file", path, header_len);

    f->header = v->data + HEAD_BYTES;
    f->header_len = header_len;
    f->payload = v->data + start;
    f->payload_len = v->len - SUM_BYTES - start;
    return 0;
}

void frame_close(Frame *f) {
    if (f->view.data) file_view_close(&f->view);
    *f = (Frame){0};
}

void frame_write(FILE *out, const FrameKind *kind, const char *header, size_t header_len,
                 const char *payload, size_t payload_len) {
    size_t start = aligned(HEAD_BYTES + header_len);
    uint32_t words[2] = {kind->version, (uint32_t)header_len};
    uint64_t len = start + payload_len + SUM_BYTES;
    char *image = mem_calloc(len, 1);
    memcpy(image, kind->magic, sizeof kind->magic);
    memcpy(image + 8, words, sizeof words);
    memcpy(image + 16, &len, sizeof len);
    memcpy(image + HEAD_BYTES, header, header_len);
    if (payload_len > 0) memcpy(image + start, payload, payload_len);
    uint64_t sum = file_checksum(image, len - SUM_BYTES);
    memcpy(image + len - SUM_BYTES, &sum, sizeof sum);
    fwrite(image, 1, len, out);
    free(image);
}
