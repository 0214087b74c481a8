/* words: suggests the valid name nearest to what was written. */
#ifndef M3_BASE_WORDS_H
#define M3_BASE_WORDS_H

/* words_nearest returns the name in the NULL-ended list nearest to `word` by edit distance, the
 * first of equals; NULL if none is within 3 edits and less than half of its own length. */
const char *words_nearest(const char *word, const char *const *names);
#endif
