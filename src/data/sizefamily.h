/* sizefamily: families of flow-size distributions that training data are drawn from. */
#ifndef M3_DATA_SIZEFAMILY_H
#define M3_DATA_SIZEFAMILY_H
#include "base/json.h"
#include "base/rng.h"
#include "traffic/workload.h"

typedef enum {
    SIZES_WEBSERVER, /* the three measured ones */
    SIZES_HADOOP,
    SIZES_CACHEFOLLOWER,
    SIZES_EXPONENTIAL, /* the four of the published training */
    SIZES_GAUSSIAN,
    SIZES_LOGNORMAL,
    SIZES_PARETO,
    SIZES_BIMODAL, /* none of which training sees */
    SIZES_HEAVY_TAIL,
    SIZES_N,
    SIZES_FIRST_SYNTHETIC = SIZES_EXPONENTIAL,
    SIZES_FIRST_UNSEEN = SIZES_BIMODAL
} SizeFamily;

/* theta: the published knob, 5,000 to 50,000: the nominal mean is theta²/25,000 bytes (1 to 100
 * KB); of no meaning for measured sizes. scale: all sizes are multiplied by it. */
typedef struct {
    SizeFamily family;
    double theta, scale;
} SizeSpec;

const char *sizefamily_name(SizeFamily f);
/* One of [first, end), each alike; scale 1. */
SizeSpec sizefamily_draw(Rng *rng, SizeFamily first, SizeFamily end);
/* `dir` holds webserver.txt and so on; NULL: spec/sizes here, beside the binary's folder or where
 * it is installed. */
int sizefamily_build(SizeDist *d, const SizeSpec *s, const char *dir, Err *err);
/* An object: family, theta, scale, mean_b and the curve's points, size_b and percent. */
void sizefamily_write(const SizeSpec *s, const SizeDist *d, JsonOut *j);
#endif
