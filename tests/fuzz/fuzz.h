/*
 * What every target shares: the entry point that libFuzzer looks for, and how a target says that something must hold.
 *
 * With clang and -Dfuzz=true a target is a libFuzzer program; otherwise corpus_main.c runs it once over each file of a
 * folder, as a test.
 */
#ifndef TEST_FUZZ_H
#define TEST_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* A promise of the code under test; broken, the input is kept as a finding. */
static inline void
require_at(bool holds, const char *what, int line)
{
    if (!holds) {
        fprintf(stderr, "line %d: does not hold: %s\n", line, what);
        abort();
    }
}
#define REQUIRE(holds) require_at((holds), #holds, __LINE__)

#endif
