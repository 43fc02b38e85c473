/* An offer from the options that worker run and desk open share. */
#ifndef QIAO_CLI_OFFER_H
#define QIAO_CLI_OFFER_H

#include "cli.h"

/* Everything that the offers of one run have in common. Free with offer_fini. */
struct offer {
    const char *services[64];
    size_t service_count;
    uint32_t capacity;
    struct qiao_offer common;
    struct qiao_map *attributes;
    char currency[4], name[65];
};

/* From --service, --capacity, --attribute, --price, --location and --name. */
int offer_of(struct cli *cli, const struct args *args, uint32_t capacity, struct offer *out_offer);

/* Makes the offers, each with this capacity; 0 takes them back. */
int offer_make(struct cli *cli, const struct offer *offer, uint32_t capacity);

void offer_fini(struct offer *offer);

#endif
