/*
 * top: the queues, redrawn every second.
 *
 * Plain ANSI: the other screen of the terminal, home, and erase to the end of each line, so that it does not flicker and
 * works wherever ANSI does. On a pipe it prints one picture after the other.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "cli.h"
#include "rows.h"
#include "table.h"
#include "when.h"

struct screen {
    bool live;
    struct termios before;
};

static void
screen_open(struct screen *screen, const struct cli *cli)
{
    screen->live = cli->out_tty && !cli->json && isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &screen->before) == 0;
    if (!screen->live)
        return;
    struct termios raw = screen->before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    fputs("\033[?1049h\033[?25l\033[2J", stdout);
}

static void
screen_close(struct screen *screen)
{
    if (!screen->live)
        return;
    fputs("\033[?25h\033[?1049l", stdout);
    fflush(stdout);
    tcsetattr(STDIN_FILENO, TCSANOW, &screen->before);
}

/* As much of a line as fits; escapes of colours take no room. */
static void
screen_line(const char *p, const char *end, size_t columns)
{
    size_t used = 0, n;
    uint32_t code;
    char piece[5];
    for (; p < end && (n = text_next(p, &code)) != 0; p += n) {
        if (code == '\033') {
            n = strcspn(p, "m") + 1;
            fwrite(p, 1, n, stdout);
            continue;
        }
        snprintf(piece, sizeof piece, "%.*s", (int)n, p);
        used += text_width(piece);
        if (used <= columns)
            fputs(piece, stdout);
    }
}

/* Shows a text that was printed into memory: one line after the other, as many as fit. */
static void
screen_show(const struct screen *screen, const char *text)
{
    struct winsize size;
    if (!screen->live) {
        fputs(text, stdout);
        fflush(stdout);
        return;
    }
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 1 && size.ws_col > 1;
    int rows = known ? size.ws_row - 1 : 23;
    fputs("\033[H", stdout);
    for (int row = 0; *text && row < rows; row++) {
        size_t n = strcspn(text, "\n");
        screen_line(text, text + n, known ? size.ws_col : 80);
        fputs("\033[K\r\n", stdout);
        text += n + (text[n] == '\n');
    }
    fputs("\033[J", stdout);
    fflush(stdout);
}

/* Waits; true when q was pressed. The connection is kept alive meanwhile. */
static bool
wait_or_quit(struct cli *cli, const struct screen *screen, int64_t us)
{
    int64_t until = cli_now_us() + us, left;
    struct qiao_event event;
    while (!cli_signal && (left = until - cli_now_us()) > 0) {
        struct pollfd fds[2] = { { .fd = qiao_fd(cli->client), .events = POLLIN }, { .fd = screen->live ? STDIN_FILENO : -1, .events = POLLIN } };
        (void)poll(fds, 2, (int)(left / 1000) + 1);
        while (qiao_next_event(cli->client, 0, &event) == QIAO_OK)
            continue; /* that the connection was lost and found again: nothing to show */
        char key = 0;
        if (fds[1].revents && (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q'))
            return true;
        if (fds[1].revents)
            return false;
    }
    return cli_signal != 0;
}

/* ---- one picture ---- */

struct totals {
    double waiting, running, held, finished;
    int64_t at_us;
};

static struct totals
sum(const json_t *queues)
{
    struct totals totals = { .at_us = cli_now_us() };
    size_t i;
    json_t *row;
    json_array_foreach(queues, i, row) {
        totals.waiting += json_number_value(json_object_get(row, "depth"));
        totals.running += json_number_value(json_object_get(row, "running"));
        totals.held += json_number_value(json_object_get(row, "held"));
        totals.finished += json_number_value(json_object_get(row, "finished"));
    }
    return totals;
}

static int
by_load(const void *left, const void *right)
{
    const json_t *a = *(json_t *const *)left, *b = *(json_t *const *)right;
    double x = json_number_value(json_object_get(a, "depth")) * 1000 + json_number_value(json_object_get(a, "running"));
    double y = json_number_value(json_object_get(b, "depth")) * 1000 + json_number_value(json_object_get(b, "running"));
    return x < y ? 1 : x > y ? -1 : strcmp(json_string_value(json_object_get(a, "service")), json_string_value(json_object_get(b, "service")));
}

/* The busiest first. */
static json_t *
sorted(const json_t *rows)
{
    size_t n = json_array_size(rows);
    json_t **order = calloc(n ? n : 1, sizeof *order), *list = json_array();
    for (size_t i = 0; order && i < n; i++)
        order[i] = json_array_get(rows, i);
    if (order)
        qsort(order, n, sizeof *order, by_load);
    for (size_t i = 0; order && i < n; i++)
        json_array_append(list, order[i]);
    free(order);
    return list;
}

static enum qiao_status
read_queues(struct cli *cli, json_t *rows)
{
    char after[128] = "";
    for (;;) {
        struct qiao_page *page = NULL;
        enum qiao_status status = qiao_queues(cli->client, NULL, *after ? after : NULL, cli->timeout_us, &page);
        if (status != QIAO_OK)
            return status;
        rows_of_page(cli, page, rows);
        snprintf(after, sizeof after, "%s", page->next);
        qiao_page_free(&page);
        if (!*after)
            return QIAO_OK;
    }
}

static void
print_head(const struct cli *cli, const struct totals *now, const struct totals *before)
{
    char time[WHEN_SIZE];
    double seconds = (double)(now->at_us - before->at_us) / 1e6;
    double rate = before->at_us && seconds > 0 ? (now->finished - before->finished) / seconds : 0;
    when_format_table(now->at_us, cli->utc, time);
    printf(cli->lang == LANG_ZH ? "qiao  %s  等待 %.0f  在办 %.0f  挂起 %.0f  完成 %.0f/s\n\n"
                                : "qiao  %s  waiting %.0f  running %.0f  on hold %.0f  finished %.0f/s\n\n",
           time, now->waiting, now->running, now->held, rate);
}

/* Everything is printed into memory first: print_rows writes to stdout, so stdout is that memory for a moment. */
static enum qiao_status
draw(struct cli *cli, const struct screen *screen, struct totals *totals)
{
    char *text = NULL;
    size_t size = 0;
    json_t *rows = json_array(), *order;
    enum qiao_status status = read_queues(cli, rows);
    if (status != QIAO_OK) {
        json_decref(rows);
        return status;
    }
    order = sorted(rows);
    FILE *terminal = stdout, *memory = open_memstream(&text, &size);
    if (memory) {
        struct totals now = sum(rows);
        stdout = memory;
        if (!cli->json)
            print_head(cli, &now, totals);
        print_rows(cli, columns_queue, order);
        stdout = terminal;
        fclose(memory);
        *totals = now;
        screen_show(screen, text);
    }
    free(text);
    json_decref(rows);
    json_decref(order);
    return QIAO_OK;
}

int
run_top(struct cli *cli, const struct args *args)
{
    struct screen screen;
    struct totals totals = { 0 };
    int64_t left = args_number(args, "count", -1), every = args_number(args, "every", QIAO_SECONDS(1));
    int code = cli_open(cli);
    if (code != EXIT_DONE)
        return code;
    if (every < QIAO_SECONDS(1) / 10)
        return cli_error(cli, EXIT_USAGE, "--every: at least 100ms");
    cli_catch_signals();
    screen_open(&screen, cli);
    enum qiao_status status = QIAO_OK;
    while (left != 0 && !cli_signal && !cli_output_gone()) {
        status = draw(cli, &screen, &totals);
        /* A broker that is away for a while comes back; the picture stays until then. */
        bool away = status == QIAO_TIMEOUT || status == QIAO_UNREACHABLE;
        if (status != QIAO_OK && !(away && screen.live))
            break;
        left -= left > 0;
        if (left != 0 && wait_or_quit(cli, &screen, every))
            break;
    }
    screen_close(&screen);
    return cli_signal ? EXIT_DONE : cli_status(cli, status);
}
