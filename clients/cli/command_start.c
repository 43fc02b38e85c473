/* A task as the process that performs it: its environment, its input, its body. */
#include "command_start.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "print.h"
#include "value.h"
#include "when.h"

enum { ENVIRONMENT = 10, VARIABLE_SIZE = 1200 };

static void
environment_of(const struct qiao_task *task, char lines[ENVIRONMENT][VARIABLE_SIZE], const char *pointers[ENVIRONMENT + 1])
{
    char id[QIAO_ID_CHARS + 1], request[QIAO_ID_CHARS + 1], deadline[WHEN_SIZE], fence[24], attempt[16];
    qiao_id_text(task->task, id);
    qiao_id_text(task->request ? task->request : qiao_request_of(task->task), request);
    when_format(task->deadline ? task->deadline : task->complete_by, false, false, deadline);
    snprintf(fence, sizeof fence, "%" PRIu64, task->fence);
    snprintf(attempt, sizeof attempt, "%u", task->attempt);
    const char *const pairs[ENVIRONMENT][2] = { { "TASK", id }, { "REQUEST", request }, { "FENCE", fence }, { "SERVICE", task->service },
                                                { "ATTEMPT", attempt }, { "REQUESTER", task->requester }, { "PRIORITY", qiao_priority_name(task->priority) },
                                                { "SUBJECT", task->subject }, { "NOTE", task->note }, { "DEADLINE", deadline } };
    for (size_t i = 0; i < ENVIRONMENT; i++) {
        snprintf(lines[i], VARIABLE_SIZE, "QIAO_%s=%s", pairs[i][0], pairs[i][1]);
        pointers[i] = lines[i];
    }
    pointers[ENVIRONMENT] = NULL;
}

bool
command_start(struct job *job, const char *const *words, const struct qiao_task *task)
{
    static char lines[ENVIRONMENT][VARIABLE_SIZE];
    const char *pointers[ENVIRONMENT + 1];
    json_t *input = value_json_map(task->input);
    char *text = json_dumps(input, JSON_COMPACT | json_real_flags(input));
    environment_of(task, lines, pointers);
    struct job_setup setup = { .words = words, .environment = pointers, .input = text, .input_bytes = text ? strlen(text) : 0,
                               .body = task->body.p, .body_bytes = task->body.n };
    bool good = text && job_start(job, &setup);
    free(text);
    json_decref(input);
    return good;
}
