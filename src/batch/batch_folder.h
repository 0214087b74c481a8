/* batch_folder: the folder that a batch's results are kept in.
 *
 *     DIR/manifest.json       what all results of the folder depend on (schema BATCH_SCHEMA)
 *     DIR/NAME/METHOD.json    a result (m3.estimate/1), whole or not there
 *     DIR/NAME/METHOD.error   why there is none, one line
 *     DIR/NAME/METHOD.log     remarks, if there were any
 *     DIR/NAME/loads.json     what the mix is, and its link loads
 *     DIR/NAME/lock           who works on the mix
 *     DIR/summary.csv
 */
#ifndef M3_BATCH_BATCH_FOLDER_H
#define M3_BATCH_BATCH_FOLDER_H
#include "batch/batch_plan.h"

#define BATCH_SCHEMA "m3.batch/1"

/* Something that all results of a folder depend on, as text: "seed", "1". */
typedef struct {
    const char *key;
    char *value;
} BatchArgument;

/* batch_folder_open makes the folder with its manifest, or checks that the one that is there was
 * made of the same: version, arguments (n of them), and the contents of all files that mixes of the
 * plan name (topo_path instead of theirs, if given). Several processes may open a folder at once.
 * `command` is told in a new manifest. −1 with an input error that names what differs, or says that
 * the folder holds something else. */
int batch_folder_open(const char *dir, const BatchPlan *p, const char *topo_path,
                      const BatchArgument *arguments, size_t n, const char *command, Err *err);

/* batch_folder_path returns DIR/NAME/FILE+ENDING; caller frees. */
char *batch_folder_path(const char *dir, const char *name, const char *file, const char *ending);
/* batch_folder_find says in *has whether the mix has a result by this method, with its end; −1 if
 * it is there and can't be read. batch_folder_has takes such a one for none. */
int batch_folder_find(const char *dir, const char *name, const char *method, bool *has, Err *err);
bool batch_folder_has(const char *dir, const char *name, const char *method);
/* batch_folder_names returns the mixes that have a folder, numbers in numeric order, then others by
 * name; NULL with err if dir isn't a batch's. batch_folder_names_free releases. */
char **batch_folder_names(const char *dir, size_t *n, Err *err);
void batch_folder_names_free(char **names, size_t n);

/* batch_folder_lock marks a mix as worked on by this process, if no other one does, and says in
 * *mine whether that is so. A lock is left behind by a process that was killed: it is taken over at
 * once on the host that it ran on, and anywhere when it has not been touched for ten minutes.
 * batch_folder_touch says that it is still worked on; batch_folder_unlock ends that. */
int batch_folder_lock(const char *dir, const char *name, bool *mine, Err *err);
void batch_folder_touch(const char *dir, const char *name);
void batch_folder_unlock(const char *dir, const char *name);
#endif
