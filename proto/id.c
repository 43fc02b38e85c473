/* Ids as text, see id.h. */
#include "proto/id.h"

static const char id_digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void
proto_id_text(uint64_t id, char out[PROTO_ID_CHARS + 1])
{
    for (int i = PROTO_ID_CHARS - 1; i >= 0; i--) {
        out[i] = id_digits[id & 31];
        id >>= 5;
    }
    out[PROTO_ID_CHARS] = '\0';
}

/* The value of one character, or -1. */
static int
id_digit(char c)
{
    if (c >= 'a' && c <= 'z') {
        c = (char)(c - 'a' + 'A');
    }
    if (c == 'O') {
        return 0;
    }
    if (c == 'I' || c == 'L') {
        return 1;
    }
    for (int i = 0; i < 32; i++) {
        if (id_digits[i] == c) {
            return i;
        }
    }
    return -1;
}

bool
proto_id_parse(const char *text, size_t n, uint64_t *out_id)
{
    if (n != PROTO_ID_CHARS) {
        return false;
    }
    uint64_t id = 0;
    for (size_t i = 0; i < n; i++) {
        int digit = id_digit(text[i]);
        if (digit < 0 || (i == 0 && digit > 15)) {
            return false;
        }
        id = id << 5 | (uint64_t)digit;
    }
    *out_id = id;
    return true;
}
