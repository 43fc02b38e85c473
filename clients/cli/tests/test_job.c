/* A worker's command: what goes in, what comes out, how it ends. Waits for events, never for time. */
#include "cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "folder.h"
#include "job.h"

static struct job job;

static void
start(const char *line, const char *input, const char *body)
{
    const char *words[] = { "/bin/sh", "-c", line, NULL }, *environment[] = { "QIAO_TASK=T1", NULL };
    struct job_setup setup = { .words = words, .environment = environment, .input = input, .input_bytes = strlen(input),
                               .body = body, .body_bytes = strlen(body) };
    assert_true(job_start(&job, &setup));
}

static void
step(void)
{
    struct pollfd fds[JOB_FDS];
    (void)poll(fds, job_fds(&job, fds), -1);
    job_read(&job);
}

static void
finish(void)
{
    while (!job.ended)
        step();
}

static int
clean(void **state)
{
    job_fini(&job);
    return 0;
}

static void
input_body_and_environment_reach_the_command(void **state)
{
    start("cat; printf :; cat \"$QIAO_BODY_FILE\"; printf :$QIAO_TASK", "{\"a\":1}", "the body");
    finish();
    assert_int_equal(job.exit_code, 0);
    assert_string_equal(job.output, "{\"a\":1}:the body:T1");
}

static void
the_body_is_for_its_owner_only(void **state)
{
    struct stat about;
    char path[300];
    start("cat >/dev/null", "", "secret");
    snprintf(path, sizeof path, "%s/body", job.directory);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    finish();
    job_fini(&job);
    assert_int_equal(stat(path, &about), -1);
}

static void
progress_comes_from_descriptor_3_and_from_standard_error(void **state)
{
    start("echo 'progress 0.25 first' >&3; read x", "", "");
    finish();
    assert_true(job.has_progress);
    assert_true(job.progress > 0.249 && job.progress < 0.251);
    assert_string_equal(job.message, "first");
    job_fini(&job);
    start("echo 'progress 60% half way' >&2; echo 'progress nonsense' >&2", "", "");
    finish();
    assert_true(job.progress > 0.599 && job.progress < 0.601);
    assert_string_equal(job.message, "half way");
    assert_string_equal(job.last, "progress nonsense");
}

static void
the_last_line_on_standard_error_is_kept(void **state)
{
    start("echo one >&2; echo two >&2; exit 65", "", "");
    finish();
    assert_int_equal(job.exit_code, 65);
    assert_string_equal(job.last, "two");
}

static void
a_result_file_becomes_the_body(void **state)
{
    char *p = NULL;
    size_t n = 0;
    start("printf certificate > \"$QIAO_RESULT_FILE\"", "", "");
    finish();
    assert_true(job_result(&job, &p, &n));
    assert_int_equal(n, 11);
    assert_memory_equal(p, "certificate", 11);
    free(p);
}

/* B1: a command that does not stop writing takes no memory without end. */
static void
output_is_bounded(void **state)
{
    start("head -c 3000000 /dev/zero", "", "");
    finish();
    assert_true(job.output_over);
    assert_true(job.output_bytes <= JOB_OUTPUT_MAX);
}

static void
stopping_ends_the_command_and_what_it_started(void **state)
{
    start("sleep 1000 & echo started; wait", "", "");
    while (!job.output)
        step();
    job_stop(&job, 0, 1000);
    finish();
    assert_int_equal(job.exit_code, 128 + 15);
}

static void
what_ignores_the_first_signal_gets_the_second(void **state)
{
    start("trap '' TERM; echo started; while :; do read x < /dev/zero || :; done", "", "");
    while (!job.output)
        step();
    job_stop(&job, 0, 1000);
    job_tick(&job, 999);
    assert_false(job.ended);
    job_tick(&job, 1000);
    finish();
    assert_int_equal(job.exit_code, 128 + 9);
}

static void
a_command_that_is_not_there_fails_with_127(void **state)
{
    const char *words[] = { "/no/such/program", NULL }, *environment[] = { NULL };
    struct job_setup setup = { .words = words, .environment = environment, .input = "", .body = "" };
    assert_true(job_start(&job, &setup));
    finish();
    assert_int_equal(job.exit_code, 127);
    assert_string_equal(job.last, "the command cannot be started");
}

/* One that was killed cannot clean up: the next worker does, and touches nothing else. */
static void
folders_of_processes_that_are_gone_are_swept(void **state)
{
    char place[] = "/tmp/qiao-sweep-XXXXXX", gone[128], mine[128], alien[128], file[160], link[128];
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0); /* its number is nobody's now */
    assert_non_null(mkdtemp(place));
    snprintf(gone, sizeof gone, "%s/qiao-%ld-abcdef", place, (long)pid);
    snprintf(alien, sizeof alien, "%s/qiao-%ldx-abcdef", place, (long)pid);
    snprintf(link, sizeof link, "%s/qiao-%ld-uvwxyz", place, (long)pid);
    assert_int_equal(mkdir(gone, 0700), 0);
    assert_int_equal(mkdir(alien, 0700), 0);
    assert_int_equal(symlink(alien, link), 0);
    snprintf(file, sizeof file, "%s/sub", gone);
    assert_int_equal(mkdir(file, 0700), 0);
    snprintf(file, sizeof file, "%s/sub/body", gone);
    close(open(file, O_CREAT | O_WRONLY, 0600));
    setenv("TMPDIR", place, 1);
    assert_true(folder_make(mine, sizeof mine));
    assert_int_equal(folder_sweep(), 1);
    assert_int_equal(access(gone, F_OK), -1);
    assert_int_equal(access(mine, F_OK), 0);
    assert_int_equal(access(alien, F_OK), 0);
    assert_int_equal(folder_sweep(), 0);
    unsetenv("TMPDIR");
    folder_remove(place);
    assert_int_equal(access(place, F_OK), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(input_body_and_environment_reach_the_command, clean),
        cmocka_unit_test_teardown(the_body_is_for_its_owner_only, clean),
        cmocka_unit_test_teardown(progress_comes_from_descriptor_3_and_from_standard_error, clean),
        cmocka_unit_test_teardown(the_last_line_on_standard_error_is_kept, clean),
        cmocka_unit_test_teardown(a_result_file_becomes_the_body, clean),
        cmocka_unit_test_teardown(output_is_bounded, clean),
        cmocka_unit_test_teardown(stopping_ends_the_command_and_what_it_started, clean),
        cmocka_unit_test_teardown(what_ignores_the_first_signal_gets_the_second, clean),
        cmocka_unit_test_teardown(a_command_that_is_not_there_fails_with_127, clean),
        cmocka_unit_test(folders_of_processes_that_are_gone_are_swept),
    };
    return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
