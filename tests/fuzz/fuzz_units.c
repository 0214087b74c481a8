/* Quantities with units: the first byte says which kind the rest is read as. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static int (*const parse[])(const char *, const char *, double *, Err *) = {
        units_parse_rate, units_parse_time, units_parse_size, units_parse_number};
    if (size == 0) return 0;
    char *text = MEM_NEW(char, size);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    Err err = {0};
    double x = 0;
    uint64_t n = 0;
    int kind = data[0] % 5;
    int rc = kind < 4 ? parse[kind](text, "x", &x, &err) : units_parse_count(text, "x", &n, &err);
    assert(rc == 0 || (rc == -1 && err.kind == ERR_INPUT && err.msg[0]));
    assert(rc != 0 || (isfinite(x) && (kind == 3 || x >= 0) && n <= 9000000000000000u));
    if (rc == 0) units_rate(x), units_time(x), units_size(x), units_count(n), units_per_s(x);
    free(text);
    return 0;
}
