/* units: quantities with units, as users write them: 10Gbps, 18KB, 5us, 10M. */
#ifndef M3_BASE_UNITS_H
#define M3_BASE_UNITS_H
#include <stdint.h>

#include "base/diag.h"

/* The units_parse_* functions read the whole of `text`, a decimal number with a unit; `what` names
 * the quantity in messages. Results are finite and at least 0 (units_parse_number: any finite
 * number); whether 0 is allowed is for callers to check. They return 0, or −1 with an input error
 * "<what>: expected a rate like 10Gbps, got 'x'" that says why where it isn't plain.
 *
 * Bits and bytes are told apart by case, as ns-3's DataRate does: b and bit are bits, B and byte
 * are bytes. K, M, G, T, P are powers of 1000 in either case, Ki, Mi, Gi, Ti of 1024. */

/* units_parse_rate: 10Gbps, 400 Mb/s, 1Tbit/s, 100G in bits; 10GBps, 1.25GB/s, 1GiB/s in bytes. A
 * bare number is in bit/s if that may be meant (units_check_bare). */
int units_parse_rate(const char *text, const char *what, double *bps, Err *err);
/* units_parse_time: ps, ns, us or µs, ms, s, min, h; a unit must be there except with 0. */
int units_parse_time(const char *text, const char *what, double *ns, Err *err);
/* units_parse_size: 18KB, 400KiB, 1500B, 2MB, 10K. A bare number is in bytes if that may be meant.
 */
int units_parse_size(const char *text, const char *what, double *bytes, Err *err);
/* units_parse_count: a whole number up to 9e15, which a double holds exactly: 10000000, 10M, 1e6.
 */
int units_parse_count(const char *text, const char *what, uint64_t *n, Err *err);
int units_parse_number(const char *text, const char *what, double *x, Err *err);
/* units_parse_share: a fraction, 0.05, or a percentage, 5%; like units_parse_number any of them. */
int units_parse_share(const char *text, const char *what, double *share, Err *err);

/* units_check_bare refuses a rate (in bit/s) or a size (in bytes) that stood without a unit and is
 * so small that another unit was probably meant: above 0 and below 1 Mbit/s or 1,000 bytes. It
 * returns 0, or −1 with an input error that shows how to write what is meant. */
typedef enum { UNITS_RATE, UNITS_SIZE } UnitsBare;
int units_check_bare(UnitsBare of, double x, const char *what, Err *err);

/* units_* return short forms for people: "10 Gbit/s", "1 µs", "18 KB", "1,234,567". */
typedef struct {
    char s[40];
} UnitsText;
UnitsText units_rate(double bps);
UnitsText units_time(double ns);
UnitsText units_size(double bytes);
UnitsText units_count(uint64_t n);
/* units_per_s returns how many things a second, in three digits: "0.25/s", "17.4 k/s", "3 M/s". */
UnitsText units_per_s(double rate);
#endif
