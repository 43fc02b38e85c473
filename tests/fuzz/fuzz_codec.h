/* The entry point that libFuzzer looks for. */
#ifndef TEST_FUZZ_CODEC_H
#define TEST_FUZZ_CODEC_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#endif
