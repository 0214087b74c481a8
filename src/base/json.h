/* json: typed reads that name the place they fail at, and a streaming writer. */
#ifndef M3_BASE_JSON_H
#define M3_BASE_JSON_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/diag.h"
#include "base/file.h"

/* A parsed document. Its name appears in every message. */
typedef struct JsonDoc JsonDoc;
/* A value in a document. It points into the document and at the Json it was reached from, both of
 * which must outlive it: keep them on the stack, outer before inner. */
typedef struct Json {
    const JsonDoc *doc;
    const void *node;
    const struct Json *parent;
    const char *key; /* NULL: array element `index` */
    int index;
} Json;

/* json_open reads a file of at most 512 MiB, json_parse a text of `len` bytes that messages call
 * `name`. NULL with file, line and column where it is not JSON. json_close releases (NULL: nothing
 * to do). */
JsonDoc *json_open(const char *path, Err *err);
JsonDoc *json_parse(const char *text, size_t len, const char *name, Err *err);
void json_close(JsonDoc *doc);
/* json_root returns the document's outermost value. */
Json json_root(const JsonDoc *doc);

bool json_is_object(const Json *j);
bool json_is_array(const Json *j);
bool json_is_string(const Json *j);
bool json_is_number(const Json *j);
bool json_is_bool(const Json *j);
bool json_is_null(const Json *j);
/* json_len returns the number of elements of an array or members of an object; 0 otherwise. */
int json_len(const Json *j);

/* json_find returns whether j is an object with a member `key`, and puts that into *out. */
bool json_find(const Json *j, const char *key, Json *out);
/* json_need puts member `key` of j into *out; −1 if j is no object or has no such member. */
int json_need(const Json *j, const char *key, Json *out, Err *err);
/* json_first and json_next walk an array or object, in constant time a step:
 * `Json it; for (bool ok = json_first(&arr, &it); ok; ok = json_next(&it))`. In an object it.key is
 * the member's name. */
bool json_first(const Json *j, Json *it);
bool json_next(Json *it);

/* json_expect_* and json_number, _uint, _bool, _string read a value of their type; −1 for one of
 * another: "file: .pods[3].racks: expected an array, got a string". Numbers are finite; json_uint
 * takes whole numbers from 0 to max (and to 2^53, beyond which a JSON number is not exact);
 * json_bool takes true, false, 1 and 0; strings live as long as the document. */
int json_expect_object(const Json *j, Err *err);
int json_expect_array(const Json *j, Err *err);
int json_number(const Json *j, double *out, Err *err);
int json_uint(const Json *j, uint64_t max, uint64_t *out, Err *err);
int json_bool(const Json *j, bool *out, Err *err);
int json_string(const Json *j, const char **out, Err *err);
/* json_text reads a number, boolean or string as the text that a user would type for it: the
 * shortest exact decimals, "on" and "off". *out points into the document or at *buffer. */
typedef struct {
    char s[32];
} JsonNumber;
int json_text(const Json *j, JsonNumber *buffer, const char **out, Err *err);
/* json_number_or_null reads a number, of which null gives NAN; json_need_number_or_null reads such
 * a member. */
int json_number_or_null(const Json *j, double *out, Err *err);
int json_need_number_or_null(const Json *j, const char *key, double *out, Err *err);
/* json_need_* read member `key` of the object j; −1 if j is no object, has no such member, or the
 * member is not of the type. */
int json_need_string(const Json *j, const char *key, const char **out, Err *err);
int json_need_number(const Json *j, const char *key, double *out, Err *err);
int json_need_uint(const Json *j, const char *key, uint64_t max, uint64_t *out, Err *err);
int json_need_u32(const Json *j, const char *key, uint32_t max, uint32_t *out, Err *err);
int json_need_bool(const Json *j, const char *key, bool *out, Err *err);
int json_need_array(const Json *j, const char *key, Json *out, Err *err);
/* json_fail complains about the value j: fills "file: path: message" and returns −1. */
int json_fail(const Json *j, Err *err, const char *fmt, ...) DIAG_PRINTF(3, 4);
/* json_fail_member complains about member `key` of the object j. */
int json_fail_member(const Json *j, const char *key, Err *err, const char *fmt, ...)
    DIAG_PRINTF(4, 5);
/* json_fail_named complains about member j in the words of another message, which may begin with
 * the member's name and a colon: the place says that already. */
int json_fail_named(const Json *j, Err *err, const char *message);
/* json_only_keys returns −1 if j is no object, or has a member that is not in the NULL-ended list;
 * then the message suggests the nearest name. */
int json_only_keys(const Json *j, const char *const *known, Err *err);

/* A writer, which keeps commas, quoting and indentation right. */
typedef struct {
    FILE *f;
    int depth;
    bool first, after_key, compact; /* compact: no newlines within the current array */
} JsonOut;
void json_out_init(JsonOut *o, FILE *f);
/* json_out_* write one value: an element of the open array, or the value of the member whose key
 * was written last. Objects and arrays are begun, and ended by json_out_end. Numbers round-trip
 * (the shortest decimal form); those that are not finite become null, as does a NULL string. */
void json_out_object(JsonOut *o);
void json_out_array(JsonOut *o);
void json_out_array_compact(JsonOut *o);     /* on one line */
void json_out_end(JsonOut *o, char bracket); /* '}' or ']' */
void json_out_key(JsonOut *o, const char *key);
void json_out_string(JsonOut *o, const char *s);
void json_out_number(JsonOut *o, double x);
void json_out_int(JsonOut *o, int64_t x);
void json_out_count(JsonOut *o, uint64_t x);
void json_out_bool(JsonOut *o, bool b);
/* json_copy writes the value j with all that is in it. */
void json_copy(const Json *j, JsonOut *o);
/* json_out_finish writes the newline at the end. */
void json_out_finish(JsonOut *o);
/* A file whose content is one JSON object. json_file_open opens dir/name (dir NULL: name, where "-"
 * is standard output) and begins the object; json_file_commit ends it and puts the file in place as
 * file_out_commit does. Both return 0, or −1 with `err` filled and nothing left to release. */
typedef struct {
    FileOut out;
    JsonOut j;
} JsonFile;
int json_file_open(JsonFile *f, const char *dir, const char *name, Err *err);
int json_file_commit(JsonFile *f, Err *err);
/* json_file_commit_new is json_file_commit by file_out_commit_new. */
int json_file_commit_new(JsonFile *f, bool *made, Err *err);
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
/* json_number_text returns the shortest decimal text of 6 to 17 digits that reads back as x. */
JsonNumber json_number_text(double x);

/* json_die_without_memory makes cJSON end the process when memory runs out, as base/mem does,
 * instead of finding the JSON invalid. It changes all of the process's cJSON: called once, by main,
 * and not in the library, whose program may have an allocator of its own. */
void json_die_without_memory(void);
/* json_library_version returns the version of cJSON. */
const char *json_library_version(void);

#endif
