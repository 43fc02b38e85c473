/*
 * What the world is made of: catalogues, and what a submission says. The same submission and variant always say the same.
 */
#ifndef SIM_CONTENT_H
#define SIM_CONTENT_H

#include "sim.h"

/* The catalogue of this world; variants differ in terms, and the odd ones leave a service out. The caller unrefs it. */
struct catalogue *content_catalogue(struct sim *sim, uint32_t variant);

/* Fill a submit record; its texts live in sim->scratch until the next call. */
void content_submit(struct sim *sim, const struct submission *submission, unsigned variant, struct proto_record *record);

unsigned content_text_of_key(struct proto_str key);
unsigned content_variant_of_body(struct proto_bin body);
bool content_is_impossible(struct proto_bin require);

/* Attributes that an offer tells; good ones meet every constraint that can be met. */
struct proto_bin content_attributes(bool good, struct proto_buf *buf);

/* A list of strings. */
struct proto_bin content_list(struct proto_buf *buf, const struct proto_str *texts, uint32_t n);

#endif
