/* transfer: what packet windows under some settings say of the model under others. */
#ifndef M3_ESTIMATE_TRANSFER_H
#define M3_ESTIMATE_TRANSFER_H
#include "estimate/check.h"
#include "net/netconf.h"

/* One network and traffic under one setting. */
typedef struct {
    NetConf conf;           /* without "auto" */
    const Slowdowns *model; /* with its intervals */
    const Check *check;     /* NULL or not done: no windows under this setting */
} TransferRow;

/* transfer_likeness returns the correlation of the model's errors under two settings: 1 where
 * nothing that has an effect differs, above 0 always. */
double transfer_likeness(const NetConf *a, const NetConf *b);

/* transfer_choose extends rows[0..n_chosen) of `chosen` to n_want ≤ n different rows: always the
 * one whose quantile k of distribution `dist` would be least certain, given windows under those
 * before it, whose logarithm has the deviation `noise`. Fewer are chosen, and the number is
 * returned, if the others are certain. */
size_t transfer_choose(const TransferRow *rows, size_t n, int dist, int k, double noise,
                       size_t *chosen, size_t n_chosen, size_t n_want);

/* transfer_correct fills out[n]: of rows without windows the model's distribution, corrected by
 * what the windows of the others say, with intervals for what is then not known; of the others, and
 * if there are none with windows, it leaves out[i] as it is. */
void transfer_correct(const TransferRow *rows, size_t n, Slowdowns **out);
#endif
