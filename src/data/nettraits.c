/* nettraits: classes of networks by load, oversubscription, flow sizes and line rate.
 *
 * Load and sizes are what scenario.json says of the network's making ("max_load"; "sizes" with its
 * "family", or the published "size_dist"); a file that lacks them, or says it otherwise, leaves the
 * class unknown. Losses are simulator.drops over simulator.packets, there too. The rest is read off
 * the topology: oversubscription is that of racks times that of the tier above. */
#include "data/nettraits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

static void set_label(NetTraits *t, NetTrait trait, const char *label) {
    snprintf(t->label[trait], sizeof t->label[trait], "%s", label);
}

static double number_at(const Json *j, const char *key, double otherwise) {
    Json it;
    double x = otherwise;
    if (json_find(j, key, &it) && json_is_number(&it)) json_number(&it, &x, NULL);
    return x;
}

static const char *string_at(const Json *j, const char *key) {
    Json it;
    const char *s = NULL;
    if (json_find(j, key, &it) && json_is_string(&it)) json_string(&it, &s, NULL);
    return s;
}

static void read_load(NetTraits *t, const Json *root) {
    double load = number_at(root, "max_load", -1);
    if (load >= 0)
        set_label(t, NET_LOAD,
                  load < 0.35    ? "0.00-0.35"
                  : load <= 0.65 ? "0.35-0.65"
                                 : "0.65-1.00");
}

static void read_sizes(NetTraits *t, const Json *root) {
    Json sizes;
    const char *family = json_find(root, "sizes", &sizes) ? string_at(&sizes, "family") : NULL;
    if (!family) family = string_at(root, "size_dist");
    if (family) set_label(t, NET_SIZES, family);
}

static void read_losses(NetTraits *t, const Json *root) {
    Json simulator;
    if (!json_find(root, "simulator", &simulator)) return;
    double packets = number_at(&simulator, "packets", 0);
    if (packets > 0) t->lost_share = number_at(&simulator, "drops", 0) / packets;
}

static void classify_topo(NetTraits *t, const Topo *topo) {
    double at_racks = topo_oversubscription(topo, 1), above = topo_oversubscription(topo, 2);
    double x = (at_racks > 0 ? at_racks : 1) * (above > 0 ? above : 1);
    set_label(t, NET_OVERSUBSCRIPTION,
              x <= 1.01 ? "1"
              : x <= 2  ? "1-2"
              : x <= 4  ? "2-4"
              : x <= 8  ? "4-8"
                        : "> 8");
    double rate = topo->host_rate_bps[0];
    char text[sizeof t->label[NET_RATE]];
    snprintf(text, sizeof text, "%.0f Gb/s", rate / 1e9);
    set_label(t, NET_RATE, text);
}

int nettraits_read(NetTraits *t, const char *dir, const Topo *topo, Err *err) {
    *t = (NetTraits){0};
    char *path = file_join(dir, "scenario.json");
    JsonDoc *doc = json_open(path, err);
    free(path);
    if (!doc) return -1;
    Json root = json_root(doc);
    read_load(t, &root);
    read_sizes(t, &root);
    read_losses(t, &root);
    classify_topo(t, topo);
    json_close(doc);
    return 0;
}

bool nettraits_collapsed(const NetTraits *t) { return t->lost_share > 0.01; }
