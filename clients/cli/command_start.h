/* A task as the process that performs it. Knows the task's words and the job; speaks to no broker. */
#ifndef QIAO_CLI_COMMAND_START_H
#define QIAO_CLI_COMMAND_START_H

#include <qiao/qiao.h>

#include "job.h"

/* Starts the command for this task, as `qiao help worker run` says. False with errno. */
bool command_start(struct job *job, const char *const *words, const struct qiao_task *task);

#endif
