/*
 * Log lines. See log.h.
 */
#include "shell/log.h"

#include <stdarg.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 1024 };

static enum config_log_level level_max = CONFIG_LOG_INFO;

void
log_level_set(enum config_log_level level)
{
    level_max = level;
}

bool
log_wants(enum config_log_level level)
{
    return level <= level_max;
}

void
log_line(enum config_log_level level, const char *event, const char *format, ...)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    if (!log_wants(level)) {
        return;
    }
    char line[LINE_BYTES];
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t n = strftime(line, sizeof line, "time=%Y-%m-%dT%H:%M:%S", &utc);
    n += (size_t)snprintf(line + n, sizeof line - n, ".%03ldZ level=%s event=%s ", now.tv_nsec / 1000000, names[level], event);
    va_list args;
    va_start(args, format);
    int more = vsnprintf(line + n, sizeof line - n - 1, format, args);
    va_end(args);
    n = more < 0 ? n : n + (size_t)more < sizeof line - 1 ? n + (size_t)more : sizeof line - 2;
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f) {
            line[i] = '?';
        }
    }
    line[n++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, n); /* one call, so that lines of two processes do not mix */
    (void)written;
}
