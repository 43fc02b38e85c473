/* The command line of a worker: see options.h. */
#include "common/options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#ifndef QIAO_VERSION
#define QIAO_VERSION "unknown"
#endif

enum code { CODE_CONTEXT, CODE_SERVICES, CODE_CAPACITY, CODE_NAME, CODE_ATTRIBUTES, CODE_PRICE, CODE_VERIFY, CODE_DECIDE, CODE_SPEED, CODE_TRY, CODE_INPUT,
    CODE_BODY, CODE_VERSION, CODE_HELP };

static const struct row {
    const char *name, *argument, *help;
    enum code code;
} rows[] = {
    {"context", "NAME|FILE", "which broker and as whom (default: $QIAO_CONTEXT, else the current one)", CODE_CONTEXT},
    {"services", "LIST", "services to offer, separated by commas; prefix.* is allowed", CODE_SERVICES},
    {"capacity", "N", "tasks at once, 1 to 256 (default 16)", CODE_CAPACITY},
    {"name", "NAME", "name of this process, for operators", CODE_NAME},
    {"attributes", "FILE", "JSON object of attributes to offer; `site` [latitude, longitude] is also the place", CODE_ATTRIBUTES},
    {"price", "AMOUNT", "price to offer, such as 90.00CNY, for services whose policy is cheapest", CODE_PRICE},
    {"verify", NULL, "only verify results of other members, no new work", CODE_VERIFY},
    {"decide", NULL, "also agree to results that are held for a person's decision", CODE_DECIDE},
    {"speed", "N", "compress planned time: milestones come N times faster (default 1)", CODE_SPEED},
    {"try", "SERVICE", "compute once without a broker and print the answer; needs --input", CODE_TRY},
    {"input", "FILE", "with --try: the input, a JSON object", CODE_INPUT},
    {"body", "FILE", "with --try: the body", CODE_BODY},
    {"version", NULL, "print the version", CODE_VERSION},
    {"help", NULL, "print this", CODE_HELP},
};
enum { ROWS_N = sizeof rows / sizeof *rows };

static void
help_print(const char *program, const char *summary, const struct worker_option *own)
{
    printf("%s: %s\n\nUsage: %s [options]\n\n", program, summary, program);
    for (size_t i = 0; i < ROWS_N; i++) {
        char left[40];
        snprintf(left, sizeof left, "--%s %s", rows[i].name, rows[i].argument ? rows[i].argument : "");
        printf("  %-24s %s\n", left, rows[i].help);
    }
    for (; own && own->name; own++) {
        char left[40];
        snprintf(left, sizeof left, "--%s FILE", own->name);
        printf("  %-24s %s\n", left, own->help);
    }
    puts("\nExit codes: 0 stopped by SIGTERM or SIGINT, 64 usage, 66 a file cannot be read, 69 no broker, 77 not allowed, 78 wrong context or file");
}

static bool
services_split(const char *list, struct options *out)
{
    out->services_n = 0;
    while (*list) {
        size_t n = strcspn(list, ",");
        if (n == 0 || n > 64 || out->services_n == OPTIONS_SERVICES_MAX)
            return false;
        memcpy(out->services[out->services_n], list, n);
        out->services[out->services_n++][n] = '\0';
        list += n + (list[n] == ',');
    }
    return out->services_n > 0;
}

static bool
capacity_read(const char *text, struct options *out)
{
    char *end;
    long value = strtol(text, &end, 10);
    out->capacity = (uint32_t)value;
    return *text && !*end && value >= 1 && value <= 256;
}

static bool
speed_read(const char *text, struct options *out)
{
    char *end;
    out->speed = strtod(text, &end);
    return *text && !*end && isfinite(out->speed) && out->speed >= 1 && out->speed <= 1e9;
}

/* "90.00CNY" or "90.00 CNY": as many decimals as the currency has minor digits; 0 and 3 are the exceptions of ISO 4217. */
static bool
price_read(const char *text, struct options *out)
{
    static const char none[] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF", three[] = "BHD IQD JOD KWD LYD OMR TND";
    size_t whole = strspn(text, "0123456789"), part = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
    const char *currency = text + whole + (text[whole] == '.' ? 1 + part : 0);
    currency += strspn(currency, " ");
    if (whole == 0 || whole > 12 || strlen(currency) != 3 || strspn(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3)
        return false;
    size_t digits = strstr(none, currency) ? 0 : strstr(three, currency) ? 3 : 2;
    if ((text[whole] == '.' && part == 0) || part > digits)
        return false;
    int64_t minor = 0;
    for (size_t i = 0; i < whole; i++)
        minor = minor * 10 + (text[i] - '0');
    for (size_t i = 0; i < digits; i++)
        minor = minor * 10 + (i < part ? text[whole + 1 + i] - '0' : 0);
    out->price_minor = minor;
    memcpy(out->price_currency, currency, 4);
    return true;
}

/* False: the value is none for this option. */
static bool
option_take(enum code code, const char *value, struct options *out)
{
    switch (code) {
    case CODE_CONTEXT: out->context = value; break;
    case CODE_SERVICES: return services_split(value, out);
    case CODE_CAPACITY: return capacity_read(value, out);
    case CODE_NAME: out->name = value; return strlen(value) >= 1 && strlen(value) <= 64;
    case CODE_ATTRIBUTES: out->attributes = value; break;
    case CODE_PRICE: return price_read(value, out);
    case CODE_VERIFY: out->verify = true; break;
    case CODE_DECIDE: out->decide = true; break;
    case CODE_SPEED: return speed_read(value, out);
    case CODE_TRY: out->try_service = value; break;
    case CODE_INPUT: out->try_input = value; break;
    case CODE_BODY: out->try_body = value; break;
    case CODE_VERSION: case CODE_HELP: break;
    }
    return true;
}

static const struct row *
row_find(const char *name, size_t n)
{
    for (size_t i = 0; i < ROWS_N; i++)
        if (strlen(rows[i].name) == n && memcmp(rows[i].name, name, n) == 0)
            return &rows[i];
    return NULL;
}

static const struct worker_option *
own_find(const struct worker_option *own, const char *name, size_t n)
{
    for (; own && own->name; own++)
        if (strlen(own->name) == n && memcmp(own->name, name, n) == 0)
            return own;
    return NULL;
}

static int
usage_fault(const char *program, const char *word, const char *fault)
{
    fprintf(stderr, "%s: %s: %s; see %s --help\n", program, word, fault, program);
    return EX_USAGE;
}

int
options_parse(int argc, char **argv, const char *program, const char *summary, const char *services_default, const struct worker_option *own,
              struct options *out)
{
    *out = (struct options){.capacity = 16, .speed = 1};
    services_split(services_default, out);
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *value;
        if (strncmp(word, "--", 2) != 0)
            return usage_fault(program, word, "is no option");
        size_t n = strcspn(word + 2, "=");
        const struct row *row = row_find(word + 2, n);
        const struct worker_option *special = row ? NULL : own_find(own, word + 2, n);
        bool wants = special || (row && row->argument);
        if (!row && !special)
            return usage_fault(program, word, "is no option");
        value = word[2 + n] == '=' ? word + 3 + n : NULL;
        if (!wants && value)
            return usage_fault(program, word, "takes no value");
        if (wants && !value && ++i == argc)
            return usage_fault(program, word, "needs a value");
        if (wants && !value)
            value = argv[i];
        if (row && row->code == CODE_HELP) {
            help_print(program, summary, own);
            return 1;
        }
        if (row && row->code == CODE_VERSION) {
            printf("%s %s\n", program, QIAO_VERSION);
            return 1;
        }
        if (special)
            *special->value = value;
        else if (!option_take(row->code, value, out))
            return usage_fault(program, word, "has a wrong value");
    }
    if (out->try_service && !out->try_input)
        return usage_fault(program, "--try", "needs --input");
    return 0;
}
