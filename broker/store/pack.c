/*
 * LZ4 blocks. See pack.h.
 */
#include "store/pack.h"

#include <lz4.h>

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
    packed = LZ4_compress_default((const char *)p, (char *)out, (int)n, (int)(most < out_cap ? most : out_cap));
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
