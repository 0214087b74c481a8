/* words: the name a user probably meant.
 *
 * Levenshtein distance (insertions, deletions, substitutions) by dynamic programming, one row at a
 * time. Words beyond 40 letters are not compared: the longest name of an option has 18.
 * More than 3 edits, or as many as half of the letters, rather make another word than a typing
 * error. */
#include "base/words.h"

#include <string.h>

enum { MAX_WORD = 40, MAX_EDITS = 3 }; /* as said above */

static size_t edit_distance(const char *a, const char *b) {
    size_t na = strlen(a), nb = strlen(b), row[MAX_WORD + 1];
    if (na > MAX_WORD || nb > MAX_WORD) return MAX_WORD;
    for (size_t j = 0; j <= nb; j++) row[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t diag = row[0];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t best = diag + (a[i - 1] != b[j - 1]);
            diag = row[j];
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[nb];
}

const char *words_nearest(const char *word, const char *const *names) {
    const char *best = NULL;
    size_t best_d = MAX_EDITS + 1;
    for (; *names; names++) {
        size_t d = edit_distance(word, *names);
        if (d < best_d && 2 * d < strlen(*names)) {
            best_d = d;
            best = *names;
        }
    }
    return best;
}
