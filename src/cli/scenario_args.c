/* scenario_args: --topo, --mix, --flows and so on into ScenarioOptions.
 *
 * A command puts SCENARIO_ARGS first in its table and hands the rows below SCENARIO_N_ARGS to
 * scenario_args_set; its own options follow from there. */
#include "cli/scenario_args.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "cli/value.h"

void scenario_args_init(ScenarioArgs *a) { *a = (ScenarioArgs){.options = {.mix_id = -1}}; }

void scenario_args_free(ScenarioArgs *a) {
    free(a->topo);
    free(a->mix);
    free(a->set);
    topo_args_free(&a->options.topo);
    *a = (ScenarioArgs){0};
}

static int add_setting(ScenarioArgs *a, const char *value) {
    MEM_GROW(a->set, a->set_cap, a->n_set + 2);
    a->set[a->n_set++] = value;
    a->set[a->n_set] = NULL;
    a->options.set = a->set;
    return 0;
}

static int set_spec(char **own, const char **path, const char *value) {
    free(*own);
    *path = *own = value_spec(value);
    return 0;
}

static int parse_load(const char *value, ScenarioLoad *load, Err *err) {
    int how;
    if (value_choice(value, "--load", linkload_routing_names, &how, err) != 0) return -1;
    *load = how == LOAD_ROUTED ? SCENARIO_LOAD_ROUTED : SCENARIO_LOAD_POLARISED;
    return 0;
}

int scenario_args_set(ScenarioArgs *a, int arg, const char *value, Err *err) {
    ScenarioOptions *o = &a->options;
    uint64_t id;
    double ns;
    if (arg >= ARG_TOPO_FIRST) return topo_args_set(&o->topo, arg - ARG_TOPO_FIRST, value, err);
    switch (arg) {
    case ARG_TOPO: return set_spec(&a->topo, &o->topo_path, value);
    case ARG_MIX: return set_spec(&a->mix, &o->mix_path, value);
    case ARG_MIX_ID:
        if (units_parse_count(value, "--mix-id", &id, err) != 0) return -1;
        o->mix_id = (int64_t)id;
        return 0;
    case ARG_FLOWS: o->flows_path = value; return 0;
    case ARG_FLOW_COLUMNS:
        o->flow_columns = &a->columns;
        return flowcolumns_parse(&a->columns, value, err);
    case ARG_N_FLOWS: return value_count(value, "--n-flows", 1, UINT64_MAX, &o->n_flows, err);
    case ARG_DURATION:
        if (value_span(value, "--duration", &ns, err) != 0) return -1;
        o->duration_s = ns / 1e9;
        return 0;
    case ARG_LOAD: return parse_load(value, &o->load, err);
    default: return add_setting(a, value);
    }
}

int scenario_args_check(const ScenarioArgs *a, const char *command, Err *err) {
    const ScenarioOptions *o = &a->options;
    if (!o->mix_path && !o->flows_path)
        return err_input(err, "%s: expected --mix FILE or --flows FILE; see 'm3 %s --help'",
                         command, command);
    if (!o->topo_path && !o->mix_path)
        return err_input(err, "%s: expected --topo FILE beside --flows; see 'm3 %s --help'",
                         command, command);
    if (o->flow_columns && !o->flows_path)
        return err_input(err, "%s: --flow-columns goes with --flows", command);
    if (o->flows_path && (o->n_flows || o->duration_s > 0))
        return err_input(
            err, "%s: --n-flows and --duration are for drawn flows; they don't go with --flows",
            command);
    if (o->flows_path && o->load != SCENARIO_LOAD_AUTO)
        return err_input(err, "%s: --load is for drawn flows; it doesn't go with --flows", command);
    if (o->n_flows && o->duration_s > 0)
        return err_input(err, "%s: expected --n-flows or --duration, not both", command);
    if (value_check_spec(o->topo_path, err) != 0) return -1;
    return value_check_spec(o->mix_path, err);
}

int scenario_args_check_ranks(const ScenarioArgs *a, const CliCommon *common, const char *more,
                              Err *err) {
    const ScenarioOptions *o = &a->options;
    const char *const read[] = {more, o->topo_path, o->mix_path, o->flows_path};
    for (size_t i = 0; ranks_several(common->ranks) && i < sizeof read / sizeof *read; i++)
        if (read[i] && strcmp(read[i], "-") == 0)
            return err_input(err, "standard input reaches one of several ranks only; name a file");
    return 0;
}

uint64_t scenario_args_in_memory(uint64_t most, const CliCommon *common) {
    return ranks_several(common->ranks) ? most / (uint64_t)common->ranks->n_local : most;
}
