/* faults: failed and degraded links.
 *
 *     0-256            all cables between nodes 0 and 256
 *     260              all cables of switch 260
 *     5%of:agg-spine   a share of the cables between two tiers, drawn at random
 *     2of:spine        a number of the switches of a tier
 *
 * A fault selects cables. Failed ones are left out of the list that a new Topo is built from, and
 * with them switches that nothing links to the hosts any more. So everything downstream (routes,
 * loads, simulations) sees a smaller network and needs to know nothing of faults; a Clos is no Clos
 * any more where clos_match looks. Degraded ones get another rate or error rate; several
 * degradations of one cable act in their order.
 *
 * A share is drawn as the first of all its candidates in random order. The order depends on the
 * seed and the words after "of:" alone, so that 10 % hold what 5 % did. */
#include "net/faults.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/units.h"
#include "net/faults_private.h"
#include "net/tiers.h"

const char *const fault_names[] = {[FAULT_FAIL] = "fail",
                                   [FAULT_DEGRADE] = "degrade",
                                   [FAULT_EVENT] = "events",
                                   [FAULT_RESTORE] = "restore"};

/* ---- the list ---- */

/* What one fault says, as far as it can be read without a network. */
typedef struct {
    double share;     /* of what is selected; NAN: all of it, or `count` */
    uint64_t count;   /* UINT64_MAX: all */
    const char *what; /* "0-256", "260", "agg-spine", "spine": up to what_len */
    size_t what_len;
    bool has_rate;
    double rate_bps, factor, loss; /* of degraded cables; factor > 0: of the rate, instead */
} FaultSpec;

static int refuse(const Fault *f, Err *err) {
    return f->kind == FAULT_DEGRADE
               ? err_input(err,
                           "degrade: expected links as for fail, then =RATE or =LOSS, as "
                           "0-256=1Gbps or 5%%of:agg-spine=0.1%%, got '%.60s'",
                           f->text)
               : err_input(err,
                           "%s: expected two linked nodes (0-256), a switch (260), or a share of "
                           "the links between two tiers (5%%of:agg-spine) or of a tier's switches "
                           "(1of:spine), got '%.60s'",
                           fault_names[f->kind], f->text);
}

/* "5%of:" or "2of:" in front of what is selected. */
static int parse_share(FaultSpec *s, Err *err) {
    char text[40];
    const char *of = memmem(s->what, s->what_len, "of:", 3);
    s->share = NAN;
    s->count = UINT64_MAX;
    if (!of) return 0;
    size_t len = (size_t)(of - s->what);
    if (len == 0 || len >= sizeof text) return -1;
    snprintf(text, sizeof text, "%.*s", (int)len, s->what);
    s->what_len -= len + 3;
    s->what = of + 3;
    if (text[len - 1] != '%') return units_parse_count(text, "share", &s->count, err);
    if (units_parse_share(text, "share", &s->share, err) != 0) return -1;
    return s->share >= 0 && s->share <= 1 ? 0 : -1;
}

/* "2x": so many times the rate that there is. */
static bool parse_factor(FaultSpec *s, const char *text, size_t len) {
    char number[40];
    if (len < 2 || len >= sizeof number || text[len - 1] != 'x') return false;
    snprintf(number, sizeof number, "%.*s", (int)len - 1, text);
    return units_parse_number(number, "", &s->factor, NULL) == 0 && s->factor > 0;
}

/* "=1Gbps", "=2x" or "=0.1%". */
static int parse_value(FaultSpec *s, const char *text) {
    s->has_rate = units_parse_share(text, "", &s->loss, NULL) != 0;
    if (!s->has_rate) return s->loss >= 0 && s->loss < 1 ? 0 : -1;
    if (parse_factor(s, text, strlen(text))) return 0;
    return units_parse_rate(text, "", &s->rate_bps, NULL) == 0 &&
                   s->rate_bps >= TOPO_MIN_RATE_BPS && s->rate_bps <= TOPO_MAX_RATE_BPS
               ? 0
               : -1;
}

static int parse(const Fault *f, FaultSpec *s, Err *err) {
    const char *eq = strchr(f->text, '=');
    *s = (FaultSpec){.what = f->text, .what_len = eq ? (size_t)(eq - f->text) : strlen(f->text)};
    bool ok = (eq != NULL) == (f->kind == FAULT_DEGRADE) && parse_share(s, NULL) == 0 &&
              s->what_len > 0 && (!eq || parse_value(s, eq + 1) == 0);
    return ok ? 0 : refuse(f, err);
}

/* "1ms:fail:0-256", "3ms:restore:0-256". */
int faults_split_event(const Fault *event, double *at_ns, Fault *what, Err *err) {
    static const FaultKind kinds[] = {FAULT_FAIL, FAULT_DEGRADE, FAULT_RESTORE};
    char time[40];
    const char *colon = strchr(event->text, ':'), *spec = colon ? strchr(colon + 1, ':') : NULL;
    FaultSpec s;
    *what = (Fault){N_FAULT_KINDS, NULL};
    for (int k = 0; spec && k < 3; k++) {
        const char *name = fault_names[kinds[k]];
        if (strlen(name) == (size_t)(spec - colon) - 1 &&
            strncmp(name, colon + 1, strlen(name)) == 0)
            *what = (Fault){kinds[k], event->text + (spec + 1 - event->text)};
    }
    if (what->text && colon - event->text < (ptrdiff_t)sizeof time) {
        snprintf(time, sizeof time, "%.*s", (int)(colon - event->text), event->text);
        if (units_parse_time(time, "", at_ns, NULL) == 0 && *at_ns >= 0)
            return parse(what, &s, err) == 0 ? 0 : err_wrap(err, "events");
    }
    return err_input(err,
                     "events: expected a time, fail, degrade or restore, and which links, as in "
                     "1ms:fail:0-256 and 3ms:restore:0-256, got '%.60s'",
                     event->text);
}

static int check_form(const Fault *f, Err *err) {
    FaultSpec s;
    Fault what;
    double at_ns;
    return f->kind == FAULT_EVENT ? faults_split_event(f, &at_ns, &what, err) : parse(f, &s, err);
}

static void append(Faults *f, FaultKind kind, const char *text, size_t len) {
    MEM_GROW(f->list, f->cap, f->n + 1);
    f->list[f->n++] = (Fault){kind, mem_printf("%.*s", (int)len, text)};
}

int faults_add(Faults *f, FaultKind kind, const char *text, Err *err) {
    if (strcmp(text, "none") == 0) return 0;
    for (const char *end; text; text = end) {
        size_t len = strcspn(text, "+");
        end = text[len] ? text + len + 1 : NULL;
        append(f, kind, text, len);
        if (check_form(&f->list[f->n - 1], err) != 0) return -1;
    }
    return 0;
}

void faults_add_all(Faults *f, const Faults *from) {
    for (size_t i = 0; from && i < from->n; i++)
        append(f, from->list[i].kind, from->list[i].text, strlen(from->list[i].text));
}

void faults_free(Faults *f) {
    for (size_t i = 0; i < f->n; i++) free(f->list[i].text);
    free(f->list);
    *f = (Faults){0};
}

size_t faults_count(const Faults *f, FaultKind kind) {
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++) n += f->list[i].kind == kind;
    return n;
}

/* ---- what a fault selects ---- */

typedef struct {
    const Topo *t;
    const Fault *fault;
    FaultSpec spec;
    uint32_t *item; /* cables, or switches, in ascending order */
    uint32_t n;
    bool switches; /* items are switches */
    uint64_t seed;
} Selection;

static int parse_id(const char *text, size_t len, uint64_t *id) {
    char number[24];
    if (len == 0 || len >= sizeof number) return -1;
    for (size_t i = 0; i < len; i++)
        if (!isdigit((unsigned char)text[i])) return -1;
    snprintf(number, sizeof number, "%.*s", (int)len, text);
    *id = strtoull(number, NULL, 10);
    return 0;
}

static int find_node(const Selection *s, uint64_t id, uint32_t *node, Err *err) {
    *node = topo_node(s->t, id);
    if (*node != TOPO_NONE) return 0;
    return err_input(err, "%s %s: %s has no node %llu", fault_names[s->fault->kind], s->fault->text,
                     s->t->name, (unsigned long long)id);
}

static int select_between(Selection *s, uint64_t id_a, uint64_t id_b, Err *err) {
    uint32_t a, b;
    if (find_node(s, id_a, &a, err) != 0 || find_node(s, id_b, &b, err) != 0) return -1;
    for (uint32_t k = 0; k < s->t->n_links / 2; k++) {
        const Link *l = &s->t->links[2 * (size_t)k];
        if ((l->from == a && l->to == b) || (l->from == b && l->to == a)) s->item[s->n++] = k;
    }
    if (s->n > 0) return 0;
    return err_input(err, "%s %s: %s has no link between %llu and %llu",
                     fault_names[s->fault->kind], s->fault->text, s->t->name,
                     (unsigned long long)id_a, (unsigned long long)id_b);
}

static int select_switch(Selection *s, uint64_t id, Err *err) {
    uint32_t v;
    if (find_node(s, id, &v, err) != 0) return -1;
    if (s->t->is_host[v])
        return err_input(err, "%s %s: node %llu is a host, expected a switch",
                         fault_names[s->fault->kind], s->fault->text, (unsigned long long)id);
    s->switches = true;
    s->item[s->n++] = v;
    return 0;
}

static void select_tiers(Selection *s, int a, int b) {
    for (uint32_t k = 0; k < s->t->n_links / 2; k++) {
        const Link *l = &s->t->links[2 * (size_t)k];
        int from = s->t->tier[l->from], to = s->t->tier[l->to];
        if ((from == a && to == b) || (from == b && to == a)) s->item[s->n++] = k;
    }
}

static void select_tier(Selection *s, int tier) {
    s->switches = true;
    for (uint32_t v = 0; v < s->t->n_nodes; v++)
        if (s->t->tier[v] == tier) s->item[s->n++] = v;
}

static int select_nothing(const Selection *s, Err *err) {
    char known[120] = "", name[24];
    size_t len = 0;
    const char *const *names = tiers_names(s->t);
    for (int tier = 0; tier <= topo_top_tier(s->t) && len + 32 < sizeof known; tier++) {
        tiers_name(names, tier, name, sizeof name);
        len += (size_t)snprintf(known + len, sizeof known - len, "%s%s", tier ? ", " : "", name);
    }
    return err_input(err, "%s %s: %s has no links between such tiers; its tiers are %s",
                     fault_names[s->fault->kind], s->fault->text, s->t->name, known);
}

/* Cables or switches by tier. */
static int select_by_tier(Selection *s, Err *err) {
    const char *what = s->spec.what, *dash = memchr(what, '-', s->spec.what_len);
    size_t len = dash ? (size_t)(dash - what) : s->spec.what_len;
    int a = tiers_find(s->t, what, len),
        b = dash ? tiers_find(s->t, dash + 1, s->spec.what_len - len - 1) : 0;
    if (a >= 0 && b >= 0 && dash) select_tiers(s, a, b);
    else if (a > 0 && !dash) select_tier(s, a);
    return s->n > 0 ? 0 : select_nothing(s, err);
}

/* Keeps the share of the items that was asked for. */
static int draw(Selection *s, Err *err) {
    uint64_t n = s->spec.count < UINT64_MAX ? s->spec.count : s->n, hash = 0;
    if (!isnan(s->spec.share)) n = (uint64_t)floor(s->spec.share * s->n + 0.5);
    if (n > s->n)
        return err_input(err, "%s %s: there are only %u of these", fault_names[s->fault->kind],
                         s->fault->text, s->n);
    for (size_t i = 0; i < s->spec.what_len; i++) hash = rng_mix(hash ^ (uint8_t)s->spec.what[i]);
    Rng r = rng_stream(s->seed, "faults", hash);
    if (n < s->n) rng_shuffle_u32(&r, s->item, s->n);
    s->n = (uint32_t)n;
    return 0;
}

static int select_items(Selection *s, Err *err) {
    uint64_t a, b;
    if (parse(s->fault, &s->spec, err) != 0) return -1;
    const char *what = s->spec.what, *dash = memchr(what, '-', s->spec.what_len);
    size_t len = dash ? (size_t)(dash - what) : s->spec.what_len;
    int rc;
    if (parse_id(what, len, &a) != 0) rc = select_by_tier(s, err);
    else if (!dash) rc = select_switch(s, a, err);
    else if (parse_id(dash + 1, s->spec.what_len - len - 1, &b) != 0) rc = refuse(s->fault, err);
    else rc = select_between(s, a, b, err);
    return rc == 0 ? draw(s, err) : rc;
}

/* ---- the network that is left ---- */

static TopoCable cable_of(const Topo *t, uint32_t cable) {
    const Link *l = &t->links[2 * (size_t)cable];
    return (TopoCable){t->node_id[l->from], t->node_id[l->to], l->rate_bps, l->delay_ns,
                       t->error_rate ? t->error_rate[2 * (size_t)cable] : 0};
}

static void hit_cable(FaultsBuild *b, const Selection *s, uint32_t cable) {
    if (s->fault->kind == FAULT_FAIL) {
        b->failed[cable] = 1;
        return;
    }
    if (s->fault->kind == FAULT_RESTORE) {
        b->failed[cable] = b->degraded[cable] = 0;
        b->cables[cable] = cable_of(b->t, cable);
        return;
    }
    b->degraded[cable] = 1;
    if (s->spec.factor > 0) b->cables[cable].rate_bps *= s->spec.factor;
    else if (s->spec.has_rate) b->cables[cable].rate_bps = s->spec.rate_bps;
    else b->cables[cable].error_rate = s->spec.loss;
}

int faults_hit(FaultsBuild *b, const Fault *fault, uint64_t seed, Err *err) {
    const Topo *t = b->t;
    uint32_t most = t->n_links / 2 > t->n_nodes ? t->n_links / 2 : t->n_nodes;
    Selection s = {.t = t, .fault = fault, .item = MEM_NEW(uint32_t, most), .seed = seed};
    int rc = select_items(&s, err);
    for (uint32_t i = 0; rc == 0 && i < s.n; i++) {
        if (!s.switches) {
            hit_cable(b, &s, s.item[i]);
            continue;
        }
        for (uint32_t k = t->out_start[s.item[i]]; k < t->out_start[s.item[i] + 1]; k++)
            hit_cable(b, &s, t->out_link[k] / 2);
    }
    free(s.item);
    return rc;
}

/* Gives a node that has no part yet, and all that it is connected with, part p. Hosts don't
 * forward. Returns how many hosts that are. */
static uint32_t fill_part(FaultsBuild *b, uint32_t root, uint32_t p, uint32_t *queue) {
    const Topo *t = b->t;
    uint32_t begin = 0, end = 0, n_hosts = 0;
    b->part[root] = p;
    queue[end++] = root;
    while (begin < end) {
        uint32_t v = queue[begin++];
        n_hosts += t->is_host[v];
        for (uint32_t i = t->out_start[v]; i < t->out_start[v + 1] && !t->is_host[v]; i++) {
            uint32_t to = t->links[t->out_link[i]].to;
            if (b->failed[t->out_link[i] / 2] || b->part[to] != TOPO_NONE) continue;
            b->part[to] = p;
            queue[end++] = to;
        }
    }
    return n_hosts;
}

/* A host with links to several parts is of the one with most hosts, if that is among them. */
uint32_t faults_find_parts(FaultsBuild *b) {
    const Topo *t = b->t;
    uint32_t *queue = MEM_NEW(uint32_t, t->n_nodes), n_parts = 0, best = 0, most = 0;
    memset(b->part, 0xff, t->n_nodes * sizeof *b->part);
    for (int hosts = 0; hosts < 2; hosts++)
        for (uint32_t v = 0; v < t->n_nodes; v++) {
            if (b->part[v] != TOPO_NONE || t->is_host[v] != hosts) continue;
            uint32_t n_hosts = fill_part(b, v, n_parts, queue);
            if (n_hosts > most) most = n_hosts, best = n_parts;
            n_parts++;
        }
    for (uint32_t l = 0; l < t->n_links; l++)
        if (!b->failed[l / 2] && b->part[t->links[l].from] == best && t->is_host[t->links[l].to])
            b->part[t->links[l].to] = best;
    free(queue);
    return best;
}

bool faults_keep(const FaultsBuild *b, uint32_t part, uint32_t cable) {
    const Link *l = &b->t->links[2 * (size_t)cable];
    return !b->failed[cable] && b->part[l->from] == part && b->part[l->to] == part;
}

static int check_cut_off(const FaultsBuild *b, uint32_t rest, Err *err) {
    enum { MOST = 8 }; /* hosts that are named */
    const Topo *t = b->t;
    char names[MOST * 22 + 8] = "";
    size_t len = 0;
    uint32_t n = 0;
    for (uint32_t h = 0; h < t->n_hosts; h++) {
        if (b->part[t->host_node[h]] == rest) continue;
        if (n < MOST)
            len += (size_t)snprintf(names + len, sizeof names - len, "%s%llu", n ? ", " : "",
                                    (unsigned long long)t->node_id[t->host_node[h]]);
        n++;
    }
    if (n == 0) return 0;
    return err_input(err, "%s: faults cut off %u of %u hosts from the others: %s%s", t->name, n,
                     t->n_hosts, names, n > MOST ? ", …" : "");
}

int faults_build(const FaultsBuild *b, uint32_t rest, Topo *out, FaultsInfo *info, Err *err) {
    const Topo *t = b->t;
    TopoDraft d = {0};
    for (uint32_t v = 0; v < t->n_nodes; v++) {
        if (b->part[v] == rest) {
            uint32_t host = t->node_host[v];
            topo_draft_node(&d, t->node_id[v], t->is_host[v],
                            host == TOPO_NONE ? TOPO_NONE : t->rack_pod[t->host_rack[host]]);
        } else if (info->n_switches++ == 0) {
            info->first_switch = t->node_id[v];
        }
    }
    for (uint32_t k = 0; k < t->n_links / 2; k++) {
        info->n_failed += b->failed[k];
        info->n_degraded += b->degraded[k] && !b->failed[k];
        if (faults_keep(b, rest, k)) topo_draft_cable(&d, b->cables[k]);
    }
    return topo_draft_finish(out, &d, t->name, err);
}

void faults_build_init(FaultsBuild *b, const Topo *t) {
    uint32_t n = t->n_links / 2;
    *b = (FaultsBuild){.t = t,
                       .cables = MEM_NEW(TopoCable, n),
                       .failed = MEM_ZNEW(uint8_t, n),
                       .degraded = MEM_ZNEW(uint8_t, n),
                       .part = MEM_NEW(uint32_t, t->n_nodes)};
    for (uint32_t k = 0; k < n; k++) b->cables[k] = cable_of(t, k);
}

void faults_build_free(FaultsBuild *b) {
    free(b->cables);
    free(b->failed);
    free(b->degraded);
    free(b->part);
}

int faults_apply(Topo *out, const Topo *t, const Faults *f, uint64_t seed, FaultsInfo *info,
                 Err *err) {
    FaultsBuild b;
    int rc = 0;
    *info = (FaultsInfo){0};
    faults_build_init(&b, t);
    for (size_t i = 0; i < f->n && rc == 0; i++)
        if (f->list[i].kind != FAULT_EVENT) rc = faults_hit(&b, &f->list[i], seed, err);
    uint32_t rest = rc == 0 ? faults_find_parts(&b) : 0;
    if (rc == 0) rc = check_cut_off(&b, rest, err);
    if (rc == 0) rc = faults_build(&b, rest, out, info, err);
    faults_build_free(&b);
    return rc;
}

void faults_remark(const FaultsInfo *info, const Topo *t, const Log *log) {
    char lost[80] = "";
    if (info->n_switches > 0)
        snprintf(lost, sizeof lost, ", %s %s lost (%llu%s)", units_count(info->n_switches).s,
                 info->n_switches == 1 ? "switch is" : "switches are",
                 (unsigned long long)info->first_switch, info->n_switches > 1 ? ", …" : "");
    log_note(log, "faults: %s of %s links failed, %s degraded%s", units_count(info->n_failed).s,
             units_count(t->n_links / 2).s, units_count(info->n_degraded).s, lost);
}
