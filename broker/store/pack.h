/*
 * Packing of a batch's events for the disk: one LZ4 block (https://github.com/lz4/lz4, doc/lz4_Block_format.md), whose size
 * unpacked is kept beside it. Fewer bytes are hashed, copied and synced. What does not get smaller stays as it is.
 */
#ifndef STORE_PACK_H
#define STORE_PACK_H

#include <stdbool.h>
#include <stdint.h>

enum { PACK_RATIO_MAX = 255 }; /* LZ4 makes nothing smaller than by this */

/* Room that pack() needs for n bytes. */
uint32_t pack_room(uint32_t n);

/* Bytes written to out; 0: not smaller by an eighth, out is spoilt. */
uint32_t pack(const uint8_t *p, uint32_t n, uint8_t *out, uint32_t out_cap);

/* False: these are not exactly n bytes, packed. Reads and writes nothing outside, whatever p holds. */
bool unpack(const uint8_t *p, uint32_t packed, uint8_t *out, uint32_t n);

#endif
