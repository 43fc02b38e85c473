/*
 * Simulated clients: they connect, act at random, and remember what they were told. note.c judges what they were told.
 */
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H

#include "audit.h"

/* One random act of a client; connects first when it is not connected. */
void client_act(struct sim *sim, uint8_t client);
/* One message that came down a connection, or its end. */
void client_deliver(struct sim *sim, uint16_t conn);
void client_cut(struct sim *sim, uint8_t client);

/* Send a record; with a number when `wants` is given: it is remembered as pending (type and n are filled in). */
void client_send(struct sim *sim, uint8_t client, struct proto_record *record, const struct pending *wants);
struct client *client_new(struct sim *sim, uint8_t party, uint8_t member, uint32_t key);

/* requester.c, performer.c, overseer.c: one act in that role. */
void requester_act(struct sim *sim, uint8_t client);
void requester_submit(struct sim *sim, uint8_t client);
void performer_act(struct sim *sim, uint8_t client);
void performer_offer(struct sim *sim, uint8_t client, bool whole);
void performer_told(struct sim *sim, uint8_t client, const struct proto_record *record);
void overseer_act(struct sim *sim, uint8_t client);
void overseer_revoke(struct sim *sim);

/* enrol.c: invitations, and keys that members make themselves. */
void overseer_invite(struct sim *sim);
bool enrol_act(struct sim *sim, uint8_t client); /* false: it has nothing to enrol */
void enrol_told(struct sim *sim, uint8_t client);
void enrol_dropped(struct client *client);
void enrol_settled(struct sim *sim, struct client *client); /* the end: it knows which of its keys counts */
void client_watch(struct sim *sim, uint8_t client);
void client_look(struct sim *sim, uint8_t client); /* get, list, explain, services */

/* An id to ask about: mostly one's own, sometimes another's (*out_expect says so), sometimes none at all. */
uint64_t client_choose_id(struct sim *sim, uint8_t client, uint8_t *out_expect);

/* ------------------------------------------------------------- note.c: is what was told true, and does it stay so? */

void note_record(struct sim *sim, uint8_t client, const struct conn *conn, const struct message *message,
                 const struct proto_record *record);

#endif
