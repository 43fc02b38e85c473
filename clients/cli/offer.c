/* An offer from the options that worker run and desk open share. */
#include "offer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "form.h"
#include "money.h"
#include "value.h"

static int
set_price(struct cli *cli, const struct args *args, struct offer *offer)
{
    const char *price = args_text(args, "price");
    if (price && !money_parse(price, &offer->common.price.minor_units, offer->currency))
        return cli_error(cli, EXIT_USAGE, "--price: '%s' is not an amount with its currency such as 90.00 CNY", price);
    offer->common.price.currency = offer->currency;
    return EXIT_DONE;
}

static int
set_attributes(struct cli *cli, const struct args *args, struct offer *offer)
{
    struct said said;
    json_t *pairs = form_pairs(args_text(args, "attributes"), args, "attribute", &said);
    int code = pairs ? EXIT_DONE : cli_said(cli, &said);
    if (pairs && json_object_size(pairs)) {
        offer->attributes = value_map(pairs);
        if (!offer->attributes || !qiao_map_bytes(offer->attributes, &offer->common.attributes))
            code = cli_error(cli, EXIT_DATA, "--attribute: too large or too deep");
    }
    json_decref(pairs);
    return code;
}

int
offer_of(struct cli *cli, const struct args *args, uint32_t capacity, struct offer *out_offer)
{
    char host[40] = "host";
    const char *service, *name = args_text(args, "name"), *location = args_text(args, "location");
    *out_offer = (struct offer){ .capacity = capacity };
    size_t at = 0;
    while ((service = args_next(args, "service", &at)) != NULL && out_offer->service_count < 64)
        out_offer->services[out_offer->service_count++] = service;
    if (out_offer->service_count == 0)
        return cli_error(cli, EXIT_USAGE, "name a service with --service");
    int64_t wanted = args_number(args, "capacity", capacity);
    if (wanted < 1 || wanted > 1024)
        return cli_error(cli, EXIT_USAGE, "--capacity: from 1 to 1024");
    out_offer->capacity = (uint32_t)wanted;
    gethostname(host, sizeof host - 1);
    if (name)
        snprintf(out_offer->name, sizeof out_offer->name, "%s", name);
    else
        snprintf(out_offer->name, sizeof out_offer->name, "%s-%ld", host, (long)getpid());
    out_offer->common.worker = out_offer->name;
    if (location && !form_place(location, &out_offer->common.place))
        return cli_error(cli, EXIT_USAGE, "--location: '%s' is not latitude and longitude in degrees such as 39.8,116.5", location);
    int code = set_price(cli, args, out_offer);
    return code == EXIT_DONE ? set_attributes(cli, args, out_offer) : code;
}

int
offer_make(struct cli *cli, const struct offer *offer, uint32_t capacity)
{
    for (size_t i = 0; i < offer->service_count; i++) {
        struct qiao_offer one = offer->common;
        one.service = offer->services[i];
        one.capacity = capacity;
        int code = cli_status(cli, qiao_offer(cli->client, &one, cli->timeout_us));
        if (code != EXIT_DONE)
            return code;
    }
    return EXIT_DONE;
}

void
offer_fini(struct offer *offer)
{
    qiao_map_free(offer->attributes);
    offer->attributes = NULL;
}
