/* sim_trace: one line per packet event, to follow a congestion control by eye.
 *
 * Columns: time; event; the two ends of the link (the one that the packet is sent over; of a
 * receive or drop, the one that it came by); type; flow; first payload byte (of an ACK or NACK, the
 * next byte expected); bytes on the wire; whether ECN-marked; bytes in the port's data queue. */
#include "cli/sim_trace.h"

#include "base/json.h"
#include "base/units.h"
#include "cli/link_arg.h"

static uint64_t flow_id(const Flows *f, size_t i) { return f->id ? f->id[i] : i; }

static int find_flow(SimTrace *t, const char *text, Err *err) {
    uint64_t id;
    if (units_parse_count(text, "--trace-flow", &id, err) != 0) return -1;
    for (size_t i = 0; i < t->flows->n; i++) {
        if (flow_id(t->flows, i) != id) continue;
        t->flow = i;
        return 0;
    }
    return err_input(err, "--trace-flow: there is no flow %s", text);
}

int sim_trace_init(SimTrace *t, FILE *f, const Topo *topo, const Flows *flows, const char *flow,
                   const char *port, Err *err) {
    *t = (SimTrace){.f = f,
                    .topo = topo,
                    .flows = flows,
                    .flow = UINT64_MAX,
                    .from = TOPO_NONE,
                    .to = TOPO_NONE};
    if (flow && find_flow(t, flow, err) != 0) return -1;
    if (port && link_arg_find(topo, port, "--trace-port", &t->from, &t->to, err) != 0) return -1;
    fputs("time_ns,event,from,to,type,flow,byte,wire_b,marked,queue_b\n", f);
    return 0;
}

void sim_trace_event(void *trace, const PktTraceEvent *e) {
    static const char *const events[] = {"send", "enqueue", "dequeue", "receive", "drop"};
    static const char *const types[] = {"data",   "ack",    "nack",   "pause",
                                        "resume", "credit", "trimmed"};
    const SimTrace *t = trace;
    const Link *l = &t->topo->links[e->link];
    if (t->flow != UINT64_MAX && e->flow != t->flow) return;
    if (t->from != TOPO_NONE && (l->from != t->from || l->to != t->to)) return;
    fprintf(t->f, "%s,%s,%llu,%llu,%s,", json_number_text(e->time_ns).s, events[e->kind],
            (unsigned long long)t->topo->node_id[l->from],
            (unsigned long long)t->topo->node_id[l->to], types[e->type]);
    if (e->flow != UINT64_MAX)
        fprintf(t->f, "%llu,%llu", (unsigned long long)flow_id(t->flows, e->flow),
                (unsigned long long)e->byte);
    else fputc(',', t->f);
    fprintf(t->f, ",%u,%d,%llu\n", e->wire_b, e->marked, (unsigned long long)e->queue_b);
}
