/* words: suggests the valid name nearest to what was written. */
#ifndef M3_BASE_WORDS_H
#define M3_BASE_WORDS_H

/* The name in NULL-ended `names` nearest to `word` by edit distance (at most 3 and less than half
 * of its length), or NULL. */
const char *words_nearest(const char *word, const char *const *names);
#endif
