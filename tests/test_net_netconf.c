/* The network's settings: everything that the rows promise holds, for every row: defaults, limits,
 * text and JSON both ways; and spec/README.md says of them what they are. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "net/netconf.h"

static bool is_quantity(const NetConfRow *r) {
    return r->type != NETCONF_CC && r->type != NETCONF_ROUTING && r->type != NETCONF_FLAG;
}

static void every_key_has_a_row_and_its_default(void **state) {
    (void)state;
    NetConf conf;
    NetConfKeys keys = netconf_keys();
    Err err;
    int n = 0;
    netconf_default(&conf);
    assert_int_equal(netconf_check(&conf, &err), 0);
    for (const NetConfRow *r = netconf_rows; r->key; r++, n++) {
        NetConf other = conf;
        assert_string_equal(keys.key[n], r->key);
        assert_ptr_equal(netconf_row(r->key), r);
        assert_int_equal(netconf_set(&other, r->key, r->standard, &err), 0);
        assert_memory_equal(&other, &conf, sizeof conf);
        assert_true(*r->help && (!r->published || r->published_unit > 0));
        if (r->of == CC_N) continue;
        /* A parameter begins with a name of its control. */
        char name[20];
        Cc cc;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(r->key, "_"), r->key);
        assert_int_equal(netconf_parse_cc(name, &cc, &err), 0);
        assert_int_equal(cc, r->of);
    }
    assert_null(keys.key[n]);
    assert_null(netconf_row("nonsense"));
}

static void settings_are_read_with_units(void **state) {
    (void)state;
    NetConf conf;
    Err err = {0};
    netconf_default(&conf);
    assert_int_equal(netconf_check(&conf, &err), 0);
    static const char *const set[][2] = {
        {"cc", "hpcc"},      {"buffer", "400KiB"}, {"window", "18KB"},   {"pfc", "off"},
        {"dctcp_k", "12KB"}, {"hpcc_eta", "95%"},  {"hpcc_ai", "1Gbps"}, {"timely_tlow", "50us"}};
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        if (netconf_set(&conf, set[i][0], set[i][1], &err) != 0) fail_msg("%s", err.msg);
    assert_int_equal(conf.cc, CC_HPCC);
    assert_true(conf.buffer_b == 409600 && conf.line_window_b == 18000 && !conf.pfc);
    assert_true(conf.dctcp_k_b == 12000 && conf.hpcc_eta == 0.95 && conf.hpcc_ai_bps == 1e9 &&
                conf.timely_tlow_ns == 50000);
}

static void bad_texts_are_refused(void **state) {
    (void)state;
    static const char *const bad[][3] = {{"cc", "cubic", "expected dctcp, dcqcn, hp, "},
                                         {"windw", "1", "did you mean 'window'"},
                                         {"window", "0", "window: must be in"},
                                         {"window", "18", "18 without a unit"},
                                         {"buffer", "400KBps", "buffer: expected a size"},
                                         {"buffer", "400Kb", "b is bits; bytes are B"},
                                         {"hpcc_ai", "500", "500 without a unit"},
                                         {"timely_tlow", "50", "(without a unit)"},
                                         {"window", "-1", "window: "},
                                         {"window", "nan", "window: "},
                                         {"buffer", "1e300", "buffer: "},
                                         {"hpcc_eta", "90", "hpcc_eta: must be in"},
                                         {"hpcc_eta", "%", "hpcc_eta: "},
                                         {"pfc", "maybe", "pfc: expected on or off"}};
    NetConf conf, before;
    Err err = {0};
    netconf_default(&conf);
    netconf_default(&before);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(netconf_set(&conf, bad[i][0], bad[i][1], &err), -1);
        if (!strstr(err.msg, bad[i][2])) fail_msg("%s=%s: %s", bad[i][0], bad[i][1], err.msg);
        assert_int_equal(err.kind, ERR_INPUT);
    }
    assert_true(netconf_same(&conf, &before));
    conf.line_window_b = NAN;
    assert_int_equal(netconf_check(&conf, &err), -1);
    conf = before;
    conf.cc = CC_N;
    assert_int_equal(netconf_check(&conf, &err), -1);
}

/* The limits themselves are taken; the next double beyond is refused, and named. */
static void limits_are_taken_and_what_is_beyond_refused(void **state) {
    (void)state;
    for (const NetConfRow *r = netconf_rows; r->key; r++) {
        if (!is_quantity(r)) continue;
        const double inside[] = {r->lo, r->hi},
                     outside[] = {nextafter(r->lo, -INFINITY), nextafter(r->hi, INFINITY)};
        for (int k = 0; k < 2; k++) {
            NetConf conf;
            Err err = {0};
            netconf_default(&conf);
            assert_int_equal(netconf_set_number(&conf, r->key, inside[k], &err), 0);
            assert_true(netconf_number(&conf, r) == inside[k]);
            assert_int_equal(netconf_set_number(&conf, r->key, outside[k], &err), -1);
            assert_int_equal(err.kind, ERR_INPUT);
            assert_memory_equal(err.msg, r->key, strlen(r->key));
            assert_true(netconf_number(&conf, r) == inside[k]);
            netconf_put_number(&conf, r, outside[k]);
            assert_int_equal(netconf_check(&conf, &err), -1);
            netconf_put_number(&conf, r, NAN);
            assert_int_equal(netconf_check(&conf, &err), -1);
        }
    }
}

/* Names are numbers in files: one that stands for no name is refused, and does no harm. */
static void numbers_without_a_name_are_refused(void **state) {
    (void)state;
    static const char *const keys[] = {"cc", "routing"};
    for (int k = 0; k < 2; k++) {
        const NetConfRow *r = netconf_row(keys[k]);
        const double numbers[] = {-1, r->hi + 1, 1e300, NAN, INFINITY};
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
            NetConf conf;
            Err err = {0};
            netconf_default(&conf);
            netconf_put_number(&conf, r, numbers[i]);
            assert_int_equal(netconf_check(&conf, &err), -1);
            netconf_put_number(&conf, r, r->hi);
            assert_int_equal(netconf_check(&conf, &err), 0);
        }
    }
}

/* The pairs that netconf_check compares: equal is allowed where the message says "at most". */
static void pairs_are_in_order(void **state) {
    (void)state;
    static const struct {
        const char *low, *high, *message;
        bool apart;
    } pairs[] = {
        {"dcqcn_kmin", "dcqcn_kmax", "dcqcn_kmin: must be at most dcqcn_kmax (75 KB)", false},
        {"timely_tlow", "timely_thigh", "timely_tlow: must be at most timely_thigh (125 µs)",
         false},
        {"swift_fs_min_cwnd", "swift_fs_max_cwnd",
         "swift_fs_min_cwnd: must be below swift_fs_max_cwnd (100)", true}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        NetConf conf;
        Err err = {0};
        netconf_default(&conf);
        const NetConfRow *low = netconf_row(pairs[i].low);
        double high = netconf_number(&conf, netconf_row(pairs[i].high));
        netconf_put_number(&conf, low, nextafter(high, 0));
        assert_int_equal(netconf_check(&conf, &err), 0);
        netconf_put_number(&conf, low, high);
        assert_int_equal(netconf_check(&conf, &err), pairs[i].apart ? -1 : 0);
        netconf_put_number(&conf, low, nextafter(high, INFINITY));
        assert_int_equal(netconf_check(&conf, &err), -1);
        if (!strstr(err.msg, pairs[i].message)) fail_msg("%s", err.msg);
    }
}

static void controls_are_read_by_name_and_alias(void **state) {
    (void)state;
    static const struct {
        const char *name;
        Cc cc;
    } aliases[] = {{"HPCC", CC_HPCC},
                   {"Dcqcn_Paper_Vwin", CC_DCQCN},
                   {"timely_vwin", CC_TIMELY},
                   {"None", CC_NONE}};
    Err err = {0};
    Cc cc;
    for (int i = 0; i < CC_N; i++) {
        assert_int_equal(netconf_parse_cc(netconf_cc_name((Cc)i), &cc, &err), 0);
        assert_int_equal(cc, i);
    }
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        assert_int_equal(netconf_parse_cc(aliases[i].name, &cc, &err), 0);
        assert_int_equal(cc, aliases[i].cc);
    }
    assert_string_equal(netconf_cc_list(4).s, "dctcp, dcqcn, hp or timely");
}

/* What `put` writes, as the object "network" of a document. */
static JsonDoc *document(void (*put)(JsonOut *, const NetConf *), const NetConf *conf) {
    char *text = NULL;
    size_t len;
    Err err;
    FILE *f = open_memstream(&text, &len);
    JsonOut out;
    json_out_init(&out, f);
    json_out_object(&out);
    put(&out, conf);
    json_out_end(&out, '}');
    fclose(f);
    JsonDoc *doc = json_parse(text, len, "test", &err);
    assert_non_null(doc);
    free(text);
    return doc;
}

static void text_and_json_read_back_to_the_bit(void **state) {
    (void)state;
    NetConf conf, back;
    Err err;
    netconf_default(&conf);
    conf.pfc = false;
    conf.buffer_b = 901; /* with its unit in JSON */
    for (const NetConfRow *r = netconf_rows; r->key; r++)
        if (is_quantity(r)) netconf_put_number(&conf, r, nextafter(netconf_number(&conf, r), 0));
    for (int cc = 0; cc < CC_N; cc++) {
        conf.cc = (Cc)cc;
        JsonDoc *doc = document(netconf_put_texts, &conf);
        Json root = json_root(doc), net;
        assert_true(json_find(&root, "network", &net));
        memset(&back, 0, sizeof back);
        assert_int_equal(netconf_read_texts(&back, &net, &err), 0);
        assert_memory_equal(&back, &conf, sizeof conf);
        json_close(doc);
        doc = document(netconf_put_json, &conf);
        root = json_root(doc);
        assert_true(json_find(&root, "network", &net));
        netconf_default(&back);
        assert_int_equal(netconf_read_json(&back, &net, &err), 0);
        assert_true(netconf_same(&back, &conf));
        for (const NetConfRow *r = netconf_rows; r->key; r++) {
            Json it;
            assert_int_equal(json_find(&net, r->key, &it),
                             netconf_applies(r->key, &conf) && r->type != NETCONF_ROUTING);
        }
        json_close(doc);
    }
}

static int read_json(NetConf *conf, const char *text, Err *err) {
    JsonDoc *doc = json_parse(text, strlen(text), "test", err);
    if (!doc) return -1;
    Json root = json_root(doc);
    int rc = netconf_read_json(conf, &root, err);
    json_close(doc);
    return rc;
}

static void bad_json_is_refused_by_place(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {"[]", "expected an object"},
        {"{\"windw\": 1}", "did you mean \"window\""},
        {"{\"window\": 0}", "test: .window: must be in [1, 1e+12], got 0"},
        {"{\"window\": []}", ".window: expected a number, got an array"},
        {"{\"window\": true}", ".window: expected a size like 18KB or 400KiB, got 'on'"},
        {"{\"cc\": 1}", ".cc: expected a string, got a number"},
        {"{\"cc\": \"cubic\"}", "test: .cc: expected dctcp, dcqcn, hp, "},
        {"{\"pfc\": 2}", ".pfc: expected on or off, got 2"}};
    NetConf conf;
    Err err = {0};
    netconf_default(&conf);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(read_json(&conf, bad[i][0], &err), -1);
        if (!strstr(err.msg, bad[i][1])) fail_msg("%s: %s", bad[i][0], err.msg);
    }
    assert_int_equal(read_json(&conf,
                               "{\"pfc\": false, \"window\": \"9KB\", \"buffer\": 1e6, "
                               "\"hpcc_eta\": \"80%\", \"cc\": \"hpcc\"}",
                               &err),
                     0);
    assert_true(!conf.pfc && conf.line_window_b == 9000 && conf.buffer_b == 1e6 &&
                conf.hpcc_eta == 0.8 && conf.cc == CC_HPCC);
}

/* What has no effect under a control does not tell two networks apart; everything else does. */
static void sameness_is_what_has_an_effect(void **state) {
    (void)state;
    for (int cc = 0; cc < CC_N; cc++)
        for (const NetConfRow *r = netconf_rows; r->key; r++) {
            NetConf a, b;
            netconf_default(&a);
            a.line_window_b = a.reorder_window_b = 15e3; /* not auto, half of which is auto again */
            a.nscc_target_qdelay_ns = a.nscc_qa_threshold_ns = 10e3;
            a.cc = (Cc)cc;
            b = a;
            if (is_quantity(r)) netconf_put_number(&b, r, netconf_number(&b, r) / 2);
            else if (r->type == NETCONF_FLAG) netconf_put_number(&b, r, netconf_number(&b, r) == 0);
            else continue;
            assert_int_equal(netconf_same(&a, &b), !netconf_applies(r->key, &a));
        }
}

static void help_lists_every_setting(void **state) {
    (void)state;
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    netconf_print_help(f);
    fclose(f);
    for (const NetConfRow *r = netconf_rows; r->key; r++) {
        char *begin = mem_printf("\n%s ", r->key), *line = strstr(text, begin);
        assert_non_null(line);
        size_t len = strcspn(line + 1, "\n") + 1;
        assert_non_null(memmem(line, len, r->standard, strlen(r->standard)));
        assert_non_null(memmem(line, len, r->help, strlen(r->help)));
        assert_non_null(memmem(line, len, netconf_limits(r).s, strlen(netconf_limits(r).s)));
        free(begin);
    }
    free(text);
}

/* The row of spec/README.md, as it has to stand there. */
static char *documented(const NetConfRow *r) {
    return mem_printf("| `%s` | %s | %s | %s |\n", r->key, r->help, r->standard,
                      r->type == NETCONF_CC        ? netconf_cc_list(CC_N).s
                      : r->type == NETCONF_ROUTING ? netconf_routing_list().s
                                                   : netconf_limits(r).s);
}

static void the_documented_table_is_made_of_the_rows(void **state) {
    (void)state;
    FileView v;
    Err err;
    if (file_view(&v, "spec/README.md", &err) != 0) skip();
    char *doc = MEM_NEW(char, v.len + 1);
    memcpy(doc, v.data, v.len);
    doc[v.len] = '\0';
    int missing = 0;
    for (const NetConfRow *r = netconf_rows; r->key; r++) {
        char *line = documented(r);
        if (!strstr(doc, line)) {
            print_message("spec/README.md lacks %s", line);
            missing++;
        }
        free(line);
    }
    assert_int_equal(missing, 0);
    free(doc);
    file_view_close(&v);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_has_a_row_and_its_default),
        cmocka_unit_test(settings_are_read_with_units),
        cmocka_unit_test(bad_texts_are_refused),
        cmocka_unit_test(limits_are_taken_and_what_is_beyond_refused),
        cmocka_unit_test(numbers_without_a_name_are_refused),
        cmocka_unit_test(pairs_are_in_order),
        cmocka_unit_test(controls_are_read_by_name_and_alias),
        cmocka_unit_test(text_and_json_read_back_to_the_bit),
        cmocka_unit_test(bad_json_is_refused_by_place),
        cmocka_unit_test(sameness_is_what_has_an_effect),
        cmocka_unit_test(help_lists_every_setting),
        cmocka_unit_test(the_documented_table_is_made_of_the_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
