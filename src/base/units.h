/* units: quantities with units, as users write them. Decimal: K M G T (k too); binary: Ki Mi Gi. */
#ifndef M3_BASE_UNITS_H
#define M3_BASE_UNITS_H
#include <stdint.h>

#include "base/diag.h"

/* units_parse_* read the whole of `text`; `what` names the quantity in messages. A bare number is
 * taken in the base unit (bit/s, ns, bytes). Values are finite and ≥ 0 (units_parse_number: any
 * finite number); callers check for > 0. −1 with "<what>: expected a rate like 10Gbps, got 'x'".
 *
 * rate: 10Gbps, 400Mb/s, 2.5e9; time: 1us, 5s, 200ns, 3ms, 1min, 2h; size: 18KB, 400KiB, 1500B;
 * count, a whole number up to 9e15, which a double holds exactly: 10000000, 10M, 200k, 1e6. */
int units_parse_rate(const char *text, const char *what, double *bps, Err *err);
int units_parse_time(const char *text, const char *what, double *ns, Err *err);
int units_parse_size(const char *text, const char *what, double *bytes, Err *err);
int units_parse_count(const char *text, const char *what, uint64_t *n, Err *err);
int units_parse_number(const char *text, const char *what, double *x, Err *err);

/* units_* return short forms for people: "10 Gbit/s", "1 µs", "18 KB", "1,234,567". */
typedef struct {
    char s[40];
} UnitsText;
UnitsText units_rate(double bps);
UnitsText units_time(double ns);
UnitsText units_size(double bytes);
UnitsText units_count(uint64_t n);
#endif
