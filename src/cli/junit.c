/* junit: writing JUnit XML: <testsuite> with a <testcase> for each check, <failure> inside of those
 * that failed. The subset that every reader of the format knows; no times, so that the same checks
 * give the same bytes. */
#include "cli/junit.h"

#include <stdlib.h>

#include "base/mem.h"

void junit_add(Junit *j, const char *name, const char *failure) {
    MEM_GROW(j->cases, j->cap, j->n + 1);
    j->cases[j->n++] = (JunitCase){mem_strdup(name), failure ? mem_strdup(failure) : NULL};
}

void junit_free(Junit *j) {
    for (size_t i = 0; i < j->n; i++) {
        free(j->cases[i].name);
        free(j->cases[i].failure);
    }
    free(j->cases);
    *j = (Junit){0};
}

/* An attribute's value in its quotes. */
static void put_quoted(const char *s, FILE *f) {
    fputc('"', f);
    for (; *s; s++) {
        switch (*s) {
        case '&': fputs("&amp;", f); break;
        case '<': fputs("&lt;", f); break;
        case '>': fputs("&gt;", f); break;
        case '"': fputs("&quot;", f); break;
        default: fputc((unsigned char)*s < ' ' ? '?' : *s, f);
        }
    }
    fputc('"', f);
}

void junit_write(const Junit *j, const char *suite, FILE *f) {
    size_t n_failed = 0;
    for (size_t i = 0; i < j->n; i++) n_failed += j->cases[i].failure != NULL;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=", f);
    put_quoted(suite, f);
    fprintf(f, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"0\">\n", j->n, n_failed);
    for (size_t i = 0; i < j->n; i++) {
        fputs("  <testcase classname=", f);
        put_quoted(suite, f);
        fputs(" name=", f);
        put_quoted(j->cases[i].name, f);
        if (j->cases[i].failure) {
            fputs(">\n    <failure message=", f);
            put_quoted(j->cases[i].failure, f);
            fputs("/>\n  </testcase>\n", f);
        } else {
            fputs("/>\n", f);
        }
    }
    fputs("</testsuite>\n", f);
}
