/* junit: a list of checks and whether they passed, as the JUnit XML that CI systems show. */
#ifndef M3_CLI_JUNIT_H
#define M3_CLI_JUNIT_H
#include <stddef.h>
#include <stdio.h>

#include "base/diag.h"

typedef struct {
    char *name, *failure; /* failure NULL: passed */
} JunitCase;

/* A suite; zero at first. */
typedef struct {
    JunitCase *cases;
    size_t n, cap;
} Junit;

/* junit_add adds a check, copying both texts; failure NULL: it passed. junit_free releases. */
void junit_add(Junit *j, const char *name, const char *failure);
void junit_free(Junit *j);
/* junit_write writes one test suite of that name. Characters that XML doesn't allow become '?'. */
void junit_write(const Junit *j, const char *suite, FILE *f);
#endif
