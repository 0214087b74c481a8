/* Faults: what is left is the network that one would have built without the links that failed;
 * loads and windows of it are those of a network that is no regular Clos; shares are drawn evenly,
 * again with the same seed, and nested. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "net/basebdp.h"
#include "net/clos.h"
#include "net/faults.h"
#include "net/linkload.h"

static void make_clos(Topo *t, uint32_t pods, uint32_t racks, uint32_t hosts, uint32_t fabs,
                      uint32_t spines) {
    Clos c;
    Err err = {0};
    clos_default(&c);
    c.pods = pods, c.racks_per_pod = racks, c.hosts_per_rack = hosts, c.fabs_per_pod = fabs,
    c.spines_per_plane = spines;
    if (clos_build(t, &c, "clos", &err) != 0) fail_msg("%s", err.msg);
}

static int try_apply(Topo *out, const Topo *t, FaultKind kind, const char *text, uint64_t seed,
                     FaultsInfo *info, Err *err) {
    Faults f = {0};
    int rc = faults_add(&f, kind, text, err);
    if (rc == 0) rc = faults_apply(out, t, &f, seed, info, err);
    faults_free(&f);
    return rc;
}

static FaultsInfo apply(Topo *out, const Topo *t, FaultKind kind, const char *text, uint64_t seed) {
    FaultsInfo info;
    Err err = {0};
    if (try_apply(out, t, kind, text, seed, &info, &err) != 0) fail_msg("%s", err.msg);
    return info;
}

static void refused(const Topo *t, FaultKind kind, const char *text, const char *why) {
    FaultsInfo info;
    Topo out;
    Err err = {0};
    assert_int_equal(try_apply(&out, t, kind, text, 1, &info, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    if (!strstr(err.msg, why)) fail_msg("%s: %s", text, err.msg);
}

/* The cables of t in order, as text; those that `keep` refuses left out. Caller frees. */
static char *cables_of(const Topo *t, bool (*keep)(const Topo *, const Link *)) {
    char *s;
    size_t len;
    FILE *f = mem_stream_open(&s, &len);
    for (uint32_t l = 0; l < t->n_links; l += 2) {
        const Link *k = &t->links[l];
        if (keep && !keep(t, k)) continue;
        fprintf(f, "%llu-%llu %g %g %g\n", (unsigned long long)t->node_id[k->from],
                (unsigned long long)t->node_id[k->to], k->rate_bps, k->delay_ns,
                t->error_rate ? t->error_rate[l] : 0);
    }
    mem_stream_close(f);
    return s;
}

static bool is_not_18_to_22(const Topo *t, const Link *l) {
    return !(t->node_id[l->from] == 18 && t->node_id[l->to] == 22);
}
static bool is_not_of_22(const Topo *t, const Link *l) {
    return t->node_id[l->from] != 22 && t->node_id[l->to] != 22;
}

/* 2 pods of 2 racks of 4 hosts: hosts 0..15, racks 16..19, fabric 20..23, spines 24..27 */
static void what_is_left_is_the_rest(void **state) {
    (void)state;
    Topo t, less;
    make_clos(&t, 2, 2, 4, 2, 2);
    FaultsInfo i = apply(&less, &t, FAULT_FAIL, "22-18", 1);
    assert_int_equal(i.n_failed, 1);
    assert_int_equal(i.n_switches, 0);
    char *a = cables_of(&less, NULL), *b = cables_of(&t, is_not_18_to_22);
    assert_string_equal(a, b);
    free(a), free(b);
    assert_int_equal(less.n_hosts, t.n_hosts);
    assert_int_equal(less.n_racks, t.n_racks);
    assert_int_equal(less.n_pods, t.n_pods);
    topo_free(&less);

    i = apply(&less, &t, FAULT_FAIL, "22", 1);
    assert_int_equal(i.n_failed, 4);
    assert_int_equal(i.n_switches, 1);
    assert_int_equal(i.first_switch, 22);
    a = cables_of(&less, NULL), b = cables_of(&t, is_not_of_22);
    assert_string_equal(a, b);
    free(a), free(b);
    topo_free(&less);

    /* Both fabric switches of plane 0 gone: its spines join nobody any more. */
    i = apply(&less, &t, FAULT_FAIL, "20+22", 1);
    assert_int_equal(i.n_switches, 4);
    assert_int_equal(i.first_switch, 20);
    assert_int_equal(less.n_nodes, t.n_nodes - 4);
    for (uint32_t h = 0; h < less.n_hosts; h++)
        assert_int_equal(less.node_id[less.host_node[h]], h);
    topo_free(&less);
    topo_free(&t);
}

static void degraded_cables_have_their_values(void **state) {
    (void)state;
    Topo t, worse;
    make_clos(&t, 2, 2, 4, 2, 2);
    FaultsInfo i = apply(&worse, &t, FAULT_DEGRADE, "16-20=1Gbps+17-20=0.1%+17-20=25Gbps", 1);
    assert_int_equal(i.n_degraded, 2);
    assert_int_equal(worse.n_links, t.n_links);
    for (uint32_t l = 0; l < t.n_links; l++) {
        uint64_t a = t.node_id[t.links[l].from], b = t.node_id[t.links[l].to];
        bool slow = a + b == 36 && (a == 16 || b == 16),
             lossy = a + b == 37 && (a == 17 || b == 17);
        assert_true(worse.links[l].rate_bps == (slow ? 1e9 : lossy ? 25e9 : t.links[l].rate_bps));
        assert_true(fabs(worse.error_rate[l] - (lossy ? 1e-3 : 0)) < 1e-15);
    }
    topo_free(&worse);
    i = apply(&worse, &t, FAULT_DEGRADE, "tor-agg=0.5x+16-20=3x", 1);
    for (uint32_t l = 0; l < t.n_links; l++) {
        int a = t.tier[t.links[l].from], b = t.tier[t.links[l].to];
        bool between = a + b == 3,
             both = topo_node(&t, 16) + topo_node(&t, 20) == t.links[l].from + t.links[l].to &&
                    between;
        assert_true(worse.links[l].rate_bps ==
                    t.links[l].rate_bps * (between ? 0.5 : 1) * (both ? 3 : 1));
    }
    topo_free(&worse);
    i = apply(&worse, &t, FAULT_DEGRADE, "tor-agg=10Gbps", 1);
    assert_int_equal(i.n_degraded, 8);
    topo_free(&worse);
    topo_free(&t);
}

/* A cable that failed, is slower, or loses packets makes it no Clos, wherever it is. */
static void no_clos_any_more(void **state) {
    (void)state;
    Topo t, other;
    Clos c;
    make_clos(&t, 2, 2, 4, 2, 2);
    assert_true(clos_match(&c, &t));
    for (uint32_t l = 0; l < t.n_links; l += 2) {
        char text[64];
        unsigned long long a = t.node_id[t.links[l].from], b = t.node_id[t.links[l].to];
        snprintf(text, sizeof text, "%llu-%llu=9Gbps", a, b);
        apply(&other, &t, FAULT_DEGRADE, text, 1);
        assert_false(clos_match(&c, &other));
        topo_free(&other);
        snprintf(text, sizeof text, "%llu-%llu=1e-6", a, b);
        apply(&other, &t, FAULT_DEGRADE, text, 1);
        assert_false(clos_match(&c, &other));
        topo_free(&other);
        if (t.is_host[t.links[l].from]) continue;
        snprintf(text, sizeof text, "%llu-%llu", b, a);
        apply(&other, &t, FAULT_FAIL, text, 1);
        assert_false(clos_match(&c, &other));
        topo_free(&other);
    }
    topo_free(&t);
}

/* Of uniform traffic on a Clos so large that its figures stand for passes, with a fault: loads are
 * those of spreading every pair of racks, as a small Clos shows whose passes are by class; and in
 * the large one the traffic of the rack with a lost cable is on the others. */
static void loads_know_of_faults(void **state) {
    (void)state;
    const char *const faults[] = {"16-20", "20", "1of:tor-fabric+1of:fabric-spine"};
    for (int k = 0; k < 3; k++) {
        Topo t, less;
        Err err = {0};
        make_clos(&t, 2, 2, 4, 2, 2);
        apply(&less, &t, FAULT_FAIL, faults[k], 3);
        Route *r = route_new(&less, &err);
        if (!r) fail_msg("%s", err.msg);
        double *load = MEM_NEW(double, less.n_links), *sum = MEM_ZNEW(double, less.n_links),
               *scratch = MEM_ZNEW(double, less.n_nodes);
        linkload_expect(r, LOAD_ROUTED, NULL, load);
        for (uint32_t a = 0; a < 16; a++)
            for (uint32_t b = 0; b < 16; b++) /* pairs of racks alike, then hosts */
                if (a != b)
                    route_spread(r, a, b, 1.0 / 16 / (a / 4 == b / 4 ? 12 : 16), sum, scratch);
        for (uint32_t l = 0; l < less.n_links; l++) assert_true(fabs(load[l] - sum[l]) < 1e-12);
        free(load), free(sum), free(scratch);
        route_destroy(r);
        topo_free(&less);
        topo_free(&t);
    }
}

static void large_clos_with_a_fault(void **state) {
    (void)state;
    Topo t, less, slow;
    Err err = {0};
    char text[64];
    make_clos(&t, 130, 32, 1, 2, 2); /* 4160 racks */
    snprintf(text, sizeof text, "%u-%u", t.n_hosts, t.n_hosts + t.n_racks);
    apply(&less, &t, FAULT_FAIL, text, 1);
    /* One host keeps its 10 Gb/s, so that every path has an end of 5 Gb/s. */
    apply(&slow, &t, FAULT_DEGRADE, "4159of:host-tor=5Gbps", 1);
    Route *whole = route_new(&t, &err), *rest = route_new(&less, &err),
          *ends_slow = route_new(&slow, &err);
    double *load = MEM_NEW(double, t.n_links), *load_less = MEM_NEW(double, t.n_links);
    linkload_expect(whole, LOAD_ROUTED, NULL, load);
    linkload_expect(rest, LOAD_ROUTED, NULL, load_less);
    uint32_t rack = t.n_hosts, up = TOPO_NONE, up_less = TOPO_NONE;
    for (uint32_t l = 0; l < t.n_links; l++)
        if (t.links[l].from == rack && t.links[l].to == t.n_hosts + t.n_racks + 1) up = l;
    for (uint32_t l = 0; l < less.n_links; l++)
        if (less.links[l].from == rack && less.links[l].to == t.n_hosts + t.n_racks + 1)
            up_less = l;
    assert_true(fabs(load_less[up_less] / load[up] - 2) < 1e-9);
    double rate[] = {5e9, 40e9, 40e9, 40e9, 40e9, 5e9}, delay[] = {1e3, 1e3, 1e3, 1e3, 1e3, 1e3};
    assert_true(basebdp_largest(ends_slow) == basebdp_of(rate, delay, 6));
    free(load), free(load_less);
    route_destroy(whole), route_destroy(rest), route_destroy(ends_slow);
    topo_free(&t), topo_free(&less), topo_free(&slow);
}

/* Cables of `more` that `less` lacks. */
static uint32_t count_extra(const Topo *more, const Topo *less) {
    char *a = cables_of(more, NULL), *b = cables_of(less, NULL);
    uint32_t n = 0;
    for (char *line = strtok(a, "\n"); line; line = strtok(NULL, "\n")) n += !strstr(b, line);
    free(a), free(b);
    return n;
}

static void shares_are_nested_and_repeat(void **state) {
    (void)state;
    Topo t, few, again, more, other;
    make_clos(&t, 4, 8, 1, 4, 8); /* 128 cables from fabric to spine */
    assert_int_equal(apply(&few, &t, FAULT_FAIL, "5%of:agg-spine", 7).n_failed, 6);
    assert_int_equal(apply(&again, &t, FAULT_FAIL, "6of:agg-spine", 7).n_failed, 6);
    assert_int_equal(apply(&more, &t, FAULT_FAIL, "10%of:agg-spine", 7).n_failed, 13);
    assert_int_equal(apply(&other, &t, FAULT_FAIL, "5%of:agg-spine", 8).n_failed, 6);
    assert_int_equal(count_extra(&few, &again), 0);
    assert_int_equal(count_extra(&few, &more), 7);
    assert_int_equal(count_extra(&more, &few), 0);
    assert_in_range(count_extra(&few, &other), 1, 6);
    topo_free(&few), topo_free(&again), topo_free(&more), topo_free(&other);
    assert_int_equal(apply(&few, &t, FAULT_FAIL, "0%of:agg-spine", 7).n_failed, 0);
    topo_free(&few);

    /* Every cable is drawn as often as any other. */
    uint32_t n[128] = {0};
    for (uint64_t seed = 0; seed < 800; seed++) {
        apply(&few, &t, FAULT_FAIL, "1of:fabric-spine", seed);
        uint32_t gone = 0, k = 0;
        for (uint32_t l = 0, i = 0; l < t.n_links; l += 2, i++) {
            bool up = t.tier[t.links[l].from] == 2;
            bool same = 2 * i - 2 * gone < few.n_links &&
                        few.node_id[few.links[2 * (i - gone)].from] == t.node_id[t.links[l].from] &&
                        few.node_id[few.links[2 * (i - gone)].to] == t.node_id[t.links[l].to];
            if (!same) n[k]++, gone = 1;
            k += up;
        }
        topo_free(&few);
    }
    double chi2 = 0, expected = 800.0 / 128;
    for (int k = 0; k < 128; k++) chi2 += (n[k] - expected) * (n[k] - expected) / expected;
    assert_true(chi2 < 127 + 5 * sqrt(2 * 127)); /* mean and 5 standard deviations */
    topo_free(&t);
}

static void what_fits_nothing_is_refused(void **state) {
    (void)state;
    Topo t;
    make_clos(&t, 2, 2, 4, 2, 2);
    refused(&t, FAULT_FAIL, "0-16", "cut off 1 of 16 hosts from the others: 0");
    refused(&t, FAULT_FAIL, "17", "cut off 4 of 16 hosts from the others: 4, 5, 6, 7");
    refused(&t, FAULT_FAIL, "tor-fabric", "cut off 12 of 16 hosts");
    refused(&t, FAULT_FAIL, "fabric-spine", "cut off 8 of 16 hosts from the others: 8, 9");
    refused(&t, FAULT_FAIL, "99", "no node 99");
    refused(&t, FAULT_FAIL, "0-17", "no link between 0 and 17");
    refused(&t, FAULT_FAIL, "3", "node 3 is a host");
    refused(&t, FAULT_FAIL, "host", "its tiers are host, tor, fabric, spine");
    refused(&t, FAULT_FAIL, "tor-spine", "no links between such tiers");
    refused(&t, FAULT_FAIL, "9of:tor-agg", "only 8");
    const char *const bad[] = {"",
                               "+",
                               "0-16+",
                               "5of:",
                               "%of:spine",
                               "101%of:spine",
                               "-1%of:spine",
                               "1.5of:spine",
                               "0-16=1Gbps",
                               "0-x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused(&t, FAULT_FAIL, bad[i], "expected two linked nodes");
    const char *const bad_values[] = {"0-16",      "0-16=",  "0-16=2",        "0-16=-0.1",
                                      "0-16=100%", "=1Gbps", "0-16=1furlong", "0-16=0x",
                                      "0-16=-2x",  "0-16=x"};
    for (size_t i = 0; i < sizeof bad_values / sizeof *bad_values; i++)
        refused(&t, FAULT_DEGRADE, bad_values[i], "expected links as for fail");
    topo_free(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_is_the_rest),
        cmocka_unit_test(degraded_cables_have_their_values),
        cmocka_unit_test(no_clos_any_more),
        cmocka_unit_test(loads_know_of_faults),
        cmocka_unit_test(large_clos_with_a_fault),
        cmocka_unit_test(shares_are_nested_and_repeat),
        cmocka_unit_test(what_fits_nothing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
