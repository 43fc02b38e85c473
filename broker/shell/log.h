/*
 * The log: one line of key=value pairs on stderr per thing worth telling an operator.
 *
 * Never payloads, never keys (C5). One thread.
 */
#ifndef SHELL_LOG_H
#define SHELL_LOG_H

#include "shell/config.h"

void log_level_set(enum config_log_level level);
bool log_wants(enum config_log_level level);

/* event: one word, such as "started". format makes further pairs: "endpoint=%s". Control characters are replaced. */
void log_line(enum config_log_level level, const char *event, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
