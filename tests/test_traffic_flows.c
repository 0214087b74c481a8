/* Flow files: what is written reads back bit for bit; times scale exactly; every defect is named by
 * line and column. */
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
#include "base/rng.h"
#include "net/netconf.h"
#include "traffic/flows_read.h"

#define SHARED "../shared/ref"

/* Hosts 10, 11, 12 and 9000000 (host indices 0..3) and switch 20. */
static uint64_t ids[] = {10, 11, 12, 20, 9000000};
static uint8_t is_host[] = {1, 1, 1, 0, 1};
static uint32_t host_node[] = {0, 1, 2, 4}, node_host[] = {0, 1, 2, TOPO_NONE, 3};
static char topo_name[] = "net.json";
static const Topo sparse = {.n_nodes = 5,
                            .n_hosts = 4,
                            .node_id = ids,
                            .is_host = is_host,
                            .host_node = host_node,
                            .node_host = node_host,
                            .name = topo_name};
/* The same without the far id: its ids are dense enough for a table. */
static const Topo dense = {.n_nodes = 4,
                           .n_hosts = 3,
                           .node_id = ids,
                           .is_host = is_host,
                           .host_node = host_node,
                           .node_host = node_host,
                           .name = topo_name};

static const char *scratch(char path[64]) {
    snprintf(path, 64, "/tmp/m3-test-flows-%ld", (long)getpid());
    return path;
}

static int load_text(Flows *f, const char *text, size_t len, const Topo *t, Err *err) {
    char path[64];
    FILE *out = fopen(scratch(path), "wb");
    assert_non_null(out);
    fwrite(text, 1, len, out);
    fclose(out);
    int rc =
        t ? flows_load(f, path, t, NULL, NULL, err) : flows_load_positions(f, path, 4, NULL, err);
    unlink(path);
    return rc;
}

static void loads(Flows *f, const char *text, const Topo *t) {
    Err err = {0};
    if (load_text(f, text, strlen(text), t, &err) != 0) fail_msg("%s", err.msg);
}

static void columns_in_any_order(void **state) {
    (void)state;
    Flows f;
    loads(&f,
          "\xEF\xBB\xBF start_ns , note,size_b,dst,src\r\n5,x y,1500,12,10\r\n\r\n 7 ,,1,9000000, "
          "11 ",
          &sparse);
    assert_int_equal(f.n, 2);
    assert_int_equal(f.src[0], 0);
    assert_int_equal(f.dst[0], 2);
    assert_int_equal(f.size_b[0], 1500);
    assert_int_equal(f.start_ns[0], 5);
    assert_int_equal(f.src[1], 1);
    assert_int_equal(f.dst[1], 3);
    assert_int_equal(f.start_ns[1], 7);
    assert_null(f.id);
    assert_null(f.fct_ns);
    flows_free(&f);
}

static void times_are_scaled_exactly(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } s[] = {{"0", 0},
             {"1.000001330", 1000001330},
             {"2.0000000004", 2000000000},
             {"2.0000000005", 2000000001},
             {"3", 3000000000},
             {"3.5", 3500000000},
             {"7.", 7000000000},
             {"8e0", 8000000000},
             {"123456789.123456789", 123456789123456789},
             {"9e9", 9000000000000000000}},
      ns[] = {{"0", 0},
              {"0.4", 0},
              {"0.5", 1},
              {"17.49999", 17},
              {"1e3", 1000},
              {"1.5e3", 1500},
              {"8999999999999999999", 8999999999999999999},
              {"9000000000000000000", 9000000000000000000}};
    char text[2048] = "";
    size_t n_s = sizeof s / sizeof *s, n_ns = sizeof ns / sizeof *ns,
           len = (size_t)sprintf(text, "%zu\n", n_s);
    Flows f;
    for (size_t i = 0; i < n_s; i++)
        len += (size_t)sprintf(text + len, "%zu\t10 11  3 100 1000 %s\n", i, s[i].text);
    loads(&f, text, &dense);
    assert_int_equal(f.n, n_s);
    for (size_t i = 0; i < n_s; i++) assert_int_equal(f.start_ns[i], s[i].ns);
    flows_free(&f);
    len = (size_t)sprintf(text, "flow,src,dst,size_b,start_ns\n");
    for (size_t i = 0; i < n_ns; i++)
        len += (size_t)sprintf(text + len, "%zu,10,11,1e3,%s\n", i, ns[i].text);
    loads(&f, text, &dense);
    for (size_t i = 0; i < n_ns; i++) assert_int_equal(f.start_ns[i], ns[i].ns);
    assert_int_equal(f.size_b[0], 1000);
    flows_free(&f);
}

/* The smallest and largest flows that the formats allow, through every format. */
static void extremes_pass_through_every_format(void **state) {
    (void)state;
    static const char *const texts[] = {
        "src,dst,size_b,start_ns,fct_ns\n10,11,1,0,1e-3\n11,10,1000000000000000,9e18,9e18\n",
        "2\n0 10 11 3 100 1 0\n1 11 10 3 100 1e15 9000000000\n"};
    static const char *const endings[] = {"csv", "m3f"};
    for (int text = 0; text < 2; text++)
        for (int k = 0; k < 2; k++) {
            Flows f, g;
            Err err = {0};
            char path[80], name[64];
            loads(&f, texts[text], &dense);
            snprintf(path, sizeof path, "%s.%s", scratch(name), endings[k]);
            if (flows_save(&f, path, &dense, &err) != 0) fail_msg("%s", err.msg);
            if (flows_load(&g, path, &dense, NULL, NULL, &err) != 0) fail_msg("%s", err.msg);
            unlink(path);
            assert_int_equal(g.n, 2);
            assert_true(g.size_b[0] == 1 && g.size_b[1] == FLOWS_MAX_SIZE_B);
            assert_true(g.start_ns[0] == 0 && g.start_ns[1] == (int64_t)FLOWS_MAX_START_NS);
            if (text == 0) assert_true(g.fct_ns[0] == 1e-3 && g.fct_ns[1] == 9e18);
            flows_free(&f);
            flows_free(&g);
        }
}

static void disorder_is_sorted_stably(void **state) {
    (void)state;
    Flows f;
    loads(&f,
          "src,dst,size_b,start_ns,fct_ns\n10,11,1,9,1\n10,11,2,4,\n10,11,3,9,3.5\n10,11,4,4,4\n",
          &dense);
    static const uint64_t want[] = {2, 4, 1, 3};
    for (int i = 0; i < 4; i++) assert_int_equal(f.size_b[i], want[i]);
    for (int i = 0; i < 4; i++) assert_int_equal(f.id[i], want[i] - 1); /* numbers as in the file */
    assert_true(isnan(f.fct_ns[0]));
    assert_true(f.fct_ns[3] == 3.5);
    flows_free(&f);
}

/* Connection matrices list flows by what they belong to, not by start. */
static void disorder_of_a_matrix_is_sorted(void **state) {
    (void)state;
    Flows f;
    loads(&f,
          "Nodes 3\nConnections 3\n0->1 start 9000 size 1\n1->2 start 4000 size 2\n"
          "2->0 start 9000 size 3\n",
          &dense);
    static const uint64_t want[] = {2, 1, 3};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(f.size_b[i], want[i]);
        assert_int_equal(f.id[i], want[i] - 1);
        assert_int_equal(f.start_ns[i], i == 0 ? 4 : 9);
    }
    flows_free(&f);
}

static double random_fct(Rng *r) {
    switch (rng_below(r, 4)) {
    case 0: return NAN;
    case 1: return (double)(1 + rng_below(r, 1u << 30)) / 1000;
    case 2: return (double)(1 + rng_below(r, 1ull << 50));
    default: return exp(rng_uniform(r, -20, 60));
    }
}

static void written_flows_read_back(void **state) {
    (void)state;
    Rng r = rng_stream(1, "test", 0);
    Flows f, g;
    Err err = {0};
    char path[64];
    enum { N = 20000 };
    flows_init(&f, N);
    f.id = MEM_NEW(uint64_t, N);
    f.fct_ns = MEM_NEW(double, N);
    f.ideal_fct_ns = MEM_NEW(double, N);
    int64_t now = 0;
    for (size_t i = 0; i < N; i++) {
        f.id[i] = rng_next(&r) >> (1 + rng_below(&r, 63));
        f.src[i] = (uint32_t)rng_below(&r, 4);
        f.dst[i] = (f.src[i] + 1 + (uint32_t)rng_below(&r, 3)) % 4;
        f.size_b[i] = 1 + (rng_next(&r) >> (15 + rng_below(&r, 49)));
        f.start_ns[i] = now += (int64_t)(rng_next(&r) >> (16 + rng_below(&r, 48)));
        f.fct_ns[i] = random_fct(&r);
        f.ideal_fct_ns[i] = random_fct(&r);
    }
    assert_int_equal(flows_save_csv(&f, scratch(path), &sparse, &err), 0);
    if (flows_load(&g, path, &sparse, NULL, NULL, &err) != 0) fail_msg("%s", err.msg);
    unlink(path);
    assert_int_equal(g.n, N);
    assert_memory_equal(f.id, g.id, N * sizeof *f.id);
    assert_memory_equal(f.src, g.src, N * sizeof *f.src);
    assert_memory_equal(f.dst, g.dst, N * sizeof *f.dst);
    assert_memory_equal(f.size_b, g.size_b, N * sizeof *f.size_b);
    assert_memory_equal(f.start_ns, g.start_ns, N * sizeof *f.start_ns);
    for (size_t i = 0; i < N; i++) {
        assert_true(isnan(f.fct_ns[i]) ? isnan(g.fct_ns[i]) : f.fct_ns[i] == g.fct_ns[i]);
        assert_true(isnan(f.ideal_fct_ns[i]) ? isnan(g.ideal_fct_ns[i])
                                             : f.ideal_fct_ns[i] == g.ideal_fct_ns[i]);
    }
    flows_free(&f);
    flows_free(&g);
}

static void bad_files_are_refused(void **state) {
    (void)state;
#define HEAD "flow,src,dst,size_b,start_ns\n"
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"", "empty file"},
        {"\n\n", "empty file"},
        {"src,dst,size_b\n1,2,3\n", "line 1: expected a header with flow,src,dst,size_b,start_ns "
                                    "(or an HPCC flow file): no column start_ns"},
        {"src,dst,src,size_b,start_ns\n", "column src appears twice"},
        {HEAD, "expected at least one flow"},
        {HEAD "0,10,11,1500\n", "line 2: expected 5 columns, got 4"},
        {HEAD "0,10,11,1500,0\n1,10,1",
         "line 3: dst: expected the id of a host, got 1 (no such node in net.json)"},
        {HEAD "0,10,11,1500,0,7\n", "line 2: more than 5 columns"},
        {HEAD "0,10,20,1500,0\n",
         "line 2: dst: expected the id of a host, got 20 (a switch in net.json)"},
        {HEAD "0,999999,11,1500,0\n", "line 2: src: expected the id of a host, got 999999"},
        {HEAD "0,-1,11,1500,0\n", "src: expected the id of a host, got '-1'"},
        {HEAD "0,x,11,1500,0\n", "src: expected the id of a host, got 'x'"},
        {HEAD "0,,11,1500,0\n", "src: expected the id of a host, got ''"},
        {HEAD "0,10,10,1500,0\n", "line 2: src and dst: expected two different hosts"},
        {HEAD "0,10,11,none,0\n",
         "line 2: size_b: expected a whole number of bytes up to 1e15, got 'none'"},
        {HEAD "\"0\",\"10\",11,1500,0\n1,\"10,11,1500,0\n", "line 3: expected a closing quotation"},
        {"src,dst,size,start\n10,11,1500,0.5\n", "line 2: start_ns: expected whole ns, or a unit"},
        {"flow;src;dst;size_b\n", "no column start_ns"},
        {"a b c\n", "no column src"},
        {HEAD "0,10,11,-5,0\n", "size_b: "},
        {HEAD "0,10,11,1.5,0\n", "size_b: "},
        {HEAD "0,10,11,nan,0\n", "size_b: "},
        {HEAD "0,10,11,1e300,0\n", "size_b: "},
        {HEAD "0,10,11,0x10,0\n", "size_b: "},
        {HEAD "0,10,11,2e15,0\n", "size_b: "},
        {HEAD "0,10,11,99999999999999999999999,0\n", "size_b: "},
        {HEAD "0,10,11,1500,-1\n", "start_ns: expected a time from 0 to 9e18 ns, got '-1'"},
        {HEAD "0,10,11,1500,9000000000000000001\n", "start_ns: "},
        {HEAD "0,10,11,1500,inf\n", "start_ns: "},
        {HEAD "0,10,11,1500,1e300\n", "start_ns: "},
        {HEAD "z,10,11,1500,0\n", "flow: expected a whole number, got 'z'"},
        {"src,dst,size_b,start_ns,fct_ns\n10,11,1,0,-3\n",
         "fct_ns: expected a positive time in ns or nothing, got '-3'"},
        {"src,dst,size_b,start_ns,fct_ns\n10,11,1,0,late\n",
         "fct_ns: expected a time in ns or nothing, got 'late'"},
        {"0,10,11,1500,0\n", "line 1: expected a CSV header"},
        {"2\n0 10 11 3 100 1500 0.5\n", "expected 2 flows (line 1), got 1"},
        {"1\n0 10 11 3 100 1500\n",
         "expected columns 'src dst pg dport size start' or 'src dst pg packets start end'"},
        {"2\n0 10 11 3 100 1500 0.5\n1 10 11 3 100 1500\n", "line 3: expected 7 columns, got 6"},
        {"1\n10 11 3 1500\n", "4 columns, and no flow file is known with so many"},
        {"1\n10 11 3 2 5.5 6\n", "with sizes in packets: expected sizes in bytes"},
        {"1\n10 11 10 11 3 4 5\n", "expected columns 'id src dst pg dport size start' or 'src dst"},
        {"1\n10 11 3 5 7 9\n",
         "may be 'src dst pg dport size start' or 'src dst pg packets start end'"},
        {"2\n0 10 99 3 100 1500 0.5\n1 10 11 3 100 1500 0.5\n",
         "line 2: dst: expected the id of a host, got 99"},
        {"1\n0 10 11 3 100 1500 1e10\n",
         "line 2: start: expected a time from 0 to 9e9 s, got '1e10'"},
        {"1\n0 10 11 3 100 1500 20000000000\n", "line 2: start: "},
        {"1\n", "expected at least one flow"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const Topo *both[] = {&dense, &sparse};
        for (int k = 0; k < 2; k++) {
            Flows f;
            Err err = {0};
            assert_int_equal(load_text(&f, bad[i].text, strlen(bad[i].text), both[k], &err), -1);
            if (err.kind != ERR_INPUT || !strstr(err.msg, bad[i].message) ||
                !strstr(err.msg, "/tmp/m3-test-flows"))
                fail_msg("case %zu: expected \"%s\", got \"%s\"", i, bad[i].message, err.msg);
        }
    }
    Flows f;
    Err err = {0};
    assert_int_equal(flows_load(&f, "/nonexistent/flows.csv", &dense, NULL, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
}

/* Whatever is cut away, the reader neither crashes nor invents: it refuses, or has a prefix of the
 * flows. */
static void cut_files_give_a_prefix_or_an_error(void **state) {
    (void)state;
    const char text[] = HEAD "0,10,11,1500,0\n1,11,12,2500,77\n2,12,10,3500,99\n";
    for (size_t len = 0; len < sizeof text; len++) {
        Flows f;
        Err err = {0};
        if (load_text(&f, text, len, &dense, &err) != 0) {
            assert_int_equal(err.kind, ERR_INPUT);
            continue;
        }
        assert_true(f.n >= 1 && f.n <= 3);
        assert_int_equal(f.size_b[0], 1500);
        flows_free(&f);
    }
}

/* Two flows, 10 to 11 of 70,000 bytes at 1.5 s and 12 to 10 of 900 bytes at 1.500003 s, in every
 * form that is known. */
static void every_known_form_is_read(void **state) {
    (void)state;
    static const char *const forms[] = {
        "2\n10 11 3 4001 70000 1.5\n12 10 3 4003 900 1.500003\n",
        "2\n10 11 3 70000 1.5\n12 10 3 900 1.500003\n\nFirst line: flows\n",
        "2\n0 10 11 3 100 70000 1.5\n1 12 10 3 100 900 1.500003\n",
        "2\n10 11 3 100 70000 1.5 9\n12 10 3 100 900 1.500003 9.5\n",
        "1\n10 11 3 100 70000 1.5 9\n12 10 3 100 900 1.500003 9.5\n",
        "\xEF\xBB\xBF\"flow\",\"src\",\"dst\",\"size_b\",\"start_ns\"\n\"0\",\"10\",\"11\","
        "\"70000\","
        "\"1500000000\"\n1,12,10,900,1500003000\n",
        "Src\tDst\tSize_B\tStart_ns\tfct_ns\r\n10\t11\t70000\t1500000000\t\r\n12\t10\t900\t"
        "1500003000\t5\r\n",
        "# made by x\n\nsource;destination;bytes;start_us;name\n10;11;70000;1500000;\"a;b\"\n# "
        "more\n"
        "12;10;900;1500003;c\n",
        "id,src,dst,size,start\n0,10,11,7e4,1500000000\n1,12,10,900,1500003000\n",
        "dst flow_size (KB) start [s] src\n",
        "10 -> 11\n",
        "to,flow-size (B),start [s],from\n11,70000,1.5,10\n10,900,1.500003,12\n",
        "Nodes 3\nConnections 2\n0->1 start 1500000000000 size 70000\n2->0 id 2 start "
        "1500003000000 "
        "size 900\n",
        "0a000001 0b000001 1 2 3 4 5 6\n",
        "0b000a01 0b000b01 10000 100 70000 1500000000 2600 2500\n0b000c01 0b000a01 10000 100 900 "
        "1500003000 2600 2500\n",
        "2\n10 11 3 70 1.5 3\n12 10 3 9 1.500003 4\n\nsrc dst priority packet# start end\n",
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const Topo *both[] = {&dense, &sparse};
        for (int k = 0; k < 2; k++) {
            Flows f;
            Err err = {0};
            bool bad = i == 9 || i == 10 || i == 13, one = i == 4, packets = i == 15;
            int rc = load_text(&f, forms[i], strlen(forms[i]), both[k], &err);
            if (bad != (rc != 0)) fail_msg("form %zu: %s", i, rc != 0 ? err.msg : "accepted");
            if (rc != 0) continue;
            assert_int_equal(f.n, one ? 1 : 2);
            assert_true(f.src[0] == 0 && f.dst[0] == 1 && f.size_b[0] == 70000 &&
                        f.start_ns[0] == 1500000000);
            if (!one)
                assert_true(f.src[1] == 2 && f.dst[1] == 0 && f.start_ns[1] == 1500003000 &&
                            f.size_b[1] == (packets ? 9000 : 900));
            flows_free(&f);
        }
    }
}

/* --flow-columns goes before what a file looks like, with and without a count. */
static void columns_may_be_given(void **state) {
    (void)state;
    static const char *const texts[] = {"1\n10 11 3 5 7 9\n", "10,11,3,5,7,9\n", "10 11 3 5 7 9"};
    FlowColumns c;
    Err err = {0};
    if (flowcolumns_parse(&c, "src,dst,pg,dport,size_kb,start_us", &err) != 0)
        fail_msg("%s", err.msg);
    for (int i = 0; i < 3; i++) {
        Flows f;
        char path[64];
        FILE *out = fopen(scratch(path), "wb");
        fputs(texts[i], out);
        fclose(out);
        if (flows_load(&f, path, &dense, &c, NULL, &err) != 0) fail_msg("%s", err.msg);
        unlink(path);
        assert_true(f.n == 1 && f.size_b[0] == 7000 && f.start_ns[0] == 9000);
        flows_free(&f);
    }
    static const char *const bad[][2] = {{"", "expected names"},
                                         {"src,,dst", "expected names"},
                                         {"src,dst,size", "expected src, dst, size and start"},
                                         {"src,dst,size,start,src", "column src appears twice"}};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(flowcolumns_parse(&c, bad[i][0], &err), -1);
        if (!strstr(err.msg, bad[i][1])) fail_msg("%s", err.msg);
    }
}

static void empty_flows_have_one_byte(void **state) {
    (void)state;
    Flows f;
    loads(&f, HEAD "0,10,11,0,5\n1,10,11,7,6\n", &dense);
    assert_true(f.n == 2 && f.size_b[0] == 1 && f.size_b[1] == 7);
    flows_free(&f);
}

static void results_need_no_ends(void **state) {
    (void)state;
    static const char *const texts[] = {
        "size_b,fct_ns,ideal_fct_ns\n5000,2600,2500\n90000,,20000\n",
        "time flowsize fct basefct slowdown basertt flowstart priority incast\n2000002600 5000 "
        "2600 "
        "2500 1.04 8000 2000000000 1 0\n2000031100 90000 31000 20000 1.55 8000 2000000100 1 0\n",
        "0b000101 0b000201 10000 100 5000 2000000000 2600 2500\n0b000301 0b000201 10001 100 90000 "
        "2000000100 31000 20000\n",
        "mix_id,flow_id,size,slowdown,sim\n0,0,5000,1.04,ns3\n0,1,90000,1.55,ns3\n"};
    for (int i = 0; i < 4; i++) {
        Flows f;
        Err err = {0};
        char path[64];
        FILE *out = fopen(scratch(path), "wb");
        fputs(texts[i], out);
        fclose(out);
        if (flows_load_results(&f, path, NULL, &err) != 0) fail_msg("%s", err.msg);
        unlink(path);
        assert_int_equal(f.n, 2);
        assert_int_equal(f.size_b[1], 90000);
        assert_true(fabs(f.fct_ns[0] / f.ideal_fct_ns[0] - 1.04) < 1e-12);
        if (i == 0) assert_true(isnan(f.fct_ns[1]));
        else assert_true(fabs(f.fct_ns[1] / f.ideal_fct_ns[1] - 1.55) < 1e-12);
        flows_free(&f);
    }
}

static void positions_of_a_path(void **state) {
    (void)state;
    Flows f;
    Err err = {0};
    loads(
        &f,
        "2\n0 0 4 3 100 289024 1.000000000\n1 1 2 3 100 112352 1.000001330\n\nfirst line: flows\n",
        NULL);
    assert_int_equal(f.src[1], 1);
    assert_int_equal(f.dst[0], 4);
    flows_free(&f);
    static const char *const bad[] = {HEAD "0,0,5,1,0\n", HEAD "0,2,2,1,0\n", HEAD "0,3,1,1,0\n"};
    for (int i = 0; i < 3; i++)
        assert_int_equal(load_text(&f, bad[i], strlen(bad[i]), NULL, &err), -1);
    const char *reference = SHARED "/flowsim/cases/03_h7_web_1000/flows.txt";
    if (!file_exists(reference)) return;
    if (flows_load_positions(&f, reference, 6, NULL, &err) != 0) fail_msg("%s", err.msg);
    assert_int_equal(f.n, 1000);
    flows_free(&f);
}

static void a_failed_write_is_reported(void **state) {
    (void)state;
    Flows f;
    Err err = {0};
    loads(&f, HEAD "0,10,11,1500,0\n", &dense);
    assert_int_equal(flows_save_csv(&f, "/nonexistent/out.csv", &dense, &err), -1);
    assert_int_equal(err.kind, ERR_IO);
    if (file_exists("/dev/full")) {
        err.kind = ERR_NONE;
        assert_int_equal(flows_save_csv(&f, "/dev/full", &dense, &err), -1);
        assert_int_equal(err.kind, ERR_IO);
    }
    flows_free(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_in_any_order),
        cmocka_unit_test(times_are_scaled_exactly),
        cmocka_unit_test(extremes_pass_through_every_format),
        cmocka_unit_test(disorder_is_sorted_stably),
        cmocka_unit_test(disorder_of_a_matrix_is_sorted),
        cmocka_unit_test(written_flows_read_back),
        cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(cut_files_give_a_prefix_or_an_error),
        cmocka_unit_test(every_known_form_is_read),
        cmocka_unit_test(columns_may_be_given),
        cmocka_unit_test(empty_flows_have_one_byte),
        cmocka_unit_test(results_need_no_ends),
        cmocka_unit_test(positions_of_a_path),
        cmocka_unit_test(a_failed_write_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
