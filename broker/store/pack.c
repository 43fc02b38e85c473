/*
 * LZ4 blocks. See pack.h.
 */
#include "store/pack.h"

#include <lz4.h>

/* Of a batch with noise in it, LZ4 looks for what repeats in half the time and misses a hundredth (400 KiB: 550 and 300 us; 0.60 and 0.61). */
enum { HASTE = 8 };

uint32_t
pack_room(uint32_t n)
{
    return n; /* what needs more is not wanted */
}

uint32_t
pack(const uint8_t *p, uint32_t n, uint8_t *out, uint32_t out_cap)
{
    uint32_t most = n - n / 8;
    int packed;

    if (n > LZ4_MAX_INPUT_SIZE) {
        return 0;
    }
    packed = LZ4_compress_fast((const char *)p, (char *)out, (int)n, (int)(most < out_cap ? most : out_cap), HASTE);
    return packed > 0 ? (uint32_t)packed : 0;
}

bool
unpack(const uint8_t *p, uint32_t packed, uint8_t *out, uint32_t n)
{
    if (n > LZ4_MAX_INPUT_SIZE || packed > LZ4_MAX_INPUT_SIZE || n / PACK_RATIO_MAX > packed) {
        return false;
    }
    return LZ4_decompress_safe((const char *)p, (char *)out, (int)packed, (int)n) == (int)n;
}
