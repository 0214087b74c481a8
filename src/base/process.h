/* process: runs another program and waits for it; words of shell commands. */
#ifndef M3_BASE_PROCESS_H
#define M3_BASE_PROCESS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/diag.h"

/* process_find returns whether an executable file of this name is on PATH, in a folder that is
 * named from the root, as process_run finds it. */
bool process_find(const char *program);
/* process_run runs argv (NULL-ended, argv[0] looked up on PATH) in the folder `dir` (NULL: here),
 * with no standard input, and waits for it. Standard output is discarded. −1 with err, which quotes
 * the last line that the program wrote to stderr: it could not be started, was killed, or failed;
 * interrupted (130) if the user stopped it and us. */
int process_run(const char *const *argv, const char *dir, Err *err);
/* process_put_word writes a word so that a shell reads it back as one. */
void process_put_word(FILE *f, const char *word);
#endif
