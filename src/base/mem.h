/* mem: allocation that dies rather than returning NULL, and arenas. */
#ifndef M3_BASE_MEM_H
#define M3_BASE_MEM_H
#include <stddef.h>
#include <stdio.h>

/* mem_* return memory for n elements of `size` bytes (mem_calloc: zeros), never NULL, even for n =
 * 0, to be released with free(); overflow of n·size and exhausted memory die with a message.
 * mem_printf returns the formatted text. */
#define MEM_NEVER_NULL __attribute__((returns_nonnull))
MEM_NEVER_NULL void *mem_alloc(size_t n, size_t size);
MEM_NEVER_NULL void *mem_calloc(size_t n, size_t size);
MEM_NEVER_NULL void *mem_realloc(void *p, size_t n, size_t size);
MEM_NEVER_NULL char *mem_strdup(const char *s);
MEM_NEVER_NULL char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* mem_reserve returns zeroed memory for n elements of `size` bytes of which a page takes room when
 * it is first touched, or NULL if the system refuses; mem_release releases it (NULL: nothing). */
void *mem_reserve(size_t n, size_t size);
void mem_release(void *p, size_t n, size_t size);

/* mem_stream_open returns a stream that writes to memory. mem_stream_close ends it; *text then
 * holds *len bytes and a NUL, to be released with free(). */
FILE *mem_stream_open(char **text, size_t *len);
void mem_stream_close(FILE *f);

#define MEM_NEW(T, n) ((T *)mem_alloc((n), sizeof(T)))
#define MEM_ZNEW(T, n) ((T *)mem_calloc((n), sizeof(T)))
/* MEM_GROW makes array `a` of capacity `cap` hold at least `need` elements: doubling, from 16. */
#define MEM_GROW(a, cap, need)                                                                     \
    do {                                                                                           \
        if ((size_t)(need) > (size_t)(cap)) {                                                      \
            size_t mem_cap_ = (size_t)(cap)*2 > (size_t)(need) ? (size_t)(cap)*2 : (size_t)(need); \
            if (mem_cap_ < 16) mem_cap_ = 16;                                                      \
            (a) = mem_realloc((a), mem_cap_, sizeof *(a));                                         \
            (cap) = mem_cap_;                                                                      \
        }                                                                                          \
    } while (0)

/* An arena: a bump allocator whose memory is released as a whole. One owner; not shared between
 * threads. To begin with, all zero. */
typedef struct ArenaBlock ArenaBlock;
typedef struct {
    ArenaBlock *blocks; /* newest first */
} Arena;

/* arena_alloc returns memory for n elements of `size` bytes, aligned to 64 bytes and not cleared,
 * which is valid until the next reset. */
MEM_NEVER_NULL void *arena_alloc(Arena *a, size_t n, size_t size);
/* arena_trim gives back what the newest allocation, p, has beyond n elements. */
void arena_trim(Arena *a, const void *p, size_t n, size_t size);
/* arena_reset takes everything back and keeps the memory for reuse, merged into one block. */
void arena_reset(Arena *a);
/* arena_free releases the memory; the arena is empty, and can be used again. */
void arena_free(Arena *a);
#define ARENA_NEW(a, T, n) ((T *)arena_alloc((a), (n), sizeof(T)))
#endif
