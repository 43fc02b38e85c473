/* The clock of a client: monotonic microseconds. */
#include <time.h>

#include "lib/internal.h"

int64_t
qiaoi_now_us(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

int64_t
qiaoi_deadline(int64_t now_us, int64_t timeout_us)
{
    return timeout_us < 0 || timeout_us > INT64_MAX - now_us ? INT64_MAX : now_us + timeout_us;
}
