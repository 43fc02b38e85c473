/*
 * The simulated network: a queue each way for every connection. Loses, doubles and swaps what it is given, at the rates of the
 * options, and counts that. Knows no record.
 */
#ifndef SIM_LINK_H
#define SIM_LINK_H

#include "sim.h"

uint16_t link_open(struct sim *sim, uint8_t client); /* 0xffff: none free */
void link_close(struct sim *sim, uint16_t conn);     /* by the client: cut, or given up */
void link_drop(struct sim *sim, uint16_t conn);      /* by the broker; it must have told the core */
void link_up(struct sim *sim, uint16_t conn, const uint8_t *p, size_t n);
void link_down(struct sim *sim, uint16_t conn, const uint8_t *p, size_t n);
void link_crash(struct sim *sim); /* the broker is gone: so are its ends */
void link_silence(struct sim *sim); /* after a crash: nothing that was said is heard any more */
void link_free_all(struct sim *sim);

/* The next message, taken out; the caller frees it. NULL: none. */
struct message *queue_take(struct sim *sim, struct conn *conn, struct queue *queue);
void queue_clear(struct queue *queue);

static inline uint32_t
link_handle(const struct sim *sim, uint16_t conn)
{
    return (uint32_t)sim->conns[conn].generation << 16 | conn;
}

static inline uint16_t
link_of_handle(const struct sim *sim, uint32_t handle)
{
    uint16_t conn = (uint16_t)(handle & 0xffff);
    return conn < CONNS_MAX && sim->conns[conn].used && link_handle(sim, conn) == handle ? conn : 0xffff;
}

/* Give the slot back when both ends are closed and nothing is on its way. */
void link_settle(struct sim *sim, uint16_t conn);

#endif
