/* value: values of options that several commands take, with one wording of what is wrong with them.
 * `option` names the option in messages: "--paths". */
#ifndef M3_CLI_VALUE_H
#define M3_CLI_VALUE_H
#include <stdint.h>

#include "base/diag.h"

/* Parses a whole number in lo..hi: 500, 200k, 10M. UINT64_MAX: no upper limit. */
int value_count(const char *value, const char *option, uint64_t lo, uint64_t hi, uint64_t *n,
                Err *err);
int value_count32(const char *value, const char *option, uint32_t lo, uint32_t hi, uint32_t *n,
                  Err *err);
/* value_count_or_all parses a whole number from 1 to hi, or "all" as 0. */
int value_count_or_all(const char *value, const char *option, uint64_t hi, uint64_t *n, Err *err);
/* Parses a time above 0 in ns. A unit is required: a bare number would be nanoseconds, which nobody
 * means on a command line. */
int value_span(const char *value, const char *option, double *ns, Err *err);
/* value_spec returns the file that a user means by a topology or mix (file_find_spec; `path` itself
 * where there is none), which the caller frees; value_check_spec refuses one that is not there and
 * says where it was looked for. path NULL: not given. */
char *value_spec(const char *path);
int value_check_spec(const char *path, Err *err);
/* Finds value among the NULL-ended names. */
int value_choice(const char *value, const char *option, const char *const *names, int *index,
                 Err *err);
#endif
