/* The operator's commands about parties: add, invite, grant, revoke. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "form.h"
#include "print.h"
#include "table.h"
#include "value.h"

/* The words of --role and --service as lists of an act. */
struct words {
    const char *roles[8], *services[64];
    uint8_t key[32];
};

static size_t
gather(const struct args *args, const char *name, const char **out, size_t max)
{
    size_t n = 0, at = 0;
    while (n < max && (out[n] = args_next(args, name, &at)) != NULL)
        n++;
    return n;
}

static struct qiao_party_act
party_act(const struct args *args, enum qiao_party_action action, struct words *words)
{
    struct qiao_party_act act = { .action = action, .party = args_word(args, 0), .roles = words->roles, .services = words->services,
                                  .message = args_text(args, "message") };
    act.role_count = gather(args, "role", words->roles, 8);
    act.service_count = gather(args, "service", words->services, 64);
    return act;
}

static int
change(struct cli *cli, const struct qiao_party_act *act)
{
    int code = cli_open(cli);
    return code == EXIT_DONE ? cli_status(cli, qiao_party_change(cli->client, act, cli->timeout_us)) : code;
}

int
run_party_add(struct cli *cli, const struct args *args)
{
    struct words words;
    struct qiao_party_act act = party_act(args, QIAO_PARTY_ADD, &words);
    const char *key = args_text(args, "key");
    act.title = args_text(args, "title");
    act.member = args_text(args, "member");
    if ((key != NULL) != (act.member != NULL))
        return cli_error(cli, EXIT_USAGE, "--member and --key belong together; or let the member enrol: qiao party invite");
    if (key && !qiao_key_decode(key, words.key))
        return cli_error(cli, EXIT_USAGE, "--key: not 40 characters of Z85 as qiao keygen prints them");
    act.key = key ? words.key : NULL;
    return change(cli, &act);
}

int
run_party_grant(struct cli *cli, const struct args *args)
{
    struct words words;
    struct said said;
    struct qiao_party_act act = party_act(args, QIAO_PARTY_GRANT, &words);
    struct qiao_map *map = NULL;
    json_t *attributes = form_pairs(args_text(args, "attributes"), args, "attribute", &said);
    bool any = act.role_count || act.service_count || json_object_size(attributes), quota = args_text(args, "quota") != NULL;
    int code = attributes ? EXIT_DONE : cli_said(cli, &said);
    if (code == EXIT_DONE && !any && !quota)
        code = cli_error(cli, EXIT_USAGE, "name what is granted: --role, --service, --attribute or --quota");
    if (code == EXIT_DONE && json_object_size(attributes) && (!(map = value_map(attributes)) || !qiao_map_bytes(map, &act.attributes)))
        code = cli_error(cli, EXIT_DATA, "--attribute: too large or too deep");
    if (code == EXIT_DONE && any)
        code = change(cli, &act);
    if (code == EXIT_DONE && quota) {
        struct qiao_party_act limit = { .action = QIAO_PARTY_QUOTA, .party = act.party, .quota = (uint64_t)args_number(args, "quota", 0),
                                        .message = act.message };
        code = change(cli, &limit);
    }
    qiao_map_free(map);
    json_decref(attributes);
    return code;
}

int
run_party_revoke(struct cli *cli, const struct args *args)
{
    struct words words;
    struct qiao_party_act act = party_act(args, QIAO_PARTY_REVOKE, &words);
    act.member = args_text(args, "member");
    return change(cli, &act);
}

int
run_party_invite(struct cli *cli, const struct args *args)
{
    static const struct column columns[] = { { "file", { "file", "文件" }, COLUMN_TEXT, false },
                                             { "party", { "party", "机构" }, COLUMN_TEXT, false },
                                             { "member", { "member", "成员" }, COLUMN_TEXT, false },
                                             { "expires", { "expires", "到期" }, COLUMN_TIME, false },
                                             { 0 } };
    const char *party = args_word(args, 0), *member = args_text(args, "member"), *file = args_text(args, "output");
    char path[1024];
    struct qiao_context invitation;
    struct qiao_context_error error = { "", 0 };
    member = member ? member : "member";
    if (strlen(party) > 64 || strlen(member) > 64 || strchr(party, '/') || strchr(member, '/'))
        return cli_error(cli, EXIT_USAGE, "party and member: at most 64 characters, no slash");
    if (file)
        snprintf(path, sizeof path, "%s%s", strchr(file, '/') ? "" : "./", file);
    else
        snprintf(path, sizeof path, "./%s-%s.invite", party, member);
    if (access(path, F_OK) == 0)
        return cli_error(cli, EXIT_CANNOT_CREATE, "%s: %s", path, strerror(EEXIST));
    int code = cli_open(cli);
    int64_t expires = args_number(args, "expires", 0);
    if (code == EXIT_DONE)
        code = cli_status(cli, qiao_party_invite(cli->client, party, member, expires, args_text(args, "message"), cli->timeout_us, &invitation));
    if (code != EXIT_DONE)
        return code;
    enum qiao_status status = qiao_context_save(path, &invitation, false, &error);
    explicit_bzero(invitation.secret_key, sizeof invitation.secret_key);
    if (status != QIAO_OK)
        return cli_error(cli, EXIT_CANNOT_CREATE, "%s: %s", path, *error.text ? error.text : qiao_status_text(status));
    json_t *row = json_pack("{s:s,s:s,s:s}", "file", path, "party", party, "member", member);
    json_set(row, "expires", json_of_time(cli, invitation.expires));
    print_object(cli, columns, row);
    json_decref(row);
    return EXIT_DONE;
}
