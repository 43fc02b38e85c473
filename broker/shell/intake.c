/*
 * What clients sent goes into the core. Hello and stats are answered here: they are about this process.
 */
#include "shell/broker.h"

#include "proto/writer.h"

#include <assert.h>

enum {
    RECORDS_PER_STEP_MAX = 512, /* so that a commit that ended is soon followed by the next */
    RECORDS_PER_CLOCK = 128, /* the clock is read again after so many */
    EFFECTS_MAX = 65536,
    EFFECT_BYTES_MAX = 8 << 20,
    PRODUCER_WINDOW = 8192,  /* what the core remembers of a producer's rising numbers */
};

#define SERVER_NAME "qiaod " QIAO_VERSION

static struct proto_bin
roles_encode(struct broker *broker, uint32_t roles)
{
    uint32_t count = 0;
    for (unsigned i = 0; i < 32; i++) {
        count += (roles >> i & 1) != 0;
    }
    proto_buf_reset(&broker->rows);
    bool ok = proto_put_list(&broker->rows, count);
    for (unsigned i = 0; i < 32; i++) {
        if (roles >> i & 1) {
            const char *name = proto_enum_name(PROTO_ENUM_ROLE, i);
            ok = ok && name && proto_put_str(&broker->rows, proto_str_of(name));
        }
    }
    assert(ok);
    return (struct proto_bin){broker->rows.p, (uint32_t)broker->rows.n};
}

static void
welcome(struct broker *broker, const struct net_input *input)
{
    struct core_member_info info;
    if (!core_member_info(broker->core, input->peer.member, &info)) {
        net_drop(broker->net, input->conn, "unknown member");
        return;
    }
    struct proto_record record;
    proto_record_init(&record, PROTO_WELCOME);
    record.re = input->record->n;
    struct proto_welcome *w = &record.u.welcome;
    w->version = PROTO_VERSION;
    w->server = PROTO_STR(SERVER_NAME);
    w->party = info.party_name;
    w->member = info.member_name;
    w->roles = roles_encode(broker, info.roles);
    w->shard = store_shard(broker->store);
    w->epoch = store_epoch(broker->store);
    w->seq = broker->durable;
    w->time = broker->now.utc_us;
    w->heartbeat = broker->config.heartbeat_us;
    w->frame_bytes = broker->config.frame_bytes_max;
    w->body_bytes = broker->config.body_bytes_max;
    w->input_bytes = broker->config.input_bytes_max;
    w->producer_window = PRODUCER_WINDOW;
    leave_record(broker, input->conn, &record);
}

/*
 * A client that was told more than this journal holds is a witness that acknowledged events are missing (D6). It is not
 * served. If it is an operator's, nobody is: the broker stops. (Anybody's word would let any member stop it.)
 */
static bool
witness_hear(struct broker *broker, const struct net_input *input)
{
    const struct proto_hello *hello = &input->record->u.hello;
    struct store_error error;
    bool behind = hello->seen > 0 && store_witness(broker->store, hello->seen, &error) == STORE_BEHIND;
    bool older = hello->epoch > store_epoch(broker->store);
    if (!behind && !older) {
        return true;
    }
    struct core_member_info info = {0};
    core_member_info(broker->core, input->peer.member, &info);
    log_line(CONFIG_LOG_ERROR, "witness", "party=%.*s member=%.*s seen=%llu last=%llu epoch_seen=%llu epoch=%llu text=\"%s\"",
             PROTO_STR_ARG(info.party_name), PROTO_STR_ARG(info.member_name), (unsigned long long)hello->seen,
             (unsigned long long)store_last_seq(broker->store), (unsigned long long)hello->epoch,
             (unsigned long long)store_epoch(broker->store), "a client was told more than this journal holds");
    leave_refusal(broker, input->conn, input->record->n, PROTO_REFUSAL_CODE_CONFLICT, behind ? "seen" : "epoch",
                  "this broker's journal ends before what you were told");
    leave_close(broker, input->conn);
    if (behind && (info.roles & 1u << PROTO_ROLE_OPERATOR)) {
        broker->stopping = true;
        broker->exit_code = 65; /* EX_DATAERR */
    }
    return false;
}

static void
connected(struct broker *broker, const struct net_input *input)
{
    if (!witness_hear(broker, input)) {
        return;
    }
    welcome(broker, input);
    broker_decide(broker, &(struct core_input){.kind = CORE_CONNECTED, .conn = input->conn, .member = input->peer.member});
}

static void
record_hear(struct broker *broker, const struct net_input *input)
{
    struct core_member_info info;
    switch (input->record->type) {
    case PROTO_HELLO: /* once more, on a connection that has one already */
        welcome(broker, input);
        return;
    case PROTO_STATS:
        if (!core_member_info(broker->core, input->peer.member, &info) ||
            !(info.roles & (1u << PROTO_ROLE_OPERATOR | 1u << PROTO_ROLE_OBSERVER))) {
            leave_refusal(broker, input->conn, input->record->n, PROTO_REFUSAL_CODE_FORBIDDEN, "", "only for operators and observers");
        } else {
            figures_answer(broker, input->conn, input->record->n);
        }
        return;
    default:
        broker_decide(broker, &(struct core_input){.kind = CORE_RECORD, .conn = input->conn, .member = input->peer.member,
                                                   .record = input->record});
    }
}

/* Reads that make no event wait for the batch before them all the same: they are bounded too. */
static bool
outlet_full(const struct broker *broker)
{
    const struct core_out *out = &broker->filling->out;
    return out->effect_count >= EFFECTS_MAX || out->bytes.n >= EFFECT_BYTES_MAX;
}

bool
intake_step(struct broker *broker)
{
    struct net_input input;
    for (uint32_t n = 1; n <= RECORDS_PER_STEP_MAX; n++) {
        if (broker->failed || broker->stopping || store_batch_full(broker->store) || outlet_full(broker) ||
            !net_next(broker->net, broker->now.mono_us, &input)) {
            return false;
        }
        switch (input.kind) {
        case NET_CONNECTED:
            connected(broker, &input);
            break;
        case NET_RECORD:
            record_hear(broker, &input);
            break;
        case NET_DISCONNECTED:
            log_line(CONFIG_LOG_DEBUG, "disconnected", "conn=%u why=\"%s\"", input.conn, input.why);
            broker_decide(broker, &(struct core_input){.kind = CORE_DISCONNECTED, .conn = input.conn});
            break;
        }
        if (n % RECORDS_PER_CLOCK == 0) {
            clock_read(&broker->now);
        }
    }
    return true;
}
