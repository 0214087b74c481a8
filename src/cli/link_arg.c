/* link_arg: finds the link that FROM-TO names.
 *
 * Nodes are named by the ids of the topology file. Names that a graph's file may have for its nodes
 * are not kept, so that ids, their numbers in the file, stand for those as well. */
#include "cli/link_arg.h"

#include <ctype.h>
#include <stdlib.h>

static int parse(const char *text, unsigned long long *from, unsigned long long *to) {
    char *end;
    if (!isdigit((unsigned char)*text)) return -1;
    *from = strtoull(text, &end, 10);
    if (*end != '-' || !isdigit((unsigned char)end[1])) return -1;
    *to = strtoull(end + 1, &end, 10);
    return *end ? -1 : 0;
}

static uint64_t distance(uint64_t a, uint64_t b) { return a > b ? a - b : b - a; }

/* Returns the id nearest to `id` of the nodes that v is linked to; `id` itself if it is there. */
static uint64_t nearest_neighbour(const Topo *t, uint32_t v, uint64_t id) {
    uint64_t best = UINT64_MAX;
    for (uint32_t i = t->out_start[v]; i < t->out_start[v + 1]; i++) {
        uint64_t other = t->node_id[t->links[t->out_link[i]].to];
        if (i == t->out_start[v] || distance(other, id) < distance(best, id)) best = other;
    }
    return best;
}

int link_arg_find(const Topo *t, const char *text, const char *option, uint32_t *from, uint32_t *to,
                  Err *err) {
    unsigned long long from_id, to_id;
    if (parse(text, &from_id, &to_id) != 0)
        return err_input(err, "%s: expected FROM-TO, two node ids, got '%.40s'", option, text);
    *from = topo_node(t, from_id);
    if (*from == TOPO_NONE)
        return err_input(err, "%s: %s has no node %llu", option, t->name, from_id);
    unsigned long long nearest = nearest_neighbour(t, *from, to_id);
    if (nearest != to_id)
        return err_input(err, "%s: %s has no link from %llu to %llu, did you mean %llu-%llu?",
                         option, t->name, from_id, to_id, from_id, nearest);
    *to = topo_node(t, to_id);
    return 0;
}
