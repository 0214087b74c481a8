/* units: quantities with units, in and out.
 *
 * A quantity is a decimal number, optional blanks, a unit; a unit is an optional prefix and one row
 * of the table below, the only one there is. The rows are compared letter by letter, since b and B
 * are a factor of 8 apart; prefixes in either case ("10gbps", "64kB"), since no unit here has a
 * milli- or micro- that is spelt with a prefix. What looks like a unit and is none is refused with
 * the reason where it has one: GBPS (bits or bytes?), Kb for a size. */
#include "base/units.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum { RATE, TIME, SIZE, COUNT, NUMBER } UnitKind;

typedef struct {
    UnitKind of;
    const char *name;
    double factor;
    bool prefixed; /* K, Mi and so on may stand before it */
} Unit;

static const Unit units[] = {
    {RATE, "bps", 1, true},     {RATE, "b/s", 1, true},        {RATE, "bit/s", 1, true},
    {RATE, "bits/s", 1, true},  {RATE, "Bps", 8, true},        {RATE, "B/s", 8, true},
    {RATE, "byte/s", 8, true},  {RATE, "bytes/s", 8, true},    {RATE, "", 1, true},
    {SIZE, "B", 1, true},       {SIZE, "byte", 1, true},       {SIZE, "bytes", 1, true},
    {SIZE, "", 1, true},        {TIME, "ps", 1e-3, false},     {TIME, "ns", 1, false},
    {TIME, "us", 1e3, false},   {TIME, "\u00b5s", 1e3, false}, {TIME, "\u03bcs", 1e3, false},
    {TIME, "ms", 1e6, false},   {TIME, "s", 1e9, false},       {TIME, "sec", 1e9, false},
    {TIME, "min", 60e9, false}, {TIME, "h", 3600e9, false},    {TIME, "", 1, false},
    {COUNT, "", 1, true},       {NUMBER, "", 1, false},
};

/* Returns the factor of the prefix that a unit begins with and moves past it; 1 without one. */
static double take_prefix(const char **unit) {
    static const char letters[] = "KMGTP";
    const char *s = *unit, *l = *s ? strchr(letters, toupper((unsigned char)*s)) : NULL;
    if (!l) return 1;
    bool binary = s[1] == 'i' && s[2] != 't'; /* not of "Kit" */
    *unit = s + (binary ? 2 : 1);
    return pow(binary ? 1024 : 1000, (double)(l - letters) + 1);
}

/* Returns the factor of a unit, 0 if the quantity has none of that name. */
static double factor_of(const char *unit, UnitKind of) {
    const char *rest = unit;
    double prefix = take_prefix(&rest);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        const Unit *u = &units[i];
        if (u->of != of) continue;
        if (strcmp(u->name, unit) == 0) return u->factor;
        if (u->prefixed && strcmp(u->name, rest) == 0) return u->factor * prefix;
    }
    return 0;
}

enum { MAX_UNIT = 16 }; /* longer than "Mibytes/s" */

/* Reads a number and its unit, blanks around both left out; −1 if there is something else. */
static int split(const char *text, double *x, char unit[MAX_UNIT]) {
    while (isspace((unsigned char)*text)) text++;
    if (!(isdigit((unsigned char)*text) || *text == '.' || *text == '-' || *text == '+')) return -1;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) return -1;
    char *end;
    *x = strtod(text, &end);
    if (end == text || !isfinite(*x)) return -1;
    while (isspace((unsigned char)*end)) end++;
    size_t n = strlen(end);
    while (n > 0 && isspace((unsigned char)end[n - 1])) n--;
    if (n >= MAX_UNIT) return -1;
    memcpy(unit, end, n);
    unit[n] = '\0';
    return 0;
}

/* Why a unit that nearly is one was refused; "" for all others. */
static const char *hint(const char *unit, UnitKind of) {
    const char *rest = unit;
    take_prefix(&rest);
    if (of == SIZE && *rest == 'b') return " (b is bits; bytes are B)";
    if (of == RATE && *rest == 'B') return " (bits are b as in Gbps, bytes B as in GB/s)";
    if (of == TIME && *unit == '\0') return " (without a unit)";
    return "";
}

static int parse(const char *text, const char *what, UnitKind of, double *out, Err *err) {
    static const char *const expected[] = {[RATE] = "a rate like 10Gbps",
                                           [TIME] = "a time like 1us or 5s",
                                           [SIZE] = "a size like 18KB or 400KiB",
                                           [COUNT] = "a whole number like 500 or 10M",
                                           [NUMBER] = "a number"};
    char unit[MAX_UNIT] = "";
    double x = 0, factor = 0;
    bool bare = false;
    if (split(text, &x, unit) == 0) {
        bare = *unit == '\0';
        factor = of == TIME && bare && x != 0 ? 0 : factor_of(unit, of);
    } else {
        unit[0] = '?';
    }
    *out = x * factor;
    if (factor == 0 || !isfinite(*out) || (of != NUMBER && x < 0))
        return err_input(err, "%s: expected %s, got '%.60s'%s", what, expected[of], text,
                         hint(unit, of));
    if (!bare || (of != RATE && of != SIZE)) return 0;
    return units_check_bare(of == RATE ? UNITS_RATE : UNITS_SIZE, *out, what, err);
}

int units_check_bare(UnitsBare of, double x, const char *what, Err *err) {
    /* No link of a data centre is slower than 1 Mbit/s, and few buffers, windows or thresholds are
     * below a packet; 10 and 400 are Gbit/s and KiB to who writes them. */
    static const double least[] = {[UNITS_RATE] = 1e6, [UNITS_SIZE] = 1000};
    if (x <= 0 || x >= least[of]) return 0;
    return of == UNITS_RATE
               ? err_input(err, "%s: expected a rate like 10Gbps, got %g without a unit (%g bps?)",
                           what, x, x)
               : err_input(err, "%s: expected a size like 18KB, got %g without a unit (%g B?)",
                           what, x, x);
}

int units_parse_rate(const char *text, const char *what, double *bps, Err *err) {
    return parse(text, what, RATE, bps, err);
}

int units_parse_time(const char *text, const char *what, double *ns, Err *err) {
    return parse(text, what, TIME, ns, err);
}

int units_parse_size(const char *text, const char *what, double *bytes, Err *err) {
    return parse(text, what, SIZE, bytes, err);
}

int units_parse_count(const char *text, const char *what, uint64_t *n, Err *err) {
    double x;
    static const double MAX = 9e15; /* below 2^53: every whole number is a double */
    if (parse(text, what, COUNT, &x, err) != 0) return -1;
    if (x > MAX || x != floor(x))
        return err_input(err, "%s: expected a whole number like 500 or 10M, got '%.60s'", what,
                         text);
    *n = (uint64_t)x;
    return 0;
}

int units_parse_number(const char *text, const char *what, double *x, Err *err) {
    return parse(text, what, NUMBER, x, err);
}

int units_parse_share(const char *text, const char *what, double *share, Err *err) {
    char number[64];
    size_t n = strlen(text);
    bool percent = n > 1 && text[n - 1] == '%' && n < sizeof number;
    if (!percent) return units_parse_number(text, what, share, err);
    memcpy(number, text, n - 1);
    number[n - 1] = '\0';
    if (units_parse_number(number, what, share, err) != 0) return -1;
    *share /= 100;
    return 0;
}

static UnitsText scaled(double x, const double *factors, const char *const *names, int n) {
    UnitsText t;
    int i = 0;
    while (i + 1 < n && fabs(x) >= factors[i + 1]) i++;
    snprintf(t.s, sizeof t.s, "%.4g %s", x / factors[i], names[i]);
    return t;
}

UnitsText units_rate(double bps) {
    static const double f[] = {1, 1e3, 1e6, 1e9, 1e12};
    static const char *const n[] = {"bit/s", "Kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"};
    return scaled(bps, f, n, 5);
}

UnitsText units_time(double ns) {
    static const double f[] = {1, 1e3, 1e6, 1e9};
    static const char *const n[] = {"ns", "µs", "ms", "s"};
    return scaled(ns, f, n, 4);
}

UnitsText units_size(double bytes) {
    static const double f[] = {1, 1e3, 1e6, 1e9, 1e12};
    static const char *const n[] = {"B", "KB", "MB", "GB", "TB"};
    return scaled(bytes, f, n, 5);
}

UnitsText units_count(uint64_t n) {
    char digits[24];
    UnitsText t;
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n), k = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) t.s[k++] = ',';
        t.s[k++] = digits[i];
    }
    t.s[k] = '\0';
    return t;
}

UnitsText units_per_s(double rate) {
    static const double THREE_DIGITS = 0.9995; /* of the next factor: 999.6 would be 1e+03 */
    static const char *const names[] = {"/s", " k/s", " M/s", " G/s", " T/s"};
    UnitsText t;
    int i = 0;
    for (; i < 4 && fabs(rate) >= THREE_DIGITS * 1e3; i++) rate /= 1e3;
    snprintf(t.s, sizeof t.s, "%.3g%s", rate, names[i]);
    return t;
}
