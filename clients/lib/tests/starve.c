/* Memory that runs out, see starve.h. */
#include "starve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>


static _Thread_local bool armed;
static uint64_t asked, fail_from, fail_to;
static int64_t live;

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
char *__real_strdup(const char *text);
void __real_free(void *p);
void *__real_zmq_ctx_new(void);
void *__real_zmq_socket(void *context, int type);
int __real_zmq_msg_init_size(zmq_msg_t *message, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strdup(const char *text);
void __wrap_free(void *p);
void *__wrap_zmq_ctx_new(void);
void *__wrap_zmq_socket(void *context, int type);
int __wrap_zmq_msg_init_size(zmq_msg_t *message, size_t n);

static bool
runs_out(int number)
{
    if (!armed || ++asked < fail_from || asked > fail_to) {
        return false;
    }
    errno = number;
    return true;
}

static void *
counted(void *p)
{
    live += armed && p;
    return p;
}

void *
__wrap_malloc(size_t n)
{
    return runs_out(ENOMEM) ? NULL : counted(__real_malloc(n));
}

void *
__wrap_calloc(size_t count, size_t n)
{
    return runs_out(ENOMEM) ? NULL : counted(__real_calloc(count, n));
}

void *
__wrap_realloc(void *p, size_t n)
{
    bool fresh = p == NULL;
    void *moved = runs_out(ENOMEM) ? NULL : __real_realloc(p, n);

    return fresh ? counted(moved) : moved;
}

char *
__wrap_strdup(const char *text)
{
    return runs_out(ENOMEM) ? NULL : counted(__real_strdup(text));
}

void
__wrap_free(void *p)
{
    live -= armed && p;
    __real_free(p);
}

void *
__wrap_zmq_ctx_new(void)
{
    return runs_out(ENOMEM) ? NULL : __real_zmq_ctx_new();
}

void *
__wrap_zmq_socket(void *context, int type)
{
    return runs_out(EMFILE) ? NULL : __real_zmq_socket(context, type);
}

int
__wrap_zmq_msg_init_size(zmq_msg_t *message, size_t n)
{
    return runs_out(ENOMEM) ? -1 : __real_zmq_msg_init_size(message, n);
}

/* ------------------------------------------------------------- for tests */

void
starve_begin(uint64_t from, uint64_t to)
{
    fail_from = from;
    fail_to = to;
    asked = 0;
    live = 0;
    armed = true;
}

void
starve_end(uint64_t *out_asked, int64_t *out_live)
{
    armed = false;
    *out_asked = asked;
    *out_live = live;
}

void
starve_pause(bool pause)
{
    armed = !pause;
}
