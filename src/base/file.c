/* file: mapping in, atomic writing out, paths, digests.
 *
 * Standard input ("-") may be a pipe, but inputs are read more than once (to parse, to digest, for
 * every setting of a sweep). So all of it is copied to a file in memory that takes its place as
 * descriptor 0; no copy is made of a regular file.
 *
 * FileOut writes to "<path>.tmp<pid>-<host>" and renames on commit: a reader sees the old file or
 * the new one. Its process holds a lock on it (flock), so that another one that finds it can tell
 * whether it was left behind: process numbers are used again, and containers have their own.
 * Devices and pipes (/dev/null, /dev/full) are written directly, since they cannot be renamed.
 */
#include "base/file.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"

/* ---- in ---- */

uint64_t file_memory_b(void) {
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : UINT64_MAX;
}

bool file_fits_memory(double bytes) { return bytes <= 0.75 * (double)file_memory_b(); }

/* What may be read of something that does not say how long it is: an eighth of the memory, and of a
 * device (/dev/zero never ends) 16 MiB. */
static size_t most_of(mode_t mode) {
    static const size_t DEVICE = 1 << 24, LEAST = 1 << 28;
    size_t share = (size_t)(file_memory_b() / 8);
    return S_ISCHR(mode) ? DEVICE : share > LEAST ? share : LEAST;
}

static int fail_endless(const char *path, size_t most, Err *err) {
    return err_input(err,
                     "%s: expected a file that ends, got more than %zu MiB from a pipe or device",
                     path, most >> 20);
}

static int slurp(FileView *v, int fd, const char *path, size_t most, Err *err) {
    char *data = NULL;
    size_t len = 0, cap = 0;
    for (;;) {
        MEM_GROW(data, cap, len + (1 << 16));
        ssize_t n = read(fd, data + len, cap - len);
        if (n < 0 && errno == EINTR && !diag_stop_requested()) continue;
        if (n < 0) {
            free(data);
            return errno == EINTR ? err_stopped(err)
                                  : err_input(err, "%s: cannot read: %s", path, strerror(errno));
        }
        if (n == 0) break;
        len += (size_t)n;
        if (len <= most) continue;
        free(data);
        return fail_endless(path, most, err);
    }
    *v = (FileView){.data = data, .len = len, .mapped = false};
    return 0;
}

static bool write_all(int fd, const char *data, size_t n) {
    while (n > 0) {
        ssize_t k = write(fd, data, n);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return false;
        data += k;
        n -= (size_t)k;
    }
    return true;
}

/* Reads standard input to its end into the file `to`. */
static int copy_stdin(int to, size_t most, Err *err) {
    char buf[1 << 16];
    for (size_t len = 0;;) {
        ssize_t n = read(STDIN_FILENO, buf, sizeof buf);
        if (n == 0) return 0;
        if (n > 0 && (len += (size_t)n) > most) return fail_endless("-", most, err);
        if (n < 0 && errno == EINTR) {
            if (diag_stop_requested()) return err_stopped(err);
        } else if (n < 0 || !write_all(to, buf, (size_t)n)) {
            return err_input(err, "-: cannot read standard input: %s", strerror(errno));
        }
    }
}

/* Makes descriptor 0 a regular file at its beginning. */
static int keep_stdin(Err *err) {
    struct stat st;
    if (fstat(STDIN_FILENO, &st) != 0)
        return err_input(err, "-: cannot read standard input: %s", strerror(errno));
    if (S_ISREG(st.st_mode) && lseek(STDIN_FILENO, 0, SEEK_CUR) == 0) return 0;
    int fd = memfd_create("standard input", MFD_CLOEXEC);
    if (fd < 0) return err_io(err, "-: cannot keep standard input: %s", strerror(errno));
    int rc = copy_stdin(fd, most_of(st.st_mode), err);
    if (rc == 0 && (dup2(fd, STDIN_FILENO) < 0 || lseek(STDIN_FILENO, 0, SEEK_SET) != 0))
        rc = err_io(err, "-: cannot keep standard input: %s", strerror(errno));
    close(fd);
    return rc;
}

static bool is_stdin(const char *path) { return strcmp(path, "-") == 0; }

int file_check_stdin(size_t n, const char *const *path, const char *const *what, Err *err) {
    const char *first = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!path[i] || !is_stdin(path[i])) continue;
        if (first)
            return err_input(err, "%s: standard input (-) is read as %s already; name a file",
                             what[i], first);
        first = what[i];
    }
    return 0;
}

int file_view(FileView *v, const char *path, Err *err) {
    *v = (FileView){0};
    if (is_stdin(path) && keep_stdin(err) != 0) return -1;
    int fd = is_stdin(path) ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == EINTR && diag_stop_requested()) return err_stopped(err);
    if (fd < 0) return err_input(err, "%s: cannot open: %s", path, strerror(errno));
    struct stat st;
    int rc = 0;
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        rc = err_input(err, "%s: expected a file, got a directory", path);
    } else if (S_ISREG(st.st_mode) && st.st_size > 0) {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        size_t most = most_of(st.st_mode);
        if (p == MAP_FAILED && (size_t)st.st_size > most)
            rc = err_input(err, "%s: %zu MiB do not fit into memory", path,
                           (size_t)st.st_size >> 20);
        else if (p == MAP_FAILED) rc = slurp(v, fd, path, most, err);
        else {
            *v = (FileView){.data = p, .len = (size_t)st.st_size, .mapped = true};
            cleanup_add_map(p, v->len, path);
        }
    } else {
        rc = slurp(v, fd, path, most_of(st.st_mode), err);
    }
    close(fd);
    return rc;
}

void file_view_close(FileView *v) {
    if (v->mapped) {
        cleanup_drop_map(v->data);
        munmap((void *)(uintptr_t)v->data, v->len);
    } else {
        free((void *)(uintptr_t)v->data);
    }
    *v = (FileView){0};
}

void file_view_forget(const FileView *v, size_t from, size_t until) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), first = (from + page - 1) / page * page,
           end = until / page * page;
    if (!v->mapped || end <= first) return;
    madvise((void *)(uintptr_t)(v->data + first), end - first, MADV_DONTNEED);
}

/* ---- anywhere in a file ---- */

int file_open_at(const char *path, Err *err) {
    int fd = is_stdin(path) ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return err_input(err, "%s: cannot open: %s", path, strerror(errno));
    return fd;
}

int file_open_temporary(Err *err) {
    const char *dir = getenv("TMPDIR");
    char *path = mem_printf("%s/m3-XXXXXX", dir && *dir ? dir : "/tmp");
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) err_io(err, "%s: cannot make a temporary file: %s", path, strerror(errno));
    else unlink(path);
    free(path);
    return fd;
}

void file_close_at(int fd) { close(fd); }

int file_read_at(int fd, void *data, size_t n, uint64_t at) {
    for (char *p = data; n > 0;) {
        ssize_t k = pread(fd, p, n, (off_t)at);
        if (k < 0 && errno == EINTR) continue;
        if (k == 0) errno = EIO;
        if (k <= 0) return -1;
        p += k;
        n -= (size_t)k;
        at += (uint64_t)k;
    }
    return 0;
}

int file_write_at(int fd, const void *data, size_t n, uint64_t at) {
    for (const char *p = data; n > 0;) {
        ssize_t k = pwrite(fd, p, n, (off_t)at);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return -1;
        p += k;
        n -= (size_t)k;
        at += (uint64_t)k;
    }
    return 0;
}

/* ---- out ---- */

bool file_is_stdout(const char *path) {
    static const char *const names[] = {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"};
    for (size_t i = 0; path && i < sizeof names / sizeof *names; i++)
        if (strcmp(path, names[i]) == 0) return true;
    return false;
}

/* Makes the file that takes the place of `path`, with the permissions of the one that is there.
 * NULL with errno. */
static FILE *open_temporary(const char *tmp_path, const struct stat *there) {
    int fd = open(tmp_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, there ? 0600 : 0666);
    if (fd < 0) return NULL;
    cleanup_add_file(tmp_path);
    /* A file system may have neither permissions nor locks: then nobody else sees this file, and
     * the process number alone says whose it is. */
    bool ok = !there || fchmod(fd, there->st_mode & 0777) == 0;
    (void)ok;
    flock(fd, LOCK_EX | LOCK_NB);
    FILE *f = fdopen(fd, "wb");
    if (f) return f;
    int code = errno;
    close(fd);
    unlink(tmp_path);
    cleanup_drop_file(tmp_path);
    errno = code;
    return NULL;
}

int file_out_open(FileOut *o, const char *path, Err *err) {
    *o = (FileOut){0};
    if (file_is_stdout(path)) {
        o->f = stdout;
        o->path = mem_strdup("standard output");
        return 0;
    }
    struct stat st;
    bool there = stat(path, &st) == 0, direct = there && !S_ISREG(st.st_mode);
    if (direct && S_ISDIR(st.st_mode)) return err_io(err, "%s: cannot write: is a directory", path);
    char *target = there && !direct ? file_absolute(path) : NULL; /* a link stays one */
    o->path = mem_strdup(target ? target : path);
    free(target);
    o->tmp_path = direct ? NULL : file_beside(o->path);
    o->f = direct ? fopen(path, "wb") : open_temporary(o->tmp_path, there ? &st : NULL);
    if (o->f) return 0;
    if (o->tmp_path && errno == EEXIST) err_io(err, "%s: is being written already", path);
    else err_io(err, "%s: cannot write: %s", path, strerror(errno));
    free(o->path);
    free(o->tmp_path);
    *o = (FileOut){0};
    return -1;
}

/* Why an earlier write failed, which the stream doesn't keep: a further one fails alike. It fills
 * the rest of the disk's last block, which may have room for less. */
static int why_failed(const FileOut *o) {
    static const char zeros[1 << 16];
    bool ok = o->tmp_path ? write_all(fileno(o->f), zeros, sizeof zeros)
                          : write_all(fileno(o->f), "\n", 1);
    return ok ? EIO : errno;
}

/* Puts the file in place: over another one, or, if *made asks for that, where there is none. −1
 * with errno. */
static int put_in_place(const FileOut *o, bool *made) {
    if (!made) return rename(o->tmp_path, o->path);
    *made = link(o->tmp_path, o->path) == 0;
    if (*made || errno == EEXIST) return 0;
    if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS) return -1;
    if (file_exists(o->path)) return 0; /* there are no links here */
    *made = rename(o->tmp_path, o->path) == 0;
    return *made ? 0 : -1;
}

static int commit(FileOut *o, bool *made, Err *err) {
    bool before = ferror(o->f), bad = fflush(o->f) != 0 || before;
    int code = bad ? errno : 0;
    if (before) code = why_failed(o);
    if (o->f != stdout && fclose(o->f) != 0 && !bad) {
        bad = true;
        code = errno;
    }
    o->f = NULL;
    if (!bad && o->tmp_path && put_in_place(o, made) != 0) {
        bad = true;
        code = errno;
    }
    const char *name = o->path ? o->path : "standard output";
    int rc = bad ? err_io(err, "%s: cannot write: %s", name, strerror(code)) : 0;
    file_out_abort(o); /* a file that was renamed is there under its own name alone */
    return rc;
}

int file_out_commit(FileOut *o, Err *err) { return commit(o, NULL, err); }

int file_out_commit_new(FileOut *o, bool *made, Err *err) {
    *made = false;
    return commit(o, made, err);
}

void file_out_abort(FileOut *o) {
    if (o->f && o->f != stdout) fclose(o->f);
    if (o->tmp_path) {
        unlink(o->tmp_path);
        cleanup_drop_file(o->tmp_path);
    }
    free(o->tmp_path);
    free(o->path);
    *o = (FileOut){0};
}

int file_finish_stdout(Err *err) {
    FileOut o = {.f = stdout}; /* nothing is allocated: memory may be exhausted by now */
    return file_out_commit(&o, err);
}

/* ---- paths ---- */

bool file_exists(const char *path) { return is_stdin(path) || access(path, F_OK) == 0; }

bool file_is_dir(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool file_is_regular(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static unsigned host_hash(void) {
    char host[65] = "";
    gethostname(host, sizeof host - 1);
    return (unsigned)file_checksum(host, strlen(host));
}

/* Whether dir/name, whose name continues that of an output with `rest`, was left behind by a
 * process of this host: its process is dead, and nobody has locked it. */
static bool is_left_behind(int dir_fd, const char *name, const char *rest) {
    char *end;
    long pid = strtol(rest, &end, 10);
    char expected[64];
    snprintf(expected, sizeof expected, "%ld-%08x", pid, host_hash());
    if (pid <= 0 || strcmp(rest, expected) != 0) return false;
    if (pid != (long)getpid() && (kill((pid_t)pid, 0) == 0 || errno != ESRCH)) return false;
    int fd = openat(dir_fd, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return false;
    bool locked = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(fd);
    return !locked;
}

/* Removes what processes that were killed left beside `path`. Of a large folder only a part is
 * looked at, since each of many files written there looks again. */
static void sweep_beside(const char *path) {
    enum { MAX_LOOKED_AT = 4096 };
    char *folder = file_dirname(path);
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t n = strlen(name);
    DIR *dir = file_folder_open(folder);
    struct dirent *e;
    for (int i = 0; dir && i < MAX_LOOKED_AT && (e = readdir(dir)); i++)
        if (strncmp(e->d_name, name, n) == 0 && strncmp(e->d_name + n, ".tmp", 4) == 0 &&
            is_left_behind(dirfd(dir), e->d_name, e->d_name + n + 4))
            unlinkat(dirfd(dir), e->d_name, 0);
    if (dir) closedir(dir);
    free(folder);
}

char *file_beside(const char *path) {
    sweep_beside(path);
    return mem_printf("%s.tmp%ld-%08x", path, (long)getpid(), host_hash());
}

int file_mkdirs(const char *path, Err *err) {
    if (!*path) return err_input(err, "expected the name of a folder, got an empty one");
    char *p = mem_strdup(path);
    int rc = 0;
    for (char *c = p + 1; rc == 0; c++) {
        if (*c != '/' && *c != '\0') continue;
        char old = *c;
        *c = '\0';
        if (mkdir(p, 0777) != 0 && (errno != EEXIST || !file_is_dir(p)))
            rc = err_io(err, "%s: cannot make the directory: %s", path, strerror(errno));
        *c = old;
        if (old == '\0') break;
    }
    free(p);
    return rc;
}

DIR *file_folder_open(const char *dir) {
    DIR *d = opendir(dir);
    if (!d && errno == ENOMEM) diag_out_of_memory("%s", dir);
    return d;
}

char *file_absolute(const char *path) {
    char *full = realpath(path, NULL);
    if (!full && errno == ENOMEM) diag_out_of_memory("%s", path);
    return full;
}

int file_folder_failed(const char *dir, Err *err) {
    if (errno == ENOMEM) diag_out_of_memory("%s", dir);
    return err_input(err, "%s: can't be read: %s", dir, strerror(errno));
}

void file_remove_folder(const char *dir) {
    DIR *d = file_folder_open(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        char *path = file_join(dir, e->d_name);
        unlink(path); /* not "." and "..", which are folders */
        free(path);
    }
    if (d) closedir(d);
    rmdir(dir);
}

char *file_dirname(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash) return mem_strdup(".");
    return slash == path ? mem_strdup("/") : mem_printf("%.*s", (int)(slash - path), path);
}

char *file_join(const char *dir, const char *name) {
    return name[0] == '/' ? mem_strdup(name) : mem_printf("%s/%s", dir, name);
}

char *file_stem(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return mem_printf("%.*s", dot && dot > name ? (int)(dot - name) : (int)strlen(name), name);
}

char *file_program_dir(void) {
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n <= 0) return mem_strdup(".");
    exe[n] = '\0';
    return file_dirname(exe);
}

char *file_find_shipped(const char *relative) {
    static const char *const from[] = {"", "../", "../../", "../share/m3/", "../../share/m3/"};
    static const char here;
    if (file_exists(relative)) return mem_strdup(relative);
    /* From the program's folder, and from that which this code was loaded from: that of libm3.so in
     * a program that uses it. */
    Dl_info info;
    bool known = dladdr(&here, &info) && info.dli_fname;
    char *dirs[] = {file_program_dir(), known ? file_dirname(info.dli_fname) : mem_strdup(".")};
    char *found = NULL;
    for (size_t d = 0; d < 2; d++) {
        for (size_t i = 0; i < sizeof from / sizeof *from && !found; i++) {
            char *path = mem_printf("%s/%s%s", dirs[d], from[i], relative);
            if (file_exists(path)) found = path;
            else free(path);
        }
        free(dirs[d]);
    }
    return found;
}

/* Only in the folder of specs: what lies beside the program may be anybody's. */
char *file_find_spec(const char *path) {
    if (file_exists(path)) return mem_strdup(path);
    if (strncmp(path, "spec/", 5) == 0) path += 5;
    if (!*path || path[0] == '/' || strstr(path, "..")) return NULL;
    char *under = file_join("spec", path), *found = file_find_shipped(under);
    free(under);
    return found;
}

/* ---- digests ---- */

static uint32_t rotr(uint32_t x, int n) { return (x >> n) | (x << (32 - n)); }

static void sha256_block(uint32_t h[8], const unsigned char *p) {
    static const uint32_t k[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
        0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
        0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
        0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
        0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
        0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
        0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
        0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
        0xc67178f2};
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 |
               (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (rotr(a, 7) ^ rotr(a, 18) ^ (a >> 3)) +
               (rotr(b, 17) ^ rotr(b, 19) ^ (b >> 10));
    }
    memcpy(v, h, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t s1 = rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25),
                 ch = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t t1 = v[7] + s1 + ch + k[i] + w[i];
        uint32_t s0 = rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22),
                 maj = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += t1;
        v[0] = t1 + s0 + maj;
    }
    for (int i = 0; i < 8; i++) h[i] += v[i];
}

void file_sha256(const void *data, size_t n, char hex[65]) {
    uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    const unsigned char *p = data;
    size_t full = n / 64 * 64, rest = n - full;
    for (size_t i = 0; i < full; i += 64) sha256_block(h, p + i);
    unsigned char tail[128] = {0};
    if (rest) memcpy(tail, p + full, rest);
    tail[rest] = 0x80;
    size_t len = rest < 56 ? 64 : 128;
    for (int i = 0; i < 8; i++)
        tail[len - 1 - (size_t)i] = (unsigned char)((uint64_t)n * 8 >> (8 * i));
    for (size_t i = 0; i < len; i += 64) sha256_block(h, tail + i);
    for (int i = 0; i < 8; i++) snprintf(hex + 8 * i, 9, "%08x", h[i]);
}

int file_digest(const char *path, char hex[65], Err *err) {
    FileView v;
    if (file_view(&v, path, err) != 0) return -1;
    file_sha256(v.data, v.len, hex);
    file_view_close(&v);
    return 0;
}

/* Four multiply-xor lanes over 32-byte steps, folded at the end; the length is mixed in. The
 * constants are odd 64-bit numbers with about half of their bits set, taken from published mixers
 * (splitmix64, xmxmx, rrmxmx); others would do as well, but files have been written with these. */
uint64_t file_checksum(const void *data, size_t n) {
    uint64_t lane[4] = {0x9E3779B97F4A7C15u, 0xBF58476D1CE4E5B9u, 0x94D049BB133111EBu,
                        0xD6E8FEB86659FD93u};
    const unsigned char *p = data;
    for (size_t i = 0; i < n; i += 32) {
        uint64_t w[4] = {0};
        memcpy(w, p + i, n - i < 32 ? n - i : 32);
        for (int k = 0; k < 4; k++) {
            lane[k] = (lane[k] ^ w[k]) * 0x9FB21C651E98DF25u;
            lane[k] ^= lane[k] >> 29;
        }
    }
    uint64_t h = n;
    for (int k = 0; k < 4; k++) {
        h = (h ^ lane[k]) * 0xD6E8FEB86659FD93u;
        h ^= h >> 32;
    }
    return h;
}
