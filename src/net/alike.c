/* alike: numbers equal lists, with a hash table of the first list of each kind.
 *
 * Open addressing, at most half full; the hash is FNV-1a over words, finished by a multiplication
 * whose high bits choose the place. Lists of equal hash are compared in full. Time and memory are
 * linear in the lists. Left out: lists that change. */
#include "net/alike.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static uint64_t hash_of(const uint32_t *words, size_t n) {
    uint64_t h = 0xCBF29CE484222325u;
    for (size_t i = 0; i < n; i++) h = (h ^ words[i]) * 0x100000001B3u;
    return h * 0x9E3779B97F4A7C15u;
}

uint32_t alike_number(const uint32_t *words, const size_t *start, uint32_t n, uint32_t *number,
                      uint32_t *first) {
    int log2_cap = 1;
    while ((uint64_t)1 << log2_cap < 2 * (uint64_t)n) log2_cap++;
    size_t mask = ((size_t)1 << log2_cap) - 1;
    uint32_t *slot = MEM_ZNEW(uint32_t, mask + 1), n_numbers = 0; /* a number + 1; 0: empty */
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t *list = words + start[i];
        size_t len = start[i + 1] - start[i], at = hash_of(list, len) >> (64 - log2_cap);
        for (; slot[at] != 0; at = (at + 1) & mask) {
            uint32_t other = first[slot[at] - 1];
            if (start[other + 1] - start[other] == len &&
                memcmp(words + start[other], list, len * sizeof *list) == 0)
                break;
        }
        if (slot[at] == 0) {
            first[n_numbers] = i;
            slot[at] = ++n_numbers;
        }
        number[i] = slot[at] - 1;
    }
    free(slot);
    return n_numbers;
}
