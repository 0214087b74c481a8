/* alike: which of many lists of numbers are equal. */
#ifndef M3_NET_ALIKE_H
#define M3_NET_ALIKE_H
#include <stddef.h>
#include <stdint.h>

/* alike_number numbers n lists, of which list i is words[start[i]] to words[start[i + 1] − 1]:
 * equal lists, and no others, get the same number[i], from 0 in order of first appearance. Returns
 * how many numbers there are; first[number] (room for n) becomes the first list of each. */
uint32_t alike_number(const uint32_t *words, const size_t *start, uint32_t n, uint32_t *number,
                      uint32_t *first);
#endif
