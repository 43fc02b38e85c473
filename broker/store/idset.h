/*
 * A set of request ids that only grows, for a pass over a stretch of the journal. Not 0.
 */
#ifndef STORE_IDSET_H
#define STORE_IDSET_H

#include <stdbool.h>
#include <stdint.h>

struct idset {
    uint64_t *slots; /* open addressing, a power of two; 0: free */
    uint32_t size, count;
};

void idset_init(struct idset *set);
void idset_fini(struct idset *set);
void idset_clear(struct idset *set); /* keeps the memory */
bool idset_add(struct idset *set, uint64_t id); /* false: no memory */
bool idset_has(const struct idset *set, uint64_t id);

#endif
