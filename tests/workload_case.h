/* workload_case: what tests of workloads and of what they are drawn from share. To be included
 * after cmocka.h. */
#ifndef M3_TESTS_WORKLOAD_CASE_H
#define M3_TESTS_WORKLOAD_CASE_H
#include <stdio.h>
#include <unistd.h>

#include "net_case.h"
#include "traffic/sizedist.h"

/* workload_case_scratch names a file of the test program's own, which workload_case_write writes.
 */
static inline const char *workload_case_scratch(char path[64]) {
    snprintf(path, 64, "/tmp/m3-test-workload-%ld", (long)getpid());
    return path;
}

static inline const char *workload_case_write(char path[64], const char *text) {
    FILE *f = fopen(workload_case_scratch(path), "wb");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    return path;
}

/* workload_case_sizes reads a size distribution from text. */
static inline int workload_case_sizes(SizeDist *d, const char *text, Err *err) {
    char path[64];
    int rc = sizedist_load(d, workload_case_write(path, text), NULL, err);
    unlink(path);
    return rc;
}

#endif
