/* cleanup: ends of the process that nobody returns from: out of memory, a file in use that was
 * cut or changed, a second interrupt. */
#ifndef M3_BASE_CLEANUP_H
#define M3_BASE_CLEANUP_H
#include <stddef.h>

/* cleanup_add_file notes a temporary file, which a sudden end of this process removes (not one of a
 * process that it forks). cleanup_drop_file forgets it: it was renamed or removed. */
void cleanup_add_file(const char *path);
void cleanup_drop_file(const char *path);

/* cleanup_add_map notes that the file `path` is mapped at data[0..len); cleanup_drop_map forgets
 * it, and must be called before the memory is unmapped. */
void cleanup_add_map(const void *data, size_t len, const char *path);
void cleanup_drop_map(const void *data);

/* cleanup_remove_files removes the temporary files. A signal handler may call it. */
void cleanup_remove_files(void);

/* cleanup_exit writes a line ("m3: …\n") to stderr, removes the temporary files and ends the
 * process with status 1. Of several threads that do, the first one's line is written. A signal
 * handler may call it. */
_Noreturn void cleanup_exit(const char *line);

/* cleanup_catch_faults makes an access to a part of a mapped file that is there no more (SIGBUS)
 * end the process by cleanup_exit with a line that names the file. Called once, by main. */
void cleanup_catch_faults(void);
#endif
