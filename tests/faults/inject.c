/* inject: a library for LD_PRELOAD that makes one allocation or one system call of a program fail.
 *
 *     M3_FAULT=KIND:N:ERROR     the N-th of its kind (from 1) fails; N = 0: none
 *
 * KIND is alloc (malloc and its kin return NULL), or the name of a system call in the table below.
 * ERROR is a number of errno; 0 is a short read or write, of half the bytes asked for, instead.
 * With "+" at the end all later ones of the kind fail, too. A byte is written to descriptor 99 when
 * the first one fails.
 *
 * System calls are caught below stdio: a seccomp filter turns those that libc makes into SIGSYS,
 * and the handler fails them or makes them itself. The sanitizers' own calls come from their own
 * code and pass. Counted are calls after main began that have to do with the command's files: not
 * standard error, not anonymous memory, not what is in the system's folders. x86-64 Linux alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { REPORT_FD = 99 };

static struct {
    long nr; /* of the system call; ALLOC */
    long n, count;
    int error;
    bool on; /* all later ones fail, too */
    bool armed;
} fault;
enum { ALLOC = -1, NONE = -2 };

static const struct {
    const char *name;
    long nr;
} kinds[] = {{"alloc", ALLOC},     {"write", SYS_write},         {"pwrite", SYS_pwrite64},
             {"read", SYS_read},   {"pread", SYS_pread64},       {"open", SYS_openat},
             {"mmap", SYS_mmap},   {"rename", SYS_rename},       {"close", SYS_close},
             {"mkdir", SYS_mkdir}, {"ftruncate", SYS_ftruncate}, {"fsync", SYS_fsync}};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

/* A system call that the filter lets pass, since it is not libc's. */
static long raw(long nr, long a, long b, long c, long d, long e, long f) {
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/* Counts one of the kind; true if it has to fail. */
static bool strikes(void) {
    long count = ++fault.count;
    if (fault.n == 0 || (count != fault.n && !(fault.on && count > fault.n))) return false;
    if (count == fault.n) raw(SYS_write, REPORT_FD, (long)"!", 1, 0, 0, 0);
    return true;
}

/* ---- allocations ---- */

static char early[1 << 14]; /* what dlsym allocates while the functions are looked up */
static size_t early_used;
static void *(*next_malloc)(size_t), *(*next_calloc)(size_t, size_t),
    *(*next_realloc)(void *, size_t), *(*next_aligned)(size_t, size_t);

static void *early_alloc(size_t n) {
    void *p = early + early_used;
    early_used += (n + 15) / 16 * 16;
    return early_used <= sizeof early ? p : NULL;
}

static bool ready(void) {
    static bool looking;
    if (next_malloc) return true;
    if (looking) return false;
    looking = true;
    *(void **)&next_calloc = dlsym(RTLD_NEXT, "calloc");
    *(void **)&next_realloc = dlsym(RTLD_NEXT, "realloc");
    *(void **)&next_aligned = dlsym(RTLD_NEXT, "aligned_alloc");
    *(void **)&next_malloc = dlsym(RTLD_NEXT, "malloc");
    return true;
}

static bool alloc_fails(void) {
    if (!fault.armed || fault.nr != ALLOC || !strikes()) return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t n) {
    if (!ready()) return early_alloc(n);
    return alloc_fails() ? NULL : next_malloc(n);
}
void *calloc(size_t n, size_t size) {
    if (!ready()) return early_alloc(n * size); /* zeros */
    return alloc_fails() ? NULL : next_calloc(n, size);
}
void *realloc(void *p, size_t n) {
    if (!ready()) return early_alloc(n);
    return alloc_fails() ? NULL : next_realloc(p, n);
}
void *aligned_alloc(size_t align, size_t n) {
    ready();
    return alloc_fails() ? NULL : next_aligned(align, n);
}

/* ---- system calls ---- */

static bool is_system_path(const char *path) {
    static const char *const folders[] = {"/proc/", "/sys/", "/etc/", "/usr/", "/lib", "/dev/"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (strncmp(path, folders[i], strlen(folders[i])) == 0) return true;
    return false;
}

static bool concerns_us(long nr, const long a[6]) {
    if (nr == SYS_openat) return !is_system_path((const char *)a[1]);
    if (nr == SYS_mmap) return (int)a[4] >= 0;
    if (nr == SYS_rename || nr == SYS_mkdir) return true;
    return a[0] != STDERR_FILENO && a[0] != REPORT_FD;
}

static void on_syscall(int sig, siginfo_t *info, void *context) {
    (void)sig;
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    long nr = info->si_syscall,
         a[6] = {r[REG_RDI], r[REG_RSI], r[REG_RDX], r[REG_R10], r[REG_R8], r[REG_R9]};
    if (fault.armed && concerns_us(nr, a) && strikes()) {
        if (fault.error != 0) {
            if (nr == SYS_close) raw(nr, a[0], 0, 0, 0, 0, 0); /* it is closed all the same */
            r[REG_RAX] = -fault.error;
            return;
        }
        a[2] = a[2] > 1 ? a[2] / 2 : a[2];
    }
    r[REG_RAX] = raw(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

typedef struct {
    uintptr_t from, until; /* libc's code */
} Range;

static int find_libc(struct dl_phdr_info *info, size_t size, void *out) {
    (void)size;
    if (!strstr(info->dlpi_name, "/libc.so.6")) return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && (p->p_flags & PF_X)) {
            uintptr_t at = info->dlpi_addr + p->p_vaddr;
            *(Range *)out = (Range){at, at + p->p_memsz};
        }
    }
    return 1;
}

static void catch_syscall(long nr) {
    Range libc = {0, 0};
    dl_iterate_phdr(find_libc, &libc);
    enum { ALLOWED = 6 }; /* its place below */
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, ALLOWED - 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(libc.from >> 32), 0, ALLOWED - 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)libc.from, 0, ALLOWED - 4),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)libc.until, ALLOWED - 5, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    struct sigaction sa;
    memset(&sa, 0, sizeof sa);
    sa.sa_sigaction = on_syscall;
    sa.sa_flags = SA_SIGINFO | SA_NODEFER;
    if (libc.from == 0 || libc.from >> 32 != libc.until >> 32 || sigaction(SIGSYS, &sa, NULL) ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        _exit(120);
}

static void arm(void) {
    const char *text = getenv("M3_FAULT"), *colon = text ? strchr(text, ':') : NULL;
    char *end;
    fault.nr = NONE;
    for (int i = 0; colon && i < N_KINDS; i++)
        if (strncmp(text, kinds[i].name, (size_t)(colon - text)) == 0 &&
            kinds[i].name[colon - text] == '\0')
            fault.nr = kinds[i].nr;
    if (fault.nr == NONE) return;
    fault.n = strtol(colon + 1, &end, 10);
    if (*end == ':') fault.error = (int)strtol(end + 1, &end, 10);
    fault.on = *end == '+';
    if (fault.nr != ALLOC) catch_syscall(fault.nr);
    fault.armed = true;
}

/* ---- the beginning of main ---- */

static int (*true_main)(int, char **, char **);

static int armed_main(int argc, char **argv, char **envp) {
    arm();
    return true_main(argc, argv, envp);
}

typedef int StartMain(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
                      void (*)(void), void *);
StartMain __libc_start_main;
int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end) {
    StartMain *start;
    *(void **)&start = dlsym(RTLD_NEXT, "__libc_start_main");
    true_main = main;
    return start(armed_main, argc, argv, init, fini, rtld_fini, stack_end);
}
