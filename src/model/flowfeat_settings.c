/* flowfeat_settings: what of a FlowFeat depends on the network's settings.
 *
 * The fluid simulation knows links and flows only. Settings come in afterwards, by formula,
 * so that another setting costs some 100 ns a flow:
 *   - how much of a backlog waits: at most a window per flow, less what is in flight;
 *   - how fast a flow larger than its window can be, alone: its first window leaves at line rate,
 * then it has one a round trip; that or the fluid slowdown, whichever is more, is what the model
 * starts from;
 *   - where a queue makes senders slow down (marking threshold, delay), and how it compares with
 * the buffer. */
#include <math.h>
#include <string.h>

#include "model/flowfeat_private.h"
#include "net/wire.h"

/* Bytes on the wire of a full packet. */
static double packet_b(Cc cc) { return WIRE_PAYLOAD_B + wire_header_b(cc); }

double flowfeat_queue_bits(const Backlog *b, double window_bits, double rtt_ns) {
    return fmin((double)b->bits, fmax((double)b->n * window_bits - (double)b->rate * rtt_ns, 0));
}

/* Backlog at which the congestion control certainly reacts: the marking threshold, or what delays a
 * round trip to Thigh; 0 for HPCC, which aims at none. */
static double marking_bits(const NetConf *conf, double rate_bps, double rtt_ns) {
    switch (conf->cc) {
    case CC_DCTCP: return 8 * wire_threshold_b(conf->dctcp_k_b, WIRE_DCTCP_REF_BPS, rate_bps);
    case CC_DCQCN: return 8 * wire_threshold_b(conf->dcqcn_kmax_b, WIRE_DCQCN_REF_BPS, rate_bps);
    case CC_TIMELY: return fmax(conf->timely_thigh_ns - rtt_ns, 0) * rate_bps * 1e-9;
    default: return 0;
    }
}

/* ---- flows ---- */

typedef struct {
    FlowFeat *m;
    const NetConf *conf;
    double window_bits; /* payload */
    double packet_rtt_ns,
        share; /* round trip of a packet and its ACK; 48-byte headers over this control's own */
    double window_wire_bits;
} FlowFeatSettings;

static FlowFeatSettings settings_of(FlowFeat *m, const NetConf *conf) {
    double packet = packet_b(conf->cc), packet_rtt_ns = m->scale.delays_ns;
    for (uint32_t l = 0; l < m->n_links; l++)
        packet_rtt_ns += 8 * (packet + wire_ack_b(conf->cc)) / m->rate[l];
    return (FlowFeatSettings){.m = m,
                              .conf = conf,
                              .window_bits = 8 * conf->line_window_b,
                              .packet_rtt_ns = packet_rtt_ns,
                              .share = packet / WIRE_FULL_B,
                              .window_wire_bits =
                                  8 * ceil(conf->line_window_b / WIRE_PAYLOAD_B) * packet};
}

/* Slowdown of a flow alone in the network but for its window. */
static double window_slowdown(const FlowFeatSettings *s, const LotIdeal *own) {
    double window_ns = s->window_wire_bits / own->rate;
    if (own->size_b <= s->conf->line_window_b || window_ns >= s->packet_rtt_ns) return 1;
    double fct_ns = own->bits * s->share / s->window_wire_bits * s->packet_rtt_ns -
                    (s->packet_rtt_ns - window_ns);
    return fmax((fct_ns + own->latency_ns) / own->fct_ns, 1);
}

/* Queues of a link, in ns. */
typedef struct {
    double before_feedback, after_feedback, marked;
} QueueWait;

static QueueWait wait_at(const FlowFeatSettings *s, const LinkState *state, uint32_t link) {
    double rate = s->m->rate[link], rtt_ns = s->m->scale.rtt_ns,
           limit = marking_bits(s->conf, rate * 1e9, rtt_ns);
    double before = flowfeat_queue_bits(&state->before_feedback, s->window_bits, rtt_ns),
           after = flowfeat_queue_bits(&state->after_feedback, s->window_bits, rtt_ns);
    return (QueueWait){before / rate, after / rate, (before + fmin(after, limit)) / rate};
}

/* The first link's queue is the host's own and serves its flows round-robin: it does not count. */
static void set_queues(const FlowFeatSettings *s, const LinkState *state, const LotIdeal *own,
                       float *out) {
    double in_flight = 0, queue_per_buffer = 0, rtt_ns = s->m->scale.rtt_ns;
    QueueWait sum = {0, 0, 0}, last = {0, 0, 0};
    for (uint32_t l = 0; l < s->m->n_links; l++) {
        double rate = s->m->rate[l];
        in_flight = fmax(in_flight, fmin((double)state[l].left_bits,
                                         (double)state[l].n_active * s->window_bits) /
                                        (rate * rtt_ns));
        if (l == 0) continue;
        last = wait_at(s, &state[l], l);
        sum = (QueueWait){sum.before_feedback + last.before_feedback,
                          sum.after_feedback + last.after_feedback, sum.marked + last.marked};
        queue_per_buffer = fmax(queue_per_buffer, (last.before_feedback + last.after_feedback) *
                                                      rate / (8 * s->conf->buffer_b));
    }
    out[BEFORE_FB_SUM] = flowfeat_ln1p(sum.before_feedback / rtt_ns, 1);
    out[BEFORE_FB_LAST] = flowfeat_ln1p(last.before_feedback / rtt_ns, 1);
    out[AFTER_FB_SUM] = flowfeat_ln1p(sum.after_feedback / rtt_ns, 1);
    out[AFTER_FB_LAST] = flowfeat_ln1p(last.after_feedback / rtt_ns, 1);
    out[BEFORE_FB_WAIT] = flowfeat_ln1p(sum.before_feedback / own->fct_ns, 1);
    out[AFTER_FB_WAIT] = flowfeat_ln1p(sum.after_feedback / own->fct_ns, 1);
    out[MARKED_WAIT] = flowfeat_ln1p(sum.marked / own->fct_ns, 1);
    out[MARKED_LAST] = flowfeat_ln1p(last.marked / rtt_ns, 1);
    out[IN_FLIGHT] = flowfeat_ln1p(in_flight, 2);
    out[QUEUE_PER_BUFFER] = flowfeat_ln1p(queue_per_buffer, 1);
}

static void set_flow(const FlowFeatSettings *s, uint32_t i) {
    FlowFeat *m = s->m;
    const LotIdeal *own = &m->ideal[i];
    float *out = m->flow + (size_t)i * FLOWFEAT_N_FLOW;
    double slowdown = window_slowdown(s, own);
    set_queues(s, m->state + (size_t)i * m->n_links, own, out);
    out[SIZE_WINDOW] = flowfeat_ln(own->size_b * 8 / s->window_bits, 4);
    out[WINDOW_SLOWDOWN] = flowfeat_ln(slowdown, 2);
    m->base[i] = fmaxf(m->fluid[i], (float)slowdown);
}

/* ---- the path ---- */

/* What the flows active on the fullest link may have in flight, over a switch's buffer: with the
 * median (k = 0) or the 99th percentile over time (k = 1) of their number. */
static double windows_per_buffer(const FlowFeatScale *s, const NetConf *conf, int k) {
    return s->active[k] * conf->line_window_b / conf->buffer_b;
}

static void set_path(const NetConf *conf, const FlowFeatScale *s, float *out) {
    double bdp_b = s->bdp_bits / 8, b_bps = s->b * 1e9;
    for (int cc = 0; cc < MODELINPUT_N_CC; cc++) out[P_CC + cc] = cc == (int)conf->cc ? 1 : 0;
    for (int k = P_DCTCP_K; k <= P_TIMELY_THIGH; k++) out[k] = 0; /* those of the other controls */
    out[P_PFC] = conf->pfc;
    out[P_WINDOW] = flowfeat_ln(conf->line_window_b / bdp_b, 1);
    out[P_BUFFER] = flowfeat_ln(conf->buffer_b / bdp_b, 2);
    switch (conf->cc) {
    case CC_DCTCP:
        out[P_DCTCP_K] =
            flowfeat_ln1p(wire_threshold_b(conf->dctcp_k_b, WIRE_DCTCP_REF_BPS, b_bps) / bdp_b, 1);
        break;
    case CC_DCQCN:
        out[P_DCQCN_KMIN] = flowfeat_ln1p(
            wire_threshold_b(conf->dcqcn_kmin_b, WIRE_DCQCN_REF_BPS, b_bps) / bdp_b, 1);
        out[P_DCQCN_KMAX] = flowfeat_ln1p(
            wire_threshold_b(conf->dcqcn_kmax_b, WIRE_DCQCN_REF_BPS, b_bps) / bdp_b, 1);
        break;
    case CC_HPCC:
        out[P_HPCC_ETA] = (float)conf->hpcc_eta;
        out[P_HPCC_AI] = (float)(10 * conf->hpcc_ai_bps / b_bps);
        break;
    case CC_TIMELY:
        out[P_TIMELY_TLOW] = flowfeat_ln1p(conf->timely_tlow_ns / s->rtt_ns, 2);
        out[P_TIMELY_THIGH] = flowfeat_ln1p(conf->timely_thigh_ns / s->rtt_ns, 2);
        break;
    default: break; /* a control that models do not know */
    }
    double load = s->load * packet_b(conf->cc) / WIRE_FULL_B;
    out[P_IDLE] = flowfeat_ln(
        fmax(1 - load / (conf->cc == CC_HPCC ? conf->hpcc_eta : 1), FLOWFEAT_LEAST_IDLE), -2);
    for (int k = 0; k < 2; k++)
        out[P_OVERFLOW + k] = flowfeat_ln1p(windows_per_buffer(s, conf, k), 1);
}

double flowfeat_overflow(const FlowFeat *m, const NetConf *conf) {
    return conf->pfc ? 0 : rounded_ln1p(windows_per_buffer(&m->scale, conf, 1), 1);
}

void flowfeat_set_conf(FlowFeat *m, const NetConf *conf) {
    FlowFeatSettings s = settings_of(m, conf);
    set_path(conf, &m->scale, m->path);
    for (uint32_t i = 0; i < m->n_flows; i++) set_flow(&s, i);
}

Cc flowfeat_cc(const float *path) {
    int cc = 0;
    while (cc < MODELINPUT_N_CC - 1 && !(path[P_CC + cc] > 0.5f)) cc++;
    return path[P_CC + cc] > 0.5f ? (Cc)cc : CC_DCTCP;
}
