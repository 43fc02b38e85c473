/*
 * The catalogue: asked for anew by an operator, or loaded by the shell. Terms that changed become facts, so that requests
 * keep theirs and apply never looks here.
 */
#include "core/group.h"
#include "core/handlers.h"
#include "core/offer.h"
#include "core/party.h"

void
on_catalogue(struct turn *turn)
{
    struct core_effect *effect = effect_add(turn, CORE_RELOAD, turn->conn);
    effect->re = turn->record->n;
}

static struct terms
terms_of_type(const struct service_type *type)
{
    return (struct terms){.tenure = type->tenure,
                          .policy = type->policy,
                          .verify = type->verify,
                          .complete_by_fails = type->complete_by_fails,
                          .attempts = type->attempts,
                          .releases_max = type->releases_max,
                          .accept_by_us = type->accept_by_us,
                          .start_by_us = type->start_by_us,
                          .attempt_us = type->attempt_us,
                          .lease_us = type->lease_us,
                          .backoff_us = type->backoff_us,
                          .backoff_max_us = type->backoff_max_us,
                          .age_us = type->age_us};
}

static bool
terms_are_new(const struct core *core, const struct service_type *type)
{
    uint32_t service = service_find(core, type->name);
    if (service == 0 || service_at(core, service)->terms == 0) {
        return true;
    }
    struct terms terms = terms_of_type(type);
    terms.service = service;
    return !terms_same(&terms, terms_at(core, service_at(core, service)->terms));
}

static void
terms_fact(struct turn *turn, const struct service_type *type)
{
    struct proto_event event;
    event_begin_broker(turn, &event, PROTO_EV_TERMS, 0);
    event.service = type->name;
    event.u.terms = (struct proto_ev_terms){.terms = turn->core->terms_last + 1,
                                            .tenure = type->tenure,
                                            .policy = type->policy,
                                            .verify = type->verify,
                                            .complete_by_fails = type->complete_by_fails,
                                            .attempts = type->attempts,
                                            .releases_max = type->releases_max,
                                            .accept_by = type->accept_by_us,
                                            .start_by = type->start_by_us,
                                            .attempt_limit = type->attempt_us,
                                            .lease = type->lease_us,
                                            .backoff = type->backoff_us,
                                            .backoff_max = type->backoff_max_us,
                                            .age = type->age_us};
    event_commit(turn, &event, 0);
}

static bool
catalogue_fits(const struct core *core, const struct catalogue *catalogue)
{
    uint32_t terms = 0, services = 0;
    for (uint32_t i = 0; i < catalogue_count(catalogue); i++) {
        const struct service_type *type = catalogue_service(catalogue, i);
        terms += terms_are_new(core, type);
        services += service_find(core, type->name) == 0;
    }
    return core->terms.count + terms <= core->settings.terms_max &&
           core->services.count + services <= 2 * CATALOGUE_SERVICES_MAX;
}

static void
types_renew(struct core *core, const struct catalogue *catalogue)
{
    for (uint32_t i = 1; i < core->services.used; i++) {
        struct service *service = service_at(core, i);
        service->type = catalogue_find(catalogue, name_str(&service->name));
    }
    for (uint32_t i = 1; i < core->offers.used; i++) {
        if (offer_at(core, i)->conn != 0) {
            offer_cover(core, i);
        }
    }
}

void
on_catalogue_loaded(struct turn *turn, struct catalogue *catalogue)
{
    struct core *core = turn->core;
    terms_forget_unused(core);
    if (!catalogue_fits(core, catalogue)) {
        turn->out->refused = "more services, or more terms that open requests still use, than the core may hold";
        return;
    }
    for (uint32_t i = 0; i < catalogue_count(catalogue); i++) {
        const struct service_type *type = catalogue_service(catalogue, i);
        if (terms_are_new(core, type)) {
            terms_fact(turn, type);
        }
    }
    if (memcmp(core->catalogue_digest, catalogue_digest(catalogue), sizeof core->catalogue_digest) != 0) {
        struct proto_event event;
        event_begin_broker(turn, &event, PROTO_EV_CATALOGUE_LOADED, 0);
        event.u.catalogue_loaded.digest = (struct proto_bin){catalogue_digest(catalogue), CATALOGUE_DIGEST_BYTES};
        event.u.catalogue_loaded.services = catalogue_count(catalogue);
        event_commit(turn, &event, 0);
    }
    struct catalogue *old = core->catalogue;
    core->catalogue = catalogue_ref(catalogue);
    types_renew(core, catalogue);
    catalogue_unref(&old);
}
