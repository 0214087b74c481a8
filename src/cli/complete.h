/* complete: what a shell offers for the word that is being typed. */
#ifndef M3_CLI_COMPLETE_H
#define M3_CLI_COMPLETE_H
#include <stdio.h>

#include "cli/cli.h"

/* complete_print writes what may stand for the last of the words that follow "m3" on a command line
 * (none: an empty one), a line each: "WORD<tab>MEANING", not sorted, whatever part of the word is
 * there already. A WORD that ends in = expects more behind it. The line ":files" or ":folders" asks
 * the shell for names of files, or of folders, as well. */
void complete_print(FILE *f, const CliProgram *program, int n_words, char **words);
#endif
