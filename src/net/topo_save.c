/* topo_save: topologies as JSON graphs and as the HPCC authors' topology.txt, a node or link a
 * line.
 *
 * Rates and delays are written so that they read back as the same doubles: in Gb/s or µs where that
 * is exact, else in the base unit. HPCC's format numbers nodes 0..n−1 and knows neither pods nor
 * anything but switches and hosts, so racks and pods are derived again when it is read. */
#include "net/topo_save.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/units.h"
#include "net/topo_private.h"

typedef int (*ParseUnit)(const char *text, const char *what, double *value, Err *err);

static JsonNumber with_unit(double x, double scale, const char *big, const char *base,
                            ParseUnit parse) {
    JsonNumber number = json_number_text(x / scale), t;
    double back;
    int n = snprintf(t.s, sizeof t.s, "%s%s", number.s, big);
    if (n < (int)sizeof t.s && parse(t.s, "", &back, NULL) == 0 && back == x) return t;
    number = json_number_text(x);
    snprintf(t.s, sizeof t.s, "%.24s%s", number.s, base);
    return t;
}

JsonNumber topo_save_rate(double bps) {
    return with_unit(bps, 1e9, "Gbps", "bps", units_parse_rate);
}

JsonNumber topo_save_delay(double ns) { return with_unit(ns, 1e3, "us", "ns", units_parse_time); }

static void print_json(FILE *f, const Topo *t) {
    fputs("{\"nodes\": [\n", f);
    for (uint32_t v = 0; v < t->n_nodes; v++) {
        fprintf(f, "  {\"id\": %llu, \"kind\": \"%s\"", (unsigned long long)t->node_id[v],
                t->is_host[v] ? "host" : "switch");
        uint32_t host = t->node_host[v];
        if (host != TOPO_NONE) fprintf(f, ", \"pod\": %u", t->rack_pod[t->host_rack[host]]);
        fputs(v + 1 < t->n_nodes ? "},\n" : "}\n", f);
    }
    fputs("],\n\"links\": [\n", f);
    for (uint32_t l = 0; l < t->n_links; l += 2) {
        const Link *k = &t->links[l];
        fprintf(f, "  {\"a\": %llu, \"b\": %llu, \"rate\": \"%s\", \"delay\": \"%s\"",
                (unsigned long long)t->node_id[k->from], (unsigned long long)t->node_id[k->to],
                topo_save_rate(k->rate_bps).s, topo_save_delay(k->delay_ns).s);
        if (t->error_rate && t->error_rate[l] > 0)
            fprintf(f, ", \"error_rate\": %s", json_number_text(t->error_rate[l]).s);
        fputs(l + 2 < t->n_links ? "},\n" : "}\n", f);
    }
    fputs("]}\n", f);
}

/* ns-3 reads a bare time as seconds and has no exact form for fractions of its units, so delays
 * stay in ns. */
static void print_hpcc(FILE *f, const Topo *t) {
    fprintf(f, "%u %u %u\n", t->n_nodes, t->n_nodes - t->n_hosts, t->n_links / 2);
    const char *gap = "";
    for (uint32_t v = 0; v < t->n_nodes; v++)
        if (!t->is_host[v]) {
            fprintf(f, "%s%u", gap, v);
            gap = " ";
        }
    fputc('\n', f);
    for (uint32_t l = 0; l < t->n_links; l += 2) {
        const Link *k = &t->links[l];
        fprintf(f, "%u %u %s %sns %s\n", k->from, k->to, topo_save_rate(k->rate_bps).s,
                json_number_text(k->delay_ns).s,
                json_number_text(t->error_rate ? t->error_rate[l] : 0).s);
    }
}

static int save(const Topo *t, const char *path, void (*print)(FILE *, const Topo *), Err *err) {
    FileOut out;
    if (file_out_open(&out, path, err) != 0) return -1;
    print(out.f, t);
    return file_out_commit(&out, err);
}

int topo_save_json(const Topo *t, const char *path, Err *err) {
    return save(t, path, print_json, err);
}

int topo_save_hpcc(const Topo *t, const char *path, Err *err) {
    if (t->node_id[t->n_nodes - 1] != t->n_nodes - 1)
        return err_input(err,
                         "%s: cannot be written as HPCC topology.txt: that needs node ids 0 to %u, "
                         "here they go up to %llu",
                         t->name, t->n_nodes - 1, (unsigned long long)t->node_id[t->n_nodes - 1]);
    return save(t, path, print_hpcc, err);
}

bool topo_save_is_hpcc(const char *path) {
    size_t n = strlen(path);
    return n > 4 && strcmp(path + n - 4, ".txt") == 0;
}

int topo_save(const Topo *t, const char *path, Err *err) {
    return topo_save_is_hpcc(path) ? topo_save_hpcc(t, path, err) : topo_save_json(t, path, err);
}
