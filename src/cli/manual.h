/* manual: man pages of all commands and help topics. */
#ifndef M3_CLI_MANUAL_H
#define M3_CLI_MANUAL_H
#include "cli/cli.h"

/* manual_write writes m3.1, a page m3-COMMAND.1 for each command and subcommand and m3-TOPIC.7 for
 * each topic into the folder `dir`, which it makes. */
int manual_write(const CliProgram *program, const char *dir, Err *err);
#endif
