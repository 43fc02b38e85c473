/*
 * Loaded before the C library (LD_PRELOAD): counts how often the program itself - not the libraries that it uses - asks for
 * memory. The count lies in the file that QIAO_ALLOCATIONS names, where a test reads it while the program runs.
 *
 * What is the program's is told by the address that the call returns to: its own text. What libzmq, SQLite and the C library
 * take for themselves is theirs. Blocks that are given back and taken again count too: a pool shows itself by not asking.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t count, size_t n);
void *__libc_realloc(void *p, size_t n);

enum { SITES = 64 };

/* As the test reads it: the count, then pairs of call site (as an offset into the program) and calls from there. */
struct counts {
    _Atomic uint64_t all;
    struct {
        _Atomic uint64_t where, calls;
    } sites[SITES];
};

static struct counts nowhere;
static struct counts *counts = &nowhere;
static uintptr_t base, text, text_end;

/* The first object is the program. */
static int
program_note(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size, (void)context;
    base = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0) {
            text = base + part->p_vaddr;
            text_end = text + part->p_memsz;
        }
    }
    return 1;
}

static __attribute__((constructor)) void
begin(void)
{
    const char *path = getenv("QIAO_ALLOCATIONS");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof *counts) != 0) {
        return;
    }
    void *map = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (map == MAP_FAILED) {
        return;
    }
    counts = map;
    dl_iterate_phdr(program_note, NULL);
}

static void
note(const void *caller)
{
    uintptr_t from = (uintptr_t)caller;
    if (from < text || from >= text_end) {
        return;
    }
    atomic_fetch_add(&counts->all, 1);
    for (int i = 0; i < SITES; i++) {
        uint64_t unused = 0;
        if (counts->sites[i].where == from - base || atomic_compare_exchange_strong(&counts->sites[i].where, &unused, from - base)) {
            atomic_fetch_add(&counts->sites[i].calls, 1);
            return;
        }
    }
}

void *
malloc(size_t n)
{
    note(__builtin_return_address(0));
    return __libc_malloc(n);
}

void *
calloc(size_t count, size_t n)
{
    note(__builtin_return_address(0));
    return __libc_calloc(count, n);
}

void *
realloc(void *p, size_t n)
{
    note(__builtin_return_address(0));
    return __libc_realloc(p, n);
}
