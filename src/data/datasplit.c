/* datasplit: the split into training and held-out scenarios.
 *
 * It hashes the scenario's name (the first number of the stream of that name), so that it depends
 * neither on the order of the scenarios nor on what else is in the data set: a data set can grow
 * without a scenario changing sides. */
#include "data/datasplit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

int datasplit_check(const DataSplit *s, Err *err) {
    if (!(s->share >= 0 && s->share < 1))
        return err_input(err, "--holdout: must be in [0, 1), got %g", s->share);
    if (s->share > 0 && (s->fold + 1) * s->share > 1 + 1e-9)
        return err_input(err, "--fold: with --holdout %g must be below %g, got %u", s->share,
                         floor(1 / s->share + 1e-9), s->fold);
    return 0;
}

bool datasplit_is_held_out(const char *name, const DataSplit *s) {
    char *scenario = mem_strdup(name);
    scenario[strcspn(scenario, "#")] = '\0';
    Rng rng = rng_stream(0, scenario, 0);
    free(scenario);
    double u = rng_u01(&rng);
    return u >= s->fold * s->share && u < (s->fold + 1) * s->share;
}
