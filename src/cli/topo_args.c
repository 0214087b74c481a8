/* topo_args: options for reading topologies into TopoLoadOptions. */
#include "cli/topo_args.h"

#include <stdio.h>

#include "base/units.h"

/* "Gbps" → 1e9: what one of the unit is. */
static int parse_unit(const char *value, const char *option,
                      int (*parse)(const char *, const char *, double *, Err *), double *out,
                      Err *err) {
    char one[40];
    Err why = {0};
    snprintf(one, sizeof one, "1%.30s", value);
    if (*value && parse(one, option, out, &why) == 0 && *out > 0) return 0;
    return err_input(err, "%s: expected a unit like %s, got '%.30s'", option,
                     parse == units_parse_time ? "us" : "Gbps", value);
}

/* Its message begins with the option's name without the dashes. */
static int add_fault(TopoLoadOptions *o, FaultKind kind, const char *value, Err *err) {
    Err why = {0};
    if (faults_add(&o->faults, kind, value, &why) == 0) return 0;
    return err_input(err, "--%s", why.msg);
}

int topo_args_set(TopoLoadOptions *o, int arg, const char *value, Err *err) {
    switch (arg) {
    case TOPO_ARG_MERGE: o->merge_duplicates = true; return 0;
    case TOPO_ARG_HOSTS: o->hosts = value; return 0;
    case TOPO_ARG_LINK_RATE:
        if (units_parse_rate(value, "--link-rate", &o->link_rate_bps, err) != 0) return -1;
        return o->link_rate_bps > 0 ? 0 : err_input(err, "--link-rate: must be above 0");
    case TOPO_ARG_LINK_DELAY:
        o->has_link_delay = true;
        return units_parse_time(value, "--link-delay", &o->link_delay_ns, err);
    case TOPO_ARG_RATE_UNIT:
        return parse_unit(value, "--rate-unit", units_parse_rate, &o->rate_unit_bps, err);
    case TOPO_ARG_DELAY_UNIT:
        return parse_unit(value, "--delay-unit", units_parse_time, &o->delay_unit_ns, err);
    case TOPO_ARG_FAIL: return add_fault(o, FAULT_FAIL, value, err);
    case TOPO_ARG_DEGRADE: return add_fault(o, FAULT_DEGRADE, value, err);
    default: return add_fault(o, FAULT_EVENT, value, err);
    }
}

void topo_args_free(TopoLoadOptions *o) { faults_free(&o->faults); }
