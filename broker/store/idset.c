/*
 * Open addressing over ids.
 */
#include "store/idset.h"

#include <stdlib.h>
#include <string.h>

enum { IDSET_SIZE_FIRST = 1024 };

void
idset_init(struct idset *set)
{
    *set = (struct idset){0};
}

void
idset_fini(struct idset *set)
{
    free(set->slots);
    *set = (struct idset){0};
}

void
idset_clear(struct idset *set)
{
    if (set->count > 0) {
        memset(set->slots, 0, sizeof(set->slots[0]) * set->size);
        set->count = 0;
    }
}

/* Where it is, or would be. */
static uint64_t *
idset_slot(uint64_t *slots, uint32_t size, uint64_t id)
{
    uint32_t i = (uint32_t)((id * 0x9e3779b97f4a7c15u) >> 32) & (size - 1);

    while (slots[i] != 0 && slots[i] != id) {
        i = (i + 1) & (size - 1);
    }
    return &slots[i];
}

static bool
idset_grow(struct idset *set)
{
    uint32_t size = set->size > 0 ? set->size * 2 : IDSET_SIZE_FIRST;
    uint64_t *slots = calloc(size, sizeof(slots[0]));

    if (slots == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < set->size; i++) {
        if (set->slots[i] != 0) {
            *idset_slot(slots, size, set->slots[i]) = set->slots[i];
        }
    }
    free(set->slots);
    set->slots = slots;
    set->size = size;
    return true;
}

bool
idset_add(struct idset *set, uint64_t id)
{
    uint64_t *slot;

    if (set->count >= set->size / 2 && !idset_grow(set)) {
        return false;
    }
    slot = idset_slot(set->slots, set->size, id);
    if (*slot == 0) {
        *slot = id;
        set->count++;
    }
    return true;
}

bool
idset_has(const struct idset *set, uint64_t id)
{
    return set->size > 0 && *idset_slot(set->slots, set->size, id) == id;
}
