/* outputs: --out and --csv, opened first and renamed into place last. */
#include "cli/outputs.h"

int outputs_open(Outputs *o, const char *json, const char *csv, Err *err) {
    o->to_stdout = file_is_stdout(json) || file_is_stdout(csv);
    if (json && file_out_open(&o->json, json, err) != 0) return -1;
    return csv ? file_out_open(&o->csv, csv, err) : 0;
}

int outputs_commit(Outputs *o, Err *err) {
    if (o->json.f && file_out_commit(&o->json, err) != 0) return -1;
    return o->csv.f ? file_out_commit(&o->csv, err) : 0;
}

void outputs_abort(Outputs *o) {
    file_out_abort(&o->json);
    file_out_abort(&o->csv);
}
