/* page_estimate: the page of an estimate, from its JSON.
 *
 * Answers stand first, then where they come from, then what was asked and how it was computed.
 * Members that older results lack are left out. */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/units.h"
#include "publish/page_private.h"

static void fact_begin(Page *p, const char *name) {
    fputs("<dt>", p->f);
    html_text(p->f, name);
    fputs("</dt><dd>", p->f);
}

static void fact(Page *p, const char *name, const char *fmt, ...) DIAG_PRINTF(3, 4);
static void fact(Page *p, const char *name, const char *fmt, ...) {
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fact_begin(p, name);
    html_text(p->f, text);
    fputs("</dd>\n", p->f);
}

/* A text of the JSON, where it is there. */
static int text_fact(Page *p, const Json *j, const char *key, const char *name, Err *err) {
    Json v;
    const char *text;
    if (!page_find(j, key, &v)) return 0;
    if (json_string(&v, &text, err) != 0) return -1;
    fact(p, name, "%s", text);
    return 0;
}

/* ---- what was asked ---- */

static int put_traffic(Page *p, const Json *t, Err *err) {
    double load, sigma, mean_b, offered_bps;
    const char *routing = "";
    if (page_number(t, "max_load", &load, err) != 0 || page_number(t, "sigma", &sigma, err) != 0 ||
        page_number(t, "mean_size_b", &mean_b, err) != 0 ||
        page_number(t, "offered_bps", &offered_bps, err) != 0 ||
        json_need_string(t, "load", &routing, err) != 0)
        return -1;
    fact(p, "Load", "%s on the most loaded link as asked for (%s), %s offered in all",
         page_percent(load).s, routing, units_rate(offered_bps).s);
    if (text_fact(p, t, "matrix", "Rack matrix", err) != 0) return -1;
    if (text_fact(p, t, "sizes", "Flow sizes", err) != 0) return -1;
    fact(p, "Mean size", "%s", units_size(mean_b).s);
    fact(p, "Gaps", sigma == 0 ? "equal" : "log-normal, sigma %g", sigma);
    return 0;
}

static int put_settings(Page *p, const Json *settings, Err *err) {
    Json network, it;
    JsonNumber buffer;
    const char *text;
    if (json_need(settings, "network", &network, err) != 0 ||
        json_expect_object(&network, err) != 0)
        return -1;
    fact_begin(p, "Settings");
    bool first = true;
    for (bool ok = json_first(&network, &it); ok; ok = json_next(&it), first = false) {
        if (json_text(&it, &buffer, &text, err) != 0) return -1;
        html_print(p->f, "%s%s=%s", first ? "" : ", ", it.key, text);
    }
    fputs("</dd>\n", p->f);
    return 0;
}

int page_asked(Page *p, const Json *root, Err *err) {
    Json settings, traffic, network;
    double n_flows, load;
    page_section(p, "What was asked");
    fputs("<dl class=\"facts\">\n", p->f);
    if (text_fact(p, root, "topo", "Topology", err) != 0 ||
        text_fact(p, root, "mix", "Mix", err) != 0 ||
        page_number(root, "n_flows", &n_flows, err) != 0 ||
        page_number(root, "max_link_load", &load, err) != 0)
        return -1;
    if (n_flows >= 0 && n_flows < 1e18) fact(p, "Flows", "%s", units_count((uint64_t)n_flows).s);
    bool has_settings = !p->is_sweep && page_find(root, "settings", &settings);
    if (has_settings && page_find(&settings, "traffic", &traffic) &&
        put_traffic(p, &traffic, err) != 0)
        return -1;
    if (!isnan(load))
        fact(p, "Busiest link", "%s, headers included, over the whole run", page_percent(load).s);
    if (has_settings && put_settings(p, &settings, err) != 0) return -1;
    fputs("</dl>\n", p->f);
    if (page_find(root, "network", &network)) return page_network(p, &network, err);
    page_paragraph(p, "The loads of its links are not in this result.");
    return 0;
}

/* ---- how it was computed ---- */

static int put_check(Page *p, const Json *check, Err *err) {
    double windows, flows, hops, run_hops;
    Json whole;
    if (page_number(check, "windows", &windows, err) != 0 ||
        page_number(check, "flows", &flows, err) != 0 ||
        page_number(check, "packet_hops", &hops, err) != 0 ||
        page_number(check, "run_packet_hops", &run_hops, err) != 0)
        return -1;
    bool all = false;
    if (page_find(check, "whole", &whole) && json_bool(&whole, &all, err) != 0) return -1;
    if (all) fact(p, "Checked", "the whole run was simulated packet by packet");
    else
        fact(p, "Checked",
             "%.0f windows with %.0f flows were simulated packet by packet, %.2g %% "
             "of the run’s packet-hops, and correct the estimate",
             windows, flows, 100 * hops / run_hops);
    return 0;
}

static int put_interval(Page *p, const Json *interval, Err *err) {
    Json covers, it;
    const char *text;
    if (json_need_array(interval, "covers", &covers, err) != 0) return -1;
    if (json_len(&covers) == 0) return 0;
    fact_begin(p, "Intervals");
    fputs("95 %, from the error of ", p->f);
    bool first = true;
    for (bool ok = json_first(&covers, &it); ok; ok = json_next(&it), first = false) {
        if (json_string(&it, &text, err) != 0) return -1;
        html_print(p->f, "%s%s", first ? "" : " and ",
                   strcmp(text, "sampling") == 0 ? "drawing paths" : text);
    }
    fputs("</dd>\n", p->f);
    return 0;
}

static int put_computed(Page *p, const Json *root, Err *err) {
    Json paths, check, interval, wall, ckpt;
    double drawn, unique, total_s;
    page_section(p, "How it was computed");
    fputs("<dl class=\"facts\">\n", p->f);
    if (text_fact(p, root, "method", "Method", err) != 0) return -1;
    if (page_find(root, "checkpoint", &ckpt) &&
        (text_fact(p, &ckpt, "name", "Checkpoint", err) != 0 ||
         text_fact(p, &ckpt, "sha256", "SHA-256", err) != 0))
        return -1;
    if (page_find(root, "n_paths", &paths)) {
        if (page_number(&paths, "drawn", &drawn, err) != 0 ||
            page_number(&paths, "unique", &unique, err) != 0)
            return -1;
        if (unique > 0) fact(p, "Paths", "%.0f drawn, %.0f of them different", drawn, unique);
    }
    if (page_find(root, "check", &check) && put_check(p, &check, err) != 0) return -1;
    if (page_find(root, "interval", &interval) && put_interval(p, &interval, err) != 0) return -1;
    if (page_find(root, "wall_s", &wall)) {
        if (page_number(&wall, "total", &total_s, err) != 0) return -1;
        fact(p, "Time", "%.3g s", total_s);
    }
    if (text_fact(p, root, "version", "Version", err) != 0) return -1;
    fputs("</dl>\n", p->f);
    return 0;
}

/* ---- the rest ---- */

int page_remarks(Page *p, const Json *root, Err *err) {
    Json remarks, it;
    const char *text;
    if (!page_find(root, "remarks", &remarks)) return 0;
    if (json_expect_array(&remarks, err) != 0) return -1;
    if (json_len(&remarks) == 0) return 0;
    page_section(p, "Remarks");
    fputs("<ul class=\"remarks\">\n", p->f);
    for (bool ok = json_first(&remarks, &it); ok; ok = json_next(&it)) {
        if (json_string(&it, &text, err) != 0) return -1;
        fputs("<li>", p->f);
        html_text(p->f, text);
        fputs("</li>\n", p->f);
    }
    fputs("</ul>\n", p->f);
    return 0;
}

int page_command(Page *p, const Json *root, Err *err) {
    Json command;
    const char *text;
    if (!page_find(root, "command", &command)) return 0;
    if (json_string(&command, &text, err) != 0) return -1;
    page_section(p, "The command that repeats it");
    fputs("<pre><code>", p->f);
    html_text(p->f, text);
    fputs("</code></pre>\n", p->f);
    return 0;
}

int page_estimate(Page *p, const Json *root, Err *err) {
    ReportResult r;
    if (report_read_json(&r, root, err) != 0) return -1;
    if (page_slowdowns(p, &r.slowdown, err) != 0 || page_remarks(p, root, err) != 0 ||
        page_origin(p, root, err) != 0 || page_asked(p, root, err) != 0 ||
        put_computed(p, root, err) != 0)
        return -1;
    return page_command(p, root, err);
}
