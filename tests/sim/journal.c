/* See journal.h. */
#include "journal.h"

void
journal_init(struct journal *journal)
{
    *journal = (struct journal){.cap = 4096};
    journal->facts = memory(NULL, journal->cap * sizeof *journal->facts);
    journal->facts[0] = (struct fact){0};
    proto_buf_init(&journal->bytes, UINT32_MAX);
    proto_buf_init(&journal->snapshot, UINT32_MAX);
}

void
journal_fini(struct journal *journal)
{
    free(journal->facts);
    proto_buf_fini(&journal->bytes);
    proto_buf_fini(&journal->snapshot);
}

struct fact *
journal_append(struct journal *journal, const uint8_t *p, uint32_t n)
{
    if (journal->last + 2 > journal->cap) {
        journal->cap *= 2;
        journal->facts = memory(journal->facts, journal->cap * sizeof *journal->facts);
    }
    struct fact *fact = &journal->facts[++journal->last];
    journal->top = journal->last > journal->top ? journal->last : journal->top;
    *fact = (struct fact){.at = journal->bytes.n, .n = n};
    if (!proto_buf_append(&journal->bytes, p, n)) {
        abort();
    }
    return fact;
}

struct proto_bin
journal_event(const struct journal *journal, uint64_t seq)
{
    if (seq == 0 || seq > journal->last) {
        return (struct proto_bin){NULL, 0};
    }
    const struct fact *fact = &journal->facts[seq];
    return (struct proto_bin){journal->bytes.p + fact->at, fact->n};
}

uint64_t
journal_cut(const struct journal *journal, struct rng *rng, uint32_t lost_percent, uint32_t kept_percent)
{
    uint32_t roll = rng_below(rng, 100);
    if (roll < lost_percent || journal->last == journal->durable) {
        return journal->durable;
    }
    if (roll < lost_percent + kept_percent) {
        return journal->last;
    }
    uint64_t cut = journal->durable + rng_next(rng) % (journal->last - journal->durable + 1);
    while (cut > journal->durable && !journal->facts[cut].group_end) {
        cut--;
    }
    return cut;
}

void
journal_truncate(struct journal *journal, uint64_t last)
{
    if (last < journal->last) {
        journal->bytes.n = journal->facts[last + 1].at;
        journal->last = last;
    }
    journal->durable = last;
}
