/* casefolder: a folder of numbered cases.
 *
 * A case is written to a folder of its own, ".<case>.tmp<pid>", which is renamed when it is whole:
 * a case that is there is finished and needs no second look. What an interrupted run leaves behind
 * is such a folder at most; a later run that makes the same case clears those away whose process is
 * gone. The manifest is compared byte by byte with the one that this run would write: settings
 * differ or they don't.
 */
#include "data/casefolder.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

typedef struct {
    const CaseFolder *set;
    atomic_size_t n_done, n_made;
    Progress progress;
} CaseFolderRun;

/* ---- manifest ---- */

static char *manifest_text(const CaseFolder *s) {
    char *text = NULL;
    size_t n = 0;
    JsonOut j;
    FILE *f = mem_stream_open(&text, &n);
    json_out_init(&j, f);
    json_out_object(&j);
    s->manifest(s->ctx, &j);
    json_out_end(&j, '}');
    json_out_finish(&j);
    mem_stream_close(f);
    return text;
}

static int compare_manifest(const char *path, const char *text, Err *err) {
    FileView v;
    if (file_view(&v, path, err) != 0) return -1;
    bool same = v.len == strlen(text) && memcmp(v.data, text, v.len) == 0;
    file_view_close(&v);
    return same ? 0
                : err_input(err,
                            "%s: the set was made with other settings; choose another folder, or "
                            "the same settings",
                            path);
}

static int settle_manifest(const CaseFolder *s, Err *err) {
    if (file_mkdirs(s->out, err) != 0) return -1;
    char *path = file_join(s->out, "manifest.json"), *text = manifest_text(s);
    FileOut out;
    int rc = 0;
    if (file_exists(path)) rc = compare_manifest(path, text, err);
    else if ((rc = file_out_open(&out, path, err)) == 0) {
        fputs(text, out.f);
        rc = file_out_commit(&out, err);
    }
    free(path);
    free(text);
    return rc;
}

/* ---- folders ---- */

/* Folders of killed runs: ".<prefix>00007.tmp1234". */
static void clear_leftovers(const CaseFolder *s) {
    DIR *d = file_folder_open(s->out);
    for (struct dirent *e; d && (e = readdir(d));) {
        const char *tmp = strstr(e->d_name, ".tmp");
        long pid = tmp ? strtol(tmp + 4, NULL, 10) : 0;
        if (!tmp || e->d_name[0] != '.' ||
            strncmp(e->d_name + 1, s->prefix, strlen(s->prefix)) != 0 || pid <= 0 ||
            (kill((pid_t)pid, 0) == 0 || errno == EPERM))
            continue;
        char *path = file_join(s->out, e->d_name);
        file_remove_folder(path);
        free(path);
    }
    if (d) closedir(d);
}

static int make_case(const CaseFolder *s, uint64_t index, const char *name, Err *err) {
    char *dir = file_join(s->out, name),
         *tmp = mem_printf("%s/.%s.tmp%ld", s->out, name, (long)getpid());
    int rc = file_mkdirs(tmp, err);
    if (rc == 0) rc = s->make(s->ctx, index, tmp, err);
    if (rc == 0 && rename(tmp, dir) != 0)
        rc = err_io(err, "%s: cannot rename to its place: %s", tmp, strerror(errno));
    if (rc != 0) file_remove_folder(tmp);
    free(tmp);
    free(dir);
    return rc;
}

static bool is_there(const CaseFolder *s, const char *name) {
    char *dir = file_join(s->out, name);
    bool yes = file_exists(dir);
    free(dir);
    return yes;
}

static int run_item(void *ctx, size_t item, int worker, Err *err) {
    (void)worker;
    CaseFolderRun *job = ctx;
    const CaseFolder *s = job->set;
    char name[40];
    snprintf(name, sizeof name, "%s%05" PRIu64, s->prefix, s->first + item);
    if (!is_there(s, name)) {
        if (make_case(s, s->first + item, name, err) != 0) return err_wrap(err, "%s", name);
        atomic_fetch_add(&job->n_made, 1);
    }
    progress_update(&job->progress, atomic_fetch_add(&job->n_done, 1) + 1);
    return 0;
}

int casefolder_run(const CaseFolder *s, const Log *log, CaseFolderInfo *info, Err *err) {
    *info = (CaseFolderInfo){0};
    int rc = ranks_first(s->ranks) ? settle_manifest(s, err) : 0;
    if (rc == 0 && ranks_first(s->ranks)) clear_leftovers(s);
    if (ranks_agree(s->ranks, rc, err) != 0) return -1;
    CaseFolderRun job = {.set = s};
    RanksLoop loop = {
        .n = (size_t)s->count, .grain = 1, .threads = s->threads, .run = run_item, .ctx = &job};
    progress_init(&job.progress, log, s->what, s->count);
    rc = ranks_run(s->ranks, &loop, err);
    progress_finish(&job.progress);
    double counts[] = {(double)job.n_made, (double)(job.n_done - job.n_made)};
    if (rc == 0) rc = ranks_sum(s->ranks, counts, 2, err);
    *info = (CaseFolderInfo){.n_made = (uint64_t)counts[0], .n_kept = (uint64_t)counts[1]};
    return rc;
}
