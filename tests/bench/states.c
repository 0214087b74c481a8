/* states: the fluid simulation of whole networks against packet truth: who is alive.
 *
 *   states [-c CAPACITY] NET_DIR…     (topo.json, scenario.json, flows.csv with completion times)
 *
 * At N_TIMES times spread over the run, the flows that are alive in the packet simulation are
 * counted, those alive in the fluid simulation's state, and those alive in both; then the same for
 * flows of 100 KB and more. A fluid flow ends when its last byte is sent and a real one when it
 * arrives, so of small flows fewer are alive. Last column: time to compute a state. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/netdir.h"
#include "fluid/netfluid.h"

enum { N_TIMES = 20, LARGE_B = 100000 };

typedef struct {
    double truth, fluid, both;
} Alive;

static void add(Alive *a, bool truth, bool fluid) {
    a->truth += truth;
    a->fluid += fluid;
    a->both += truth && fluid;
}

/* Compares the state at a time with what the completion times say. */
static void compare(const Flows *f, int64_t at_ns, const NetFluidState *state, Alive *all,
                    Alive *large) {
    size_t next = 0;
    for (size_t i = 0; i < f->n && f->start_ns[i] < at_ns; i++) {
        bool truth = !((double)f->start_ns[i] + f->fct_ns[i] <= (double)at_ns);
        bool fluid = next < state->n && state->flows[next].index == i;
        next += fluid;
        add(all, truth, fluid);
        if (f->size_b[i] >= LARGE_B) add(large, truth, fluid);
    }
}

static void one_network(const char *dir, double capacity) {
    Scenario s;
    Err err = {0};
    NetFluidOptions o = {0};
    Alive all = {0}, large = {0};
    if (netdir_load(&s, dir, 1, 0, &err) != 0) diag_die("%s", err.msg);
    const Flows *f = &s.flows;
    NetFluid *nf = netfluid_new(s.route, &s.source, &s.conf, &o, 0, &err);
    if (!nf) diag_die("%s", err.msg);
    double span_ns = (double)(f->start_ns[f->n - 1] - f->start_ns[0]), time_s = 0;
    for (int k = 1; k <= N_TIMES; k++) {
        NetFluidState state;
        int64_t at_ns = f->start_ns[0] + (int64_t)(span_ns * k / (N_TIMES + 1));
        double begin_s = diag_now_s();
        netfluid_state(nf, at_ns, capacity, &state);
        time_s += diag_now_s() - begin_s;
        compare(f, at_ns, &state, &all, &large);
        netfluid_state_free(&state);
    }
    const char *name = strrchr(dir, '/');
    double max_load = 0;
    for (uint32_t l = 0; l < s.topo.n_links; l++) max_load = fmax(max_load, netfluid_loads(nf)[l]);
    printf("%-14s %-6s %5.2f  %7.1f %7.1f %7.1f  %7.1f %7.1f %7.1f  %6.1f\n", name ? name + 1 : dir,
           netconf_cc_name(s.conf.cc), max_load, all.truth / N_TIMES, all.fluid / N_TIMES,
           all.both / N_TIMES, large.truth / N_TIMES, large.fluid / N_TIMES, large.both / N_TIMES,
           1e3 * time_s / N_TIMES);
    netfluid_destroy(nf);
    scenario_free(&s);
}

int main(int argc, char **argv) {
    int first = 1;
    double capacity = 1;
    if (argc > 2 && strcmp(argv[1], "-c") == 0) {
        capacity = atof(argv[2]);
        first = 3;
    }
    printf("%-14s %-6s %5s  %7s %7s %7s  %7s %7s %7s  %6s\n", "network", "cc", "load", "alive",
           "fluid", "both", ">=100KB", "fluid", "both", "ms");
    for (int i = first; i < argc; i++) one_network(argv[i], capacity);
    return 0;
}
