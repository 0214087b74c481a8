/* lookup: from a path written in a mix to the file.
 *
 * Published mixes name files of a source tree that users don't have, but the files themselves are
 * passed on beside the mixes, often in sibling folders (mix/, spatial/, size/, topo/). So a path
 * that leads nowhere is looked up by its file name there, with a remark. */
#include "scenario/lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

void lookup_init(Lookup *l, const char *file) {
    *l = (Lookup){.file = file, .dir = file_dirname(file)};
}

void lookup_free(Lookup *l) {
    for (size_t i = 0; i < l->n; i++) {
        free(l->moved[i].written);
        free(l->moved[i].found);
    }
    free(l->moved);
    free(l->dir);
    *l = (Lookup){0};
}

/* The path as seen from a folder. */
static char *from_dir(const char *dir, const char *path) {
    return strcmp(dir, ".") == 0 ? mem_strdup(path) : file_join(dir, path);
}

/* The file `name` in the alphabetically first of the folders in `dir` that has it, or NULL. */
static char *find_in_folders(const char *dir, const char *name) {
    DIR *d = file_folder_open(dir);
    char *best = NULL;
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        char *at = mem_printf("%s/%s/%s", dir, e->d_name, name);
        if (file_exists(at) && !file_is_dir(at) && (!best || strcmp(at, best) < 0)) {
            free(best);
            best = at;
        } else {
            free(at);
        }
    }
    if (d) closedir(d);
    return best;
}

/* A file of the path's name beside the mix file or in a folder beside its folder; NULL: nowhere. */
static char *find_by_name(Lookup *l, const char *path) {
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->moved[i].written, path) == 0) return mem_strdup(l->moved[i].found);
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *found = file_join(l->dir, name);
    if (!file_exists(found)) {
        char *parent = file_join(l->dir, "..");
        free(found);
        found = find_in_folders(parent, name);
        free(parent);
    }
    if (!found) return NULL;
    MEM_GROW(l->moved, l->cap, l->n + 1);
    l->moved[l->n++] = (struct LookupMoved){mem_strdup(path), mem_strdup(found)};
    return found;
}

void lookup_resolve(Lookup *l, char **path) {
    if (!*path) return;
    char *beside = from_dir(l->dir, *path), *found = NULL;
    if (file_exists(beside)) found = mem_strdup(beside);
    else if (file_exists(*path)) found = mem_strdup(*path);
    else found = find_by_name(l, *path);
    free(*path);
    *path = found ? found : beside;
    if (found) free(beside);
}

void lookup_remark(const Lookup *l, const Log *log) {
    if (l->n == 0) return;
    char others[40] = "";
    if (l->n > 1) snprintf(others, sizeof others, " (and %zu likewise)", l->n - 1);
    log_note(log, "%s: %s does not exist, taking %s%s", l->file, l->moved[0].written,
             l->moved[0].found, others);
    for (size_t i = 1; i < l->n; i++)
        log_detail(log, "%s: %s does not exist, taking %s", l->file, l->moved[i].written,
                   l->moved[i].found);
}

void lookup_typed(const char *mix_file, char **path) {
    if (!*path || file_exists(*path) || !mix_file) return;
    char *dir = file_dirname(mix_file), *beside = from_dir(dir, *path);
    free(dir);
    bool there = file_exists(beside);
    free(there ? *path : beside);
    if (there) *path = beside;
}
