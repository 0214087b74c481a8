/* coverage-exit: linked into what tests/coverage runs, before libc's _exit, by which forked
 * processes and handlers of signals end: writes the counts of lines first, which exit alone does.
 * Not under a limit on the size of files, which would cut the counts of all. */
#include <sys/resource.h>
#include <unistd.h>

void __gcov_dump(void);
_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);

_Noreturn void __wrap__exit(int status) {
    struct rlimit file;
    if (getrlimit(RLIMIT_FSIZE, &file) == 0 && file.rlim_cur == RLIM_INFINITY) __gcov_dump();
    __real__exit(status);
}
