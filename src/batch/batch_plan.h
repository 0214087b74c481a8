/* batch_plan: the mixes of a batch, and which of them share their traffic. */
#ifndef M3_BATCH_BATCH_PLAN_H
#define M3_BATCH_BATCH_PLAN_H
#include "scenario/scenario.h"

/* Mixes of a batch at most; more would be thousands of CPU hours. */
enum { BATCH_MAX_ITEMS = 100000 };

typedef struct {
    const char *const *inputs; /* mix files (file_find_spec), and folders, whose *.json all are */
    size_t n_inputs;
    const char *ids; /* "0..9,17": only mixes of these ids; NULL: all */
    /* Topology, settings and length for all mixes; its mix_path and mix_id are not used. */
    ScenarioOptions scenario;
} BatchPlanOptions;

/* A mix file, and what was remarked while it was read. */
typedef struct {
    char *path;
    LogRemarks remarks;
} BatchFile;

/* One mix. */
typedef struct {
    char *name; /* of its folder: its id, or FILE-ID where several files have the same ids */
    const BatchFile *file;
    Mix mix;      /* with all settings applied */
    size_t group; /* mixes of a group draw the same flows on the same topology */
    bool wanted;  /* is one of --ids */
} BatchItem;

/* All mixes of the files, wanted or not: so that a name doesn't depend on what is wanted. */
typedef struct {
    BatchFile *files;
    size_t n_files, files_cap;
    BatchItem *items; /* in the order of files and of the mixes in them */
    size_t n, cap;
    size_t n_groups;
    BatchItem **in_group; /* [n] the items of group g are those from group_start[g] … */
    size_t *group_start;  /* [n_groups + 1] … to before group_start[g + 1], in their order */
} BatchPlan;

/* batch_plan_load reads all mixes and finds out which share their traffic. Nothing else is loaded,
 * but files that wanted mixes name must exist. −1 with an input error: a file that is no mix file,
 * an id that no mix has, a setting that one of the mixes does not take. batch_plan_free releases,
 * also after −1. */
int batch_plan_load(BatchPlan *p, const BatchPlanOptions *o, const Log *log, Err *err);
void batch_plan_free(BatchPlan *p);
#endif
