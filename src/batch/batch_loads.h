/* batch_loads: what a mix of a batch is, and which link loads it comes to: loads.json. */
#ifndef M3_BATCH_BATCH_LOADS_H
#define M3_BATCH_BATCH_LOADS_H
#include "batch/batch_plan.h"

/* The expected payload load of the most loaded link, and the mean of the tenth of directed links
 * that are loaded most; NAN: not known. */
typedef struct {
    double max, top10pct;
} BatchLoads;

/* What is known of a mix without its plan. */
typedef struct {
    char *matrix, *sizes; /* names: of the files, without folder and ending, or of a generator */
    char *matrix_file, *sizes_file; /* "": none */
    double sigma, max_load, oversubscription;
    bool polarised;     /* max_load is that of polarised routing */
    BatchLoads load[2]; /* [LoadRouting] */
    NetConf conf;
    uint64_t n_flows;
} BatchFacts;

/* batch_loads_expect computes the loads of the scenario's traffic, which are those of all mixes of
 * a group. −1 with err where the traffic cannot be drawn. */
int batch_loads_expect(const Scenario *s, BatchLoads load[2], Err *err);
/* batch_loads_write writes DIR/NAME/loads.json of a mix whose traffic, with these loads, the
 * scenario has. */
int batch_loads_write(const char *dir, const BatchItem *item, const Scenario *s,
                      const BatchLoads load[2], Err *err);
/* batch_loads_read reads it back; batch_facts_free releases what it filled in. −1 with an input
 * error that names the place. */
int batch_loads_read(BatchFacts *f, const char *dir, const char *name, Err *err);
void batch_facts_free(BatchFacts *f);
#endif
