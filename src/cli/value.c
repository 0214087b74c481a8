/* value: counts with limits, spans of time, and choices of one word.
 *
 * Every command's options are parsed by these or by base/units, so that the same mistake is called
 * the same everywhere. */
#include "cli/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/units.h"
#include "cli/cli.h"

int value_count(const char *value, const char *option, uint64_t lo, uint64_t hi, uint64_t *n,
                Err *err) {
    if (units_parse_count(value, option, n, err) != 0) return -1;
    if (*n >= lo && *n <= hi) return 0;
    unsigned long long least = lo, most = hi;
    if (hi == UINT64_MAX)
        return err_input(err, "%s: must be at least %llu, got %.40s", option, least, value);
    if (lo == 0) return err_input(err, "%s: must be at most %llu, got %.40s", option, most, value);
    return err_input(err, "%s: must be in %llu..%llu, got %.40s", option, least, most, value);
}

int value_count32(const char *value, const char *option, uint32_t lo, uint32_t hi, uint32_t *n,
                  Err *err) {
    uint64_t x;
    if (value_count(value, option, lo, hi, &x, err) != 0) return -1;
    *n = (uint32_t)x;
    return 0;
}

int value_count_or_all(const char *value, const char *option, uint64_t hi, uint64_t *n, Err *err) {
    *n = 0;
    return strcmp(value, "all") == 0 ? 0 : value_count(value, option, 1, hi, n, err);
}

int value_span(const char *value, const char *option, double *ns, Err *err) {
    if (strspn(value, "0123456789.eE+-") == strlen(value))
        return err_input(err, "%s: expected a time with a unit like 5s, got '%.40s'", option,
                         value);
    if (units_parse_time(value, option, ns, err) != 0) return -1;
    return *ns > 0 ? 0 : err_input(err, "%s: must be above 0, got %.40s", option, value);
}

int value_choice(const char *value, const char *option, const char *const *names, int *index,
                 Err *err) {
    char list[200] = "";
    for (int i = 0; names[i]; i++) {
        if (strcmp(value, names[i]) == 0) {
            *index = i;
            return 0;
        }
        size_t len = strlen(list);
        snprintf(list + len, sizeof list - len, "%s%s",
                 i == 0         ? ""
                 : names[i + 1] ? ", "
                                : " or ",
                 names[i]);
    }
    return err_input(err, "%s: expected %s, got '%.40s'%s", option, list, value,
                     cli_suggest(value, names, "", "").s);
}

char *value_spec(const char *path) {
    char *found = file_find_spec(path);
    return found ? found : mem_strdup(path);
}

int value_check_spec(const char *path, Err *err) {
    if (!path || file_exists(path)) return 0;
    char *shipped = file_find_shipped("spec");
    err_input(err, "%s: cannot open: No such file or directory%s%s", path,
              shipped ? ", nor is it among those that come with m3, in " : "",
              shipped ? shipped : "");
    free(shipped);
    return -1;
}
