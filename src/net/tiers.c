/* tiers: what tiers of nodes are called.
 *
 * A tier counts hops to the nearest host. In a folded Clos tiers have names that everybody knows;
 * elsewhere (tori, dragonflies, links that skip a tier) they are numbers. */
#include "net/tiers.h"

#include <stdio.h>
#include <string.h>

enum { MAX_NAMED = 3 }; /* tiers of switches */
static const char *const names_of[MAX_NAMED + 1][MAX_NAMED + 1] = {
    [1] = {"host", "tor"},
    [2] = {"host", "tor", "spine"},
    [3] = {"host", "tor", "fabric", "spine"}};

static const char *const other_names[][2] = {
    {"leaf", "tor"}, {"rack", "tor"}, {"agg", "fabric"}, {"core", "spine"}};

const char *const *tiers_names(const Topo *t) {
    int top = topo_top_tier(t);
    if (top > MAX_NAMED) return NULL;
    for (uint32_t l = 0; l < t->n_links; l++)
        if (t->tier[t->links[l].from] == t->tier[t->links[l].to]) return NULL;
    return names_of[top];
}

int tiers_name(const char *const *names, int tier, char *out, size_t size) {
    if (names) return snprintf(out, size, "%s", names[tier]);
    return tier == 0 ? snprintf(out, size, "host") : snprintf(out, size, "tier%d", tier);
}

static bool is(const char *name, const char *text, size_t len) {
    return strlen(name) == len && memcmp(name, text, len) == 0;
}

int tiers_find(const Topo *t, const char *text, size_t len) {
    const char *const *names = tiers_names(t);
    int top = topo_top_tier(t);
    char name[24];
    for (size_t i = 0; i < sizeof other_names / sizeof *other_names; i++)
        if (is(other_names[i][0], text, len)) text = other_names[i][1], len = strlen(text);
    for (int tier = 0; tier <= top; tier++) {
        tiers_name(names, tier, name, sizeof name);
        if (is(name, text, len)) return tier;
        tiers_name(NULL, tier, name, sizeof name);
        if (is(name, text, len)) return tier;
    }
    return -1;
}
