/* mem: checked allocation and arenas.
 *
 * An arena is a list of blocks, newest first; allocation bumps a pointer in the newest. Reset keeps
 * one block as large as all of them together, so that a worker that resets per path soon allocates
 * nothing. Invariant: every pointer handed out is 64-byte aligned (vector loads, no false sharing).
 */
#include "base/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/diag.h"

/* A cache line. The first block of 64 KiB holds what a short path needs; blocks then double. */
enum { ALIGN = 64, MIN_BLOCK = 1 << 16 };

struct ArenaBlock {
    ArenaBlock *next;
    size_t used, cap; /* of the payload, which starts ALIGN bytes in */
};

static size_t product(size_t n, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > PTRDIFF_MAX - 2 * ALIGN)
        diag_out_of_memory("%zu × %zu bytes asked for", n, size);
    return bytes ? bytes : 1;
}

static void *must(void *p, size_t bytes) {
    if (!p) diag_out_of_memory("%zu bytes asked for", bytes);
    return p;
}

void *mem_alloc(size_t n, size_t size) {
    size_t bytes = product(n, size);
    return must(malloc(bytes), bytes);
}

void *mem_calloc(size_t n, size_t size) {
    size_t bytes = product(n, size);
    return must(calloc(1, bytes), bytes);
}

void *mem_realloc(void *p, size_t n, size_t size) {
    size_t bytes = product(n, size);
    return must(realloc(p, bytes), bytes);
}

void *mem_reserve(size_t n, size_t size) {
    void *p = mmap(NULL, product(n, size), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void mem_release(void *p, size_t n, size_t size) {
    if (p) munmap(p, product(n, size));
}

char *mem_strdup(const char *s) {
    size_t n = strlen(s) + 1;
    return memcpy(mem_alloc(n, 1), s, n);
}

char *mem_printf(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) diag_die("mem_printf: bad format");
    char *s = mem_alloc((size_t)n + 1, 1);
    va_start(ap, fmt);
    vsnprintf(s, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return s;
}

/* A stream of our own, since that of open_memstream, once memory is exhausted, may end without its
 * text and without an error. */
typedef struct {
    char **text;
    size_t *len, cap;
} Stream;

static ssize_t stream_write(void *cookie, const char *data, size_t n) {
    Stream *s = cookie;
    char *text = *s->text;
    MEM_GROW(text, s->cap, *s->len + n + 1); /* the NUL as well */
    memcpy(text + *s->len, data, n);
    *s->text = text;
    *s->len += n;
    return (ssize_t)n;
}

static int stream_close(void *cookie) {
    Stream *s = cookie;
    (*s->text)[*s->len] = '\0';
    free(s);
    return 0;
}

FILE *mem_stream_open(char **text, size_t *len) {
    Stream *s = MEM_NEW(Stream, 1);
    *text = NULL;
    *len = 0;
    *s = (Stream){.text = text, .len = len};
    MEM_GROW(*text, s->cap, 1);
    FILE *f =
        fopencookie(s, "w", (cookie_io_functions_t){.write = stream_write, .close = stream_close});
    if (!f) diag_out_of_memory("a stream");
    return f;
}

void mem_stream_close(FILE *f) {
    if (fclose(f) != 0) diag_die("mem_stream_close: cannot end a stream");
}

/* Returns how much of a block n elements take. */
static size_t aligned(size_t n, size_t size) {
    return (product(n, size) + ALIGN - 1) / ALIGN * ALIGN;
}

static ArenaBlock *block_new(size_t cap, ArenaBlock *next) {
    cap = (cap + ALIGN - 1) / ALIGN * ALIGN;
    ArenaBlock *b = must(aligned_alloc(ALIGN, cap + ALIGN), cap + ALIGN);
    b->next = next;
    b->used = 0;
    b->cap = cap;
    return b;
}

void *arena_alloc(Arena *a, size_t n, size_t size) {
    size_t bytes = aligned(n, size);
    ArenaBlock *b = a->blocks;
    if (!b || b->cap - b->used < bytes) {
        size_t cap = b ? b->cap * 2 : MIN_BLOCK;
        if (cap < bytes) cap = bytes;
        b = a->blocks = block_new(cap, b);
    }
    void *p = (char *)b + ALIGN + b->used;
    b->used += bytes;
    return p;
}

void arena_trim(Arena *a, const void *p, size_t n, size_t size) {
    ArenaBlock *b = a->blocks;
    size_t used = (size_t)((const char *)p - (const char *)b) - ALIGN + aligned(n, size);
    assert(used <= b->used);
    b->used = used;
}

void arena_reset(Arena *a) {
    ArenaBlock *b = a->blocks;
    if (!b) return;
    if (b->next) {
        size_t total = 0;
        for (ArenaBlock *i = b; i; i = i->next) total += i->cap;
        arena_free(a);
        b = a->blocks = block_new(total, NULL);
    }
    b->used = 0;
}

void arena_free(Arena *a) {
    for (ArenaBlock *b = a->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    a->blocks = NULL;
}
