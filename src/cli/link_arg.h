/* link_arg: links of a topology, as options name them: FROM-TO, the ids of two nodes. */
#ifndef M3_CLI_LINK_ARG_H
#define M3_CLI_LINK_ARG_H
#include "net/topo.h"

/* link_arg_find finds the nodes that `text` names, between which there is at least one link in that
 * direction. `option` names the option in messages: "--trace-port". −1 with err if text isn't of
 * that form or there is no such link; it then suggests the neighbour of the nearest id. */
int link_arg_find(const Topo *t, const char *text, const char *option, uint32_t *from, uint32_t *to,
                  Err *err);
#endif
