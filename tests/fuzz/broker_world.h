/*
 * A broker without store and network, for fuzz_broker: the real decoder, core and renderer over a journal in memory.
 *
 * Keys, not members, are who connects: key K is 32 bytes of the value K + 1. Key 0 belongs to the first operator; the
 * world begins with a few parties, see world_begin. Whatever leaves is decoded again; whatever was journaled is replayed
 * at world_restart and world_end, and must give the same digest (D4, D5).
 */
#ifndef TEST_FUZZ_BROKER_WORLD_H
#define TEST_FUZZ_BROKER_WORLD_H

#include "core/core.h"

enum { WORLD_KEYS = 12, WORLD_CONNECTIONS = 8, WORLD_CATALOGUES = 3 };

struct world;

struct world *world_begin(void);
void world_end(struct world **world_p);

void world_connect(struct world *world, unsigned slot, unsigned key); /* ends what is there */
void world_disconnect(struct world *world, unsigned slot);

/* A frame: records one after the other. Those that cannot be read are refused, as the network's room does it. */
void world_frame(struct world *world, unsigned slot, const uint8_t *p, size_t n);

void world_wait(struct world *world, int64_t us);      /* both clocks; timers run at their time */
void world_jump(struct world *world, int64_t utc_us);  /* the wall clock only */
void world_project(struct world *world);               /* history has everything */
void world_press(struct world *world, uint32_t pressure);
void world_reload(struct world *world, unsigned catalogue);
void world_flush(struct world *world);                 /* effects leave; until then they wait, as for a commit */
void world_restart(struct world *world);

#endif
