/*
 * The clients' notebooks: whatever they were told is true of the journal, was durable when it left, is theirs to see, and is
 * never contradicted.
 */
#include "client.h"

#include <inttypes.h>

#include "content.h"

/* ------------------------------------------------------------- one fact that was told */

static struct note *
note_of(struct sim *sim, const struct life *life)
{
    uint32_t index = life_index(&sim->audit, life);
    if (index >= sim->note_cap) {
        uint32_t cap = sim->audit.life_cap;
        sim->notes = memory(sim->notes, cap * sizeof *sim->notes);
        memset(sim->notes + sim->note_cap, 0, (cap - sim->note_cap) * sizeof *sim->notes);
        sim->note_cap = cap;
    }
    return &sim->notes[index];
}

static void
seq_told(struct sim *sim, const struct message *message, uint64_t seq)
{
    CHECK(sim, seq <= message->durable, "D2", "told-early", "%" PRIu64 " was told when %" PRIu64 " was durable", seq, message->durable);
    sim->told_seq = seq > sim->told_seq ? seq : sim->told_seq;
}

/* C3: somebody hears of a request. */
static struct life *
heard_of(struct sim *sim, const struct client *client, uint64_t id, const char *what)
{
    struct life *life = life_find(&sim->audit, id);
    CHECK(sim, life != NULL, "D1", "unknown-told", "%s told of %" PRIx64 ", which the journal does not have", what, id);
    uint8_t roles = sim->audit.parties[client->party].roles;
    bool mine = life->requester == client->party || (life->had >> client->party & 1) ||
                (roles & (1u << PROTO_ROLE_OPERATOR | 1u << PROTO_ROLE_OBSERVER));
    CHECK(sim, mine, "C3", "told-other", "%s told party %u of %" PRIx64 " of party %u", what, client->party, id, life->requester);
    return life;
}

/* D1, L1, L4: at `seq` the request had this status, and an end is an end. */
static void
status_told(struct sim *sim, const struct life *life, uint64_t seq, unsigned status)
{
    if (seq == 0 || seq > sim->journal.last) {
        CHECK(sim, seq == 0, "D1", "seq-told", "%" PRIu64 " was told, the journal ends at %" PRIu64, seq, sim->journal.last);
        return;
    }
    const struct fact *fact = &sim->journal.facts[seq];
    CHECK(sim, fact->id == life->id, "D1", "fact-told", "%" PRIu64 " was told of %" PRIx64 ", the journal has %" PRIx64 " there", seq, life->id,
          fact->id);
    CHECK(sim, fact->status == status || fact->task_status == status, "L4", "status-told",
          "%" PRIx64 " was told as %u at %" PRIu64 ", the journal says %u", life->id, status, seq, fact->status);
    if (!status_ends(fact->status)) {
        return;
    }
    struct note *note = note_of(sim, life);
    CHECK(sim, note->end_seq == 0 || (note->end_seq == seq && note->end == fact->status), "L1", "end-told",
          "%" PRIx64 " ended as %u at %" PRIu64 ", and now as %u at %" PRIu64, life->id, note->end, note->end_seq, fact->status, seq);
    *note = (struct note){seq, fact->status};
}

static void
mine_add(struct client *client, uint64_t id)
{
    for (unsigned i = 0; i < 16; i++) {
        if (client->mine[i] == id) {
            return;
        }
    }
    client->mine[client->mine_next++ % 16] = id;
}

/* ------------------------------------------------------------- answers */

/* N1, N2, N3: the same key and content, the same id. */
static void
submit_receipt(struct sim *sim, struct client *client, const struct pending *pending, uint64_t id)
{
    struct submission *submission = &sim->submissions[pending->submission];
    const struct life *life = life_find(&sim->audit, id);
    CHECK(sim, life->submission == pending->submission && life->requester == client->party, "N3", "other-key",
          "a submission was answered with %" PRIx64 ", which is another's", id);
    CHECK(sim, life->variant == pending->variant, "N2", "other-content", "%" PRIx64 " was accepted with other content than was submitted", id);
    const struct life *before = life_find(&sim->audit, submission->told_id);
    bool retained = before != NULL && !key_is_over(sim, before) && !key_is_over(sim, life);
    CHECK(sim, submission->told_id == 0 || submission->told_id == id || !retained, "N1", "other-id",
          "the key that gave %" PRIx64 " now gives %" PRIx64, submission->told_id, id);
    submission->told_id = id;
    mine_add(client, id);
}

static void
receipt_heard(struct sim *sim, struct client *client, const struct pending *pending, const struct message *message,
              const struct proto_receipt *receipt)
{
    seq_told(sim, message, receipt->seq);
    CHECK(sim, pending == NULL || pending->expect == EXPECT_ANYTHING, "C3", "foreign-receipt", "a receipt for what is not theirs");
    if (receipt->id == 0) {
        return;
    }
    const struct life *life = heard_of(sim, client, receipt->id, "a receipt");
    status_told(sim, life, receipt->seq, receipt->status);
    if (pending == NULL) {
        return;
    }
    if (pending->type == PROTO_SUBMIT) {
        submit_receipt(sim, client, pending, receipt->id);
    } else {
        CHECK(sim, pending->id - pending->id % 64 == receipt->id, "L4", "receipt-id", "asked about %" PRIx64 ", told of %" PRIx64, pending->id,
              receipt->id);
    }
    if (pending->type == PROTO_COMPLETE && receipt->status == PROTO_STATUS_COMPLETED) {
        for (unsigned i = 0; i < HELD; i++) {
            struct held *held = &client->held[i];
            held->completed = held->completed || (held->task == pending->id && held->fence == pending->fence);
        }
    }
    CHECK(sim, pending->type != PROTO_COMPLETE || !pending->extra || receipt->duplicate, "N4", "not-duplicate",
          "the same result of %" PRIx64 " was taken twice", pending->id);
}

static uint64_t
refusal_hash(const struct proto_refusal *refusal)
{
    uint64_t hash = rng_mix((uint64_t)refusal->code << 32 | refusal->status) ^ rng_mix(refusal->id ^ (uint64_t)refusal->retry_after);
    for (uint32_t i = 0; i < refusal->message.n; i++) {
        hash = hash * 1099511628211u + (uint8_t)refusal->message.p[i];
    }
    for (uint32_t i = 0; i < refusal->path.n; i++) {
        hash = hash * 1099511628211u + (uint8_t)refusal->path.p[i];
    }
    return hash | 1;
}

static void
refusal_heard(struct sim *sim, struct client *client, const struct pending *pending, const struct proto_refusal *refusal)
{
    if (pending == NULL) {
        return;
    }
    SAY(sim, "  refused %s: %s %.*s %.*s", proto_record_desc((enum proto_type)pending->type)->name,
        proto_enum_name(PROTO_ENUM_REFUSAL_CODE, refusal->code), PROTO_STR_ARG(refusal->path), PROTO_STR_ARG(refusal->message));
    if (pending->type == PROTO_SUBMIT && refusal->code == PROTO_REFUSAL_CODE_CONFLICT) {
        const struct life *life = life_find(&sim->audit, refusal->id);
        CHECK(sim, life != NULL && life->submission == pending->submission && life->variant != pending->variant, "N2", "conflict",
              "a submission conflicts with %" PRIx64 ", which is not its key's or has the same content", refusal->id);
    }
    CHECK(sim, pending->type != PROTO_COMPLETE || !pending->extra || refusal->code == PROTO_REFUSAL_CODE_FORBIDDEN, "N4", "refused-again",
          "the result of %" PRIx64 " was taken before, and now refused: %s", pending->id, proto_enum_name(PROTO_ENUM_REFUSAL_CODE, refusal->code));
    if (pending->expect == EXPECT_ANYTHING || refusal->code == PROTO_REFUSAL_CODE_FORBIDDEN) {
        return;
    }
    const struct life *life = life_find(&sim->audit, pending->id - pending->id % 64);
    if (pending->expect == EXPECT_FOREIGN && life != NULL && (life->requester == client->party || (life->had >> client->party & 1))) {
        return; /* it has become theirs since */
    }
    uint64_t hash = refusal_hash(refusal);
    uint64_t *absent = &sim->absent_answer[pending->type];
    *absent = pending->expect == EXPECT_ABSENT && *absent == 0 ? hash : *absent;
    CHECK(sim, *absent == 0 || *absent == hash, "C3", "foreign-differs", "%s of what is another's is answered otherwise than of what is absent: %s %.*s %.*s",
          proto_record_desc((enum proto_type)pending->type)->name, proto_enum_name(PROTO_ENUM_REFUSAL_CODE, refusal->code),
          PROTO_STR_ARG(refusal->path), PROTO_STR_ARG(refusal->message));
}

/* L3: an operator's rows add up to what the journal says, when nothing moves. */
static void
queues_heard(struct sim *sim, const struct proto_page *page)
{
    struct proto_iter it = proto_iter_of(page->rows);
    struct proto_queue row;
    uint64_t depth = 0, held = 0;
    while (proto_iter_struct(&it, PROTO_STRUCT_QUEUE, &row)) {
        depth += row.depth;
        held += row.held;
    }
    CHECK(sim, depth == sim->audit.waiting && held == sim->audit.held, "L3", "queues", "queues tell of %" PRIu64 " waiting, %" PRIu64
          " held; the journal of %u, %u", depth, held, sim->audit.waiting, sim->audit.held);
}

static void
page_heard(struct sim *sim, struct client *client, const struct pending *pending, const struct message *message,
           const struct proto_page *page)
{
    if (page->kind == PROTO_PAGE_KIND_QUEUE && sim->at_rest) {
        queues_heard(sim, page);
    }
    if (page->kind != PROTO_PAGE_KIND_REQUEST) {
        return;
    }
    struct proto_iter it = proto_iter_of(page->rows);
    struct proto_request row;
    while (proto_iter_struct(&it, PROTO_STRUCT_REQUEST, &row)) {
        const struct life *life = heard_of(sim, client, row.id, "a page");
        seq_told(sim, message, row.seq);
        status_told(sim, life, row.seq, row.status);
    }
    CHECK(sim, it.left == 0, "D6", "rows", "%u rows of a page do not decode", it.left);
    (void)pending;
}

/* ------------------------------------------------------------- events */

static bool
watch_wants(const struct watching *watch, const struct client *client, const struct fact *fact)
{
    return fact->id != 0 && (watch->scope == PROTO_SCOPE_ALL ||
                             (watch->scope == PROTO_SCOPE_REQUESTER ? fact->requester : fact->performer) == client->party);
}

/* A watch skips nothing, repeats nothing, and keeps the order. */
static void
watch_told(struct sim *sim, struct client *client, const struct conn *conn, uint64_t re, uint64_t seq)
{
    for (unsigned i = 0; i < WATCHES; i++) {
        struct watching *watch = &client->watches[i];
        if (watch->n != re || !conn->clean) {
            continue;
        }
        CHECK(sim, seq > watch->seq, "watch", "order", "a watch was told %" PRIu64 " after %" PRIu64, seq, watch->seq);
        for (uint64_t between = watch->seq + 1; between < seq; between++) {
            CHECK(sim, !watch_wants(watch, client, &sim->journal.facts[between]), "watch", "skipped", "a watch was told %" PRIu64 " and not %" PRIu64,
                  seq, between);
        }
        watch->seq = seq;
    }
}

static void
event_heard(struct sim *sim, struct client *client, const struct conn *conn, const struct message *message,
            const struct proto_record *record)
{
    const struct proto_event_record *event = &record->u.event;
    seq_told(sim, message, event->seq);
    const struct life *life = heard_of(sim, client, event->id, "an event");
    status_told(sim, life, event->seq, event->status);
    if (record->re != 0) {
        watch_told(sim, client, conn, record->re, event->seq);
    }
}

static void
task_heard(struct sim *sim, const struct client *client, const struct message *message, const struct proto_task *task)
{
    const struct life *life = heard_of(sim, client, task->task - task->task % 64, "a task");
    SAY(sim, "  task %" PRIx64 " fence %" PRIu64 " %s", task->task, task->fence, proto_enum_name(PROTO_ENUM_STATUS, task->status));
    CHECK(sim, life->had >> client->party & 1, "A4", "task-told", "party %u was given a task of %" PRIx64 " that it never had", client->party,
          life->id);
    CHECK(sim, life->fence >= task->fence, "A2", "fence-told", "fence %" PRIu64 " of %" PRIx64 " was told, the journal has %" PRIu64,
          task->fence, life->id, life->fence);
    CHECK(sim, life->fence != task->fence || life->assigned_seq <= message->durable, "D2", "task-early",
          "a task was told before its assignment was durable");
    sim->told_fence = task->fence > sim->told_fence ? task->fence : sim->told_fence;
}

void
note_record(struct sim *sim, uint8_t at, const struct conn *conn, const struct message *message, const struct proto_record *record)
{
    struct client *client = &sim->clients[at];
    struct pending *pending = &client->pending[record->re % PENDING];
    pending = record->re != 0 && pending->n == record->re ? pending : NULL;
    switch (record->type) {
    case PROTO_RECEIPT:
        sim->counts->answers[0]++;
        receipt_heard(sim, client, pending, message, &record->u.receipt);
        if (pending != NULL && pending->type == PROTO_ENROL && pending->extra && client->other_key != 0) {
            enrol_told(sim, at);
        }
        break;
    case PROTO_REFUSAL:
        sim->counts->answers[record->u.refusal.code % 16]++;
        refusal_heard(sim, client, pending, &record->u.refusal);
        for (unsigned i = 0; i < WATCHES; i++) {
            client->watches[i].n = client->watches[i].n == record->re ? 0 : client->watches[i].n;
        }
        break;
    case PROTO_PAGE:
        page_heard(sim, client, pending, message, &record->u.page);
        break;
    case PROTO_EVENT:
        event_heard(sim, client, conn, message, record);
        break;
    case PROTO_TASK:
        task_heard(sim, client, message, &record->u.task);
        performer_told(sim, at, record);
        break;
    case PROTO_ABORT:
        heard_of(sim, client, record->u.abort.task - record->u.abort.task % 64, "an abort");
        performer_told(sim, at, record);
        break;
    case PROTO_WITHDRAW:
        heard_of(sim, client, record->u.withdraw.task - record->u.withdraw.task % 64, "a withdrawal");
        performer_told(sim, at, record);
        break;
    default:
        sim_fail(sim, "L2", "told-kind", "a client was sent %s", proto_record_desc(record->type)->name);
    }
}
