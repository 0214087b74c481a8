/* plugin: finds and opens a shared library that holds one table of functions. */
#ifndef M3_PLUGIN_PLUGIN_H
#define M3_PLUGIN_PLUGIN_H
#include "base/diag.h"

typedef struct {
    const char *what;     /* in messages: "MPI plug-in" */
    const char *file;     /* its name: "m3-mpi.so" */
    const char *variable; /* of the environment: names another file */
    const char *symbol;   /* the table, which begins with the interface's number, an int: … */
    int abi;              /* … this one */
    int flags;            /* of dlopen, beside RTLD_NOW */
    const char *missing;  /* what a message says first if there is no such file, … */
    const char *install;  /* … and what to install */
    ErrKind unfit;        /* kind of the error if there is none, or one of another interface */
} Plugin;

/* plugin_open returns the plug-in's table: of the file that the variable names, else of the one
 * beside the running program or in ../lib/m3/. It stays loaded until the program ends. NULL with
 * `err`: there is none, it does not load (ERR_IO), or it is of another interface. */
const void *plugin_open(const Plugin *p, Err *err);
#endif
