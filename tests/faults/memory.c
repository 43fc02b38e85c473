/*
 * Memory that is gone at the n-th request for it: preloaded in front of the C library's malloc and its kin.
 *
 * Which one stands in the file that the environment names in QIAO_MEMORY; tests/system/faulty.py writes it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct memory {
    uint64_t count;    /* requests so far */
    uint64_t at;       /* the one that fails; 0: none */
    uint64_t hit;      /* requests that failed */
    uint64_t for_good; /* and all after it */
};

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t count, size_t n);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

static struct memory *memory;

__attribute__((constructor)) static void
memory_preloaded(void)
{
    const char *path = getenv("QIAO_MEMORY");
    int fd = path != NULL ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0) : -1;
    void *p;

    if (fd < 0) {
        return;
    }
    p = mmap(NULL, sizeof(*memory), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    memory = p != MAP_FAILED ? p : NULL;
}

static bool
gone(void)
{
    uint64_t number, at;

    if (memory == NULL) {
        return false;
    }
    number = __atomic_add_fetch(&memory->count, 1, __ATOMIC_RELAXED);
    at = __atomic_load_n(&memory->at, __ATOMIC_RELAXED);
    if (at == 0 || number < at || (number > at && !memory->for_good)) {
        return false;
    }
    __atomic_add_fetch(&memory->hit, 1, __ATOMIC_RELAXED);
    errno = ENOMEM;
    return true;
}

void *
malloc(size_t n)
{
    return gone() ? NULL : __libc_malloc(n);
}

void *
calloc(size_t count, size_t n)
{
    return gone() ? NULL : __libc_calloc(count, n);
}

void *
realloc(void *p, size_t n)
{
    return gone() ? NULL : __libc_realloc(p, n);
}

void *
memalign(size_t align, size_t n)
{
    return gone() ? NULL : __libc_memalign(align, n);
}

void *
aligned_alloc(size_t align, size_t n)
{
    return memalign(align, n);
}

int
posix_memalign(void **out, size_t align, size_t n)
{
    void *p = memalign(align, n);

    if (p == NULL) {
        return ENOMEM;
    }
    *out = p;
    return 0;
}
