/*
 * Tell the service manager how we are: the datagram protocol of sd_notify(3), without its library. Nothing happens when
 * nobody listens ($NOTIFY_SOCKET is not set).
 */
#ifndef SHELL_NOTIFY_H
#define SHELL_NOTIFY_H

#include <stdint.h>

void notify_send(const char *state); /* "READY=1", "STOPPING=1", "WATCHDOG=1" */

/* How often WATCHDOG=1 is expected, already halved; 0: not at all. */
int64_t notify_watchdog_us(void);

#endif
