/*
 * See process.h.
 */
#include "process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char *tool;

void
process_tool(const char *path)
{
    tool = path;
}

struct process
process_start(const char *what, const char *a, const char *b)
{
    char *argv[] = {(char *)tool, (char *)what, (char *)a, (char *)b, NULL};
    posix_spawn_file_actions_t actions;
    struct process process = {.in = -1};
    int in[2], out[2];

    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
        abort();
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    if (posix_spawn(&process.pid, tool, &actions, NULL, argv, environ) != 0) {
        abort();
    }
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    process.in = in[1];
    process.out = fdopen(out[0], "r");
    return process;
}

const char *
process_line(struct process *process)
{
    static char line[1024];

    if (fgets(line, sizeof(line), process->out) == NULL) {
        line[0] = '\0';
    }
    line[strcspn(line, "\n")] = '\0';
    return line;
}

int
process_end(struct process *process)
{
    int status = 0;

    close(process->in);
    waitpid(process->pid, &status, 0);
    fclose(process->out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void
process_kill(struct process *process)
{
    kill(process->pid, SIGKILL);
    process_end(process);
}
