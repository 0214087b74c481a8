/* json: typed reads over cJSON, of which this is the sole user, and a streaming writer.
 *
 * A Json is a cursor: node, parent cursor, and the key or index that led to it. Nothing is built
 * while reading goes well; on failure the chain of parents gives the path (".pods[3].racks"). The
 * writer holds no tree: it remembers its depth and whether a comma is due. */
#include "base/json.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/words.h"

/* cJSON takes some ten times a file's size in memory; the largest topologies and matrices have tens
 * of megabytes. */
enum { MAX_JSON_BYTES = 512 << 20 };

struct JsonDoc {
    cJSON *root;
    char *name;
};

static const cJSON *node(const Json *j) { return j->node; }

JsonDoc *json_parse(const char *text, size_t len, const char *name, Err *err) {
    const char *end = NULL;
    /* An array of digits takes some 40 times its text. */
    size_t share = (size_t)(file_memory_b() / 64),
           most = share < MAX_JSON_BYTES ? share : MAX_JSON_BYTES;
    if (len > most) {
        err_input(err, "%s: expected JSON of at most %zu MiB, got %zu MiB", name, most >> 20,
                  len >> 20);
        return NULL;
    }
    cJSON *root = cJSON_ParseWithLengthOpts(text, len, &end, 0);
    while (root && end < text + len && *end && strchr(" \t\r\n", *end)) end++;
    if (!root || end < text + len) {
        /* It is not JSON from text[at] on. */
        bool known = end && end >= text && end <= text + len;
        size_t at = known ? (size_t)(end - text) : len, line = 1, col = 1;
        for (size_t i = 0; i < at; i++) {
            col = text[i] == '\n' ? 1 : col + 1;
            line += text[i] == '\n';
        }
        if (len == 0) err_input(err, "%s: expected JSON, got an empty file", name);
        else
            err_input(err, "%s: line %zu, column %zu: not valid JSON%s", name, line, col,
                      at >= len ? " (ends too early)" : "");
        cJSON_Delete(root);
        return NULL;
    }
    JsonDoc *doc = MEM_NEW(JsonDoc, 1);
    doc->root = root;
    doc->name = mem_strdup(name);
    return doc;
}

JsonDoc *json_open(const char *path, Err *err) {
    FileView v;
    if (file_view(&v, path, err) != 0) return NULL;
    JsonDoc *doc = json_parse(v.data, v.len, path, err);
    file_view_close(&v);
    return doc;
}

void json_close(JsonDoc *doc) {
    if (!doc) return;
    cJSON_Delete(doc->root);
    free(doc->name);
    free(doc);
}

Json json_root(const JsonDoc *doc) { return (Json){.doc = doc, .node = doc->root}; }

bool json_is_object(const Json *j) { return cJSON_IsObject(node(j)); }
bool json_is_array(const Json *j) { return cJSON_IsArray(node(j)); }
bool json_is_string(const Json *j) { return cJSON_IsString(node(j)); }
bool json_is_number(const Json *j) { return cJSON_IsNumber(node(j)); }
bool json_is_bool(const Json *j) { return cJSON_IsBool(node(j)); }
bool json_is_null(const Json *j) { return cJSON_IsNull(node(j)); }
int json_len(const Json *j) {
    return json_is_array(j) || json_is_object(j) ? cJSON_GetArraySize(node(j)) : 0;
}

bool json_find(const Json *j, const char *key, Json *out) {
    const cJSON *n = json_is_object(j) ? cJSON_GetObjectItemCaseSensitive(node(j), key) : NULL;
    if (!n) return false;
    *out = (Json){.doc = j->doc, .node = n, .parent = j, .key = key};
    return true;
}

int json_need(const Json *j, const char *key, Json *out, Err *err) {
    if (json_expect_object(j, err) != 0) return -1;
    if (!json_find(j, key, out)) return json_fail(j, err, "missing key \"%s\"", key);
    return 0;
}

bool json_first(const Json *j, Json *it) {
    if (!json_is_array(j) && !json_is_object(j)) return false;
    const cJSON *n = node(j)->child;
    if (!n) return false;
    *it =
        (Json){.doc = j->doc, .node = n, .parent = j, .key = json_is_object(j) ? n->string : NULL};
    return true;
}

bool json_next(Json *it) {
    const cJSON *n = node(it)->next;
    if (!n) return false;
    it->node = n;
    it->index++;
    if (it->key) it->key = n->string;
    return true;
}

static const char *type_name(const Json *j) {
    if (json_is_object(j)) return "an object";
    if (json_is_array(j)) return "an array";
    if (json_is_string(j)) return "a string";
    if (json_is_number(j)) return "a number";
    if (json_is_bool(j)) return "true or false";
    return "null";
}

/* Appends the path of j to out, which holds *n characters. */
static void append_path(const Json *j, char *out, size_t cap, size_t *n) {
    if (!j->parent) return;
    append_path(j->parent, out, cap, n);
    if (*n + 1 >= cap) return;
    int k = j->key ? snprintf(out + *n, cap - *n, ".%s", j->key)
                   : snprintf(out + *n, cap - *n, "[%d]", j->index);
    if (k > 0) *n = *n + (size_t)k < cap ? *n + (size_t)k : cap - 1;
}

static int fail(const Json *j, Err *err, const char *fmt, va_list ap) {
    char path[256] = "", msg[400];
    size_t n = 0;
    append_path(j, path, sizeof path, &n);
    vsnprintf(msg, sizeof msg, fmt, ap);
    return err_input(err, "%s: %s%s%s", j->doc->name, path, n ? ": " : "", msg);
}

int json_fail(const Json *j, Err *err, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    fail(j, err, fmt, ap);
    va_end(ap);
    return -1;
}

int json_fail_member(const Json *j, const char *key, Err *err, const char *fmt, ...) {
    Json member = {.doc = j->doc, .parent = j, .key = key};
    va_list ap;
    va_start(ap, fmt);
    fail(&member, err, fmt, ap);
    va_end(ap);
    return -1;
}

int json_expect_object(const Json *j, Err *err) {
    return json_is_object(j) ? 0 : json_fail(j, err, "expected an object, got %s", type_name(j));
}

int json_expect_array(const Json *j, Err *err) {
    return json_is_array(j) ? 0 : json_fail(j, err, "expected an array, got %s", type_name(j));
}

int json_number(const Json *j, double *out, Err *err) {
    if (!json_is_number(j)) return json_fail(j, err, "expected a number, got %s", type_name(j));
    if (!isfinite(node(j)->valuedouble)) return json_fail(j, err, "expected a finite number");
    *out = node(j)->valuedouble;
    return 0;
}

int json_number_or_null(const Json *j, double *out, Err *err) {
    *out = NAN;
    return json_is_null(j) ? 0 : json_number(j, out, err);
}

int json_uint(const Json *j, uint64_t max, uint64_t *out, Err *err) {
    double x = NAN;
    if (json_number(j, &x, err) != 0) return -1;
    if (x < 0 || x != floor(x) || x > (double)max || x > 0x1p53)
        return json_fail(j, err, "expected a whole number from 0 to %llu, got %s",
                         (unsigned long long)max, json_number_text(x).s);
    *out = (uint64_t)x;
    return 0;
}

int json_bool(const Json *j, bool *out, Err *err) {
    if (json_is_bool(j)) *out = cJSON_IsTrue(node(j));
    else if (json_is_number(j) && (node(j)->valuedouble == 0 || node(j)->valuedouble == 1))
        *out = node(j)->valuedouble != 0;
    else return json_fail(j, err, "expected true or false, got %s", type_name(j));
    return 0;
}

int json_string(const Json *j, const char **out, Err *err) {
    if (!json_is_string(j)) return json_fail(j, err, "expected a string, got %s", type_name(j));
    *out = node(j)->valuestring;
    return 0;
}

int json_need_string(const Json *j, const char *key, const char **out, Err *err) {
    Json it = {0};
    return json_need(j, key, &it, err) == 0 ? json_string(&it, out, err) : -1;
}

int json_need_number(const Json *j, const char *key, double *out, Err *err) {
    Json it = {0};
    return json_need(j, key, &it, err) == 0 ? json_number(&it, out, err) : -1;
}

int json_need_number_or_null(const Json *j, const char *key, double *out, Err *err) {
    Json it = {0};
    return json_need(j, key, &it, err) == 0 ? json_number_or_null(&it, out, err) : -1;
}

int json_need_uint(const Json *j, const char *key, uint64_t max, uint64_t *out, Err *err) {
    Json it = {0};
    return json_need(j, key, &it, err) == 0 ? json_uint(&it, max, out, err) : -1;
}

int json_need_u32(const Json *j, const char *key, uint32_t max, uint32_t *out, Err *err) {
    uint64_t x = 0;
    if (json_need_uint(j, key, max, &x, err) != 0) return -1;
    *out = (uint32_t)x;
    return 0;
}

int json_need_bool(const Json *j, const char *key, bool *out, Err *err) {
    Json it = {0};
    return json_need(j, key, &it, err) == 0 ? json_bool(&it, out, err) : -1;
}

int json_need_array(const Json *j, const char *key, Json *out, Err *err) {
    return json_need(j, key, out, err) == 0 ? json_expect_array(out, err) : -1;
}

int json_text(const Json *j, JsonNumber *buffer, const char **out, Err *err) {
    double x = NAN;
    bool on = false;
    if (json_is_string(j)) return json_string(j, out, err);
    if (json_is_bool(j)) {
        json_bool(j, &on, err);
        *out = on ? "on" : "off";
        return 0;
    }
    if (json_number(j, &x, err) != 0) return -1;
    *buffer = json_number_text(x);
    *out = buffer->s;
    return 0;
}

int json_fail_named(const Json *j, Err *err, const char *message) {
    size_t n = j->key ? strlen(j->key) : 0;
    bool named = n > 0 && strncmp(message, j->key, n) == 0 && strncmp(message + n, ": ", 2) == 0;
    return json_fail(j, err, "%s", named ? message + n + 2 : message);
}

int json_only_keys(const Json *j, const char *const *known, Err *err) {
    Json it;
    if (json_expect_object(j, err) != 0) return -1;
    for (bool ok = json_first(j, &it); ok; ok = json_next(&it)) {
        const char *const *k = known;
        assert(it.key); /* members have one */
        while (*k && strcmp(*k, it.key) != 0) k++;
        if (*k) continue;
        const char *near = words_nearest(it.key, known);
        return json_fail(j, err, "unknown key \"%.60s\"%s%s%s", it.key,
                         near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    return 0;
}

static void *CJSON_CDECL allocate(size_t bytes) { return mem_alloc(bytes, 1); }
static void CJSON_CDECL release(void *p) { free(p); }

void json_die_without_memory(void) {
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = allocate, .free_fn = release});
}

const char *json_library_version(void) { return cJSON_Version(); }

void json_out_init(JsonOut *o, FILE *f) { *o = (JsonOut){.f = f, .first = true}; }

static void before_value(JsonOut *o) {
    if (o->after_key) {
        o->after_key = false;
        return;
    }
    if (!o->first) fputc(',', o->f);
    if (o->compact) {
        if (!o->first) fputc(' ', o->f);
    } else if (o->depth > 0) {
        fprintf(o->f, "\n%*s", 2 * o->depth, "");
    }
    o->first = false;
}

static void open_bracket(JsonOut *o, char bracket) {
    before_value(o);
    fputc(bracket, o->f);
    o->depth++;
    o->first = true;
}

void json_out_object(JsonOut *o) { open_bracket(o, '{'); }
void json_out_array(JsonOut *o) { open_bracket(o, '['); }

void json_out_array_compact(JsonOut *o) {
    open_bracket(o, '[');
    o->compact = true;
}

void json_out_end(JsonOut *o, char bracket) {
    o->depth--;
    if (!o->compact && !o->first) fprintf(o->f, "\n%*s", 2 * o->depth, "");
    fputc(bracket, o->f);
    o->compact = false;
    o->first = false;
}

static void quoted(FILE *f, const char *s) {
    fputc('"', f);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\') fprintf(f, "\\%c", c);
        else if (c < 0x20) fprintf(f, "\\u%04x", c);
        else fputc(c, f);
    }
    fputc('"', f);
}

void json_out_key(JsonOut *o, const char *key) {
    before_value(o);
    assert(key);
    quoted(o->f, key);
    fputs(": ", o->f);
    o->after_key = true;
}

void json_out_string(JsonOut *o, const char *s) {
    before_value(o);
    if (s) quoted(o->f, s);
    else fputs("null", o->f);
}

JsonNumber json_number_text(double x) {
    JsonNumber t;
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(t.s, sizeof t.s, "%.*g", digits, x);
        if (strtod(t.s, NULL) == x) break;
    }
    return t;
}

void json_out_number(JsonOut *o, double x) {
    before_value(o);
    fputs(isfinite(x) ? json_number_text(x).s : "null", o->f);
}

void json_out_int(JsonOut *o, int64_t x) {
    before_value(o);
    fprintf(o->f, "%lld", (long long)x);
}

void json_out_count(JsonOut *o, uint64_t x) {
    before_value(o);
    fprintf(o->f, "%llu", (unsigned long long)x);
}

void json_out_bool(JsonOut *o, bool b) {
    before_value(o);
    fputs(b ? "true" : "false", o->f);
}

int json_file_open(JsonFile *f, const char *dir, const char *name, Err *err) {
    char *path = dir ? file_join(dir, name) : mem_strdup(name);
    int rc = file_out_open(&f->out, path, err);
    free(path);
    if (rc != 0) return -1;
    json_out_init(&f->j, f->out.f);
    json_out_object(&f->j);
    return 0;
}

static void end_file(JsonFile *f) {
    json_out_end(&f->j, '}');
    json_out_finish(&f->j);
}

int json_file_commit(JsonFile *f, Err *err) {
    end_file(f);
    return file_out_commit(&f->out, err);
}

int json_file_commit_new(JsonFile *f, bool *made, Err *err) {
    end_file(f);
    return file_out_commit_new(&f->out, made, err);
}

void json_put_string(JsonOut *o, const char *key, const char *s) {
    json_out_key(o, key);
    json_out_string(o, s);
}

void json_put_number(JsonOut *o, const char *key, double x) {
    json_out_key(o, key);
    json_out_number(o, x);
}

void json_put_int(JsonOut *o, const char *key, int64_t x) {
    json_out_key(o, key);
    json_out_int(o, x);
}

void json_put_count(JsonOut *o, const char *key, uint64_t x) {
    json_out_key(o, key);
    json_out_count(o, x);
}

void json_put_bool(JsonOut *o, const char *key, bool b) {
    json_out_key(o, key);
    json_out_bool(o, b);
}

void json_put_null(JsonOut *o, const char *key) { json_put_string(o, key, NULL); }

/* The clock's own noise is in the microseconds. */
void json_put_seconds(JsonOut *o, const char *key, double s) {
    json_put_number(o, key, round(s * 1e6) / 1e6);
}

void json_put_object(JsonOut *o, const char *key) {
    json_out_key(o, key);
    json_out_object(o);
}

void json_put_array(JsonOut *o, const char *key) {
    json_out_key(o, key);
    json_out_array(o);
}

void json_put_array_compact(JsonOut *o, const char *key) {
    json_out_key(o, key);
    json_out_array_compact(o);
}

void json_copy(const Json *j, JsonOut *o) {
    const char *s = "";
    double x = 0;
    bool flag = false;
    Json it;
    if (json_is_object(j)) {
        json_out_object(o);
        for (bool ok = json_first(j, &it); ok; ok = json_next(&it)) {
            json_out_key(o, it.key);
            json_copy(&it, o);
        }
        json_out_end(o, '}');
    } else if (json_is_array(j)) {
        bool flat = json_first(j, &it) && !json_is_object(&it) && !json_is_array(&it);
        if (flat) json_out_array_compact(o);
        else json_out_array(o);
        for (bool ok = json_first(j, &it); ok; ok = json_next(&it)) json_copy(&it, o);
        json_out_end(o, ']');
    } else if (json_is_string(j)) {
        json_string(j, &s, NULL);
        json_out_string(o, s);
    } else if (json_is_bool(j)) {
        json_bool(j, &flag, NULL);
        json_out_bool(o, flag);
    } else if (json_is_number(j)) {
        json_number(j, &x, NULL);
        json_out_number(o, x);
    } else {
        json_out_string(o, NULL);
    }
}

void json_out_finish(JsonOut *o) { fputc('\n', o->f); }
