/*
 * Kept keys and producers' windows; see kept.h.
 */
#include "core/kept.h"

#include <sodium.h>
#include <stdlib.h>

void
digest_bytes(const void *p, size_t n, uint8_t out[static DIGEST_BYTES])
{
    static const uint8_t constant[crypto_shorthash_siphashx24_KEYBYTES] = "qiao kept keys 1";
    crypto_shorthash_siphashx24(out, p, n, constant);
}

static uint64_t
pair_hash(uint64_t a, uint64_t b)
{
    return hash_mix(hash_mix(a) ^ b);
}

/* ------------------------------------------------------------- caller's keys */

static uint64_t
hash_of_hash(const struct core *core, const uint8_t hash[static 16])
{
    return hash_bytes(core->settings.seed, hash, 16);
}

static uint64_t
kept_hash(const void *owner, uint32_t item)
{
    return hash_of_hash(owner, kept_key_at(owner, item)->hash);
}

void
key_hash(struct proto_str requester, struct proto_str service, struct proto_str key, uint8_t out[static 16])
{
    uint8_t text[3 + NAME_BYTES * 2 + PROTO_SUBMIT_KEY_MAX];
    size_t n = 0;
    const struct proto_str parts[] = {requester, service, key};
    for (unsigned i = 0; i < 3; i++) {
        text[n++] = (uint8_t)parts[i].n;
        memcpy(text + n, parts[i].p, parts[i].n);
        n += parts[i].n;
    }
    digest_bytes(text, n, out);
}

uint32_t
key_find(const struct core *core, const uint8_t hash[static 16])
{
    INDEX_EACH(&core->key_by_hash, hash_of_hash(core, hash), item)
    {
        if (memcmp(kept_key_at(core, item)->hash, hash, 16) == 0) {
            return item;
        }
    }
    return 0;
}

static void
key_drop(struct core *core, uint32_t item)
{
    LIST_REMOVE(core, kept_key, &core->kept, item, next, prev);
    party_at(core, kept_key_at(core, item)->requester)->kept_keys--;
    index_remove(&core->key_by_hash, core, kept_hash, item);
    pool_free(&core->keys, item);
}

void
key_keep(struct core *core, uint32_t requester, const uint8_t hash[static 16], const uint8_t digest[static 16],
         uint64_t request, int64_t until_us, int64_t now_us)
{
    uint32_t there = key_find(core, hash);
    if (until_us < core->expired_to_us || (there != 0 && kept_key_at(core, there)->until_us >= now_us)) {
        return;
    }
    if (there != 0) {
        key_drop(core, there); /* after a jump of the wall clock it may stand behind younger ones */
    }
    uint32_t item = pool_new(&core->keys);
    struct kept_key *kept = kept_key_at(core, item);
    *kept = (struct kept_key){.request = request, .until_us = until_us, .requester = requester};
    memcpy(kept->hash, hash, sizeof kept->hash);
    memcpy(kept->digest, digest, sizeof kept->digest);
    index_put(&core->key_by_hash, core, kept_hash, item);
    LIST_APPEND(core, kept_key, &core->kept, item, next, prev);
    party_at(core, requester)->kept_keys++;
}

void
keys_expire(struct core *core, int64_t now_us)
{
    if (now_us > core->expired_to_us) {
        core->expired_to_us = now_us;
    }
    while (core->kept.head != 0 && kept_key_at(core, core->kept.head)->until_us < core->expired_to_us) {
        key_drop(core, core->kept.head);
    }
}

static uint64_t
le64(const uint8_t *p)
{
    uint64_t v = 0;
    for (unsigned i = 8; i-- > 0;) {
        v = v << 8 | p[i];
    }
    return v;
}

void
keys_restore(struct core *core, uint32_t requester, struct proto_bin entries)
{
    for (uint32_t i = 0; i + KEPT_ENTRY_BYTES <= entries.n; i += KEPT_ENTRY_BYTES) {
        const uint8_t *entry = entries.p + i;
        key_keep(core, requester, entry, entry + 16, le64(entry + 32), (int64_t)le64(entry + 40), 0);
    }
}

/* ------------------------------------------------------------- producers */

static uint64_t
producer_hash(const void *owner, uint32_t item)
{
    const struct core *core = owner;
    const struct producer *producer = producer_at(core, item);
    return pair_hash(producer->party ^ core->settings.seed, producer->producer);
}

uint32_t
producer_find(const struct core *core, uint32_t party, uint64_t number)
{
    INDEX_EACH(&core->producer_by_pair, pair_hash(party ^ core->settings.seed, number), item)
    {
        const struct producer *producer = producer_at(core, item);
        if (producer->party == party && producer->producer == number) {
            return item;
        }
    }
    return 0;
}

enum producer_answer
producer_ask(const struct core *core, uint32_t party, uint64_t number, uint64_t pseq, uint64_t digest,
             uint64_t *out_request)
{
    uint32_t item = producer_find(core, party, number);
    if (item == 0) {
        return PRODUCER_NEW;
    }
    const struct producer *producer = producer_at(core, item);
    if (pseq > producer->top) {
        return PRODUCER_NEW;
    }
    if (producer->top - pseq >= PRODUCER_WINDOW) {
        return PRODUCER_STALE;
    }
    if (producer->top - pseq >= producer->room) {
        return PRODUCER_NEW; /* in the window, but nothing was accepted so far back */
    }
    const struct producer_entry *entry = &producer->entries[pseq % producer->room];
    if (entry->request == 0) {
        return PRODUCER_NEW;
    }
    *out_request = entry->request;
    return entry->digest == digest ? PRODUCER_KNOWN : PRODUCER_OTHER;
}

static void
producer_free(struct core *core, uint32_t item)
{
    struct producer *producer = producer_at(core, item);
    LIST_REMOVE(core, producer, &party_at(core, producer->party)->producers, item, next, prev);
    index_remove(&core->producer_by_pair, core, producer_hash, item);
    free(producer->entries);
    producer->entries = NULL;
    pool_free(&core->producers, item);
}

static uint32_t
producer_make(struct core *core, uint32_t party_item, uint64_t number)
{
    struct party *party = party_at(core, party_item);
    while (party->producers.count > 0 && (party->producers.count >= core->settings.producers_per_party_max ||
                                          core->producers.count >= core->settings.producers_max)) {
        producer_free(core, party->producers.head);
    }
    uint32_t item = pool_new(&core->producers);
    struct producer *producer = producer_at(core, item);
    *producer = (struct producer){.party = party_item, .producer = number, .room = PRODUCER_ROOM_MIN};
    producer->entries = table_alloc(producer->room * sizeof *producer->entries);
    index_put(&core->producer_by_pair, core, producer_hash, item);
    LIST_APPEND(core, producer, &party->producers, item, next, prev);
    return item;
}

/* Make room for `span` numbers below and with the top, as far as the window goes. */
static void
producer_grow(struct producer *producer, uint64_t span)
{
    uint32_t room = producer->room;
    while (room < span && room < PRODUCER_WINDOW) {
        room *= 2;
    }
    if (room == producer->room) {
        return;
    }
    struct producer_entry *entries = table_alloc(room * sizeof *entries);
    for (uint64_t back = 0; back < producer->room && back < producer->top; back++) {
        uint64_t pseq = producer->top - back;
        entries[pseq % room] = producer->entries[pseq % producer->room];
    }
    free(producer->entries);
    producer->entries = entries;
    producer->room = room;
}

static void
producer_put(struct producer *producer, uint64_t pseq, uint64_t digest, uint64_t request)
{
    if (producer->lowest == 0 || pseq < producer->lowest) {
        producer->lowest = pseq;
    }
    if (pseq > producer->top) {
        producer_grow(producer, pseq - producer->lowest + 1);
        uint64_t rise = pseq - producer->top;
        for (uint64_t i = 0; i < rise && i < producer->room; i++) {
            producer->entries[(pseq - i) % producer->room].request = 0;
        }
        producer->top = pseq;
    } else {
        producer_grow(producer, producer->top - pseq + 1);
    }
    if (producer->top - pseq < producer->room) {
        producer->entries[pseq % producer->room] = (struct producer_entry){digest, request};
    }
}

void
producer_note(struct core *core, uint32_t party_item, uint64_t number, uint64_t pseq, uint64_t digest,
              uint64_t request, uint64_t seq)
{
    uint32_t item = producer_find(core, party_item, number);
    if (item == 0) {
        item = producer_make(core, party_item, number);
    }
    struct list *producers = &party_at(core, party_item)->producers;
    if (producers->tail != item) {
        LIST_REMOVE(core, producer, producers, item, next, prev);
        LIST_APPEND(core, producer, producers, item, next, prev);
    }
    struct producer *producer = producer_at(core, item);
    producer->used_seq = seq;
    producer_put(producer, pseq, digest, request);
}

void
producer_restore(struct core *core, uint32_t party, const struct proto_ev_producer_kept *kept)
{
    uint32_t item = producer_find(core, party, kept->producer);
    if (item == 0) {
        item = producer_make(core, party, kept->producer);
    }
    struct producer *producer = producer_at(core, item);
    if (producer->used_seq < kept->used) {
        producer->used_seq = kept->used;
    }
    for (uint32_t i = 0; i + 16 <= kept->entries.n; i += 16) {
        uint64_t pseq = kept->first + i / 16;
        uint64_t request = le64(kept->entries.p + i + 8);
        if (request != 0 && (producer->top < pseq || producer->top - pseq < PRODUCER_WINDOW)) {
            producer_put(producer, pseq, le64(kept->entries.p + i), request);
        }
    }
    if (kept->top > producer->top) {
        producer_put(producer, kept->top, 0, 0);
    }
}

void
producer_free_all(struct core *core)
{
    for (uint32_t i = 1; i < core->producers.used; i++) {
        free(producer_at(core, i)->entries);
    }
}
