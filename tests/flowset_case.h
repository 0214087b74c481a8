/* flowset_case: a made-up data set of flows, and a model small enough to be trained on it in a
 * second. To be included after cmocka.h. */
#ifndef M3_TESTS_FLOWSET_CASE_H
#define M3_TESTS_FLOWSET_CASE_H
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "data/flowdata.h"
#include "model/ckpt.h"
#include "traffic/sizebucket.h"

/* 10 networks of 12 paths with 2 links and 8 flows each: 4 of bucket 0, 4 of bucket 3, which stand
 * for 4 and 12. The truth is the fluid slowdown in bucket 0, and 1.5 to 2.5 times that in bucket 3,
 * all the higher the higher feature 5 is. */
enum {
    FLOWSET_N_NETS = 10,
    FLOWSET_N_PATHS = 12 * FLOWSET_N_NETS,
    FLOWSET_N_LINKS = 2 * FLOWSET_N_PATHS,
    FLOWSET_N_FLOWS = 8 * FLOWSET_N_PATHS
};

static inline void flowset_case_array(const char *dir, int k, const void *data) {
    static const size_t rows[] = {[FLOWDATA_PER_PATH] = FLOWSET_N_PATHS,
                                  [FLOWDATA_PER_PATH_AND_END] = FLOWSET_N_PATHS + 1,
                                  [FLOWDATA_PER_LINK] = FLOWSET_N_LINKS,
                                  [FLOWDATA_PER_FLOW] = FLOWSET_N_FLOWS};
    const FlowDataArray *a = &flowdata_arrays[k];
    char *path = mem_printf("%s/%s.npy", dir, a->name);
    NpyOut out;
    Err err = {0};
    assert_int_equal(npy_out_open(&out, path, a->type, rows[a->rows], a->n_cols, &err), 0);
    npy_out_append(&out, data, rows[a->rows] * a->n_cols * npy_type_size(a->type));
    assert_int_equal(npy_out_commit(&out, &err), 0);
    free(path);
}

static inline void flowset_case_ranges(JsonOut *j, const char *key, const char *const *names,
                                       int n) {
    json_out_key(j, key), json_out_array(j);
    for (int k = 0; k < n; k++) {
        json_out_array_compact(j);
        json_out_string(j, names[k]);
        json_out_number(j, -10), json_out_number(j, 10), json_out_number(j, 0),
            json_out_number(j, 1);
        json_out_end(j, ']');
    }
    json_out_end(j, ']');
}

static inline void flowset_case_manifest(const char *dir) {
    char *path = file_join(dir, "manifest.json");
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    JsonOut j;
    json_out_init(&j, f);
    json_out_object(&j);
    json_out_key(&j, "schema"), json_out_string(&j, "m3.flowset/1");
    json_out_key(&j, "n_networks"), json_out_int(&j, FLOWSET_N_NETS);
    json_out_key(&j, "n_paths"), json_out_int(&j, FLOWSET_N_PATHS);
    json_out_key(&j, "n_links"), json_out_int(&j, FLOWSET_N_LINKS);
    json_out_key(&j, "n_flows"), json_out_int(&j, FLOWSET_N_FLOWS);
    json_out_key(&j, "features"), json_out_object(&j);
    flowset_case_ranges(&j, "link", flowfeat_link_names, FLOWFEAT_N_LINK);
    flowset_case_ranges(&j, "path", flowfeat_path_names, FLOWFEAT_N_PATH);
    flowset_case_ranges(&j, "flow", flowfeat_flow_names, FLOWFEAT_N_FLOW);
    json_out_end(&j, '}');
    json_out_key(&j, "networks"), json_out_array(&j);
    for (int i = 0; i < FLOWSET_N_NETS; i++) {
        char name[16];
        snprintf(name, sizeof name, "net%d", i);
        json_out_string(&j, name);
    }
    json_out_end(&j, ']');
    json_out_end(&j, '}');
    json_out_finish(&j);
    assert_int_equal(fclose(f), 0);
    free(path);
}

typedef struct {
    uint32_t link_start[FLOWSET_N_PATHS + 1], flow_start[FLOWSET_N_PATHS + 1], net[FLOWSET_N_PATHS],
        draws[FLOWSET_N_PATHS], bucket_count[FLOWSET_N_PATHS * SIZEBUCKET_N];
    float link[FLOWSET_N_LINKS * FLOWFEAT_N_LINK], path[FLOWSET_N_PATHS * FLOWFEAT_N_PATH],
        flow[FLOWSET_N_FLOWS * FLOWFEAT_N_FLOW], base[FLOWSET_N_FLOWS], truth[FLOWSET_N_FLOWS];
    uint8_t bucket[FLOWSET_N_FLOWS];
} FlowsetCase;

/* flowset_case_write writes the data set into a folder that exists; flowset_case_load loads one. */
static inline void flowset_case_write(const char *dir) {
    FlowsetCase *a = MEM_ZNEW(FlowsetCase, 1);
    Rng rng = rng_stream(3, "flowset test", 0);
    for (uint32_t i = 0; i <= FLOWSET_N_PATHS; i++)
        a->link_start[i] = 2 * i, a->flow_start[i] = 8 * i;
    for (uint32_t i = 0; i < FLOWSET_N_PATHS; i++) {
        a->net[i] = i / 12;
        a->draws[i] = 1 + i % 2;
        a->bucket_count[i * SIZEBUCKET_N] = 4;
        a->bucket_count[i * SIZEBUCKET_N + 3] = 12;
    }
    for (uint32_t f = 0; f < FLOWSET_N_FLOWS; f++) {
        float x = (float)rng_normal(&rng);
        a->flow[f * FLOWFEAT_N_FLOW + 5] = x;
        a->flow[f * FLOWFEAT_N_FLOW + 6] = f % 2 ? 1.0f : 0.0f;
        a->bucket[f] = f % 2 ? 3 : 0;
        a->base[f] = (float)exp(2 * rng_u01(&rng));
        a->truth[f] = a->base[f] * (f % 2 ? 2 + tanhf(x) / 2 : 1);
    }
    const void *data[FLOWDATA_N_ARRAYS] = {[FLOWDATA_LINK_START] = a->link_start,
                                           [FLOWDATA_LINK] = a->link,
                                           [FLOWDATA_PATH] = a->path,
                                           [FLOWDATA_FLOW_START] = a->flow_start,
                                           [FLOWDATA_FLOW] = a->flow,
                                           [FLOWDATA_BASE] = a->base,
                                           [FLOWDATA_TRUTH] = a->truth,
                                           [FLOWDATA_BUCKET] = a->bucket,
                                           [FLOWDATA_NET] = a->net,
                                           [FLOWDATA_DRAWS] = a->draws,
                                           [FLOWDATA_BUCKET_COUNT] = a->bucket_count};
    for (int k = 0; k < FLOWDATA_N_ARRAYS; k++) flowset_case_array(dir, k, data[k]);
    flowset_case_manifest(dir);
    free(a);
}

static inline void flowset_case_load(FlowData *d, const char *dir) {
    Err err = {0};
    if (flowdata_load(d, dir, &err) != 0) fail_msg("%s", err.msg);
}

/* flowset_case_spec returns a flow model of one layer, 8 wide. */
static inline ModelSpec flowset_case_spec(void) {
    ModelSpec s;
    assert_int_equal(modelspec_preset(&s, "flow", NULL), 0);
    s.dim = 8;
    s.hidden = 8;
    s.n_layers = 1;
    s.n_heads = 2;
    s.mlp_h1 = s.mlp_h2 = 16;
    return s;
}

#endif
