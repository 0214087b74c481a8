/* cc: the table of congestion controls, and what they share. A control is one file cc_*.c and one
 * row here. */
#include "packet/cc.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const CongestionControl *const table[CC_N] = {&cc_dctcp, &cc_dcqcn, &cc_hpcc, &cc_timely,
                                                     &cc_none,  &cc_swift, &cc_nscc, &cc_eqds};

const CongestionControl *cc_find(const char *name) {
    for (int i = 0; i < CC_N; i++) {
        if (strcmp(table[i]->name, name) == 0) return table[i];
    }
    return NULL;
}

void cc_list(char *text, size_t size) {
    size_t at = 0;
    for (int i = 0; i < CC_N && at < size; i++) {
        at += (size_t)snprintf(text + at, size - at, "%s%s",
                               i == 0          ? ""
                               : i == CC_N - 1 ? " or "
                                               : ", ",
                               table[i]->name);
    }
}

void cc_arm(CcArm *arm, int which, double delay_ns) {
    assert(arm->n < (int)(sizeof arm->t / sizeof *arm->t));
    arm->t[arm->n].which = which;
    arm->t[arm->n++].delay_ns = delay_ns;
}

uint64_t cc_rate(double bps) { return bps >= 1e18 ? (uint64_t)1e18 : bps > 0 ? (uint64_t)bps : 0; }

void cc_go_on(const CongestionControl *cc, CcFlow *f, const CcConf *c, double rate_bps) {
    if (!cc->ack) return; /* never leaves the line rate */
    f->rate_bps = cc_at_least(cc_at_most(cc_rate(rate_bps), f->rate_bps), f->min_rate_bps);
    if (cc->go_on) cc->go_on(f, c);
}

/* Cuts x to whole units. The margin keeps values whole that rounding has left just below. */
static double cut(double x, double unit) { return floor(x / unit + 1e-9) * unit; }

CcConf cc_conf(const NetConf *conf, bool compat) {
    CcConf c = {*conf, compat};
    if (!compat) return c;
    c.conf.hpcc_ai_bps = cut(conf->hpcc_ai_bps, 1e6);
    c.conf.timely_tlow_ns = cut(conf->timely_tlow_ns, 1);
    c.conf.timely_thigh_ns = cut(conf->timely_thigh_ns, 1);
    return c;
}

uint64_t cc_threshold_b(const CcConf *c, double k_b, double ref_bps, double port_rate_bps) {
    double k = wire_threshold_b(k_b, ref_bps, port_rate_bps);
    if (c->compat) k = cut(k, 1000);
    return k < 0x1p63 ? (uint64_t)k : UINT64_MAX;
}
