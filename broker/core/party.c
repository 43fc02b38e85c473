/*
 * Parties, members, services, providers and short texts; see party.h.
 */
#include "core/party.h"

#include "core/kept.h"

#include <stdlib.h>

static uint64_t
name_hash(const struct core *core, struct proto_str text)
{
    return hash_bytes(core->settings.seed, text.p, text.n);
}

static uint64_t
pair_hash(uint32_t a, uint32_t b)
{
    return hash_mix((uint64_t)a << 32 | b);
}

/* ------------------------------------------------------------- parties */

static uint64_t
party_hash(const void *owner, uint32_t item)
{
    const struct core *core = owner;
    return name_hash(core, name_str(&party_at(core, item)->name));
}

uint32_t
party_find(const struct core *core, struct proto_str name)
{
    INDEX_EACH(&core->party_by_name, name_hash(core, name), item)
    {
        if (proto_str_eq(name_str(&party_at(core, item)->name), name)) {
            return item;
        }
    }
    return 0;
}

uint64_t
party_tag(struct proto_str name)
{
    uint8_t digest[DIGEST_BYTES];
    uint64_t tag;
    digest_bytes(name.p, name.n, digest);
    memcpy(&tag, digest, sizeof tag);
    return tag != 0 ? tag : 1;
}

uint32_t
party_make(struct core *core, struct proto_str name)
{
    uint32_t item = pool_new(&core->parties);
    name_set(&party_at(core, item)->name, name);
    party_at(core, item)->tag = party_tag(name);
    index_put(&core->party_by_name, core, party_hash, item);
    return item;
}

void
party_free_all(struct core *core)
{
    for (uint32_t i = 1; i < core->parties.used; i++) {
        free(party_at(core, i)->services);
        free(party_at(core, i)->attributes);
    }
}

bool
party_may_perform(const struct core *core, const struct party *party, struct proto_str service)
{
    (void)core;
    if (!party_has_role(party, PROTO_ROLE_PERFORMER) || party->revoked) {
        return false;
    }
    struct proto_iter it = proto_iter_of((struct proto_bin){party->services, party->services_n});
    struct proto_str pattern;
    while (proto_iter_str(&it, &pattern)) {
        if (service_name_covers(pattern, service)) {
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------- members */

static uint64_t
key_slot_hash(const struct core *core, const uint8_t key[32])
{
    return hash_bytes(core->settings.seed, key, 32);
}

static uint64_t
member_key_hash(const void *owner, uint32_t item)
{
    const struct core *core = owner;
    return key_slot_hash(core, member_at(core, item)->key);
}

static uint64_t
member_name_hash(const void *owner, uint32_t item)
{
    const struct core *core = owner;
    const struct member *member = member_at(core, item);
    return name_hash(core, name_str(&member->name)) ^ hash_mix(member->party);
}

uint32_t
member_find_key(const struct core *core, const uint8_t key[32])
{
    INDEX_EACH(&core->member_by_key, key_slot_hash(core, key), item)
    {
        if (memcmp(member_at(core, item)->key, key, 32) == 0) {
            return item;
        }
    }
    return 0;
}

uint32_t
member_find_name(const struct core *core, uint32_t party, struct proto_str name)
{
    uint32_t any = 0;
    INDEX_EACH(&core->member_by_name, name_hash(core, name) ^ hash_mix(party), item)
    {
        const struct member *member = member_at(core, item);
        if (member->party == party && proto_str_eq(name_str(&member->name), name)) {
            if (member->state == CORE_MEMBER_ACTIVE) {
                return item;
            }
            any = any == 0 ? item : any;
        }
    }
    return any;
}

uint32_t
member_make(struct core *core, uint32_t party, struct proto_str name, const uint8_t key[32])
{
    uint32_t item = pool_new(&core->members);
    struct member *member = member_at(core, item);
    member->party = party;
    name_set(&member->name, name);
    memcpy(member->key, key, sizeof member->key);
    member->next = party_at(core, party)->members;
    party_at(core, party)->members = item;
    index_put(&core->member_by_key, core, member_key_hash, item);
    index_put(&core->member_by_name, core, member_name_hash, item);
    return item;
}

/* ------------------------------------------------------------- services */

static uint64_t
service_hash(const void *owner, uint32_t item)
{
    const struct core *core = owner;
    return name_hash(core, name_str(&service_at(core, item)->name));
}

uint32_t
service_find(const struct core *core, struct proto_str name)
{
    INDEX_EACH(&core->service_by_name, name_hash(core, name), item)
    {
        if (proto_str_eq(name_str(&service_at(core, item)->name), name)) {
            return item;
        }
    }
    return 0;
}

uint32_t
service_make(struct core *core, struct proto_str name)
{
    uint32_t item = service_find(core, name);
    if (item == 0) {
        item = pool_new(&core->services);
        name_set(&service_at(core, item)->name, name);
        index_put(&core->service_by_name, core, service_hash, item);
    }
    return item;
}

void
service_free_all(struct core *core)
{
    for (uint32_t i = 1; i < core->services.used; i++) {
        free(service_at(core, i)->offers);
    }
}

/* ------------------------------------------------------------- providers */

static uint64_t
provider_hash(const void *owner, uint32_t item)
{
    const struct core *core = owner;
    const struct provider *provider = provider_at(core, item);
    return pair_hash(provider->party, provider->service);
}

uint32_t
provider_find(const struct core *core, uint32_t party, uint32_t service)
{
    INDEX_EACH(&core->provider_by_pair, pair_hash(party, service), item)
    {
        const struct provider *provider = provider_at(core, item);
        if (provider->party == party && provider->service == service) {
            return item;
        }
    }
    return 0;
}

uint32_t
provider_make(struct core *core, uint32_t party, uint32_t service)
{
    uint32_t item = provider_find(core, party, service);
    if (item == 0) {
        item = pool_new(&core->providers);
        *provider_at(core, item) = (struct provider){
            .party = party, .service = service, .next = party_at(core, party)->providers};
        party_at(core, party)->providers = item;
        index_put(&core->provider_by_pair, core, provider_hash, item);
    }
    return item;
}

/* ------------------------------------------------------------- texts */

static uint64_t
text_hash(const void *owner, uint32_t item)
{
    const struct core *core = owner;
    return name_hash(core, name_str(&text_at(core, item)->name));
}

uint32_t
text_take(struct core *core, struct proto_str text)
{
    if (text.n == 0) {
        return 0;
    }
    INDEX_EACH(&core->text_by_name, name_hash(core, text), item)
    {
        if (proto_str_eq(name_str(&text_at(core, item)->name), text)) {
            text_at(core, item)->refs++;
            return item;
        }
    }
    uint32_t made = pool_new(&core->texts);
    text_at(core, made)->refs = 1;
    name_set(&text_at(core, made)->name, text);
    index_put(&core->text_by_name, core, text_hash, made);
    return made;
}

void
text_drop(struct core *core, uint32_t text)
{
    if (text != 0 && --text_at(core, text)->refs == 0) {
        index_remove(&core->text_by_name, core, text_hash, text);
        pool_free(&core->texts, text);
    }
}

struct proto_str
text_str(const struct core *core, uint32_t text)
{
    return text == 0 ? (struct proto_str){"", 0} : name_str(&text_at(core, text)->name);
}
