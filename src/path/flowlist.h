/* flowlist: ascending offsets of flows in their chunk, in little more than a byte each. */
#ifndef M3_PATH_FLOWLIST_H
#define M3_PATH_FLOWLIST_H
#include <stddef.h>
#include <stdint.h>

/* Bytes that may be read behind a list: its buffer must have them. */
enum { FLOWLIST_SLACK_B = 8 };

/* flowlist_bytes returns how long the list of n ≤ FLOW_CHUNK offsets is; 0 if n is 0.
 * flowlist_encode writes it, flowlist_n returns n of a list of that length, and flowlist_decode
 * writes the offsets to out[n] and returns n. */
size_t flowlist_bytes(uint32_t n);
void flowlist_encode(const uint16_t *offset, uint32_t n, uint8_t *list);
uint32_t flowlist_n(const uint8_t *list, size_t bytes);
uint32_t flowlist_decode(const uint8_t *list, size_t bytes, uint16_t *out);
/* flowlist_ends returns the first and the last offset of a list that is not empty. */
void flowlist_ends(const uint8_t *list, size_t bytes, uint16_t *first, uint16_t *last);
#endif
