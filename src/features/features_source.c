/* features_source: which files features were made from, by the digests of their contents.
 *
 * Features stand in for the files of a scenario, so an estimate from features has to notice when
 * another topology, mix or flow file is given. Contents are compared, not names: files may
 * move. Left out are the matrix and size files that a mix names; whoever changes one of those has
 * to make the features again. */
#include "features/features_source.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

/* `name` is what the file is called in messages; nothing is filled if path is NULL. */
static int digest(const char *path, const char *name, char **name_out, char **sha256, Err *err) {
    char hex[65];
    if (!path) return 0;
    if (file_digest(path, hex, err) != 0) return -1;
    *name_out = mem_strdup(name);
    *sha256 = mem_strdup(hex);
    return 0;
}

int features_source_init(FeaturesSource *src, const Scenario *s, const ScenarioOptions *o,
                         const char *command, Err *err) {
    *src = (FeaturesSource){.mix_id = s->has_mix ? s->mix.id : 0, .command = mem_strdup(command)};
    const char *topo_path = o->topo_path ? o->topo_path : s->mix.topo,
               *topo_name = o->topo_path ? o->topo_path : s->topo.name;
    if (digest(topo_path, topo_name, &src->topo, &src->topo_sha256, err) == 0 &&
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
