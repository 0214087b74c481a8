/* The graph: counts a Clos must have, order of ids and links, racks and pods; every format reads
 * back what was written; every defect of a file is refused in one line with file and place. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "net/clos.h"
#include "net/route.h"
#include "net/topo.h"
#include "net/topo_load.h"
#include "net/topo_save.h"

#define SHARED "../shared"

static const char *scratch(char path[64], const char *ending) {
    snprintf(path, 64, "/tmp/m3-test-topo-%ld%s", (long)getpid(), ending);
    return path;
}

static int load_text(Topo *t, const char *text, size_t len, Err *err) {
    char path[64];
    FILE *f = fopen(scratch(path, ""), "wb");
    assert_non_null(f);
    fwrite(text, 1, len, f);
    fclose(f);
    int rc = topo_load(t, path, NULL, err);
    unlink(path);
    return rc;
}

static void loads(Topo *t, const char *text) {
    Err err = {0};
    if (load_text(t, text, strlen(text), &err) != 0) fail_msg("%s", err.msg);
}

static void load_file(Topo *t, const char *path) {
    Err err = {0};
    if (topo_load(t, path, NULL, &err) != 0) fail_msg("%s", err.msg);
}

static void assert_same_graph(const Topo *a, const Topo *b) {
    assert_int_equal(a->n_nodes, b->n_nodes);
    assert_int_equal(a->n_hosts, b->n_hosts);
    assert_int_equal(a->n_links, b->n_links);
    assert_int_equal(a->n_racks, b->n_racks);
    assert_int_equal(a->n_pods, b->n_pods);
    assert_memory_equal(a->node_id, b->node_id, a->n_nodes * sizeof *a->node_id);
    assert_memory_equal(a->is_host, b->is_host, a->n_nodes);
    assert_memory_equal(a->tier, b->tier, a->n_nodes);
    assert_memory_equal(a->rack_switch, b->rack_switch, a->n_racks * sizeof *a->rack_switch);
    assert_memory_equal(a->rack_pod, b->rack_pod, a->n_racks * sizeof *a->rack_pod);
    for (uint32_t l = 0; l < a->n_links; l++) {
        const Link *x = &a->links[l], *y = &b->links[l];
        assert_true(x->from == y->from && x->to == y->to && x->rate_bps == y->rate_bps &&
                    x->delay_ns == y->delay_ns);
    }
}

static void check_invariants(const Topo *t) {
    for (uint32_t v = 0; v < t->n_nodes; v++) {
        assert_true(v == 0 || t->node_id[v] > t->node_id[v - 1]);
        assert_int_equal(topo_node(t, t->node_id[v]), v);
        if (v + 1 < t->n_nodes && t->node_id[v] + 1 < t->node_id[v + 1])
            assert_int_equal(topo_node(t, t->node_id[v] + 1), TOPO_NONE);
        assert_int_equal(t->is_host[v], t->node_host[v] != TOPO_NONE);
        uint8_t nearest = 255;
        for (uint32_t i = t->out_start[v]; i < t->out_start[v + 1]; i++) {
            const Link *k = &t->links[t->out_link[i]], *back = &t->links[t->out_link[i] ^ 1];
            assert_int_equal(k->from, v);
            assert_true(back->from == k->to && back->to == v && back->rate_bps == k->rate_bps &&
                        back->delay_ns == k->delay_ns);
            if (t->tier[k->to] < nearest) nearest = t->tier[k->to];
            if (i == t->out_start[v]) continue;
            uint32_t before = t->out_link[i - 1];
            assert_true(k->to < t->links[before].to ||
                        (k->to == t->links[before].to && t->out_link[i] > before));
        }
        assert_int_equal(t->tier[v], t->is_host[v] ? 0 : nearest + 1);
    }
    assert_int_equal(t->out_start[t->n_nodes], t->n_links);
    for (uint32_t r = 0; r < t->n_racks; r++) {
        assert_true(
            r == 0 || t->rack_pod[r] > t->rack_pod[r - 1] ||
            (t->rack_pod[r] == t->rack_pod[r - 1] && t->rack_switch[r] > t->rack_switch[r - 1]));
        assert_true(t->rack_host_start[r] < t->rack_host_start[r + 1] &&
                    t->rack_pod[r] < t->n_pods);
        for (uint32_t i = t->rack_host_start[r]; i < t->rack_host_start[r + 1]; i++)
            assert_int_equal(t->host_rack[t->rack_hosts[i]], r);
    }
    assert_int_equal(t->rack_host_start[t->n_racks], t->n_hosts);
    assert_int_equal(t->node_host[t->host_node[t->n_hosts - 1]], t->n_hosts - 1);
}

/* --- building --- */

static void ids_in_any_order(void **state) {
    (void)state;
    uint64_t id[] = {900, 5, 70, 1ull << 40, 6};
    uint8_t is_host[] = {0, 1, 0, 1, 1};
    TopoCable c[] = {{5, 900, 1e9, 10},
                     {900, 70, 2e9, 20},
                     {1ull << 40, 70, 3e9, 30},
                     {70, 900, 2e9, 20},
                     {6, 70, 4e9, 0}};
    Topo t;
    Err err = {0};
    assert_int_equal(topo_build(&t, "net", id, is_host, NULL, 5, c, 5, &err), 0);
    check_invariants(&t);
    assert_int_equal(t.n_hosts, 3);
    assert_int_equal(t.n_racks, 2);
    assert_int_equal(t.n_pods, 1);
    assert_int_equal(t.node_id[t.host_node[2]], 1ull << 40);
    assert_int_equal(t.node_id[t.rack_switch[0]], 70);
    assert_int_equal(t.host_rack[0], 1);
    assert_true(t.host_rate_bps[0] == 1e9 && t.host_rate_bps[1] == 4e9 &&
                t.host_rate_bps[2] == 3e9);
    assert_int_equal(t.links[2].from,
                     topo_node(&t, 900)); /* cables keep their order and direction */
    topo_free(&t);
}

static void pods_given_and_derived(void **state) {
    (void)state;
    Clos c;
    Topo t, bare;
    clos_default(&c);
    c.pods = 3, c.racks_per_pod = 4, c.hosts_per_rack = 2;
    assert_int_equal(clos_build(&t, &c, "clos", NULL), 0);
    TopoCable *cables = MEM_NEW(TopoCable, t.n_links / 2);
    for (uint32_t k = 0; k < t.n_links / 2; k++)
        cables[k] = (TopoCable){t.links[2 * k].from, t.links[2 * k].to, t.links[2 * k].rate_bps,
                                t.links[2 * k].delay_ns};
    assert_int_equal(topo_build(&bare, "bare", t.node_id, t.is_host, NULL, t.n_nodes, cables,
                                t.n_links / 2, NULL),
                     0);
    assert_same_graph(&t, &bare);
    topo_free(&bare);
    /* Labels in any numbering, on hosts alone, put racks in their order. */
    uint32_t *pod = MEM_NEW(uint32_t, t.n_nodes);
    for (uint32_t v = 0; v < t.n_nodes; v++) pod[v] = t.is_host[v] ? 100 - v / 8 : TOPO_NONE;
    assert_int_equal(topo_build(&bare, "bare", t.node_id, t.is_host, pod, t.n_nodes, cables,
                                t.n_links / 2, NULL),
                     0);
    check_invariants(&bare);
    assert_int_equal(bare.n_pods, 3);
    assert_int_equal(bare.rack_switch[0], 24 + 8);
    topo_free(&bare);
    Err err = {0};
    pod[8] = pod[9] = TOPO_NONE;
    assert_int_equal(topo_build(&bare, "bare", t.node_id, t.is_host, pod, t.n_nodes, cables,
                                t.n_links / 2, &err),
                     -1);
    assert_string_equal(err.msg, "bare: switch 28: expected a pod, since other racks have one");
    free(pod);
    free(cables);
    topo_free(&t);
}

static void clos_counts(void **state) {
    (void)state;
    static const Clos shapes[] = {{2, 16, 8, 2, 8, 10e9, 40e9, 40e9, 1000, 1000, 1000},
                                  {3, 5, 4, 3, 7, 25e9, 100e9, 100e9, 500, 600, 700},
                                  {1, 6, 4, 3, 0, 10e9, 40e9, 40e9, 1000, 2000, 3000},
                                  {1, 1, 9, 0, 0, 10e9, 40e9, 40e9, 1000, 1000, 1000},
                                  {4, 1, 1, 1, 1, 10e9, 40e9, 40e9, 0, 0, 0}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const Clos *c = &shapes[i];
        Topo t;
        Err err = {0};
        if (clos_build(&t, c, "clos", &err) != 0) fail_msg("%s", err.msg);
        check_invariants(&t);
        uint32_t racks = c->pods * c->racks_per_pod, hosts = racks * c->hosts_per_rack,
                 fabs = c->pods * c->fabs_per_pod;
        assert_int_equal(t.n_hosts, hosts);
        assert_int_equal(t.n_racks, racks);
        assert_int_equal(t.n_pods, c->pods);
        assert_int_equal(t.n_nodes, hosts + racks + fabs + c->fabs_per_pod * c->spines_per_plane);
        assert_int_equal(t.n_links,
                         2 * (hosts + racks * c->fabs_per_pod + fabs * c->spines_per_plane));
        assert_true(t.links[0].rate_bps == c->host_rate_bps &&
                    t.links[0].delay_ns == c->host_delay_ns);
        if (c->spines_per_plane > 0) {
            const Link *last = &t.links[t.n_links - 2];
            assert_true(last->rate_bps == c->spine_rate_bps && last->delay_ns == c->spine_delay_ns);
            assert_int_equal(t.tier[last->to], 3);
        }
        Clos found;
        assert_true(clos_match(&found, &t));
        assert_int_equal(found.pods, c->pods);
        assert_int_equal(found.spines_per_plane, c->spines_per_plane);
        topo_free(&t);
    }
}

static void oversubscription(void **state) {
    (void)state;
    Clos c;
    Topo t;
    clos_default(&c);
    assert_int_equal(clos_build(&t, &c, "clos", NULL), 0);
    assert_true(topo_oversubscription(&t, 1) == 1 && topo_oversubscription(&t, 2) == 2);
    assert_true(topo_oversubscription(&t, 0) == 0 && topo_oversubscription(&t, 3) == 0 &&
                topo_oversubscription(&t, 9) == 0);
    topo_free(&t);
}

static void clos_match_is_strict(void **state) {
    (void)state;
    Clos c;
    Topo t;
    clos_default(&c);
    assert_int_equal(clos_build(&t, &c, "clos", NULL), 0);
    assert_true(clos_match(&c, &t));
    t.links[700].rate_bps *= 2;
    t.links[701].rate_bps *= 2;
    assert_false(clos_match(&c, &t));
    topo_free(&t);
    loads(&t, "4 1 3\n3\n0 3 10Gbps 1us 0\n1 3 10Gbps 1us 0\n2 3 25Gbps 1us 0");
    assert_false(clos_match(&c, &t));
    topo_free(&t);
}

/* --- formats --- */

/* Two pods by label, scattered ids, a host on two switches, parallel cables, rates that are no
 * round decimals. */
static const char awkward[] =
    "{\"nodes\":[{\"id\":40,\"kind\":\"Switch\",\"pod\":2},{\"id\":7,\"kind\":\"host\"},{\"id\":30,"
    "\"kind\":\"switch\",\"pod\":1},"
    "{\"id\":9,\"kind\":\"host\"},{\"id\":8,\"kind\":\"host\"}],"
    "\"links\":[{\"a\":7,\"b\":40,\"rate\":\"10Gbps\",\"delay\":\"1us\"},{\"a\":30,\"b\":40,"
    "\"rate\":3333333333.3333335,\"delay\":0.1},"
    "{\"a\":40,\"b\":30,\"rate\":\"40Gbps\",\"delay\":1234.5678901234567},{\"a\":8,\"b\":30,"
    "\"rate\":\"1bps\",\"delay\":0},"
    "{\"a\":8,\"b\":40,\"rate\":\"100 "
    "Gbit/s\",\"delay\":\"3ms\"},{\"a\":9,\"b\":30,\"rate\":\"10Gbps\",\"delay\":\"1us\"}]}";

static void json_round_trip(void **state) {
    (void)state;
    Topo t, back;
    Err err = {0};
    char path[64];
    loads(&t, awkward);
    check_invariants(&t);
    assert_int_equal(t.n_links, 12);
    assert_int_equal(t.n_pods, 2);
    assert_true(t.links[4].delay_ns == 1234.5678901234567 &&
                t.links[2].rate_bps == 3333333333.3333335);
    if (topo_save(&t, scratch(path, ".json"), &err) != 0) fail_msg("%s", err.msg);
    load_file(&back, path);
    assert_same_graph(&t, &back);
    assert_int_equal(topo_save_hpcc(&t, path, &err), -1); /* its ids are not 0..n−1 */
    assert_non_null(strstr(err.msg, "needs node ids 0 to 4"));
    unlink(path);
    topo_free(&t);
    topo_free(&back);
}

static void hpcc_round_trip(void **state) {
    (void)state;
    Topo t, back;
    Err err = {0};
    char path[64];
    loads(&t, "\n6\t2  6\r\n 4   5\r\n\r\n0 4 10Gbps 1000ns 0\r\n1\t4\t100000Gbps\t0.002ms\t0\r\n2 "
              "5 10Gbps 1us 0.5\n3 5 333333333bps 1500ns\n"
              "4 5 40Gbps 1000ns 0\n5  4 40Gbps 1000ns 0\n\nFirst line: total node #, switch node "
              "#, link #\n");
    check_invariants(&t);
    assert_int_equal(t.n_links, 12);
    assert_int_equal(t.n_hosts, 4);
    assert_true(t.links[2].rate_bps == 1e14 && t.links[2].delay_ns == 2000);
    if (topo_save(&t, scratch(path, ".txt"), &err) != 0) fail_msg("%s", err.msg);
    load_file(&back, path);
    assert_same_graph(&t, &back);
    unlink(path);
    topo_free(&t);
    topo_free(&back);
}

static void clos_round_trip(void **state) {
    (void)state;
    Clos c = {3, 4, 5, 2, 6, 12345678901.0, 40e9, 99.5e9, 1000, 0.3, 1e6};
    Topo t, back;
    Err err = {0};
    char path[64];
    if (clos_build(&t, &c, "clos", &err) != 0) fail_msg("%s", err.msg);
    if (clos_save(&c, scratch(path, ".json"), &err) != 0) fail_msg("%s", err.msg);
    load_file(&back, path);
    assert_same_graph(&t, &back);
    unlink(path);
    topo_free(&back);
    topo_free(&t);
    clos_default(&c);
    if (clos_build(&t, &c, "clos", &err) != 0) fail_msg("%s", err.msg);
    loads(&back, "\xEF\xBB\xBF {\"clos\": {}}"); /* all defaults, after a byte order mark */
    assert_same_graph(&t, &back);
    topo_free(&back);
    topo_free(&t);
}

/* The least and greatest rates and delays that are allowed, in every format and read back to the
 * bit; and what is just beyond is refused. */
static void extremes_are_exact_and_no_further(void **state) {
    (void)state;
    static const double rates[] = {1, 1.5, 1e16}, delays[] = {0, DBL_MIN, 1e10, 1e12};
    static const char *const endings[] = {".json", ".txt"};
    const uint64_t id[] = {0, 1, 2};
    const uint8_t is_host[] = {1, 1, 0};
    char path[64];
    Err err = {0};
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++)
        for (size_t d = 0; d < sizeof delays / sizeof *delays; d++) {
            const TopoCable cables[] = {{0, 2, rates[r], delays[d]}, {1, 2, 10e9, 1000}};
            Topo t, back;
            assert_int_equal(topo_build(&t, "net", id, is_host, NULL, 3, cables, 2, &err), 0);
            for (int e = 0; e < 2; e++) {
                if (topo_save(&t, scratch(path, endings[e]), &err) != 0) fail_msg("%s", err.msg);
                load_file(&back, path);
                assert_same_graph(&t, &back);
                topo_free(&back);
                unlink(path);
            }
            topo_free(&t);
            Clos c = {1, 1, 2, 0, 0, rates[r], rates[r], rates[r], delays[d], delays[d], delays[d]},
                 same;
            assert_int_equal(clos_build(&t, &c, "clos", &err), 0);
            if (clos_save(&c, scratch(path, ".json"), &err) != 0) fail_msg("%s", err.msg);
            load_file(&back, path);
            assert_same_graph(&t, &back);
            assert_true(clos_match(&same, &back));
            assert_true(same.host_rate_bps == rates[r] && same.host_delay_ns == delays[d]);
            unlink(path);
            topo_free(&t);
            topo_free(&back);
        }
    const TopoCable beyond[] = {
        {0, 2, nextafter(1e16, INFINITY), 0},   {0, 2, 0, 0},          {0, 2, NAN, 0},
        {0, 2, 1e9, nextafter(1e12, INFINITY)}, {0, 2, 1e9, -DBL_MIN}, {0, 2, 1e9, NAN}};
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        const TopoCable cables[] = {beyond[i], {1, 2, 10e9, 1000}};
        char text[200];
        Topo t;
        assert_int_equal(topo_build(&t, "net", id, is_host, NULL, 3, cables, 2, &err), -1);
        assert_non_null(strstr(err.msg, "net: link 1 (0 to 2): "));
        if (isnan(beyond[i].rate_bps) || isnan(beyond[i].delay_ns)) continue;
        snprintf(text, sizeof text, "{\"clos\": {\"host_rate\": %.17g, \"host_delay\": %.17g}}",
                 beyond[i].rate_bps, beyond[i].delay_ns);
        assert_int_equal(load_text(&t, text, strlen(text), &err), -1);
        assert_non_null(strstr(err.msg, ".clos.host_"));
        snprintf(text, sizeof text, "3 1 2\n2\n0 2 %.17gbps %.17gns 0\n1 2 10Gbps 1us 0\n",
                 beyond[i].rate_bps, beyond[i].delay_ns);
        assert_int_equal(load_text(&t, text, strlen(text), &err), -1);
        assert_non_null(strstr(err.msg, "line 3: "));
    }
}

static void save_reports_a_full_disk(void **state) {
    (void)state;
    Topo t;
    Clos c;
    Err err = {0};
    clos_default(&c);
    assert_int_equal(clos_build(&t, &c, "clos", NULL), 0);
    if (file_exists("/dev/full")) {
        assert_int_equal(topo_save_json(&t, "/dev/full", &err), -1);
        assert_int_equal(err.kind, ERR_IO);
    }
    assert_int_equal(topo_save(&t, "/nonexistent/t.txt", &err), -1);
    assert_int_equal(err.kind, ERR_IO);
    assert_int_equal(clos_save(&c, "/nonexistent/t.json", &err), -1);
    topo_free(&t);
}

/* --- shipped and published networks --- */

static void expect_clos(const char *path, uint32_t pods, uint32_t racks, uint32_t hosts,
                        uint32_t fabs, uint32_t spines) {
    Topo t;
    Clos c;
    load_file(&t, path);
    check_invariants(&t);
    if (!clos_match(&c, &t)) fail_msg("%s is no Clos", path);
    bool shape = c.pods == pods && c.racks_per_pod == racks && c.hosts_per_rack == hosts &&
                 c.fabs_per_pod == fabs && c.spines_per_plane == spines;
    bool rates = c.host_rate_bps == 10e9 && c.fab_rate_bps == 40e9 && c.spine_rate_bps == 40e9;
    if (!shape || !rates || c.host_delay_ns != 1000 || c.fab_delay_ns != 1000 ||
        c.spine_delay_ns != 1000)
        fail_msg("%s: %u %u %u %u %u", path, c.pods, c.racks_per_pod, c.hosts_per_rack,
                 c.fabs_per_pod, c.spines_per_plane);
    topo_free(&t);
}

static void shipped_descriptions(void **state) {
    (void)state;
    expect_clos("spec/clos-16.json", 2, 2, 4, 2, 2);
    expect_clos("spec/clos-256-1to1.json", 2, 16, 8, 2, 16);
    expect_clos("spec/clos-256-2to1.json", 2, 16, 8, 2, 8);
    expect_clos("spec/clos-256-4to1.json", 2, 16, 8, 2, 4);
    expect_clos("spec/clos-6144-2to1.json", 8, 48, 16, 4, 24);
}

/* The published clusters are the same graphs, node for node, as the shipped descriptions. */
static void published_clusters(void **state) {
    (void)state;
    if (!file_is_dir(SHARED "/paper/topo")) skip();
    expect_clos(SHARED "/paper/topo/cluster_1_to_1.json", 2, 16, 8, 2, 16);
    expect_clos(SHARED "/paper/topo/cluster_2_to_1.json", 2, 16, 8, 2, 8);
    expect_clos(SHARED "/paper/topo/cluster_4_to_1.json", 2, 16, 8, 2, 4);
    expect_clos(SHARED "/paper/topo/cluster_b_2_to_1.json", 8, 48, 16, 4, 24);
    expect_clos(SHARED "/ref/ns3/topologies/cluster_2_to_1.txt", 2, 16, 8, 2, 8);
}

static void published_parking_lots(void **state) {
    (void)state;
    static const char *const names[] = {"topo-pl-3", "topo-pl-5", "topo-pl-7", "star8"};
    static const uint32_t n_hosts[] = {3, 5, 7, 8}, n_racks[] = {1, 3, 5, 1},
                          longest[] = {2, 4, 6, 2};
    if (!file_is_dir(SHARED "/ref/ns3/topologies")) skip();
    for (int i = 0; i < 4; i++) {
        char path[128];
        Topo t;
        snprintf(path, sizeof path, SHARED "/ref/ns3/topologies/%s.txt", names[i]);
        load_file(&t, path);
        check_invariants(&t);
        assert_int_equal(t.n_hosts, n_hosts[i]);
        assert_int_equal(t.n_racks, n_racks[i]);
        Route *r = route_new(&t, NULL);
        assert_int_equal(route_max_links(r), longest[i]);
        route_destroy(r);
        topo_free(&t);
    }
}

/* --- bad input --- */

#define HOSTS \
    "{\"id\":0,\"kind\":\"host\"},{\"id\":1,\"kind\":\"host\"},{\"id\":2,\"kind\":\"switch\"}"
#define LINK(a, b, rate, delay) "{\"a\":" #a ",\"b\":" #b ",\"rate\":" rate ",\"delay\":" delay "}"
#define GRAPH(nodes, links) "{\"nodes\":[" nodes "],\"links\":[" links "]}"
#define GOOD LINK(0, 2, "1e9", "0") "," LINK(1, 2, "1e9", "0")
#define NODE(id, kind) "{\"id\":" #id ",\"kind\":\"" kind "\"}"
#define WIRE(a, b, rate) "{\"a\":" #a ",\"b\":" #b ",\"bandwidth\":" rate ",\"delay\":1000}"
#define CLUSTER(tor, hosts, host2tor, fab2spine)                                                   \
    "{\"planes\":[[" NODE(4, "Switch") "]],\"pods\":[{\"fabs\":[" NODE(                            \
        3, "Switch") "],\"racks\":[{\"tor\":" tor ",\"hosts\":[" hosts "],\"host2tor\":[" host2tor \
                     "]}],\"tor2fab\":[" WIRE(2, 3, "1e9") "]}],\"fab2spine\":" fab2spine "}"
#define TWO_HOSTS NODE(0, "Host") "," NODE(1, "Host")
#define TWO_WIRES WIRE(0, 2, "1e9") "," WIRE(1, 2, "1e9")
#define TAIL "[" WIRE(3, 4, "1e9") "]"

typedef struct {
    const char *text, *message;
} Bad;

static const Bad bad[] = {
    {"", "got an empty file"},
    {" \n\t\n", "got an empty file"},
    {"hello", "line 1: number of nodes: expected a whole number below 1073741824, got 'hello'"},
    {"[1, 2]", "expected an object, got an array"},
    {"{}", "expected a topology with \"clos\" or another shape, \"pods\" (a cluster) or \"nodes\" "
           "and \"links\""},
    {"{\"nodes\": [", "not valid JSON"},
    {"\x7f\x45\x4c\x46\x02\x01", "line 1: number of nodes"},
    /* Clos */
    {"{\"clos\": 3}", ".clos: expected an object, got a number"},
    {"{\"clos\": {\"pod\": 3}}", ".clos: unknown key \"pod\", did you mean \"pods\"?"},
    {"{\"clos\": {}, \"rate\": 3}", "unknown key \"rate\""},
    {"{\"clos\": {\"pods\": -1}}",
     ".clos.pods: expected a whole number from 0 to 16777216, got -1"},
    {"{\"clos\": {\"pods\": 0}}",
     "pods, racks_per_pod and hosts_per_rack must be at least 1, got 0, 16 and 8"},
    {"{\"clos\": {\"pods\": 2.5}}", ".clos.pods: expected a whole number"},
    {"{\"clos\": {\"pods\": 1e300}}", ".clos.pods: expected a whole number"},
    {"{\"clos\": {\"pods\": \"two\"}}", ".clos.pods: expected a number, got a string"},
    {"{\"clos\": {\"hosts_per_rack\": 16000000, \"racks_per_pod\": 16000000}}",
     "expected at most 16777216 nodes"},
    {"{\"clos\": {\"fabs_per_pod\": 16000000, \"spines_per_plane\": 0, \"pods\": 1, "
     "\"racks_per_pod\": 16000}}",
     "and 67108864 links"},
    {"{\"clos\": {\"fabs_per_pod\": 0}}", "fabs_per_pod: must be at least 1 to join"},
    {"{\"clos\": {\"spines_per_plane\": 0}}",
     "spines_per_plane: must be at least 1 to join 2 pods"},
    {"{\"clos\": {\"pods\": 1, \"racks_per_pod\": 1, \"fabs_per_pod\": 0}}",
     "fabs_per_pod: must be at least 1 where there are spines"},
    {"{\"clos\": {\"host_rate\": \"fast\"}}",
     ".clos.host_rate: expected a rate like 10Gbps, got 'fast'"},
    {"{\"clos\": {\"host_rate\": 0}}", ".clos.host_rate: must be from 1 to 1e+16 bit/s, got 0"},
    {"{\"clos\": {\"host_rate\": \"1e-300bps\"}}", ".clos.host_rate: must be from 1 to 1e+16"},
    {"{\"clos\": {\"host_rate\": 1e300}}", ".clos.host_rate: must be from 1"},
    {"{\"clos\": {\"fab_delay\": -1}}", ".clos.fab_delay: must be from 0 to 1e+12 ns, got -1"},
    {"{\"clos\": {\"fab_delay\": \"1 parsec\"}}", ".clos.fab_delay: expected a time like 1us"},
    {"{\"clos\": {\"fab_delay\": []}}", ".clos.fab_delay: expected a number, got an array"},
    /* nodes and links */
    {"{\"nodes\": [" HOSTS "]}", "missing key \"links\""},
    {"{\"links\": []}", "missing key \"nodes\""},
    {"{\"nodes\": 5, \"links\": []}", ".nodes: expected an array, got a number"},
    {"{\"nodes\": [5], \"links\": []}", ".nodes[0]: expected an object, got a number"},
    {GRAPH("", ""), "expected at least two hosts, got 0"},
    {GRAPH(NODE(0, "host") "," NODE(1, "switch"), LINK(0, 1, "1e9", "0")),
     "expected at least two hosts, got 1"},
    {GRAPH("{\"kind\":\"host\"}", ""), ".nodes[0]: missing key \"id\""},
    {GRAPH("{\"id\":1}", ""), ".nodes[0]: missing key \"kind\""},
    {GRAPH(NODE(0, "router"), ""),
     ".nodes[0].kind: expected \"host\" or \"switch\", got \"router\""},
    {GRAPH("{\"id\":-1,\"kind\":\"host\"}", ""), ".nodes[0].id: expected a whole number"},
    {GRAPH("{\"id\":1e300,\"kind\":\"host\"}", ""), ".nodes[0].id: expected a whole number"},
    {GRAPH("{\"id\":1,\"kind\":\"host\",\"pods\":1}", ""),
     ".nodes[0]: unknown key \"pods\", did you mean \"pod\"?"},
    {GRAPH("{\"id\":1,\"kind\":\"host\",\"pod\":\"a\"}", ""), ".nodes[0].pod: expected a number"},
    {GRAPH(HOSTS "," NODE(1, "host"), GOOD), "node id 1 appears twice"},
    {GRAPH(HOSTS, LINK(0, 2, "1e9", "0")), "host 1 has no link"},
    {GRAPH(HOSTS "," NODE(3, "host") "," NODE(4, "switch"), GOOD "," LINK(3, 4, "1e9", "0")),
     "not connected: no path from node 0 to host 3"},
    {GRAPH(HOSTS, GOOD "," LINK(2, 7, "1e9", "0")), "link 3 (2 to 7): there is no node 7"},
    {GRAPH(HOSTS, GOOD "," LINK(2, 2, "1e9", "0")), "link 3: joins node 2 to itself"},
    {GRAPH(HOSTS, GOOD "," LINK(0, 1, "1e9", "0")), "link 3: joins hosts 0 and 1"},
    {GRAPH(HOSTS, LINK(0, 2, "0", "0")), ".links[0].rate: must be from 1"},
    {GRAPH(HOSTS, LINK(0, 2, "25", "0")),
     ".links[0].rate: expected a rate like 10Gbps, got 25 without"},
    {GRAPH(HOSTS, LINK(0, 2, "-5", "0")), ".links[0].rate: must be from 1"},
    {GRAPH(HOSTS, LINK(0, 2, "1e300", "0")),
     ".links[0].rate: must be from 1 to 1e+16 bit/s, got 1e+300"},
    {GRAPH(HOSTS, LINK(0, 2, "1e999", "0")), ".links[0].rate: expected a finite number"},
    {GRAPH(HOSTS, LINK(0, 2, "NaN", "0")), "not valid JSON"},
    {GRAPH(HOSTS, LINK(0, 2, "\"nan\"", "0")), ".links[0].rate: expected a rate like 10Gbps"},
    {GRAPH(HOSTS, LINK(0, 2, "\"-10Gbps\"", "0")), ".links[0].rate: expected a rate like 10Gbps"},
    {GRAPH(HOSTS, LINK(0, 2, "true", "0")), ".links[0].rate: expected a number"},
    {GRAPH(HOSTS, LINK(0, 2, "1e9", "-1")), ".links[0].delay: must be from 0"},
    {GRAPH(HOSTS, LINK(0, 2, "1e9", "1e300")), ".links[0].delay: must be from 0"},
    {GRAPH(HOSTS, LINK(0, 2, "1e9", "null")), ".links[0].delay: expected a number, got null"},
    {GRAPH(HOSTS, "[0, 2]"), ".links[0]: expected an object, got an array"},
    {GRAPH(HOSTS, "{\"a\":0,\"b\":2,\"rate\":1e9}"), ".links[0]: missing key \"delay\""},
    {GRAPH(HOSTS, "{\"a\":0,\"b\":2,\"rates\":1e9,\"delay\":0}"),
     ".links[0]: unknown key \"rates\", did you mean \"rate\"?"},
    {GRAPH(HOSTS, "{\"a\":\"h0\",\"b\":2,\"rate\":1e9,\"delay\":0}"),
     ".links[0].a: expected a number, got a string"},
    /* cluster */
    {"{\"pods\": []}", "missing key \"planes\""},
    {"{\"planes\": {}, \"pods\": []}", ".planes: expected an array, got an object"},
    {"{\"planes\": [], \"pods\": [{\"racks\": []}]}", ".pods[0]: missing key \"fabs\""},
    {CLUSTER(NODE(2, "Host"), TWO_HOSTS, TWO_WIRES, TAIL),
     ".pods[0].racks[0].tor: expected a node of kind \"Switch\" here"},
    {CLUSTER(NODE(2, "Switch"), NODE(0, "Switch"), TWO_WIRES, TAIL),
     ".pods[0].racks[0].hosts[0]: expected a node of kind \"Host\" here"},
    {CLUSTER(NODE(0, "Switch"), TWO_HOSTS, TWO_WIRES, TAIL), "node id 0 appears twice"},
    {CLUSTER(NODE(2, "Switch"), TWO_HOSTS, WIRE(0, 2, "0"), TAIL),
     ".pods[0].racks[0].host2tor[0].bandwidth: must be from 1"},
    {CLUSTER(NODE(2, "Switch"), TWO_HOSTS, WIRE(0, 2, "1e300"), TAIL),
     ".pods[0].racks[0].host2tor[0].bandwidth: must be from 1"},
    {CLUSTER(NODE(2, "Switch"), TWO_HOSTS, WIRE(0, 2, "1e9"), TAIL), "host 1 has no link"},
    {CLUSTER(NODE(2, "Switch"), TWO_HOSTS, TWO_WIRES, "[" WIRE(3, 99, "1e9") "]"),
     "link 4 (3 to 99): there is no node 99"},
    {CLUSTER(NODE(2, "Switch"), TWO_HOSTS, TWO_WIRES, "7"), ".fab2spine: expected an array"},
    /* HPCC topology.txt */
    {"3 1",
     "line 1: number of links: expected a whole number below 1073741824, the file ends here"},
    {"3 1\n2",
     "line 1: number of links: expected a whole number below 1073741824, the line ends here"},
    {"3 1 4000000000\n2\n",
     "line 1: number of links: expected a whole number below 1073741824, got '4000000000'"},
    {"3 1 1000000000\n2\n0 2 1Gbps 1us 0\n", "line 4: the file ends after 1 of 1000000000 links"},
    {"1000000000 1 1000000000\n2\n0 2 1Gbps 1us 0\n",
     "line 4: the file ends after 1 of 1000000000 links"},
    {"1000000000 999999999 1000000000\n2\n0 2 1Gbps 1us 0\n",
     "line 3: switch id: expected a whole number below 1000000000, got '1Gbps'"},
    {"99 1 2\n2\n", "line 1: 2 links cannot join 99 nodes"},
    {"-3 1 2\n2\n", "line 1: number of nodes"},
    {"3 4 2\n", "line 1: expected at most as many switches as nodes, got 4 of 3"},
    {"3 1 2\n", "line 2: switch id: expected a whole number below 3, the file ends here"},
    {"3 1 2\n3\n", "line 2: switch id: expected a whole number below 3, got '3'"},
    {"4 2 3\n3 3\n0 3 1Gbps 1us 0\n1 3 1Gbps 1us 0\n2 3 1Gbps 1us 0\n",
     "switch id 3 appears twice"},
    {"3 1 2\n2\n0 2 1Gbps 1us 0\n", "line 4: the file ends after 1 of 2 links"},
    {"3 1 2\n2\n0 2 1Gbps 1us 0\n1 2 1Gbps", "line 4: delay: expected a time with its unit like "
                                             "1000ns, at most 1e12 ns, the file ends here"},
    {"3 1 2\n2\n0 2 1Gbps\n1us 0\n", "line 3: delay: expected a time with its unit like 1000ns, at "
                                     "most 1e12 ns, the line ends here"},
    {"3 1 2\n2\n0 3 1Gbps 1us 0\n", "line 3: node id: expected a whole number below 3, got '3'"},
    {"3 1 2\n2\n0 two 1Gbps 1us 0\n",
     "line 3: node id: expected a whole number below 3, got 'two'"},
    {"3 1 2\n2\n0 2 0Gbps 1us 0\n", "line 3: rate: expected a rate like 10Gbps"},
    {"3 1 2\n2\n0 2 -1Gbps 1us 0\n", "line 3: rate: expected a rate like 10Gbps"},
    {"3 1 2\n2\n0 2 nan 1us 0\n", "line 3: rate: expected a rate like 10Gbps"},
    {"3 1 2\n2\n0 2 1e300 1us 0\n", "line 3: rate: expected a rate like 10Gbps"},
    {"3 1 2\n2\n0 2 1Gbps -1us 0\n", "line 3: delay: expected a time with its unit"},
    {"3 1 2\n2\n0 2 1Gbps 1000 0\n", "line 3: delay: expected a time with its unit"},
    {"3 1 2\n2\n0 2 1Gbps 1e300s 0\n", "line 3: delay: expected a time with its unit"},
    {"3 1 2\n2\n0 2 1Gbps 1us 0\n1 2 1Gbps 1us 1\n", "line 4: error rate: expected a probability"},
    {"3 1 2\n2\n0 2 1Gbps 1us x\n", "line 3: error rate: expected a probability"},
    {"9 3 2 8 1\n6 7\n0 6 1Gbps 1us\n", "line 1: expected nodes, switches and links, as the 2 ids "
                                        "and 1 links below, got 5 words: 9 3 2 8"},
    {"3 1 2 2 2 2 2\n2\n0 2 1Gbps 1us 0\n1 2 1Gbps 1us 0\n", "got 7 words"},
    {"3 0 3\n0 1 1Gbps 1us 0\n1 2 1Gbps 1us 0\n2 0 1Gbps 1us 0\n",
     "networks in which hosts forward (rings"},
    {"3 1 2\n2\n0 2 1Gbps 1us 0\n0 2 1Gbps 1us 0\n", "host 1 has no link"},
    {"3 1 2\n2\n0 2 1Gbps 1us 0\n1 1 1Gbps 1us 0\n", "link 2: joins node 1 to itself"},
    {"5 2 4\n3 4\n0 3 1Gbps 1us 0\n1 3 1Gbps 1us 0\n2 4 1Gbps 1us 0\n2 4 1Gbps 1us 0\n",
     "not connected: no path from node 0 to host 2"},
};

/* Headers of forks, links beyond the announced ones, a switch without links: the same network. */
static void headers_of_forks(void **state) {
    (void)state;
#define BODY "\n4 5\n0 4 10Gbps 1us 0\n1 4 10Gbps 1us\n2 4 10Gbps 1us 0.001\n3 4 10Gbps 1us 0 x\n"
    static const char *const headers[] = {
        "6 2 4" BODY,          "6 2 1 4" BODY,        "6 2 1 4 10000000000 40000000000" BODY,
        "6 2 1 1 4" BODY,      "6 2 1 1 4 H100" BODY, "6 2 4" BODY "0 9 1Gbps 1us 0\n",
        "6 2 4" BODY "\nprose"};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        Topo t;
        loads(&t, headers[i]);
        assert_true(t.n_hosts == 4 && t.n_nodes == 5 && t.n_links == 8);
        assert_non_null(t.error_rate);
        for (uint32_t l = 0; l < 8; l++) assert_true(t.error_rate[l] == (l / 2 == 2 ? 0.001 : 0));
        topo_free(&t);
    }
}

/* Opposite directions may be joined, parallel cables stay. */
static void opposite_links_are_joined_if_asked(void **state) {
    (void)state;
    static const char text[] =
        "3 1 5\n2\n0 2 10Gbps 1us 0\n2 0 10Gbps 1us 0\n1 2 10Gbps 1us 0\n1 2 "
        "10Gbps 1us 0\n2 1 10Gbps 1us 0\n";
    char path[64];
    FILE *f = fopen(scratch(path, ".txt"), "w");
    fputs(text, f);
    fclose(f);
    for (int merge = 0; merge < 2; merge++) {
        Topo t;
        Err err = {0};
        TopoLoadOptions o = {.merge_duplicates = merge};
        if (topo_load(&t, path, &o, &err) != 0) fail_msg("%s", err.msg);
        assert_int_equal(t.n_links / 2, merge ? 3 : 5);
        topo_free(&t);
    }
    f = fopen(path, "w");
    fputs("3 1 3\n2\n0 2 10Gbps 1us 0\n2 0 40Gbps 1us 0\n1 2 10Gbps 1us 0\n", f);
    fclose(f);
    Topo t;
    Err err = {0};
    TopoLoadOptions o = {.merge_duplicates = true};
    assert_int_equal(topo_load(&t, path, &o, &err), -1);
    assert_non_null(strstr(err.msg, "link 2: expected the rate and delay of link 1"));
    unlink(path);
}

static void bad_files_are_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Topo t;
        Err err = {0};
        if (load_text(&t, bad[i].text, strlen(bad[i].text), &err) == 0)
            fail_msg("%s: loaded, expected '%s'", bad[i].text, bad[i].message);
        if (err.kind != ERR_INPUT || !strstr(err.msg, bad[i].message) ||
            strncmp(err.msg, "/tmp/m3-test-topo", 17) != 0 || strchr(err.msg, '\n'))
            fail_msg("%s: got '%s', expected '%s'", bad[i].text, err.msg, bad[i].message);
    }
    Topo t;
    Err err = {0};
    assert_int_equal(topo_load(&t, "/nonexistent/topo.json", NULL, &err), -1);
    assert_non_null(strstr(err.msg, "/nonexistent/topo.json: cannot open"));
    assert_int_equal(topo_load(&t, "/tmp", NULL, &err), -1);
}

static void deep_nesting_is_refused(void **state) {
    (void)state;
    enum { DEPTH = 1000000 };
    char *text = mem_alloc(DEPTH + 16, 1);
    int head = sprintf(text, "{\"nodes\":");
    memset(text + head, '[', DEPTH);
    Topo t;
    Err err = {0};
    assert_int_equal(load_text(&t, text, (size_t)head + DEPTH, &err), -1);
    assert_non_null(strstr(err.msg, "not valid JSON"));
    free(text);
}

/* A valid file of each format cut anywhere: refused or, where only blanks or an ignored column are
 * lost, the same. */
static void cut_files_never_load_half(void **state) {
    (void)state;
    static const char *const whole[] = {GRAPH(HOSTS, GOOD),
                                        CLUSTER(NODE(2, "Switch"), TWO_HOSTS, TWO_WIRES, TAIL),
                                        "{\"clos\": {\"pods\": 2, \"host_rate\": \"10Gbps\"}}\n",
                                        "3 1 2\n2\n0 2 1Gbps 10us 0\n1 2 1Gbps 10us 0.0\n"};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        Topo t, full;
        loads(&full, whole[i]);
        for (size_t len = 0; len < strlen(whole[i]); len++) {
            Err err = {0};
            if (load_text(&t, whole[i], len, &err) == 0) {
                assert_same_graph(&full, &t);
                topo_free(&t);
            } else {
                assert_int_equal(err.kind, ERR_INPUT);
            }
        }
        topo_free(&full);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_in_any_order),
        cmocka_unit_test(pods_given_and_derived),
        cmocka_unit_test(clos_counts),
        cmocka_unit_test(oversubscription),
        cmocka_unit_test(clos_match_is_strict),
        cmocka_unit_test(json_round_trip),
        cmocka_unit_test(hpcc_round_trip),
        cmocka_unit_test(clos_round_trip),
        cmocka_unit_test(extremes_are_exact_and_no_further),
        cmocka_unit_test(save_reports_a_full_disk),
        cmocka_unit_test(shipped_descriptions),
        cmocka_unit_test(published_clusters),
        cmocka_unit_test(published_parking_lots),
        cmocka_unit_test(headers_of_forks),
        cmocka_unit_test(opposite_links_are_joined_if_asked),
        cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(cut_files_never_load_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
