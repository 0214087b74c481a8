/* Graphs of general tools: networkx, Parsimon, GraphML, GML, containerlab: the right values, hosts
 * and ids; what is open is refused until an option says it; damaged files are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "net/topo_load.h"

static int load(Topo *t, const char *text, size_t len, const TopoLoadOptions *o, Err *err) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/m3-test-graph-%ld", (long)getpid());
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fwrite(text, 1, len, f);
    fclose(f);
    int rc = topo_load(t, path, o, err);
    unlink(path);
    return rc;
}

#define NX(links, rate, delay)                                                                     \
    "{\"directed\": false, \"multigraph\": false, \"graph\": {\"name\": \"lab\"}, \"nodes\": "     \
    "[{\"type\": "                                                                                 \
    "\"host\", \"id\": \"h0\"}, {\"id\": \"tor\", \"type\": \"switch\", \"x\": [1]}, {\"type\": "  \
    "\"server\", "                                                                                 \
    "\"id\": \"h1\"}], \"" links "\": [{\"source\": \"h0\", \"target\": \"tor\", " rate ", " delay \
    "}, "                                                                                          \
    "{\"source\": \"h1\", \"target\": \"tor\", " rate ", " delay "}]}"
#define GRAPHML(keys, nodes, data)                                                     \
    "<?xml version=\"1.0\" encoding=\"utf-8\"?><graphml "                              \
    "xmlns=\"http://graphml.graphdrawing.org/xmlns\">" keys                            \
    "<graph edgedefault=\"undirected\">" nodes "<edge source=\"a\" target=\"s\">" data \
    "</edge><edge source=\"b\" target=\"s\">" data "</edge></graph></graphml>"
#define RATE_KEY "<key attr.name=\"LinkSpeedRaw\" attr.type=\"double\" for=\"edge\" id=\"d1\"/>"
#define NODES "<node id=\"a\"/><node id=\"s\"/><node id=\"b\"/>"
#define GML(edge)                                                                                  \
    "Creator \"x\"\n# a comment\ngraph [\n  Network \"Lab\"\n  g [ a 1 b [ c 2 ] ]\n  node [ id "  \
    "7 label "                                                                                     \
    "\"A\" ]\n  node [ id 9 label \"S\" ]\n  node [ label \"B\" id 8 ]\n  edge [ source 7 target " \
    "9 " edge " ]\n  edge [ target 9 " edge " source 8 ]\n]\n"
#define CLAB                                                                                    \
    "name: lab\ntopology:\n  nodes:\n    leaf1: {kind: nokia_srlinux}\n    host1: {kind: "      \
    "linux}\n    "                                                                              \
    "host2: {kind: linux}\n  links:\n    - endpoints: [\"leaf1:e1-1\", \"host1:eth1\"]\n    - " \
    "endpoints: [\"leaf1:e1-2\", \"host2:eth1\"]\n"

static const TopoLoadOptions none,
    units = {.rate_unit_bps = 1e9, .delay_unit_ns = 1e3},
    links = {.link_rate_bps = 25e9, .has_link_delay = true, .link_delay_ns = 1000},
    ends = {.hosts = "h*"};

/* Two hosts on a switch at 25 Gb/s and 1 µs, however it is said. */
static const struct {
    const char *text;
    const TopoLoadOptions *o;
    uint64_t ids[3]; /* of the hosts, then of the switch */
} good[] = {
    {NX("links", "\"bandwidth\": \"25Gbps\"", "\"delay\": \"1us\""), &none, {0, 1, 2}},
    {NX("edges", "\"capacity\": 25", "\"latency\": 1"), &units, {0, 1, 2}},
    {NX("edges", "\"rate\": 25e9", "\"latency_us\": 1"), &none, {0, 1, 2}},
    {NX("links", "\"bandwidth_gbps\": 25", "\"delay_ns\": 1000"), &none, {0, 1, 2}},
    {NX("links", "\"speed\": \"3.125GB/s\"", "\"weight\": 3"), &links, {0, 1, 2}},
    {"{\"nodes\": [{\"kind\": \"Host\", \"id\": 0}, {\"kind\": \"Host\", \"id\": 1}, {\"kind\": "
     "\"Switch\", \"id\": 2}], \"links\": [{\"a\": 0, \"b\": 2, \"bandwidth\": 25000000000, "
     "\"delay\": "
     "1000}, {\"a\": 1, \"b\": 2, \"bandwidth\": 25000000000, \"delay\": 1000}]}",
     &none,
     {0, 1, 2}},
    {"{\"nodes\": [{\"id\": 4, \"name\": \"x\", \"kind\": \"host\"}, {\"id\": 5, \"label\": "
     "\"tor\", "
     "\"kind\": \"switch\"}, {\"id\": 6, \"kind\": \"host\"}], \"links\": [{\"a\": 4, \"b\": 5, "
     "\"rate\": "
     "\"25Gbps\", \"delay\": \"1us\"}, {\"a\": 6, \"b\": 5, \"rate\": 25e9, \"delay\": 1000}]}",
     &none,
     {4, 6, 5}},
    {"{\"nodes\": [{\"id\": \"h1\"}, {\"id\": \"h2\"}, {\"id\": \"s\"}, {\"id\": \"dead\"}], "
     "\"links\": "
     "[{\"a\": \"h1\", \"b\": \"s\", \"rate\": \"25Gbps\", \"delay\": \"1us\"}, {\"a\": \"s\", "
     "\"b\": \"h2\", "
     "\"rate\": \"25Gbps\", \"delay\": \"1us\"}]}",
     &ends,
     {0, 1, 2}},
    {GRAPHML(RATE_KEY, NODES, "<data key=\"d1\">25e9</data>"), &links, {0, 1, 2}},
    {GRAPHML("<key id=\"r\" for=\"edge\" attr.name=\"bandwidth\"/><key id=\"l\" for=\"edge\" "
             "attr.name=\"latency_ms\"/>",
             NODES, "<data key=\"r\">25 Gbps</data><data key=\"l\">0.001</data>"),
     &none,
     {0, 1, 2}},
    {GRAPHML("", NODES, ""), &links, {0, 1, 2}},
    {GML("LinkSpeedRaw 2.5e10 LinkSpeed \"25\""), &links, {7, 8, 9}},
    {GML("bandwidth \"25Gbps\" delay \"1us\""), &none, {7, 8, 9}},
    {GML("bandwidth 25 delay 1"), &units, {7, 8, 9}},
    {CLAB, &links, {0, 1, 2}},
};

static void every_kind_is_read(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        Topo t;
        Err err = {0};
        if (load(&t, good[i].text, strlen(good[i].text), good[i].o, &err) != 0)
            fail_msg("%zu: %s", i, err.msg);
        if (t.n_hosts != 2 || t.n_nodes != 3 || t.n_links != 4)
            fail_msg("%zu: %u hosts, %u nodes, %u links", i, t.n_hosts, t.n_nodes, t.n_links);
        for (int h = 0; h < 2; h++) assert_int_equal(t.node_id[t.host_node[h]], good[i].ids[h]);
        assert_int_equal(t.node_id[t.rack_switch[0]], good[i].ids[2]);
        for (uint32_t l = 0; l < t.n_links; l++)
            assert_true(t.links[l].rate_bps == 25e9 && t.links[l].delay_ns == 1000);
        topo_free(&t);
    }
}

static void what_is_open_or_wrong_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *why;
    } bad[] = {
        {NX("links", "\"bandwidth\": 25", "\"delay\": \"1us\""),
         "25; --rate-unit says what it is in"},
        {NX("links", "\"bandwidth\": \"25G\"", "\"delay\": 1"),
         "1; --delay-unit says what it is in"},
        {NX("links", "\"x\": 25", "\"delay\": \"1us\""), "no rate; --link-rate gives it"},
        {NX("links", "\"rate\": \"25Gbps\"", "\"x\": 1"), "no delay; --link-delay gives it"},
        {NX("links", "\"rate\": \"fast\"", "\"delay\": \"1us\""),
         "rate: expected a rate like 10Gbps"},
        {NX("links", "\"rate\": \"1Gbps\", \"loss\": 1", "\"delay\": \"1us\""),
         "error rate must be"},
        {NX("lines", "\"rate\": \"1Gbps\"", "\"delay\": \"1us\""), "missing key \"edges\""},
        {"{\"nodes\": [{\"id\": \"a\"}, {\"id\": \"a\"}], \"links\": []}", "node a appears twice"},
        {"{\"nodes\": [{\"id\": \"a\"}, 3], \"links\": []}", "expected an object"},
        {"{\"directed\": 0, \"nodes\": [{}], \"links\": []}", "missing key \"id\""},
        {GRAPHML(RATE_KEY, NODES, "<data key=\"d1\">x</data>"), "expected a rate like 10Gbps"},
        {GRAPHML("", "<node id=\"a\"/>", ""), "there is no node s"},
        {GRAPHML("", "<node/>", ""), "line 1: node: expected an id"},
        {"<html><body/></html>", "line 1: expected GraphML, got other XML"},
        {"<!DOCTYPE x [<!ENTITY a \"b\">]><graphml/>", "document type declarations are not read"},
        {"<graphml><graph><edge source=\"1\"/></graph></graphml>", "expected source and target"},
        {"<graphml><graph>", "line 1: "},
        {GML("bandwidth 25 delay \"1us\""), "25; --rate-unit"},
        {"graph [ node [ id 1 ] edge [ source 1 ] ]", "source and target in each edge"},
        {"graph [ node [ id 1 ]", "a closing bracket, the file ends here"},
        {"graph [ node 3 ]", "a list in brackets"},
        {"graph [ node [ id \"1 ] ]", "a value"},
        {"name: x\ntopology:\n  nodes: 3\n", "this is other YAML"},
        {"name: x\ntopology: &a\n  nodes: *a\n", "YAML with aliases"},
        {"name: [\n", "not valid YAML"},
        {CLAB, "no rate; --link-rate"},
        {"digraph { a -> b }", "this is a graph in DOT"},
        {"Nodes 12\nTiers 2\n", "this is an htsim topology"},
        {"src,dst,size_b,start_ns\n", "this is a list of flows, which goes to --flows"},
        {"what is this", "number of nodes: expected a whole number"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Topo t;
        Err err = {0};
        if (load(&t, bad[i].text, strlen(bad[i].text), NULL, &err) == 0)
            fail_msg("%zu: accepted", i);
        if (err.kind != ERR_INPUT || !strstr(err.msg, bad[i].why) ||
            strncmp(err.msg, "/tmp/m3-test-graph", 18) != 0)
            fail_msg("%zu: expected '%s', got '%s'", i, bad[i].why, err.msg);
    }
}

/* Cut anywhere, a file is refused, or was whole already. */
static void cut_files_are_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        size_t whole = strlen(good[i].text);
        while (whole > 0 && strchr("\n ", good[i].text[whole - 1])) whole--;
        for (size_t len = 0; len < whole; len++) {
            Topo t;
            Err err = {0};
            if (load(&t, good[i].text, len, good[i].o, &err) == 0) {
                /* YAML has no end mark: the last character of a name may be missing. */
                if (good[i].text[0] != 'n') fail_msg("%zu: %zu bytes accepted", i, len);
                topo_free(&t);
                continue;
            }
            assert_int_equal(err.kind, ERR_INPUT);
            assert_null(strchr(err.msg, '\n'));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_read),
        cmocka_unit_test(what_is_open_or_wrong_is_refused),
        cmocka_unit_test(cut_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
