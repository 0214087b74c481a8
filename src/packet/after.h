/* after: flows that start when others have finished. Private to this room. */
#ifndef M3_PACKET_AFTER_H
#define M3_PACKET_AFTER_H
#include <stdbool.h>
#include <stdint.h>

#include "traffic/flows.h"

typedef struct PktSim PktSim;
typedef struct PktAfter PktAfter;

/* after_new returns what flows of `f` wait for, NULL if none waits; after_free releases. */
PktAfter *after_new(const Flows *f);
void after_free(PktAfter *a);

/* after_holds returns whether a flow must not start now, at tick `now`: what it waits for has not
 * finished, or its delay is not over, or it has started. Once it returns false, it has. */
bool after_holds(PktAfter *a, uint32_t index, int64_t now);

/* after_finish schedules the starts of the flows for which flow `index` was the last to finish. It
 * may move cells. */
void after_finish(PktSim *s, uint32_t index);
#endif
