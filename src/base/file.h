/* file: whole files in, whole files out. */
#ifndef M3_BASE_FILE_H
#define M3_BASE_FILE_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/diag.h"

/* A file's bytes, mapped read-only, or read if it cannot be mapped (a pipe). data[len] is not
 * readable. The path "-" is standard input: all of it is read when it is first viewed, and kept, so
 * that it can be viewed again like any file. */
typedef struct {
    const char *data;
    size_t len;
    bool mapped;
} FileView;
int file_view(FileView *v, const char *path, Err *err); /* missing or unreadable: −1, input error */
void file_view_close(FileView *v);

/* Written beside its place and renamed on commit, so that no one sees half a file. "-" is stdout.
 * Write to ->f; a write error is found at commit. Exactly one of commit or abort must follow open.
 */
typedef struct {
    FILE *f;
    char *path, *tmp_path; /* tmp_path NULL: stdout or a device */
} FileOut;
int file_out_open(FileOut *o, const char *path, Err *err);
int file_out_commit(FileOut *o, Err *err); /* −1: nothing is left behind; io error */
void file_out_abort(FileOut *o);           /* removes what was written; fine after commit, too */

bool file_exists(const char *path); /* true for "-" */
/* file_check_stdin returns an input error if "-" stands for more than one of n inputs, which all of
 * standard input cannot be. path[i] may be NULL (not given); what[i] names the input in the message
 * ("--mix"). */
int file_check_stdin(size_t n, const char *const *path, const char *const *what, Err *err);
bool file_is_dir(const char *path);
int file_mkdirs(const char *path, Err *err); /* like mkdir -p */
/* Directory of `path` ("." if none), and `dir`/`name` unless name is absolute; caller frees. */
char *file_dirname(const char *path);
char *file_join(const char *dir, const char *name);

/* file_program_dir returns the folder of the running program ("." where the system does not tell);
 * caller frees. */
char *file_program_dir(void);
/* file_find_shipped returns where a file or folder that comes with the program lies, such as
 * "ckpts/default": `relative` to the working directory, to the program's folder or the two above
 * it (a build folder in a checkout), or to ../share/m3 from there (make install). The first that
 * exists is taken; NULL if none does; caller frees. */
char *file_find_shipped(const char *relative);

/* SHA-256 of n bytes as 64 hex digits and a NUL (FIPS 180-4). */
void file_sha256(const void *data, size_t n, char hex[65]);
int file_digest(const char *path, char hex[65], Err *err); /* SHA-256 of a file */
/* 64-bit checksum for integrity, several GB/s; not cryptographic. */
uint64_t file_checksum(const void *data, size_t n);
#endif
