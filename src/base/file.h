/* file: whole files in, whole files out. */
#ifndef M3_BASE_FILE_H
#define M3_BASE_FILE_H
#include <dirent.h>
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
/* file_view opens a view, which file_view_close releases. A file that is missing or cannot be read
 * is an input error, and so is a pipe that brings more than an eighth of the memory (at least 256
 * MiB) or a device that brings more than 16 MiB. */
int file_view(FileView *v, const char *path, Err *err);
void file_view_close(FileView *v);

/* file_view_forget says that bytes from … until − 1 of a view are not needed in memory for now;
 * they are read again if looked at. */
void file_view_forget(const FileView *v, size_t from, size_t until);

/* file_open_at returns a descriptor of a file for reading anywhere, file_open_temporary one of a
 * new file without a name ($TMPDIR, or /tmp) for both; −1 with `err` filled. file_close_at closes
 * it. */
int file_open_at(const char *path, Err *err);
int file_open_temporary(Err *err);
void file_close_at(int fd);
/* file_read_at and file_write_at move n bytes from or to a place of the file; −1 with errno set if
 * that fails, of which the file's end is EIO. */
int file_read_at(int fd, void *data, size_t n, uint64_t at);
int file_write_at(int fd, const void *data, size_t n, uint64_t at);

/* file_memory_b returns the machine's memory in bytes; UINT64_MAX where the system does not tell.
 */
uint64_t file_memory_b(void);
/* file_fits_memory returns whether something of that size may be held in memory: three quarters of
 * it at most. */
bool file_fits_memory(double bytes);

/* An output file, written beside its place and renamed there on commit, so that no one sees half a
 * file. A file that it replaces passes on its permissions; a symbolic link stays, and what it
 * points to is replaced. "-" and /dev/stdout are standard output. A process that ends at once
 * removes the temporary files (base/cleanup); those of a process that was killed are removed when
 * the output is opened the next time, if they are among the first 4,096 entries of its folder: to
 * look through so many takes a millisecond or so of each opening. */
typedef struct {
    FILE *f;
    char *path, *tmp_path; /* tmp_path NULL: stdout or a device */
} FileOut;
/* file_is_stdout returns whether FileOut takes `path` for standard output; false for NULL. */
bool file_is_stdout(const char *path);
/* file_out_open begins a file: write to o->f; errors of writing are found at the commit. Exactly
 * one of commit and abort must follow. */
int file_out_open(FileOut *o, const char *path, Err *err);
/* file_out_commit finishes the file; −1 (an io error): nothing is left behind. */
int file_out_commit(FileOut *o, Err *err);
/* file_out_commit_new finishes the file unless there is one of its name by now, which is then left
 * as it is, and says in *made whether it did: of several processes that make a file, one does. On
 * file systems without links two might at the same moment. −1 (an io error): nothing is left behind
 * and *made is false. Not for standard output and devices. */
int file_out_commit_new(FileOut *o, bool *made, Err *err);
/* file_out_abort removes what was written; does nothing after a commit. */
void file_out_abort(FileOut *o);
/* file_finish_stdout writes out what was printed to standard output; −1 (an io error) if any of it
 * could not be written. */
int file_finish_stdout(Err *err);

/* file_exists returns whether there is a file, folder or device of this name; true for "-". */
bool file_exists(const char *path);
/* file_check_stdin returns an input error if "-" stands for more than one of n inputs, which all of
 * standard input cannot be. path[i] may be NULL (not given); what[i] names the input in the message
 * ("--mix"). */
int file_check_stdin(size_t n, const char *const *path, const char *const *what, Err *err);
bool file_is_dir(const char *path);
bool file_is_regular(const char *path);
/* file_beside returns a name beside `path` that no other process uses, on any host, and removes
 * files of such names that processes of this host left behind, as FileOut does; caller frees. */
char *file_beside(const char *path);
/* file_mkdirs makes a folder and those above it that do not exist. */
int file_mkdirs(const char *path, Err *err);
/* file_folder_open is opendir, and file_absolute realpath, but for exhausted memory, of which they
 * die; caller frees. */
DIR *file_folder_open(const char *dir);
char *file_absolute(const char *path);
/* file_folder_failed says why a folder can't be read, as errno has it, and returns −1; of exhausted
 * memory it dies. */
int file_folder_failed(const char *dir, Err *err);
/* file_remove_folder removes a folder of plain files with them. One that holds folders loses its
 * files and stays. */
void file_remove_folder(const char *dir);
/* file_dirname returns the folder part of `path` ("." if it has none); caller frees. */
char *file_dirname(const char *path);
/* file_join returns dir/name, or name if that is absolute; caller frees. */
char *file_join(const char *dir, const char *name);

/* file_stem returns the name of a file without its folder and its last ending; caller frees. */
char *file_stem(const char *path);

/* file_program_dir returns the folder of the running program ("." where the system does not tell);
 * caller frees. */
char *file_program_dir(void);
/* file_find_shipped returns where a file or folder that comes with m3 lies, such as
 * "ckpts/default": `relative` to the working directory, to the program's folder or the two above
 * it (a build folder in a checkout), to ../share/m3 or ../../share/m3 from there (make install), or
 * to the same places seen from the folder of libm3.so. The first that exists is taken; NULL if none
 * does; caller frees. */
char *file_find_shipped(const char *relative);
/* file_find_spec returns where a topology, mix or other spec lies that a user names: `path` if
 * there is such a file, else the one of this name that comes with m3, "clos-16.json" or
 * "spec/clos-16.json"; NULL if there is none; caller frees. */
char *file_find_spec(const char *path);

/* file_sha256 writes the SHA-256 (FIPS 180-4) of n bytes as 64 hex digits and a NUL; file_digest
 * that of a file's contents. */
void file_sha256(const void *data, size_t n, char hex[65]);
int file_digest(const char *path, char hex[65], Err *err);
/* file_checksum returns a 64-bit checksum of n bytes that finds damaged files at several GB/s; it
 * is no protection against intent. Part of the binary file formats: must never change. */
uint64_t file_checksum(const void *data, size_t n);
#endif
