/* published: the keys and units of published mixes and path scenarios; no other file knows them. */
#ifndef M3_SCENARIO_PUBLISHED_H
#define M3_SCENARIO_PUBLISHED_H
#include <stdbool.h>

#include "base/diag.h"
#include "base/json.h"
#include "net/netconf.h"

/* A key that a published mix may have. */
typedef struct {
    const char *name;
    const char *ours; /* our key of the same meaning and unit ("sizes" for "size_dist"), or NULL */
    bool own_unit;    /* counts in a unit of its own: bfsz (10 KiB), param_1, param_2 */
    bool of_cc; /* means another setting under each congestion control, so it is read after cc */
} PublishedKey;
/* published_key returns what there is to know of a key, NULL for one that is not published. With
 * neither `ours` nor `own_unit` it only numbers a mix (id, param_id). */
const PublishedKey *published_key(const char *name);
/* published_from_ours returns the published key for one of ours, or NULL if there is none. */
const char *published_from_ours(const char *key);

/* published_is_mix tells whether a mix's JSON object j has the published form: it has one of the
 * keys by which that form names matrix, sizes and topology. */
bool published_is_mix(const Json *j);

/* published_applies returns false for a parameter that has no meaning under cc. */
bool published_applies(const char *key, Cc cc);

/* published_set sets what a key with a unit of its own stands for from a number as text. −1 with an
 * input error that names the key. A parameter without meaning under conf->cc is not used. */
int published_set(NetConf *conf, const char *key, const char *text, Err *err);

/* published_put_mix writes the settings of a network as members of the open object, as a published
 * mix has them: bfsz, window, cc, enable_pfc (0 or 1), param_1, param_2. */
void published_put_mix(JsonOut *out, const NetConf *conf);
/* published_put_path writes them as a path scenario has them: buffer_kb (KiB), window_b, cc,
 * enable_pfc, param_1, param_2. */
void published_put_path(JsonOut *out, const NetConf *conf);
/* published_read_path reads a path scenario's from the object j; parameters of other controls get
 * their defaults. −1 with an input error that names the place. */
int published_read_path(NetConf *conf, const Json *j, Err *err);
#endif
