/* json: typed reads that name the place they fail at, and a streaming writer. The sole user of
 * cJSON. */
#ifndef M3_BASE_JSON_H
#define M3_BASE_JSON_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/diag.h"

/* A parsed file. Its name appears in every message. */
typedef struct JsonDoc JsonDoc;
/* A place in a document: points into the doc and at its parent Json, both of which must outlive it.
 * Keep them on the stack, outer before inner; a path is only spelt out when something fails. */
typedef struct Json {
    const JsonDoc *doc;
    const void *node;
    const struct Json *parent;
    const char *key; /* NULL: array element `index` */
    int index;
} Json;

/* Reads a whole file (at most 512 MiB) or text; −1 with file, line and column. json_close releases.
 */
JsonDoc *json_open(const char *path, Err *err);
JsonDoc *json_parse(const char *text, size_t len, const char *name, Err *err);
void json_close(JsonDoc *doc); /* NULL is fine */
Json json_root(const JsonDoc *doc);

bool json_is_object(const Json *j);
bool json_is_array(const Json *j);
bool json_is_string(const Json *j);
bool json_is_number(const Json *j);
bool json_is_bool(const Json *j);
bool json_is_null(const Json *j);
int json_len(const Json *j); /* elements of an array or members of an object; 0 otherwise */

/* Member `key` of an object: true and *out if there, else false. */
bool json_find(const Json *j, const char *key, Json *out);
/* The same, but absence (or j not an object) is an error. */
int json_need(const Json *j, const char *key, Json *out, Err *err);
/* Walk an array or object: `Json it; for (bool ok = json_first(&arr, &it); ok; ok =
 * json_next(&it))`. In an object it.key is the member's name. O(1) a step. */
bool json_first(const Json *j, Json *it);
bool json_next(Json *it);

/* −1 unless of the type: "file: .pods[3].racks: expected an array, got a string". Numbers are
 * finite. */
int json_expect_object(const Json *j, Err *err);
int json_expect_array(const Json *j, Err *err);
int json_number(const Json *j, double *out, Err *err);
int json_uint(const Json *j, uint64_t max, uint64_t *out, Err *err); /* a whole number in 0..max */
int json_bool(const Json *j, bool *out, Err *err);                   /* true, false, 0 or 1 */
int json_string(const Json *j, const char **out, Err *err);          /* lives as long as the doc */
/* json_need_* read member `key` of the object j; −1 if j is no object, has no such member, or the
 * member is not of the type. */
int json_need_string(const Json *j, const char *key, const char **out, Err *err);
int json_need_number(const Json *j, const char *key, double *out, Err *err);
int json_need_uint(const Json *j, const char *key, uint64_t max, uint64_t *out, Err *err);
int json_need_u32(const Json *j, const char *key, uint32_t max, uint32_t *out, Err *err);
int json_need_bool(const Json *j, const char *key, bool *out, Err *err);
int json_need_array(const Json *j, const char *key, Json *out, Err *err);
/* Complain about this place: fills "file: path: message" and returns −1. */
int json_fail(const Json *j, Err *err, const char *fmt, ...) DIAG_PRINTF(3, 4);
/* Complain about member `key` of the object j. */
int json_fail_member(const Json *j, const char *key, Err *err, const char *fmt, ...)
    DIAG_PRINTF(4, 5);
/* −1 if the object has a member not in the NULL-ended list; suggests the nearest name. */
int json_only_keys(const Json *j, const char *const *known, Err *err);

/* Writer: keeps commas, quoting and indentation right; numbers round-trip (shortest %.17g form). */
typedef struct {
    FILE *f;
    int depth;
    bool first, after_key, compact; /* compact: no newlines within the current array */
} JsonOut;
void json_out_init(JsonOut *o, FILE *f);
void json_out_object(JsonOut *o);
void json_out_array(JsonOut *o);
void json_out_array_compact(JsonOut *o);     /* on one line */
void json_out_end(JsonOut *o, char bracket); /* '}' or ']' */
void json_out_key(JsonOut *o, const char *key);
void json_out_string(JsonOut *o, const char *s); /* NULL: null */
void json_out_number(JsonOut *o, double x);      /* not finite: null */
void json_out_int(JsonOut *o, int64_t x);
void json_out_count(JsonOut *o, uint64_t x);
void json_out_bool(JsonOut *o, bool b);
void json_copy(const Json *j, JsonOut *o); /* a value with all that is in it */
void json_out_finish(JsonOut *o);          /* final newline */
/* json_put_* write one member of the open object: its key, then its value, which for an object or
 * array is begun and must be ended with json_out_end. */
void json_put_string(JsonOut *o, const char *key, const char *s); /* NULL: null */
void json_put_number(JsonOut *o, const char *key, double x);      /* not finite: null */
void json_put_int(JsonOut *o, const char *key, int64_t x);
void json_put_count(JsonOut *o, const char *key, uint64_t x);
void json_put_bool(JsonOut *o, const char *key, bool b);
void json_put_null(JsonOut *o, const char *key);
void json_put_seconds(JsonOut *o, const char *key, double s); /* a wall time, rounded to 1 µs */
void json_put_object(JsonOut *o, const char *key);
void json_put_array(JsonOut *o, const char *key);
void json_put_array_compact(JsonOut *o, const char *key); /* on one line */
/* Shortest decimal text that reads back as x. */
typedef struct {
    char s[32];
} JsonNumber;
JsonNumber json_number_text(double x);

const char *json_library_version(void); /* of cJSON */

#endif
