/* features_source: which files features are from, by the digests of their contents.
 *
 * A matrix or size file that the mix names is not digested: who changes one makes the features
 * again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "features/features_file.h"
#include "base/file.h"
#include "base/mem.h"

static int digest(const char *path, const char *called, char **name, char **sha256, Err *err) {
    char hex[65];
    if (!path) return 0;
    if (file_digest(path, hex, err) != 0) return -1;
    *name = mem_strdup(called);
    *sha256 = mem_strdup(hex);
    return 0;
}

int features_source(FeaturesSource *src, const Scenario *s, const ScenarioOptions *o,
                    const char *command, Err *err) {
    *src = (FeaturesSource){.mix_id = s->has_mix ? s->mix.id : 0, .command = mem_strdup(command)};
    if (digest(o->topo_path ? o->topo_path : s->mix.topo,
               o->topo_path ? o->topo_path : s->topo.name, &src->topo, &src->topo_sha256,
               err) == 0 &&
        digest(o->mix_path, o->mix_path, &src->mix, &src->mix_sha256, err) == 0 &&
        digest(o->flows_path, o->flows_path, &src->flows, &src->flows_sha256, err) == 0)
        return 0;
    features_source_free(src);
    return -1;
}

void features_source_free(FeaturesSource *src) {
    char **const all[] = {&src->topo,  &src->topo_sha256,  &src->mix,    &src->mix_sha256,
                          &src->flows, &src->flows_sha256, &src->command};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(*all[i]);
    *src = (FeaturesSource){0};
}

static int check_same(const char *path, const char *what, const char *name, const char *sha256,
                      const char *file, Err *err) {
    char hex[65];
    if (!path) return 0;
    if (!sha256) return err_input(err, "%s: made without a %s, got %s", file, what, path);
    if (file_digest(path, hex, err) != 0) return -1;
    return strcmp(hex, sha256) == 0
               ? 0
               : err_input(err, "%s: made with another %s (%s), got %s", file, what, name, path);
}

int features_source_check(const FeaturesSource *src, const ScenarioOptions *o, const char *file,
                          Err *err) {
    if (check_same(o->topo_path, "topology", src->topo, src->topo_sha256, file, err) != 0)
        return -1;
    if (check_same(o->mix_path, "mix", src->mix, src->mix_sha256, file, err) != 0) return -1;
    if (check_same(o->flows_path, "flow file", src->flows, src->flows_sha256, file, err) != 0)
        return -1;
    if (o->mix_id >= 0 && o->mix_id != src->mix_id)
        return err_input(err, "%s: made with mix %lld, got --mix-id %lld", file,
                         (long long)src->mix_id, (long long)o->mix_id);
    return 0;
}

static int apply_setting(Mix *m, const char *assignment, Err *err) {
    char key[40];
    snprintf(key, sizeof key, "%.*s", (int)strcspn(assignment, "="), assignment);
    if (mix_key_is_traffic(key))
        return err_input(err,
                         "changes the traffic, which features are made from; leave out --features");
    return mix_set(m, assignment, err);
}

int features_settings(const Features *f, const char *const *set, NetConf *conf, Err *err) {
    Mix m;
    mix_init(&m);
    m.conf = f->conf;
    int rc = 0;
    for (const char *const *s = set; s && *s && rc == 0; s++)
        if ((rc = apply_setting(&m, *s, err)) != 0) err_wrap(err, "--set %.60s", *s);
    if (rc == 0 && (rc = netconf_check(&m.conf, err)) != 0) err_wrap(err, "--set");
    if (rc == 0 && !features_reusable_under(f, &m.conf))
        rc = err_input(err, "--set: takes a new fluid simulation; leave out --features");
    *conf = m.conf;
    mix_free(&m);
    return rc;
}
