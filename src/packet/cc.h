/* cc: congestion controls: one struct of functions each, one file each, one row in cc.c's table.
 *
 * A control sees its own flow's state and the acknowledgement, never the simulator. It sets
 * rate_bps; the host paces with it and sends while the bytes in flight are below window · rate /
 * max_rate. A control that works on the window itself (sets_window) sets window_b instead. */
#ifndef M3_PACKET_CC_H
#define M3_PACKET_CC_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/netconf.h"
#include "net/wire.h"

/* What a control knows of the run. */
typedef struct {
    NetConf conf;
    bool compat;       /* the reference: parameters are whole numbers, and for 10 Gb/s lines */
    double net_rtt_ns; /* the setting `window` at the fastest host's line rate */
} CcConf;

/* One flow's part of a congestion control: rates, which it moves between min_rate_bps and
 * max_rate_bps, and up to 80 bytes of the control's own. */
typedef struct {
    uint64_t rate_bps, max_rate_bps, min_rate_bps;
    uint64_t nic_rate_bps;
    uint64_t
        max_rate_window_b; /* payload bytes in flight at max_rate_bps; in proportion below it */
    double line_scale;     /* max_rate over 10 Gb/s: additive steps grow with it; 1 in compat */
    double base_rtt_ns, min_rtt_ns; /* round trip in the empty network; in compat two constants */
    uint32_t n_links;               /* of the flow's path */
    uint64_t window_b;              /* payload bytes in flight; only with sets_window; 0 only
                                       with credit */
    uint64_t own[10];
} CcFlow;
#define CC_OWN(T, f) ((T *)(void *)(f)->own)
#define CC_CHECK_OWN(T)                                     \
    _Static_assert(sizeof(T) <= sizeof(((CcFlow *)0)->own), \
                   "state of a congestion control is at most 80 bytes")

/* In-band telemetry of one hop, packed as on the wire: 24 bit of ns, 20 bit of bytes sent / 128, 17
 * bit of queue / 80. */
typedef struct {
    uint32_t time_ns, sent_128, queue_80;
} CcHop;
static inline uint64_t cc_hop_pack(uint64_t time_ns, uint64_t sent_b, uint64_t queue_b) {
    return (time_ns & 0xffffff) << 40 | (sent_b / 128 & 0xfffff) << 17 | (queue_b / 80 & 0x1ffff);
}
static inline CcHop cc_hop_unpack(uint64_t v) {
    return (CcHop){(uint32_t)(v >> 40) & 0xffffff, (uint32_t)(v >> 17) & 0xfffff,
                   (uint32_t)v & 0x1ffff};
}

/* An acknowledgement at the sender, which has taken it in already. */
typedef struct {
    uint64_t ack, nxt;     /* bytes: next one the receiver expects; next one to send */
    int64_t now_ps;        /* since the first flow's start; in compat ns */
    double rtt_ns;         /* since the acknowledged packet's transmission began */
    bool marked;           /* a switch marked that packet */
    bool nack;             /* a packet before this one is missing: the sender goes back to `ack` */
    int n_hops;            /* stamps of telemetry */
    const uint64_t *hops;  /* [n_hops] from the first switch on, packed */
    uint64_t *hops_before; /* [n_hops] kept between ACKs for the control */
    const double *hop_rate_bps; /* [n_hops] */
} CcAck;

/* Timers that a control asks for, in order; arming a running timer restarts it. */
enum { CC_N_TIMERS = 3 };
typedef struct {
    int n;
    struct {
        int which; /* 0 … CC_N_TIMERS − 1 */
        double delay_ns;
    } t[CC_N_TIMERS + 1];
} CcArm;
/* cc_arm asks for timer `which` after delay_ns. */
void cc_arm(CcArm *arm, int which, double delay_ns);

/* Marking at a switch port: never up to kmin, always above kmax, with probability rising to pmax
 * between. */
typedef struct {
    uint64_t kmin_b, kmax_b;
    double pmax;
} CcMarking;

/* A congestion control. Functions that are NULL stand for: nothing to do. */
typedef struct {
    const char *name;
    uint16_t header_b; /* of a data packet, with room for WIRE_TELEMETRY_HOPS stamps if any */
    uint16_t ack_b;
    bool ack_first;   /* ACKs go in queue 0: strict priority, never dropped, marked or paused */
    bool telemetry;   /* switches stamp data packets, ACKs echo the stamps */
    bool retimes;     /* a changed rate moves the time of the next packet, too */
    bool sets_window; /* window_b is the control's own; rate_bps stays at max_rate_bps */
    bool own_design;  /* not in the reference: refused in compat */
    /* A flow starts: at rate_bps, the line rate, with the whole window. */
    void (*start)(CcFlow *f, const CcConf *c);
    /* A flow that began earlier goes on: after `start`, at f->rate_bps, which is set already. NULL
     * if the control keeps no rate of its own. */
    void (*go_on)(CcFlow *f, const CcConf *c);
    /* An ACK or NACK. Returns true if it set a rate or window. */
    bool (*ack)(CcFlow *f, const CcConf *c, const CcAck *a, CcArm *arm);
    /* Credit of the receiver arrives: the flow may send up to byte end_b. NULL: receivers grant
     * none. */
    void (*credit)(CcFlow *f, uint64_t end_b);
    /* A timer that the control armed expires. */
    void (*timer)(CcFlow *f, const CcConf *c, int which, CcArm *arm);
    /* The retransmission timer expires. */
    void (*timeout)(CcFlow *f, const CcConf *c);
    /* Whether switches trim packets that they have no room for. */
    bool (*trims)(const NetConf *conf);
    /* Fills in how a port of this rate marks. */
    void (*marking)(const CcConf *c, double port_rate_bps, CcMarking *m);
} CongestionControl;

extern const CongestionControl cc_dctcp, cc_dcqcn, cc_hpcc, cc_timely, cc_none, cc_swift, cc_nscc,
    cc_eqds;
/* cc_find returns the control of that name, NULL if there is none. */
const CongestionControl *cc_find(const char *name);
/* cc_list writes the names of all controls into text[size]: "dctcp, dcqcn, … or …". */
void cc_list(char *text, size_t size);

static inline uint64_t cc_at_least(uint64_t x, uint64_t lo) { return x > lo ? x : lo; }
static inline uint64_t cc_at_most(uint64_t x, uint64_t hi) { return x < hi ? x : hi; }
/* cc_rate returns a product as a rate: whole bit/s, cut, from 0 (also for NaN) to 1e18. */
uint64_t cc_rate(double bps);
/* cc_conf returns the settings as controls see them: in compat, steps and delays are cut to whole
 * Mb/s and ns. */
CcConf cc_conf(const NetConf *conf, bool compat);
/* cc_go_on has a flow that was started go on at about rate_bps, within its control's limits. */
void cc_go_on(const CongestionControl *cc, CcFlow *f, const CcConf *c, double rate_bps);
/* cc_threshold_b returns a marking threshold, given as k_b bytes at ref_bps, for a port: in
 * proportion to its rate; whole KB in compat. */
uint64_t cc_threshold_b(const CcConf *c, double k_b, double ref_bps, double port_rate_bps);
#endif
