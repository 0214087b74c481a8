/* netdraw: random networks with their workload and settings, for training and for evaluation. */
#ifndef M3_DATA_NETDRAW_H
#define M3_DATA_NETDRAW_H
#include "data/sizefamily.h"
#include "net/clos.h"
#include "net/netconf.h"
#include "net/topo.h"
#include "traffic/workload.h"

typedef enum {
    MATRIX_A,
    MATRIX_B,
    MATRIX_C,
    MATRIX_UNIFORM,
    MATRIX_PERMUTATION,
    MATRIX_INCAST,
    MATRIX_N
} MatrixKind;
const char *matrixkind_name(MatrixKind k);

typedef struct {
    bool one_cc; /* every network has the control `cc`; else one of those that models know */
    Cc cc;
    bool shifted; /* what training doesn't see: sizes of flows and networks, matrices */
    uint64_t seed;
    uint64_t flows_lo, flows_hi;
    double max_packet_hops; /* of simulating one network; flows_lo has precedence */
    const char *sizes_dir;  /* NULL: where they are found */
} NetDrawOptions;

/* One network, a function of (options, index) alone. */
typedef struct {
    Clos clos;
    NetConf conf;
    SizeSpec sizes;
    SizeDist dist; /* of `sizes` */
    MatrixKind matrix;
    uint64_t seed; /* of matrix and flows */
    double sigma, max_load;
    uint64_t n_flows;
} NetDraw;
/* netdraw_free releases. */
int netdraw_init(NetDraw *d, const NetDrawOptions *o, uint64_t index, Err *err);
void netdraw_free(NetDraw *d);
/* The matrix of a draw, for its topology; rackmatrix_free releases. */
int netdraw_matrix(RackMatrix *m, const NetDraw *d, const Topo *t, Err *err);

/* A congestion control, its parameters, buffer, window and PFC as the published training draws
 * them. */
void netdraw_published_conf(NetConf *conf, Rng *rng);
#endif
