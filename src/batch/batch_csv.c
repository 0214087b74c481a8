/* batch: cells of CSV.
 *
 * Names of mixes and files may hold any character. Cells that need no quotes have none, so that
 * line tools can read the tables of ordinary batches. What a spreadsheet makes of a text that
 * begins with '=' is left to it. */
#include "batch/batch_csv.h"

#include <stdbool.h>
#include <string.h>

static bool needs_quotes(const char *s) {
    size_t n = strlen(s);
    return strpbrk(s, ",\"\r\n") || *s == ' ' || (n > 0 && s[n - 1] == ' ');
}

void batch_csv_text(FILE *f, const char *s) {
    if (!needs_quotes(s)) {
        fputs(s, f);
        return;
    }
    fputc('"', f);
    for (; *s; s++) {
        if (*s == '"') fputc('"', f);
        fputc(*s, f);
    }
    fputc('"', f);
}
