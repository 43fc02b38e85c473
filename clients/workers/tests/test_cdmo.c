/* qiao-cdmo: yield, reconciliation, deviations; bookings that never overlap, slips that move what depends on them; the shared ledger. */
#include "support.h"

#include "cdmo/cdmo.h"
#include "cdmo/yield.h"
#include "common/civil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct cdmo_site site;

static int
site_setup(void **state)
{
    char path[1024], error[512];
    snprintf(path, sizeof path, "%s/../../cdmo/suites.yaml", getenv("QIAO_WORKERS_DATA"));
    if (!plant_load(path, &site.plant, error, sizeof error)) {
        print_error("%s\n", error);
        return -1;
    }
    return 0;
}

static int
site_teardown(void **state)
{
    plant_free(site.plant);
    return 0;
}

static int
plan_setup(void **state)
{
    plan_init(&site.ledger.plan);
    return 0;
}

static int
plan_teardown(void **state)
{
    plan_fini(&site.ledger.plan);
    return 0;
}

static void
run(const char *service, const char *input, const char *body, struct answer *answer)
{
    support_run_json(cdmo_compute, &site, service, input, body, answer);
}

#define ANTIBODY "'product':'mAb-1','batch':'B-1','titre':'3.2','volume':'2000','recoveries':['0.95','0.90','0.92','0.96']"

/* ---- figures */

static void
expected_yield_is_titre_times_volume_times_recoveries(void **state)
{
    struct answer answer;
    run("cdmo.antibody", "{" ANTIBODY ",'actual_yield':'4554'}", NULL, &answer);
    assert_int_equal(answer.kind, ANSWER_DONE);
    assert_string_equal(answer.outcome, "conforming");
    assert_string_equal(support_text(&answer, "expected_yield"), "4832.87");
    assert_string_equal(support_text(&answer, "yield_unit"), "g");
    assert_string_equal(support_text(&answer, "overall_recovery_percent"), "75.51");
    assert_string_equal(support_text(&answer, "actual_percent"), "94.23");
    assert_string_equal(answer.business_status, "to_be_verified");
    answer_fini(&answer);
}

#define TABLETS "'product':'P','batch':'B-2','titre':'1','titre_unit':'mg/mL','volume':'10','recoveries':['1']"
#define BALANCE "'reconciliation':{'input':'90213','packed':'89100','rejected':'820','samples':'200'"

static void
material_balance_and_packed_yield(void **state)
{
    struct answer answer;
    run("cdmo.hospital-preparation", "{" TABLETS "," BALANCE "}}", NULL, &answer);
    assert_string_equal(answer.outcome, "conforming");
    assert_string_equal(support_text(&answer, "reconciliation_percent"), "99.90");
    assert_string_equal(support_text(&answer, "packed_yield_percent"), "98.77");
    assert_string_equal(support_text(&answer, "expected_yield"), "10000.00"); /* 1 mg/mL in 10 L */
    answer_fini(&answer);
}

static void
outside_its_limits_is_a_deviation_for_a_person(void **state)
{
    struct answer answer;
    run("cdmo.hospital-preparation", "{" TABLETS "," BALANCE ",'lower':'99.91'}}", NULL, &answer);
    assert_int_equal(answer.kind, ANSWER_DONE); /* an outcome, not a failure */
    assert_string_equal(answer.outcome, "deviation");
    assert_string_equal(answer.business_status, "deviation-open");
    assert_true(answer.needs_decision);
    const json_t *row = json_array_get(json_object_get(answer.output, "deviations"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "code")), "reconciliation");
    assert_string_equal(json_string_value(json_object_get(row, "text")), "reconciliation 99.90 % is below its limit");
    answer_fini(&answer);

    run("cdmo.antibody", "{" ANTIBODY ",'actual_yield':'4349'}", NULL, &answer); /* 89.99 % */
    assert_string_equal(answer.outcome, "deviation");
    answer_fini(&answer);
    run("cdmo.antibody", "{" ANTIBODY ",'deviations':[{'id':'D-7','class':'minor','text':'pump stopped for 4 minutes'}]}", NULL, &answer);
    assert_string_equal(answer.outcome, "deviation");
    answer_fini(&answer);
}

static void
without_an_actual_yield_a_batch_is_planned(void **state)
{
    struct answer answer;
    run("cdmo.cell-gene", "{'product':'CAR-T','batch':'B','titre':'2500000','volume':'1.5','recoveries':['0.8']}", NULL, &answer);
    assert_string_equal(answer.outcome, "planned");
    assert_string_equal(support_text(&answer, "expected_yield"), "3000000000.00");
    assert_string_equal(support_text(&answer, "yield_unit"), "viable cells");
    assert_false(answer.needs_decision);
    answer_fini(&answer);
}

static void
units_follow_the_modality(void **state)
{
    long factor;
    char unit[64];
    assert_true(yield_unit("vg/mL", "L", &factor, unit, sizeof unit));
    assert_int_equal(factor, 1000);
    assert_string_equal(unit, "vg");
    assert_true(yield_unit("g/L", "L", &factor, unit, sizeof unit));
    assert_int_equal(factor, 1);
    assert_false(yield_unit("g/L", "mL", &factor, unit, sizeof unit));
    assert_false(yield_unit("g", "L", &factor, unit, sizeof unit));
    assert_false(yield_unit("/L", "L", &factor, unit, sizeof unit));
    assert_false(yield_unit("g/gal", "L", &factor, unit, sizeof unit));
}

static void
milestones_are_steps_in_the_order_of_time(void **state)
{
    struct answer answer;
    run("cdmo.cell-gene", "{'product':'CAR-T','batch':'B','titre':'2500000','volume':'1.5','recoveries':['0.8']}", NULL, &answer);
    assert_int_equal(answer.steps_n, 6);
    for (size_t i = 1; i < answer.steps_n; i++)
        assert_true(answer.steps[i].after_us >= answer.steps[i - 1].after_us && answer.steps[i].progress > answer.steps[i - 1].progress);
    assert_string_equal(answer.steps[5].business_status, "milestone:fill");
    assert_true(answer.length_us == 236 * CIVIL_HOUR_US);
    answer_fini(&answer);
}

static void
bad_input_is_refused_by_its_path(void **state)
{
    static const struct {
        const char *input, *body, *path;
    } cases[] = {
        {"{'batch':'B'}", NULL, "input.product"},
        {"{'product':'P','batch':'B','titre':'0','volume':'1','recoveries':['1']}", NULL, "input.titre"},
        {"{'product':'P','batch':'B','titre':'3.2e3','volume':'1','recoveries':['1']}", NULL, "input.titre"},
        {"{'product':'P','batch':'B','titre':'1','volume':'1','recoveries':[]}", NULL, "input.recoveries"},
        {"{'product':'P','batch':'B','titre':'1','volume':'1','recoveries':['1','1.01']}", NULL, "input.recoveries[1]"},
        {"{'product':'P','batch':'B','titre':'1','volume':'1','recoveries':['1'],'titre_unit':'g'}", NULL, "input.titre_unit"},
        {"{'product':'P','batch':'B','titre':'1','volume':'1','recoveries':['1'],'actual_yield':'-1'}", NULL, "input.actual_yield"},
        {"{'product':'P','batch':'B','titre':'1','volume':'1','recoveries':['1'],'earliest_start':'soon'}", NULL, "input.earliest_start"},
        {"{'product':'P','batch':'B','titre':'1','volume':'1','recoveries':['1'],'reconciliation':{'input':'0'}}", NULL, "input.reconciliation.input"},
        {"{'product':'P','batch':'B','titre':'1','volume':'1','recoveries':['1'],'reconciliation':{'input':'1','packed':'1','rejected':'0'}}", NULL,
            "input.reconciliation.samples"},
        {"{'product':'P','batch':'B','titre':'1','volume':'1','recoveries':['1'],'deviations':[{'id':'a','text':'b','class':'huge'}]}", NULL,
            "input.deviations[0].class"},
        {"{" ANTIBODY "}", "{'stages':[]}", "body.stages"},
        {"{" ANTIBODY "}", "{'stages':[{'id':'a','class':'upstream'}]}", "body.stages[0].hours"},
        {"{" ANTIBODY "}", "{'stages':[{'id':'a','class':'upstream','hours':0}]}", "body.stages[0].hours"},
        {"{" ANTIBODY "}", "{'stages':[{'id':'a','class':'moon','hours':1}]}", "body.stages[0]"},
        {"{" ANTIBODY "}", "{'stages':[{'id':'a','class':'fill','hours':1,'after':['b']},{'id':'b','class':'fill','hours':1}]}", "body.stages[0]"},
        {"{" ANTIBODY "}", "{'stages':[{'id':'a','class':'fill','hours':1},{'id':'a','class':'fill','hours':1}]}", "body.stages[1]"},
        {"{" ANTIBODY "}", "{'slips':[{'stage':'nowhere','hours':1}]}", "body.slips[0].stage"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct answer answer;
        run("cdmo.antibody", cases[i].input, cases[i].body, &answer);
        if (answer.kind != ANSWER_REFUSED)
            fail_msg("case %zu was not refused", i);
        assert_string_equal(answer.fault.path, cases[i].path);
        answer_fini(&answer);
    }
    assert_int_equal(site.ledger.plan.batches_n, 0); /* nothing was booked for any of them */
}

/* ---- the plan */

/* T2 in the plant: no suite runs two batches at once, and change-over lies between; stages wait for what is before them. */
static void
plan_sound(const struct plan *plan)
{
    const struct suite *suites;
    size_t suites_n = plant_suites(site.plant, &suites);
    for (size_t a = 0; a < plan->batches_n; a++)
        for (size_t i = 0; i < plan->batches[a].bookings_n; i++) {
            const struct booking *one = &plan->batches[a].bookings[i];
            for (size_t k = 0; k < one->after_n; k++)
                assert_true(plan->batches[a].bookings[one->after[k]].end_us <= one->start_us);
            for (size_t b = 0; b < plan->batches_n; b++)
                for (size_t j = 0; j < plan->batches[b].bookings_n; j++) {
                    const struct booking *two = &plan->batches[b].bookings[j];
                    int64_t between_us = 0;
                    if (one == two || strcmp(one->suite, two->suite) != 0)
                        continue;
                    for (size_t s = 0; a != b && s < suites_n; s++)
                        if (strcmp(suites[s].name, one->suite) == 0)
                            between_us = suites[s].changeover_hours * CIVIL_HOUR_US;
                    assert_true(one->end_us + between_us <= two->start_us || two->end_us + between_us <= one->start_us);
                }
        }
}

static const char *const services[] = {"cdmo.antibody", "cdmo.cell-gene", "cdmo.viral-vector", "cdmo.nucleic-acid", "cdmo.tcm", "cdmo.hospital-preparation"};

static const struct batch *
book(const char *reference, const char *service, int64_t earliest_us)
{
    struct stages stages;
    const char *unit;
    assert_true(plant_process(site.plant, service, &stages, &unit));
    return plan_book(&site.ledger.plan, site.plant, reference, &stages, earliest_us, SUPPORT_NOW_US);
}

static void
the_second_batch_waits_for_the_suite_and_its_change_over(void **state)
{
    const struct batch *one = book("one", "cdmo.tcm", SUPPORT_NOW_US);
    assert_true(batch_start(one) == SUPPORT_NOW_US);
    const struct batch *two = book("two", "cdmo.tcm", SUPPORT_NOW_US);
    /* 16 h + 24 h on TCM-1, then 8 h of change-over */
    assert_true(two->bookings[0].start_us == SUPPORT_NOW_US + 48 * CIVIL_HOUR_US);
    plan_sound(&site.ledger.plan);
    /* a short batch fits before them on the suite for solids: earliest fit looks into gaps */
    const struct batch *three = book("three", "cdmo.hospital-preparation", SUPPORT_NOW_US);
    assert_true(batch_start(three) == SUPPORT_NOW_US);
    plan_sound(&site.ledger.plan);
}

static void
a_slip_moves_what_depends_on_it_and_nothing_else(void **state)
{
    book("one", "cdmo.tcm", SUPPORT_NOW_US);
    book("two", "cdmo.tcm", SUPPORT_NOW_US);
    book("other", "cdmo.cell-gene", SUPPORT_NOW_US);
    int64_t first = plan_find(&site.ledger.plan, "one")->bookings[0].start_us, two = plan_find(&site.ledger.plan, "two")->bookings[0].start_us;
    int64_t later = plan_find(&site.ledger.plan, "one")->bookings[2].start_us, other_end = batch_end(plan_find(&site.ledger.plan, "other"));
    assert_true(plan_slip(&site.ledger.plan, site.plant, "one", "extraction", 12 * CIVIL_HOUR_US));
    plan_sound(&site.ledger.plan);
    assert_true(plan_find(&site.ledger.plan, "one")->bookings[0].start_us == first);
    assert_true(plan_find(&site.ledger.plan, "one")->bookings[2].start_us == later + 12 * CIVIL_HOUR_US);
    assert_true(plan_find(&site.ledger.plan, "two")->bookings[0].start_us == two + 12 * CIVIL_HOUR_US);
    assert_true(batch_end(plan_find(&site.ledger.plan, "other")) == other_end);
    assert_false(plan_slip(&site.ledger.plan, site.plant, "one", "nowhere", 1));
    assert_false(plan_slip(&site.ledger.plan, site.plant, "nobody", "pack", 1));
}

static void
a_cancelled_batch_frees_its_suites(void **state)
{
    book("one", "cdmo.tcm", SUPPORT_NOW_US);
    plan_cancel(&site.ledger.plan, "one");
    assert_true(batch_start(book("two", "cdmo.tcm", SUPPORT_NOW_US)) == SUPPORT_NOW_US);
}

/* A seeded crowd of batches, slips and cancellations: the plan stays sound. */
static void
no_suite_ever_runs_two_batches_at_once(void **state)
{
    for (uint32_t seed = 1; seed <= 20; seed++) {
        uint32_t chance = seed * 2654435761u;
        for (int i = 0; i < 30; i++) {
            char name[NAME_BYTES];
            chance = chance * 1664525u + 1013904223u;
            snprintf(name, sizeof name, "batch-%d", i);
            assert_non_null(book(name, services[(chance >> 8) % 6], SUPPORT_NOW_US + (int64_t)(chance >> 24) * CIVIL_HOUR_US));
            if ((chance >> 16) % 3 == 0) {
                struct batch *slipping = &site.ledger.plan.batches[(chance >> 4) % site.ledger.plan.batches_n];
                char reference[NAME_BYTES], stage[NAME_BYTES];
                snprintf(reference, sizeof reference, "%s", slipping->reference);
                snprintf(stage, sizeof stage, "%s", slipping->bookings[(chance >> 12) % slipping->bookings_n].stage);
                assert_true(plan_slip(&site.ledger.plan, site.plant, reference, stage, (1 + (chance >> 20) % 100) * CIVIL_HOUR_US));
            }
            if ((chance >> 16) % 7 == 0)
                plan_cancel(&site.ledger.plan, name);
            plan_sound(&site.ledger.plan);
        }
        plan_fini(&site.ledger.plan);
    }
}

static void
a_full_plan_is_our_trouble_not_the_requesters_fault(void **state)
{
    struct answer answer;
    struct stages stages = {.n = 1};
    stages.v[0] = (struct stage){.id = "a", .suite_class = "pack", .length_us = CIVIL_HOUR_US};
    for (int i = 0; i < BATCHES_MAX; i++) {
        char name[NAME_BYTES];
        snprintf(name, sizeof name, "b%d", i);
        assert_non_null(plan_book(&site.ledger.plan, site.plant, name, &stages, SUPPORT_NOW_US + i * CIVIL_DAY_US, SUPPORT_NOW_US));
    }
    run("cdmo.antibody", "{" ANTIBODY "}", NULL, &answer);
    assert_int_equal(answer.kind, ANSWER_TROUBLE);
    assert_string_equal(answer.message, "the plan is full");
    answer_fini(&answer);
}

/* ---- the ledger */

static char directory[] = "/tmp/qiao-ledger-XXXXXX";
static char ledger_path[64];

static int
ledger_setup(void **state)
{
    memcpy(directory + sizeof directory - 7, "XXXXXX", 6);
    if (!mkdtemp(directory))
        return -1;
    snprintf(ledger_path, sizeof ledger_path, "%s/plan.json", directory);
    plan_init(&site.ledger.plan);
    site.ledger.path = ledger_path;
    return 0;
}

static int
ledger_teardown(void **state)
{
    char lock[80];
    snprintf(lock, sizeof lock, "%s.lock", ledger_path);
    plan_fini(&site.ledger.plan);
    site.ledger.path = NULL;
    remove(ledger_path);
    remove(lock);
    return rmdir(directory);
}

/* A worker that carries on after another's crash finds the same bookings, and the time that went by. */
static void
a_batch_keeps_its_bookings_across_processes(void **state)
{
    struct answer first, second;
    run("cdmo.antibody", "{" ANTIBODY "}", NULL, &first);
    plan_fini(&site.ledger.plan); /* as if this process were gone */
    run("cdmo.antibody", "{" ANTIBODY "}", NULL, &second);
    assert_true(json_equal(json_object_get(first.output, "schedule"), json_object_get(second.output, "schedule")));
    assert_true(second.begun_us == SUPPORT_NOW_US);
    assert_int_equal(site.ledger.plan.batches_n, 1);
    answer_fini(&first);
    answer_fini(&second);
    cdmo_dropped(&site, "0EXAMPLE00001");
    assert_int_equal(site.ledger.plan.batches_n, 0);
}

static void
two_processes_never_book_the_same_suite(void **state)
{
    pid_t children[4];
    for (int c = 0; c < 4; c++) {
        children[c] = fork();
        if (children[c] == 0) {
            bool booked = true;
            for (int i = 0; i < 8; i++) {
                char error[256], name[NAME_BYTES];
                snprintf(name, sizeof name, "c%d-%d", c, i);
                booked = booked && ledger_open(&site.ledger, error, sizeof error) && book(name, "cdmo.tcm", SUPPORT_NOW_US) &&
                         ledger_close(&site.ledger, true, error, sizeof error);
            }
            _exit(booked ? 0 : 1);
        }
    }
    for (int c = 0; c < 4; c++) {
        int status;
        assert_int_equal(waitpid(children[c], &status, 0), children[c]);
        assert_int_equal(status, 0);
    }
    char error[256];
    assert_true(ledger_open(&site.ledger, error, sizeof error));
    assert_int_equal(site.ledger.plan.batches_n, 32);
    plan_sound(&site.ledger.plan);
    assert_true(ledger_close(&site.ledger, false, error, sizeof error));
}

static void
a_damaged_ledger_is_never_taken_for_an_empty_one(void **state)
{
    struct answer answer;
    FILE *file = fopen(ledger_path, "w");
    fputs("{\"batches\": [{\"reference\"", file);
    fclose(file);
    run("cdmo.antibody", "{" ANTIBODY "}", NULL, &answer);
    assert_int_equal(answer.kind, ANSWER_TROUBLE);
    assert_non_null(strstr(answer.message, "is no plan"));
    answer_fini(&answer);
}

static void
a_bad_plant_file_says_where(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"suites: []\n", "suites"},
        {"suites: [{name: A, class: a, changeover_hours: -1}]\nprocesses: []\n", "changeover_hours"},
        {"suites: [{name: A, class: a, changeover_hours: 1}, {name: A, class: a, changeover_hours: 1}]\nprocesses: [{service: s, titre_unit: g/L,"
            " stages: [{id: x, name: x, name_zh: x, class: a, hours: 1}]}]\n", "suites[1].name"},
        {"suites: [{name: A, class: a, changeover_hours: 1}]\nprocesses: [{service: s, titre_unit: g/L, stages: [{id: x, name: x, name_zh: x,"
            " class: b, hours: 1}]}]\n", "processes[0].stages[0]: no suite"},
        {"suites: [{name: A, class: a, changeover_hours: 1}]\nprocesses: [{service: s, titre_unit: g/L, stages: [{id: x, name: x, name_zh: x,"
            " class: a, hours: 1, after: [y]}]}]\n", "after names"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[] = "/tmp/qiao-plant-XXXXXX", error[512];
        struct plant *bad;
        FILE *file = fdopen(mkstemp(path), "w");
        fputs(cases[i].text, file);
        fclose(file);
        assert_false(plant_load(path, &bad, error, sizeof error));
        remove(path);
        if (!strstr(error, cases[i].expected))
            fail_msg("case %zu: %s", i, error);
    }
}

static void
the_batch_record_reads_as_it_should(void **state)
{
    struct answer answer;
    run("cdmo.antibody", "{" ANTIBODY ",'actual_yield':'4554','earliest_start':'2026-04-01T08:00:00+08:00'}", "{'slips':[{'stage':'harvest',"
        "'hours':12}]}", &answer);
    support_golden(&answer, "batch-record.en.txt", "batch-record.en.txt");
    support_golden(&answer, "batch-record.zh.txt", "batch-record.zh.txt");
    answer_fini(&answer);
}

int
main(void)
{
#define PLAN_TEST(test) cmocka_unit_test_setup_teardown(test, plan_setup, plan_teardown)
#define LEDGER_TEST(test) cmocka_unit_test_setup_teardown(test, ledger_setup, ledger_teardown)
    const struct CMUnitTest tests[] = {
        PLAN_TEST(expected_yield_is_titre_times_volume_times_recoveries),
        PLAN_TEST(material_balance_and_packed_yield),
        PLAN_TEST(outside_its_limits_is_a_deviation_for_a_person),
        PLAN_TEST(without_an_actual_yield_a_batch_is_planned),
        PLAN_TEST(units_follow_the_modality),
        PLAN_TEST(milestones_are_steps_in_the_order_of_time),
        PLAN_TEST(bad_input_is_refused_by_its_path),
        PLAN_TEST(the_second_batch_waits_for_the_suite_and_its_change_over),
        PLAN_TEST(a_slip_moves_what_depends_on_it_and_nothing_else),
        PLAN_TEST(a_cancelled_batch_frees_its_suites),
        PLAN_TEST(no_suite_ever_runs_two_batches_at_once),
        PLAN_TEST(a_full_plan_is_our_trouble_not_the_requesters_fault),
        LEDGER_TEST(a_batch_keeps_its_bookings_across_processes),
        LEDGER_TEST(two_processes_never_book_the_same_suite),
        LEDGER_TEST(a_damaged_ledger_is_never_taken_for_an_empty_one),
        PLAN_TEST(a_bad_plant_file_says_where),
        PLAN_TEST(the_batch_record_reads_as_it_should),
    };
    return cmocka_run_group_tests_name("workers cdmo", tests, site_setup, site_teardown);
}
