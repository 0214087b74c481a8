/* published: the keys and units of published mixes and path scenarios; no other file knows them. */
#ifndef M3_SCENARIO_PUBLISHED_H
#define M3_SCENARIO_PUBLISHED_H
#include <stdbool.h>

#include "base/diag.h"
#include "base/json.h"
#include "net/netconf.h"

/* Every key that a published mix may have, ended by NULL. */
extern const char *const published_keys[];

/* published_is_setting returns false for keys that only number a mix (id, param_id). */
bool published_is_setting(const char *key);

/* published_is_mix tells whether a mix's JSON object j has the published form: it has one of the
 * keys by which that form names matrix, sizes and topology. */
bool published_is_mix(const Json *j);

/* published_to_ours returns our key for a published one of the same meaning and unit ("size_dist":
 * "sizes"), or NULL if there is none; published_from_ours returns the published one. */
const char *published_to_ours(const char *key);
const char *published_from_ours(const char *key);

/* published_has_unit tells whether a key counts in a unit of its own: bfsz (10 KiB), param_1 and
 * param_2 (whose meaning and unit depend on the congestion control, so they are read after it). */
bool published_has_unit(const char *key);
bool published_depends_on_cc(const char *key);
/* published_applies returns false for a parameter that has no meaning under cc. */
bool published_applies(const char *key, Cc cc);

/* published_set sets what a key of published_has_unit stands for from a number as text. −1 with an
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
