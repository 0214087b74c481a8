/* linksim: one link under the flows that cross it, packet by packet: Parsimon's simulation. */
#ifndef M3_PACKET_LINKSIM_H
#define M3_PACKET_LINKSIM_H
#include <stddef.h>
#include <stdint.h>

/* The link and who sends over it. */
typedef struct {
    double server_bps; /* rate at which the queue before the link is served */
    double k_b;        /* a packet is marked if it leaves more bytes than that in the queue */
    double window_b;   /* bytes in flight of a flow at its source's rate */
    uint32_t n_sources;
    const double *source_bps; /* [n_sources] rate of each source */
} LinkSimConf;

/* A flow over the link: its distances are propagation delays. */
typedef struct {
    uint64_t size_b; /* payload, > 0 */
    int64_t start_ns;
    uint32_t source;       /* below n_sources */
    uint32_t to_link_ns;   /* from the source to the head of the link */
    uint32_t from_head_ns; /* from the head of the link to the destination */
} LinkSimFlow;

/* What a simulation works with, reused from link to link; one per thread. */
typedef struct LinkSim LinkSim;
LinkSim *linksim_new(void);
void linksim_destroy(LinkSim *s);

/* linksim_run simulates n flows in order of start until all are done, and fills delay_ns[n]: by how
 * much each takes longer than alone, at least 0, over its number of packets. Sources are round
 * robin over their flows under rate-based DCTCP; the queue is FIFO and without limit. Returns the
 * number of packets. */
uint64_t linksim_run(LinkSim *s, const LinkSimConf *conf, const LinkSimFlow *flows, size_t n,
                     float *delay_ns);
#endif
