/* complete: what a shell offers for the word that is being typed.
 *
 * packaging/completions has a few lines for each shell, which call `m3 --complete WORDS…` and keep
 * the candidates that begin as the last word does. So whatever a command's table says is completed,
 * without a list to keep in step. A candidate replaces the whole word, also of "--method=pac" or
 * "cc=dctcp,h", and begins with what of it is settled.
 *
 * A line that m3 would refuse (an unknown command, an option twice) is completed as far as it is
 * understood; abbreviated options aren't. */
#include "cli/complete.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "net/netconf.h"
#include "scenario/mix.h"

/* The word so far, and where its last part begins: behind "--method=" or "cc=dctcp,". */
typedef struct {
    FILE *f;
    const char *word;
    size_t settled;
} Typed;

/* One candidate; meaning NULL: there is no need of one. Of a text of several lines the first
 * clause. */
static void put(const Typed *t, const char *word, const char *tail, const char *meaning) {
    fprintf(t->f, "%.*s%s%s", (int)t->settled, t->word, word, tail);
    if (meaning) fprintf(t->f, "\t%.*s", (int)strcspn(meaning, "\n;"), meaning);
    fputc('\n', t->f);
}

static void put_names(const Typed *t, const char *const *names) {
    for (; names && *names; names++) put(t, *names, "", NULL);
}

/* Settles what stands up to the last `c` of the part that is being typed. */
static void settle_list(Typed *t, char c) {
    const char *last = strrchr(t->word + t->settled, c);
    if (last) t->settled = (size_t)(last + 1 - t->word);
}

static void put_controls(const Typed *t) {
    for (int cc = 0; cc < CC_N; cc++) put(t, netconf_cc_name((Cc)cc), "", NULL);
}

/* A value of --set: KEY= or, once that is there, what is known of its values. */
static void put_setting(Typed *t) {
    static const char *const flags[] = {"on", "off", NULL};
    const char *at = t->word + t->settled, *equals = strchr(at, '=');
    if (!equals) {
        for (const NetConfRow *r = netconf_rows; r->key; r++) put(t, r->key, "=", r->help);
        for (const char *const *k = mix_traffic_keys; *k; k++) put(t, *k, "=", "of the traffic");
        return;
    }
    for (const NetConfRow *r = netconf_rows; r->key; r++) {
        if (strncmp(r->key, at, (size_t)(equals - at)) != 0 || r->key[equals - at]) continue;
        t->settled = (size_t)(equals + 1 - t->word);
        settle_list(t, ',');
        if (r->type == NETCONF_CC) put_controls(t);
        for (int k = 0; k < ROUTING_N && r->type == NETCONF_ROUTING; k++)
            put(t, netconf_routing_name((Routing)k), "", NULL);
        if (r->type == NETCONF_FLAG) put_names(t, flags);
    }
}

static bool is_control(const CliOption *o) {
    return strcmp(o->name, "cc") == 0 || strcmp(o->name, "skip-cc") == 0;
}

static int is_json(const struct dirent *e) {
    size_t n = strlen(e->d_name);
    return n > 5 && strcmp(e->d_name + n - 5, ".json") == 0;
}

/* Topologies and mixes that come with m3. */
static void put_shipped(const Typed *t) {
    char *dir = file_find_shipped("spec");
    struct dirent **list;
    int n = dir ? scandir(dir, &list, is_json, alphasort) : -1;
    for (int i = 0; i < n; i++) {
        put(t, list[i]->d_name, "", "comes with m3");
        free(list[i]);
    }
    if (n >= 0) free(list);
    free(dir);
}

static void put_value(Typed *t, const CliOption *o) {
    if (strncmp(o->arg, "KEY=", 4) == 0) {
        put_setting(t);
        return;
    }
    if (strcmp(o->arg, "LIST") == 0) settle_list(t, ',');
    put_names(t, o->values);
    if (is_control(o)) put_controls(t);
    if (strcmp(o->name, "topo") == 0 || strcmp(o->name, "mix") == 0) put_shipped(t);
    if (strcmp(o->arg, "DIR") == 0 && strcmp(o->name, "ckpt") != 0) fputs(":folders\n", t->f);
    else if (strstr("FILE PATH OUT DIR", o->arg)) fputs(":files\n", t->f);
}

static void put_options(const Typed *t, const CliOption *o) {
    for (; o->name; o++) put(t, "--", o->name, o->help);
}

/* The option "--name" or "--name=…" of a command; NULL if it has none. */
static const CliOption *find_option(const CliCommand *cmd, const char *word) {
    size_t n = strcspn(word, "=");
    const CliOption *tables[] = {cmd->options, cli_common_options};
    for (int i = 0; i < 2 && n > 2 && strncmp(word, "--", 2) == 0; i++)
        for (const CliOption *o = tables[i]; o->name; o++)
            if (strlen(o->name) == n - 2 && strncmp(o->name, word + 2, n - 2) == 0) return o;
    return NULL;
}

/* A word that is no option: what comes n-th. */
static void put_argument(const Typed *t, const CliCommand *cmd, int n) {
    if (n == 0) {
        for (const CliCommand *const *sub = cmd->subcommands; sub && *sub; sub++)
            put(t, cli_last_word(*sub), "", (*sub)->summary);
        put_names(t, cmd->verbs);
    }
    if (n < cmd->max_args && (n > 0 || !cmd->verbs)) fputs(":files\n", t->f);
}

/* What the words before the one being typed leave to expect. */
typedef struct {
    const CliOption *open; /* an option that waits for its value, or NULL */
    bool only_args;        /* behind "--" */
    int n_args;            /* so far */
} Expected;

static void read_word(Expected *e, const CliCommand *cmd, const char *word) {
    if (e->open) {
        e->open = NULL;
    } else if (e->only_args || word[0] != '-' || !word[1]) {
        e->n_args++;
    } else if (strcmp(word, "--") == 0) {
        e->only_args = true;
    } else {
        const CliOption *o = find_option(cmd, word);
        if (o && o->arg && !strchr(word, '=')) e->open = o;
    }
}

/* The n words behind the command's name, of which the last is being typed. */
static void complete_command(Typed *t, const CliCommand *cmd, int n, char **words) {
    Expected e = {NULL, false, 0};
    for (int i = 0; i < n - 1; i++) read_word(&e, cmd, words[i]);
    const CliOption *given = e.only_args ? NULL : find_option(cmd, t->word);
    if (e.open) {
        put_value(t, e.open);
    } else if (given && given->arg && strchr(t->word, '=')) {
        t->settled = strcspn(t->word, "=") + 1;
        put_value(t, given);
    } else if (t->word[0] == '-' && !e.only_args) {
        put_options(t, cmd->options);
        put_options(t, cli_common_options);
    } else {
        put_argument(t, cmd, e.n_args);
    }
}

static void put_commands(const Typed *t, const CliProgram *program) {
    for (const CliCommand *const *c = program->commands; *c; c++)
        put(t, (*c)->name, "", (*c)->summary);
}

/* The word behind "m3". */
static void complete_first(const Typed *t, const CliProgram *program) {
    if (t->word[0] == '-') {
        put(t, "--help", "", "list the commands");
        put(t, "--version", "", "print versions");
        return;
    }
    put_commands(t, program);
    put(t, "help", "", "explain a command or topic");
}

/* The words behind "help". */
static void complete_help(const Typed *t, const CliProgram *program, int n, char **words) {
    const CliCommand *cmd = n == 2 ? cli_command(program->commands, words[0]) : NULL;
    for (const CliCommand *const *sub = cmd ? cmd->subcommands : NULL; sub && *sub; sub++)
        put(t, cli_last_word(*sub), "", (*sub)->summary);
    if (n != 1) return;
    put_commands(t, program);
    for (const CliTopic *topic = program->topics; topic->name; topic++)
        put(t, topic->name, "", topic->summary);
}

void complete_print(FILE *f, const CliProgram *program, int n_words, char **words) {
    Typed t = {f, n_words > 0 ? words[n_words - 1] : "", 0};
    if (n_words <= 1) {
        complete_first(&t, program);
        return;
    }
    if (strcmp(words[0], "help") == 0) {
        complete_help(&t, program, n_words - 1, words + 1);
        return;
    }
    const CliCommand *cmd = cli_command(program->commands, words[0]);
    if (!cmd) return;
    const CliCommand *sub = n_words > 2 ? cli_subcommand(cmd, words[1]) : NULL;
    if (sub) complete_command(&t, sub, n_words - 2, words + 2);
    else complete_command(&t, cmd, n_words - 1, words + 1);
}
