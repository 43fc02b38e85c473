/* See link.h. */
#include "link.h"

static void
queue_put(struct queue *queue, const uint8_t *p, size_t n, uint64_t durable)
{
    struct message *message = memory(NULL, sizeof *message + n);
    message->next = NULL;
    message->durable = durable;
    message->n = (uint32_t)n;
    if (n > 0) {
        memcpy(message->bytes, p, n);
    }
    *(queue->tail != NULL ? &queue->tail->next : &queue->head) = message;
    queue->tail = message;
    queue->count++;
}

static struct message *
queue_pop(struct queue *queue)
{
    struct message *message = queue->head;
    queue->head = message->next;
    queue->tail = queue->head != NULL ? queue->tail : NULL;
    queue->count--;
    return message;
}

void
queue_clear(struct queue *queue)
{
    while (queue->head != NULL) {
        free(queue_pop(queue));
    }
}

static void
send(struct sim *sim, struct conn *conn, struct queue *queue, const uint8_t *p, size_t n, uint64_t durable)
{
    if (!sim->faults_over && rng_ppm(&sim->rng, sim->options.loss_ppm)) {
        sim->counts->faults[FAULT_LOSS]++;
        conn->clean = false;
        return;
    }
    queue_put(queue, p, n, durable);
    if (!sim->faults_over && rng_ppm(&sim->rng, sim->options.twice_ppm)) {
        sim->counts->faults[FAULT_TWICE]++;
        conn->clean = false;
        queue_put(queue, p, n, durable);
    }
}

struct message *
queue_take(struct sim *sim, struct conn *conn, struct queue *queue)
{
    if (queue->head == NULL) {
        return NULL;
    }
    if (queue->count > 1 && conn->greeted && !sim->faults_over && rng_ppm(&sim->rng, sim->options.reorder_ppm)) {
        sim->counts->faults[FAULT_REORDER]++;
        conn->clean = false;
        struct message *first = queue->head;
        struct message *second = first->next;
        first->next = second->next;
        queue->tail = queue->tail == second ? first : queue->tail;
        queue->head = first;
        queue->count--;
        return second;
    }
    return queue_pop(queue);
}

uint16_t
link_open(struct sim *sim, uint8_t client)
{
    for (uint16_t i = 1; i < CONNS_MAX; i++) {
        struct conn *conn = &sim->conns[i];
        if (!conn->used) {
            uint16_t generation = (uint16_t)(conn->generation + 1);
            *conn = (struct conn){.used = true,
                                  .client_open = true,
                                  .clean = true,
                                  .client = client,
                                  .generation = generation != 0 ? generation : 1,
                                  .key = sim->clients[client].key};
            queue_put(&conn->up, NULL, 0, 0); /* hello */
            return i;
        }
    }
    return 0xffff;
}

void
link_settle(struct sim *sim, uint16_t i)
{
    struct conn *conn = &sim->conns[i];
    if (conn->used && !conn->client_open && !conn->broker_open && conn->up.head == NULL && conn->down.head == NULL) {
        conn->used = false;
    }
}

void
link_close(struct sim *sim, uint16_t i)
{
    struct conn *conn = &sim->conns[i];
    conn->client_open = false;
    queue_clear(&conn->down);
    if (!conn->greeted || !rng_percent(&sim->rng, sim->options.zombie_percent)) {
        queue_clear(&conn->up);
    } else if (conn->up.count > 0) {
        sim->counts->faults[FAULT_ZOMBIE]++;
    }
    if (!conn->greeted) {
        conn->broker_open = false;
    }
    link_settle(sim, i);
}

void
link_drop(struct sim *sim, uint16_t i)
{
    struct conn *conn = &sim->conns[i];
    conn->broker_open = false;
    queue_clear(&conn->up);
    link_settle(sim, i);
}

void
link_up(struct sim *sim, uint16_t i, const uint8_t *p, size_t n)
{
    struct conn *conn = &sim->conns[i];
    if (conn->used && (conn->broker_open || !conn->greeted)) {
        send(sim, conn, &conn->up, p, n, 0);
    }
}

void
link_down(struct sim *sim, uint16_t i, const uint8_t *p, size_t n)
{
    struct conn *conn = &sim->conns[i];
    if (conn->used && conn->client_open) {
        send(sim, conn, &conn->down, p, n, sim->journal.durable);
    }
}

void
link_crash(struct sim *sim)
{
    for (uint16_t i = 1; i < CONNS_MAX; i++) {
        struct conn *conn = &sim->conns[i];
        if (conn->used) {
            conn->broker_open = false;
            conn->greeted = true;
            queue_clear(&conn->up);
            if (rng_below(&sim->rng, 2)) {
                queue_clear(&conn->down);
            }
            link_settle(sim, i);
        }
    }
}

void
link_silence(struct sim *sim)
{
    for (uint16_t i = 1; i < CONNS_MAX; i++) {
        queue_clear(&sim->conns[i].down);
        link_settle(sim, i);
    }
}

void
link_free_all(struct sim *sim)
{
    for (uint16_t i = 0; i < CONNS_MAX; i++) {
        queue_clear(&sim->conns[i].up);
        queue_clear(&sim->conns[i].down);
    }
}
