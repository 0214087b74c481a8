/* units: quantities with units, in and out.
 *
 * A quantity is a decimal number, optional blanks, an optional unit. Units are looked up in one
 * table per dimension. The case of letters does not matter, so that "10gbps" works; no dimension
 * has two units that differ in case only. */
#include "base/units.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct {
    const char *name;
    double factor;
} Unit;

static const Unit rate_units[] = {
    {"", 1},         {"bps", 1},     {"b/s", 1},     {"bit/s", 1},     {"Kbps", 1e3}, {"Kb/s", 1e3},
    {"Kbit/s", 1e3}, {"Mbps", 1e6},  {"Mb/s", 1e6},  {"Mbit/s", 1e6},  {"Gbps", 1e9}, {"Gb/s", 1e9},
    {"Gbit/s", 1e9}, {"Tbps", 1e12}, {"Tb/s", 1e12}, {"Tbit/s", 1e12}, {"K", 1e3},    {"M", 1e6},
    {"G", 1e9},      {"T", 1e12},    {NULL, 0}};
static const Unit time_units[] = {{"", 1},      {"ns", 1},  {"us", 1e3},   {"µs", 1e3},
                                  {"ms", 1e6},  {"s", 1e9}, {"min", 60e9}, {"h", 3600e9},
                                  {"ps", 1e-3}, {NULL, 0}};
static const Unit size_units[] = {
    {"", 1},      {"B", 1},      {"KB", 1e3},      {"MB", 1e6},         {"GB", 1e9},
    {"TB", 1e12}, {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}, {"K", 1e3},
    {"M", 1e6},   {"G", 1e9},    {NULL, 0}};
static const Unit count_units[] = {{"", 1}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}, {NULL, 0}};
static const Unit no_units[] = {{"", 1}, {NULL, 0}};

static int parse(const char *text, const Unit *units, double *out) {
    while (isspace((unsigned char)*text)) text++;
    if (!(isdigit((unsigned char)*text) || *text == '.' || *text == '-' || *text == '+')) return -1;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) return -1;
    char *end;
    double x = strtod(text, &end);
    if (end == text || !isfinite(x)) return -1;
    while (isspace((unsigned char)*end)) end++;
    size_t n = strlen(end);
    while (n > 0 && isspace((unsigned char)end[n - 1])) n--;
    for (const Unit *u = units; u->name; u++)
        if (strlen(u->name) == n && strncasecmp(u->name, end, n) == 0) {
            *out = x * u->factor;
            return isfinite(*out) ? 0 : -1;
        }
    return -1;
}

static int refuse(const char *text, const char *what, const char *expected, Err *err) {
    return err_input(err, "%s: expected %s, got '%.60s'", what, expected, text);
}

int units_parse_rate(const char *text, const char *what, double *bps, Err *err) {
    if (parse(text, rate_units, bps) != 0 || *bps < 0)
        return refuse(text, what, "a rate like 10Gbps", err);
    return 0;
}

int units_parse_time(const char *text, const char *what, double *ns, Err *err) {
    if (parse(text, time_units, ns) != 0 || *ns < 0)
        return refuse(text, what, "a time like 1us or 5s", err);
    return 0;
}

int units_parse_size(const char *text, const char *what, double *bytes, Err *err) {
    if (parse(text, size_units, bytes) != 0 || *bytes < 0)
        return refuse(text, what, "a size like 18KB or 400KiB", err);
    return 0;
}

int units_parse_count(const char *text, const char *what, uint64_t *n, Err *err) {
    double x;
    static const double MAX = 9e15; /* below 2^53: every whole number is a double */
    if (parse(text, count_units, &x) != 0 || x < 0 || x > MAX || x != floor(x))
        return refuse(text, what, "a whole number like 500 or 10M", err);
    *n = (uint64_t)x;
    return 0;
}

int units_parse_number(const char *text, const char *what, double *x, Err *err) {
    if (parse(text, no_units, x) != 0) return refuse(text, what, "a number", err);
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
