/* batch: a folder of results that several processes work on, and that outlives them.
 *
 * Invariant: a file is whole or not there. The manifest is written beside and linked into place,
 * which fails if another process was faster, so exactly one of several that begin a folder makes
 * it, and the others compare. Locks are linked into place likewise; only the taking over of a dead
 * one, which is two steps, is guarded by a lock on the manifest (fcntl's, which also holds over
 * NFS). Results are computed from the manifest's contents alone, so a lock that is taken over too
 * early costs time, never correctness: both processes write the same bytes. */
#include "batch/batch_folder.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#define MANIFEST "manifest.json"

/* A lock from another host that nobody touched for that long is a dead process's. Running ones
 * touch theirs every few seconds; the rest is for clocks that differ. */
enum { STALE_S = 600 };

char *batch_folder_path(const char *dir, const char *name, const char *file, const char *ending) {
    return mem_printf("%s/%s/%s%s", dir, name, file, ending);
}

int batch_folder_find(const char *dir, const char *name, const char *method, bool *has, Err *err) {
    char *path = batch_folder_path(dir, name, method, ".json");
    FileView v = {0};
    int rc = file_is_regular(path) ? file_view(&v, path, err) : 0;
    *has = v.len > 2 && memcmp(v.data + v.len - 2, "}\n", 2) == 0;
    if (rc == 0) file_view_close(&v);
    free(path);
    return rc;
}

bool batch_folder_has(const char *dir, const char *name, const char *method) {
    bool has;
    return batch_folder_find(dir, name, method, &has, NULL) == 0 && has;
}

/* ---- the manifest ---- */

/* A file that results depend on. */
typedef struct {
    const char *path;
    char sha256[65]; /* "": there is no such file */
} Input;

/* All of them, each once. */
typedef struct {
    Input *input;
    size_t n, cap;
} Inputs;

static int add_input(Inputs *in, const char *path, Err *err) {
    if (!path) return 0;
    for (size_t i = 0; i < in->n; i++)
        if (strcmp(in->input[i].path, path) == 0) return 0;
    MEM_GROW(in->input, in->cap, in->n + 1);
    Input *new = &in->input[in->n++];
    *new = (Input){.path = path};
    return file_exists(path) ? file_digest(path, new->sha256, err) : 0;
}

static int collect_inputs(Inputs *in, const BatchPlan *p, const char *topo, Err *err) {
    *in = (Inputs){0};
    for (size_t i = 0; i < p->n_files; i++)
        if (add_input(in, p->files[i].path, err) != 0) return -1;
    for (size_t i = 0; i < p->n; i++) {
        const Mix *m = &p->items[i].mix;
        if (add_input(in, topo ? topo : m->topo, err) != 0 || add_input(in, m->matrix, err) != 0 ||
            add_input(in, m->sizes, err) != 0)
            return -1;
    }
    return 0;
}

static void put_manifest(JsonOut *j, const Inputs *in, const BatchArgument *arguments, size_t n,
                         const char *command) {
    json_put_string(j, "schema", BATCH_SCHEMA);
    json_put_string(j, "version", M3_VERSION);
    json_put_string(j, "command", command);
    json_put_object(j, "arguments");
    for (size_t i = 0; i < n; i++) json_put_string(j, arguments[i].key, arguments[i].value);
    json_out_end(j, '}');
    json_put_array(j, "inputs");
    for (size_t i = 0; i < in->n; i++) {
        json_out_object(j);
        json_put_string(j, "path", in->input[i].path);
        json_put_string(j, "sha256", in->input[i].sha256);
        json_out_end(j, '}');
    }
    json_out_end(j, ']');
}

/* *made says whether the manifest is ours: another process may be first. */
static int make_manifest(const char *dir, const Inputs *in, const BatchArgument *arguments,
                         size_t n, const char *command, bool *made, Err *err) {
    JsonFile f;
    if (json_file_open(&f, dir, MANIFEST, err) != 0) return -1;
    put_manifest(&f.j, in, arguments, n, command);
    return json_file_commit_new(&f, made, err);
}

static int differs(const char *dir, const char *what, const char *theirs, const char *ours,
                   Err *err) {
    return err_input(err,
                     "%s: holds a batch with %s '%.80s', this one has '%.80s'; give another folder "
                     "with --out",
                     dir, what, theirs, ours);
}

static int compare_arguments(const char *dir, const Json *root, const BatchArgument *arguments,
                             size_t n, Err *err) {
    Json object;
    const char *theirs;
    if (json_need_string(root, "version", &theirs, err) != 0) return -1;
    if (strcmp(theirs, M3_VERSION) != 0) return differs(dir, "m3 version", theirs, M3_VERSION, err);
    if (json_need(root, "arguments", &object, err) != 0) return -1;
    for (size_t i = 0; i < n; i++) {
        if (json_need_string(&object, arguments[i].key, &theirs, err) != 0) return -1;
        if (strcmp(theirs, arguments[i].value) != 0)
            return differs(dir, arguments[i].key, theirs, arguments[i].value, err);
    }
    return 0;
}

/* Files are told apart by their contents; where they lie makes no difference. */
static int compare_inputs(const char *dir, const Json *root, const Inputs *in, Err *err) {
    Json array, it;
    const char *sha256, *path;
    if (json_need_array(root, "inputs", &array, err) != 0) return -1;
    bool more = json_first(&array, &it);
    size_t n = (size_t)json_len(&array);
    if (n != in->n)
        return err_input(err,
                         "%s: holds a batch of other mixes; give another folder "
                         "with --out",
                         dir);
    for (size_t i = 0; more; more = json_next(&it), i++) {
        if (json_need_string(&it, "path", &path, err) != 0 ||
            json_need_string(&it, "sha256", &sha256, err) != 0)
            return -1;
        assert(in->input[i].sha256);
        if (strcmp(sha256, in->input[i].sha256) != 0)
            return err_input(err,
                             "%s: holds a batch made with another %s than %s is now; give another "
                             "folder with --out",
                             dir, path, in->input[i].path);
    }
    return 0;
}

static int open_manifest(const char *dir, JsonDoc **doc, Json *root, Err *err) {
    char *path = file_join(dir, MANIFEST);
    const char *schema;
    *doc = NULL;
    int rc = 0;
    if (!file_exists(dir)) rc = err_input(err, "%s: there is no such folder", dir);
    else if (!file_exists(path))
        rc = err_input(err, "%s: is no batch's folder: it has no manifest.json", dir);
    if (rc == 0 && !(*doc = json_open(path, err))) rc = -1;
    if (rc == 0) {
        *root = json_root(*doc);
        rc = json_need_string(root, "schema", &schema, err);
        if (rc == 0 && strcmp(schema, BATCH_SCHEMA) != 0)
            rc = json_fail_member(root, "schema", err, "expected \"%s\", got \"%.60s\"",
                                  BATCH_SCHEMA, schema);
    }
    free(path);
    return rc;
}

static int compare_manifest(const char *dir, const Inputs *in, const BatchArgument *arguments,
                            size_t n, Err *err) {
    JsonDoc *doc;
    Json root;
    int rc = open_manifest(dir, &doc, &root, err);
    if (rc == 0) rc = compare_arguments(dir, &root, arguments, n, err);
    if (rc == 0) rc = compare_inputs(dir, &root, in, err);
    json_close(doc);
    return rc;
}

/* A folder with other things in it is not for us to fill; a manifest that another process is about
 * to put there is none. */
static int check_empty(const char *dir, Err *err) {
    DIR *d = file_folder_open(dir);
    const struct dirent *e;
    bool other = false;
    if (!d) return file_folder_failed(dir, err);
    while ((e = readdir(d)))
        other |= e->d_name[0] != '.' && strncmp(e->d_name, MANIFEST, strlen(MANIFEST)) != 0;
    closedir(d);
    return other ? err_input(err,
                             "%s: isn't empty and holds no batch; give another folder with "
                             "--out",
                             dir)
                 : 0;
}

int batch_folder_open(const char *dir, const BatchPlan *p, const char *topo_path,
                      const BatchArgument *arguments, size_t n, const char *command, Err *err) {
    char *path = file_join(dir, MANIFEST);
    Inputs in = {0};
    bool made = false;
    int rc = collect_inputs(&in, p, topo_path, err); /* bad input leaves no empty folder */
    if (rc == 0) rc = file_mkdirs(dir, err);
    if (rc == 0 && !file_exists(path)) {
        rc = check_empty(dir, err);
        /* Another process may have begun the folder since. */
        if (rc != 0 && file_exists(path)) rc = 0;
        else if (rc == 0) rc = make_manifest(dir, &in, arguments, n, command, &made, err);
    }
    if (rc == 0 && !made) rc = compare_manifest(dir, &in, arguments, n, err);
    free(in.input);
    free(path);
    return rc;
}

/* ---- the mixes of a folder ---- */

static bool is_number(const char *s) {
    while (isdigit((unsigned char)*s)) s++;
    return *s == '\0';
}

/* Numbers by value (no leading zeros: by length, then by digits), then the others by name. */
static int by_name(const void *pa, const void *pb) {
    const char *a = *(char *const *)pa, *b = *(char *const *)pb;
    bool na = is_number(a), nb = is_number(b);
    if (na != nb) return nb - na;
    if (na && strlen(a) != strlen(b)) return strlen(a) < strlen(b) ? -1 : 1;
    return strcmp(a, b);
}

char **batch_folder_names(const char *dir, size_t *n, Err *err) {
    JsonDoc *doc;
    Json root;
    *n = 0;
    int rc = open_manifest(dir, &doc, &root, err);
    json_close(doc);
    DIR *d = rc == 0 ? file_folder_open(dir) : NULL;
    if (!d) {
        if (rc == 0) file_folder_failed(dir, err);
        return NULL;
    }
    size_t cap = 16;
    char **names = MEM_NEW(char *, cap); /* NULL would be an error */
    const struct dirent *e;
    while ((e = readdir(d))) {
        char *loads = batch_folder_path(dir, e->d_name, "loads", ".json");
        bool is_mix = e->d_name[0] != '.' && file_exists(loads);
        free(loads);
        if (!is_mix) continue;
        MEM_GROW(names, cap, *n + 1);
        names[(*n)++] = mem_strdup(e->d_name);
    }
    closedir(d);
    qsort(names, *n, sizeof *names, by_name);
    return names;
}

void batch_folder_names_free(char **names, size_t n) {
    for (size_t i = 0; i < n; i++) free(names[i]);
    free(names);
}

/* ---- locks ---- */

static char *lock_path(const char *dir, const char *name) {
    return batch_folder_path(dir, name, "lock", "");
}

static void host_name(char host[65]) {
    if (gethostname(host, 64) != 0) snprintf(host, 65, "?");
    host[64] = '\0';
}

/* Makes the lock; *mine is false if there is one. It is put in place as a whole, so that it always
 * names its process, however early that is killed. */
static int make_lock(const char *path, bool *mine, Err *err) {
    char host[65];
    FileOut o;
    host_name(host);
    *mine = false;
    if (file_out_open(&o, path, err) != 0) return -1;
    fprintf(o.f, "%ld %s\n", (long)getpid(), host);
    return file_out_commit_new(&o, mine, err);
}

/* Whether the process that a lock names is known to be dead: it doesn't live on this host, or it is
 * this one, which has its number again; or nobody has touched the lock for long, since also another
 * process may have got the number. */
static bool is_stale(const char *path) {
    char host[65], theirs[65] = "";
    char digits[24] = "";
    struct stat st;
    FILE *f = fopen(path, "r");
    if (!f && errno == ENOMEM) diag_out_of_memory("%s", path);
    if (!f) return false;
    int n = fscanf(f, "%23s %64s", digits, theirs);
    long pid = strtol(digits, NULL, 10);
    bool known = fstat(fileno(f), &st) == 0;
    fclose(f);
    host_name(host);
    bool here = n == 2 && strcmp(host, theirs) == 0 && pid > 0;
    if (here && (pid == getpid() || (kill((pid_t)pid, 0) != 0 && errno == ESRCH))) return true;
    return known && difftime(time(NULL), st.st_mtime) > STALE_S;
}

/* Removes a dead process's lock. Two processes that find it dead must not remove each other's new
 * ones, so it is looked at again under a lock that all of them share. */
static void remove_stale(const char *dir, const char *path) {
    char *manifest = file_join(dir, MANIFEST);
    int fd = open(manifest, O_RDWR);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fd >= 0 && fcntl(fd, F_SETLKW, &whole) == 0 && is_stale(path)) unlink(path);
    if (fd >= 0) close(fd);
    free(manifest);
}

int batch_folder_lock(const char *dir, const char *name, bool *mine, Err *err) {
    char *folder = file_join(dir, name), *path = lock_path(dir, name);
    int rc = file_mkdirs(folder, err);
    if (rc == 0) rc = make_lock(path, mine, err);
    if (rc == 0 && !*mine && is_stale(path)) {
        remove_stale(dir, path);
        rc = make_lock(path, mine, err);
    }
    free(folder);
    free(path);
    return rc;
}

void batch_folder_touch(const char *dir, const char *name) {
    char *path = lock_path(dir, name);
    utimensat(AT_FDCWD, path, NULL, 0);
    free(path);
}

void batch_folder_unlock(const char *dir, const char *name) {
    char *path = lock_path(dir, name);
    unlink(path);
    free(path);
}
