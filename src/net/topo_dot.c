/* topo_dot: a topology as a drawing for Graphviz (the DOT language).
 *
 * Hosts with the same links (switches, rates, delays) are drawn as one, as "hosts 0–7", or else
 * a network would be all hosts. Parallel cables are one line. Nodes and lines are in order of ids,
 * and cables are written from the lower tier to the higher one, since dot draws them from top to
 * bottom (rankdir=BT turns that around). */
#include "net/topo_dot.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "net/alike.h"

/* The first host of all that have the same links, by host; its number as a class by host. */
static uint32_t number_hosts(const Topo *t, uint32_t *class, uint32_t *head) {
    enum { WORDS = 5 };
    uint32_t *words = MEM_NEW(uint32_t, WORDS * (size_t)t->n_links);
    size_t *at = MEM_NEW(size_t, t->n_hosts + (size_t)1), n = 0;
    for (uint32_t h = 0; h < t->n_hosts; h++) {
        uint32_t v = t->host_node[h];
        at[h] = n;
        for (uint32_t i = t->out_start[v]; i < t->out_start[v + 1]; i++, n += WORDS) {
            const Link *l = &t->links[t->out_link[i]];
            words[n] = l->to;
            memcpy(words + n + 1, &l->rate_bps, sizeof l->rate_bps);
            memcpy(words + n + 3, &l->delay_ns, sizeof l->delay_ns);
        }
    }
    at[t->n_hosts] = n;
    uint32_t n_classes = alike_number(words, at, t->n_hosts, class, head);
    free(words);
    free(at);
    return n_classes;
}

static void print_hosts(FILE *f, const Topo *t, const uint32_t *class, const uint32_t *head,
                        uint32_t n_classes) {
    uint32_t *last = MEM_NEW(uint32_t, n_classes), *n = MEM_ZNEW(uint32_t, n_classes);
    for (uint32_t h = 0; h < t->n_hosts; h++) {
        last[class[h]] = h;
        n[class[h]]++;
    }
    for (uint32_t c = 0; c < n_classes; c++) {
        unsigned long long from = t->node_id[t->host_node[head[c]]],
                           to = t->node_id[t->host_node[last[c]]];
        const char *gap = to - from + 1 == n[c] ? "–" : " … ";
        fprintf(f, "  h%llu [shape=ellipse, label=\"", from);
        if (n[c] == 1) fprintf(f, "host %llu\"];\n", from);
        else fprintf(f, "%u hosts\\n%llu%s%llu\"];\n", n[c], from, gap, to);
    }
    free(last);
    free(n);
}

static void print_switches(FILE *f, const Topo *t) {
    for (int tier = 1, top = topo_top_tier(t); tier <= top; tier++) {
        fputs("  { rank=same;", f);
        for (uint32_t v = 0; v < t->n_nodes; v++)
            if (t->tier[v] == tier) fprintf(f, " s%llu;", (unsigned long long)t->node_id[v]);
        fputs(" }\n", f);
    }
    for (uint32_t v = 0; v < t->n_nodes; v++)
        if (!t->is_host[v])
            fprintf(f, "  s%llu [label=\"%llu\"];\n", (unsigned long long)t->node_id[v],
                    (unsigned long long)t->node_id[v]);
}

/* Whether a link is drawn as a line's lower end. */
static bool is_lower_end(const Topo *t, const Link *l) {
    if (t->tier[l->from] != t->tier[l->to]) return t->tier[l->from] < t->tier[l->to];
    return l->from < l->to;
}

/* The lines up from node v; parallel cables of one rate stand side by side in out_link. */
static void print_lines(FILE *f, const Topo *t, uint32_t v) {
    for (uint32_t i = t->out_start[v], n; i < t->out_start[v + 1]; i += n) {
        const Link *l = &t->links[t->out_link[i]];
        for (n = 1; i + n < t->out_start[v + 1]; n++) {
            const Link *k = &t->links[t->out_link[i + n]];
            if (k->to != l->to || k->rate_bps != l->rate_bps) break;
        }
        if (!is_lower_end(t, l)) continue;
        fprintf(f, "  %c%llu -- s%llu [label=\"", t->is_host[v] ? 'h' : 's',
                (unsigned long long)t->node_id[v], (unsigned long long)t->node_id[l->to]);
        if (n > 1) fprintf(f, "%u × ", n);
        fprintf(f, "%s\"];\n", units_rate(l->rate_bps).s);
    }
}

void topo_dot(FILE *f, const Topo *t) {
    uint32_t *class = MEM_NEW(uint32_t, t->n_hosts), *head = MEM_NEW(uint32_t, t->n_hosts);
    uint32_t n_classes = number_hosts(t, class, head);
    fputs("graph m3 {\n  rankdir=BT;\n  node [shape=box, fontname=\"sans-serif\"];\n"
          "  edge [fontname=\"sans-serif\", fontsize=9];\n",
          f);
    print_hosts(f, t, class, head, n_classes);
    print_switches(f, t);
    for (uint32_t c = 0; c < n_classes; c++) print_lines(f, t, t->host_node[head[c]]);
    for (uint32_t v = 0; v < t->n_nodes; v++)
        if (!t->is_host[v]) print_lines(f, t, v);
    fputs("}\n", f);
    free(class);
    free(head);
}
