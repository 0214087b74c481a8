/* dataset_gen: the verbs of `m3 dataset`. */
#ifndef M3_CLI_DATASET_GEN_H
#define M3_CLI_DATASET_GEN_H
#include "cli/cli.h"

extern const CliCommand dataset_networks, dataset_paths;
#endif
