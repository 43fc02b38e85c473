/*
 * CRC-32C (Castagnoli), the checksum of one event. By the processor's own instruction where it has one.
 */
#ifndef STORE_CRC32C_H
#define STORE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continue a checksum over more bytes; start with 0. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);

/* The same by table, on any processor; for tests and for processors without the instruction. */
uint32_t crc32c_table(uint32_t crc, const void *p, size_t n);

/* What stands in front of an event: its sequence is part of it, so an event cannot pass for another. */
uint32_t crc32c_event(uint64_t seq, const void *p, size_t n);

#endif
