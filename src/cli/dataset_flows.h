/* dataset_flows: `m3 dataset flows`, a form of `m3 dataset` with options of its own. */
#ifndef M3_CLI_DATASET_FLOWS_H
#define M3_CLI_DATASET_FLOWS_H
#include "cli/cli.h"

extern const CliCommand dataset_flows;
#endif
