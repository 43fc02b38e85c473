/* Runs the fuzz target once over each file that is named: a corpus as a plain test, without libFuzzer. */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz_codec.h"

enum { FILE_BYTES_MAX = 1 << 20 };

int
main(int argc, char **argv)
{
    uint8_t *bytes = malloc(FILE_BYTES_MAX);
    if (bytes == NULL || argc < 2) {
        return 64;
    }
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (file == NULL) {
            perror(argv[i]);
            return 66;
        }
        size_t n = fread(bytes, 1, FILE_BYTES_MAX, file);
        fclose(file);
        /* A block of exactly that size, so that a sanitizer sees a read beyond it. */
        uint8_t *copy = malloc(n > 0 ? n : 1);
        if (copy == NULL) {
            return 71;
        }
        for (size_t k = 0; k < n; k++) {
            copy[k] = bytes[k];
        }
        LLVMFuzzerTestOneInput(copy, n);
        free(copy);
    }
    free(bytes);
    printf("%d inputs\n", argc - 1);
    return 0;
}
