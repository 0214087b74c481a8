/* The network's settings: everything that the rows promise holds, for every row: defaults, limits,
 * text and JSON both ways, published keys; and spec/README.md says of them what they are. */
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
#include "scenario/published.h"

static bool is_quantity(const NetConfRow *r) {
    return r->type != NETCONF_CC && r->type != NETCONF_SWITCH;
}

static void every_key_has_a_row_and_its_default(void **state) {
    (void)state;
    NetConf conf;
    Err err;
    int n = 0;
    netconf_default(&conf);
    assert_int_equal(netconf_check(&conf, &err), 0);
    for (const NetConfRow *r = netconf_rows; r->key; r++, n++) {
        NetConf other = conf;
        assert_string_equal(netconf_keys[n], r->key);
        assert_ptr_equal(netconf_row(r->key), r);
        assert_int_equal(netconf_set(&other, r->key, r->initial, &err), 0);
        assert_memory_equal(&other, &conf, sizeof conf);
    }
    assert_null(netconf_keys[n]);
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
            assert_int_equal(netconf_set(&conf, r->key, json_number_text(inside[k]).s, &err), 0);
            assert_true(netconf_number(&conf, r) == inside[k]);
            assert_int_equal(netconf_set(&conf, r->key, json_number_text(outside[k]).s, &err), -1);
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

static void text_and_json_read_back_to_the_bit(void **state) {
    (void)state;
    NetConf conf, back;
    Err err;
    netconf_default(&conf);
    conf.pfc = false;
    for (const NetConfRow *r = netconf_rows; r->key; r++)
        if (is_quantity(r)) netconf_put_number(&conf, r, nextafter(netconf_number(&conf, r), 0));
    for (int cc = 0; cc < CC_N; cc++) {
        conf.cc = (Cc)cc;
        netconf_default(&back);
        for (const NetConfRow *r = netconf_rows; r->key; r++)
            assert_int_equal(netconf_set(&back, r->key, netconf_text(&conf, r->key).s, &err), 0);
        assert_memory_equal(&back, &conf, sizeof conf);
        char *text = NULL;
        size_t len;
        FILE *f = open_memstream(&text, &len);
        JsonOut out;
        json_out_init(&out, f);
        json_out_object(&out);
        netconf_put_texts(&out, &conf);
        json_out_end(&out, '}');
        fclose(f);
        JsonDoc *doc = json_parse(text, len, "texts", &err);
        assert_non_null(doc);
        Json root = json_root(doc), net;
        assert_true(json_find(&root, "network", &net));
        memset(&back, 0, sizeof back);
        assert_int_equal(netconf_read_texts(&back, &net, &err), 0);
        assert_true(netconf_same(&back, &conf));
        json_close(doc);
        free(text);
    }
}

/* What has no effect under a control does not tell two networks apart; everything else does. */
static void sameness_is_what_has_an_effect(void **state) {
    (void)state;
    for (int cc = 0; cc < CC_N; cc++)
        for (const NetConfRow *r = netconf_rows; r->key; r++) {
            NetConf a, b;
            netconf_default(&a);
            a.cc = (Cc)cc;
            b = a;
            if (is_quantity(r)) netconf_put_number(&b, r, netconf_number(&b, r) / 2);
            else if (r->type == NETCONF_SWITCH) b.pfc = !b.pfc;
            else continue;
            assert_int_equal(netconf_same(&a, &b), !netconf_applies(r->key, (Cc)cc));
        }
}

static void published_keys_keep_their_units(void **state) {
    (void)state;
    static const struct {
        Cc cc;
        const char *key, *text, *ours;
        double x;
    } known[] = {{CC_DCTCP, "bfsz", "20", "buffer", 204800},
                 {CC_DCTCP, "param_1", "12", "dctcp_k", 12e3},
                 {CC_DCQCN, "param_1", "30", "dcqcn_kmin", 30e3},
                 {CC_DCQCN, "param_2", "80", "dcqcn_kmax", 80e3},
                 {CC_HPCC, "param_1", "95", "hpcc_eta", 95 * 0.01},
                 {CC_HPCC, "param_2", "60", "hpcc_ai", 600e6},
                 {CC_TIMELY, "param_1", "45", "timely_tlow", 45e3},
                 {CC_TIMELY, "param_2", "110", "timely_thigh", 110e3}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        NetConf conf;
        Err err;
        netconf_default(&conf);
        conf.cc = known[i].cc;
        assert_int_equal(published_set(&conf, known[i].key, known[i].text, &err), 0);
        assert_true(netconf_number(&conf, netconf_row(known[i].ours)) == known[i].x);
        assert_true(fabs(netconf_published_number(&conf, known[i].key) - atof(known[i].text)) <
                    1e-9);
    }
    assert_false(published_applies("param_2", CC_DCTCP));
    assert_false(published_applies("param_1", CC_NONE));
    assert_true(published_applies("bfsz", CC_NONE));
}

/* The row of spec/README.md, as it has to stand there. */
static char *documented(const NetConfRow *r) {
    char *names = mem_strdup(r->type == NETCONF_CC ? netconf_cc_list(CC_N).s : netconf_limits(r).s),
         *line = mem_printf("| `%s` | %s | %s | %s |\n", r->key, r->help, r->initial, names);
    free(names);
    return line;
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
        cmocka_unit_test(limits_are_taken_and_what_is_beyond_refused),
        cmocka_unit_test(text_and_json_read_back_to_the_bit),
        cmocka_unit_test(sameness_is_what_has_an_effect),
        cmocka_unit_test(published_keys_keep_their_units),
        cmocka_unit_test(the_documented_table_is_made_of_the_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
