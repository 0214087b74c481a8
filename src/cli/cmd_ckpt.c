/* m3 ckpt: describes checkpoints, converts them between number formats, and moves models to and
 * from the published pair of .bin files (ckpt_import, ckpt_export).
 *
 * Four verbs share one table of options; each says itself which it needs. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/cli.h"
#include "model/ckpt.h"
#include "model/ckpt_published.h"

typedef struct {
    const char *llama, *mlp, *out, *dtype;
} CkptCmd;

enum { OPT_LLAMA, OPT_MLP, OPT_OUT, OPT_DTYPE };
static const CliOption options[] = {
    {"llama", "FILE", "transformer's .bin file: read by import, written by export",
     "Published pair"},
    {"mlp", "FILE", "MLP's .bin file: read by import, written by export", "Published pair"},
    {"out", "PATH",
     "import, convert: a file if it ends in .m3, else a directory\nthat gets model.m3", "Output"},
    {"dtype", "TYPE", "weights stored as f32, f16 or bf16 (import: f32;\nconvert: as they are)",
     "Output"},
    {NULL, NULL, NULL, NULL}};

static int set(void *state, int option, const char *value, Err *err) {
    (void)err;
    CkptCmd *o = state;
    const char **to[] = {&o->llama, &o->mlp, &o->out, &o->dtype};
    *to[option] = value;
    return 0;
}

static int need(const char *verb, const char *option, const char *value, Err *err) {
    return value ? 0 : err_input(err, "ckpt %s: --%s is needed", verb, option);
}

static void print_json(const Ckpt *c, const char *sha256) {
    JsonOut o;
    json_out_init(&o, stdout);
    json_out_object(&o);
    json_put_string(&o, "schema", "m3.ckpt/1");
    json_put_string(&o, "file", c->path);
    json_put_string(&o, "sha256", sha256);
    ckpt_header_print(c, &o);
    json_out_end(&o, '}');
    json_out_finish(&o);
}

static const char *const head_texts[] = {[HEAD_ABSOLUTE] = "absolute: slowdown = 1 + output",
                                         [HEAD_RESIDUAL] =
                                             "residual: a factor on flowSim's percentiles",
                                         [HEAD_FLOW] = "flow: quantiles of each flow's slowdown"};

static const char *inputs_text(const ModelSpec *s) {
    if (s->head == HEAD_FLOW) return "free of scale, clamped to the trained range";
    return s->log_inputs ? "log of slowdowns, settings in tens" : "raw";
}

static void print_text(const Ckpt *c, const char *sha256) {
    const ModelSpec *s = &c->spec;
    bool flow = s->head == HEAD_FLOW;
    printf("name         %s\n", c->name);
    printf("file         %s (%s)\n", c->path, units_size((double)c->view.len).s);
    printf("sha256       %s\n", sha256);
    printf("weights      %s, %s\n", units_count(c->n_floats).s, ckpt_dtype_name(c->dtype));
    printf("transformer  width %u, SwiGLU %u, %u layers, %u heads, %s attention\n", s->dim,
           s->hidden, s->n_layers, s->n_heads, s->bidirectional ? "full" : "causal");
    printf("mlp          %u-%u-%u-%u\n", (flow ? 0 : s->n_feat) + s->dim + s->mlp_in_extra,
           s->mlp_h1, s->mlp_h2, s->n_out);
    printf("head         %s\n", head_texts[s->head]);
    printf("inputs       %s", inputs_text(s));
    if (!flow)
        printf("; rows without flows %s", s->zero_rows ? "are zeros" : "hold the learned vector");
    printf("\nrecipe       %s\n", c->recipe);
}

static int info(const char *path, const CliCommon *common, Err *err) {
    Ckpt c;
    char sha256[65];
    if (ckpt_load(&c, path, err) != 0) return -1;
    ckpt_sha256(&c, sha256);
    if (common->json) print_json(&c, sha256);
    else print_text(&c, sha256);
    ckpt_free(&c);
    return 0;
}

static int import(const CkptCmd *o, const CliCommon *common, Err *err) {
    Ckpt c;
    CkptDtype dtype = CKPT_F32;
    if (need("import", "llama", o->llama, err) != 0 || need("import", "mlp", o->mlp, err) != 0)
        return -1;
    if (need("import", "out", o->out, err) != 0 ||
        (o->dtype && ckpt_dtype_parse(o->dtype, &dtype, err) != 0))
        return -1;
    if (ckpt_import(&c, o->llama, o->mlp, err) != 0) return -1;
    int rc = ckpt_save(&c, o->out, dtype, err);
    if (rc == 0) log_note(&common->log, "%s: %s weights", o->out, units_count(c.n_floats).s);
    ckpt_free(&c);
    return rc;
}

static int export(const char *path, const CkptCmd *o, Err *err) {
    Ckpt c;
    if (need("export", "llama", o->llama, err) != 0 || need("export", "mlp", o->mlp, err) != 0)
        return -1;
    if (ckpt_load(&c, path, err) != 0) return -1;
    int rc = ckpt_export(&c, o->llama, o->mlp, err);
    ckpt_free(&c);
    return rc;
}

static int convert(const char *path, const CkptCmd *o, Err *err) {
    Ckpt c;
    CkptDtype dtype;
    if (need("convert", "out", o->out, err) != 0 ||
        (o->dtype && ckpt_dtype_parse(o->dtype, &dtype, err) != 0))
        return -1;
    if (ckpt_load(&c, path, err) != 0) return -1;
    int rc = ckpt_save(&c, o->out, o->dtype ? dtype : c.dtype, err);
    ckpt_free(&c);
    return rc;
}

static const char *const verbs[] = {"info", "import", "export", "convert", NULL};

static int run(void *state, const CliCommon *common, Err *err) {
    enum { INFO, IMPORT, EXPORT, CONVERT };
    const CkptCmd *o = state;
    const char *verb = common->args[0], *path = common->args[1];
    if (!verb)
        return err_input(err,
                         "ckpt: expected info, import, export or convert; see 'm3 ckpt --help'");
    int which = 0;
    while (verbs[which] && strcmp(verbs[which], verb) != 0) which++;
    if (!verbs[which])
        return err_input(err, "ckpt: unknown verb '%.40s'%s", verb,
                         cli_suggest(verb, verbs, "'", "'").s);
    int want = which == IMPORT ? 1 : 2; /* arguments, the verb included */
    if (common->n_args < want) return err_input(err, "ckpt %s: expected a checkpoint", verb);
    if (common->n_args > want)
        return err_input(err, "ckpt %s: unexpected argument '%.60s'", verb, common->args[want]);
    switch (which) {
    case INFO: return info(path, common, err);
    case IMPORT: return import(o, common, err);
    case EXPORT: return export(path, o, err);
    default: return convert(path, o, err);
    }
}

const CliCommand cmd_ckpt = {.name = "ckpt",
                             .summary = "describe, convert, import and export checkpoints",
                             .usage = "m3 ckpt info CKPT\n"
                                      "       m3 ckpt import --llama FILE --mlp FILE --out PATH\n"
                                      "       m3 ckpt export CKPT --llama FILE --mlp FILE\n"
                                      "       m3 ckpt convert CKPT --dtype f16 --out PATH",
                             .details = "CKPT is a .m3 file or a directory that holds model.m3. "
                                        "Export after import gives back the same bytes.",
                             .options = options,
                             .verbs = verbs,
                             .state_size = sizeof(CkptCmd),
                             .max_args = 3,
                             .set = set,
                             .run = run};
