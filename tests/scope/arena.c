/* See arena.h. */
#include "arena.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

void *__real_malloc(size_t n);
void *__real_realloc(void *p, size_t n);
void *__real_calloc(size_t count, size_t n);
void __real_free(void *p);
void *__real_mmap64(void *p, size_t n, int protection, int flags, int file, off_t at);
int __real_munmap(void *p, size_t n);
void *__wrap_mmap64(void *p, size_t n, int protection, int flags, int file, off_t at);
int __wrap_munmap(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_calloc(size_t count, size_t n);
void __wrap_free(void *p);

enum {
    ARENA_BYTES = 64 << 20,
    IMAGE_BYTES = 2 << 20,
    BLOCKS_MAX = 4096,
    RANGES_MAX = 32,
    WHOLE = 16384, /* blocks up to here, such as indexes, are saved whole */
    PREFIX = 6144, /* of larger ones */
    PREFIX_LARGE = 20480, /* of those of a mebibyte and more: logs */
    GUARD = 1024,
    CLASSES = 28,
};

struct block {
    uint32_t at, n; /* n: as it was asked for, rounded up to a power of two from 64 */
    uint32_t next;  /* of the free ones of its size; from 1 */
    bool used;
};

struct head {
    uint32_t block; /* its number; a block's memory follows its head */
    uint32_t pad[3];
};

/* What a restore puts back first. */
struct book {
    struct block blocks[BLOCKS_MAX];
    uint32_t count, used;
    uint32_t free[CLASSES];
};

struct image {
    struct book book;
    size_t n;
    uint8_t bytes[IMAGE_BYTES];
};

static _Alignas(4096) uint8_t arena[ARENA_BYTES];
static struct book book;
static bool is_on;
static struct {
    void *p;
    size_t n;
} ranges[RANGES_MAX];
static unsigned range_count;

void
arena_on(bool on)
{
    is_on = on;
}

void
arena_reset(void)
{
    book.count = book.used = 0;
    memset(book.free, 0, sizeof book.free);
    range_count = 0;
}

static bool
in_arena(const void *p)
{
    return (const uint8_t *)p >= arena && (const uint8_t *)p < arena + sizeof arena;
}

static struct head *
head_of(void *p)
{
    return (struct head *)((uint8_t *)p - sizeof(struct head));
}

static uint32_t
saved_of(const struct block *block)
{
    uint32_t prefix = block->n >= 1u << 20 ? PREFIX_LARGE : PREFIX;
    return block->n <= WHOLE ? block->n : prefix;
}

/* ------------------------------------------------------------- blocks */

static void *
block_new(size_t n)
{
    unsigned class = 6;
    while (((size_t)1 << class) < n) {
        class++;
    }
    assert(class < CLASSES);
    uint32_t number = book.free[class];
    if (number != 0) {
        book.free[class] = book.blocks[number].next;
    } else {
        number = ++book.count;
        assert(number < BLOCKS_MAX);
        book.blocks[number] = (struct block){.at = book.used + (uint32_t)sizeof(struct head), .n = UINT32_C(1) << class};
        book.used += (uint32_t)sizeof(struct head) + (UINT32_C(1) << class);
        assert(book.used <= sizeof arena);
    }
    struct block *block = &book.blocks[number];
    block->used = true;
    uint8_t *p = arena + block->at;
    head_of(p)->block = number;
    memset(p, 0, saved_of(block)); /* what lies behind is zero all the time */
    return p;
}

void *
__wrap_malloc(size_t n)
{
    return is_on ? block_new(n) : __real_malloc(n);
}

void *
__wrap_calloc(size_t count, size_t n)
{
    return is_on ? block_new(count * n) : __real_calloc(count, n);
}

void
__wrap_free(void *p)
{
    if (!in_arena(p)) {
        __real_free(p);
        return;
    }
    uint32_t number = head_of(p)->block;
    struct block *block = &book.blocks[number];
    assert(block->used);
    block->used = false;
    unsigned class = (unsigned)__builtin_ctz(block->n);
    block->next = book.free[class];
    book.free[class] = number;
}

void *
__wrap_realloc(void *p, size_t n)
{
    if (p == NULL) {
        return __wrap_malloc(n);
    }
    if (!in_arena(p)) {
        return __real_realloc(p, n);
    }
    const struct block *block = &book.blocks[head_of(p)->block];
    if (n <= block->n) {
        return p;
    }
    uint32_t old = saved_of(block);
    void *more = block_new(n);
    memcpy(more, p, old);
    __wrap_free(p);
    return more;
}

/* Chunks of pools may come straight from the system. */
void *
__wrap_mmap64(void *p, size_t n, int protection, int flags, int file, off_t at)
{
    return is_on && file < 0 ? block_new(n) : __real_mmap64(p, n, protection, flags, file, at);
}

int
__wrap_munmap(void *p, size_t n)
{
    if (!in_arena(p)) {
        return __real_munmap(p, n);
    }
    __wrap_free(p);
    return 0;
}

/* ------------------------------------------------------------- images */

void
arena_range(void *p, size_t n)
{
    assert(range_count < RANGES_MAX);
    ranges[range_count].p = p;
    ranges[range_count++].n = n;
}

struct image *
image_new(void)
{
    return __real_calloc(1, sizeof(struct image));
}

void
image_free(struct image **image_p)
{
    __real_free(*image_p);
    *image_p = NULL;
}

static void
book_copy(struct book *to, const struct book *from)
{
    memcpy(to->blocks, from->blocks, (from->count + 1) * sizeof *to->blocks);
    to->count = from->count;
    to->used = from->used;
    memcpy(to->free, from->free, sizeof to->free);
}

static void
guard_check(const struct block *block)
{
    static const uint8_t zero[GUARD];
    uint32_t saved = saved_of(block);
    if (saved < block->n && memcmp(arena + block->at + saved - GUARD, zero, GUARD) != 0) {
        fprintf(stderr, "scope: a block of %u bytes is used beyond what is saved of it\n", block->n);
        abort();
    }
}

static void
piece_put(struct image *image, const void *p, size_t n)
{
    assert(image->n + n <= sizeof image->bytes);
    memcpy(image->bytes + image->n, p, n);
    image->n += n;
}

void
arena_save(struct image *image)
{
    book_copy(&image->book, &book);
    image->n = 0;
    for (unsigned i = 0; i < range_count; i++) {
        piece_put(image, ranges[i].p, ranges[i].n);
    }
    for (uint32_t i = 1; i <= book.count; i++) {
        if (book.blocks[i].used) {
            guard_check(&book.blocks[i]);
            piece_put(image, arena + book.blocks[i].at - sizeof(struct head), saved_of(&book.blocks[i]) + sizeof(struct head));
        }
    }
}

void
arena_restore(const struct image *image)
{
    for (uint32_t i = 1; i <= book.count; i++) {
        guard_check(&book.blocks[i]);
    }
    size_t at = 0;
    for (unsigned i = 0; i < range_count; i++) {
        memcpy(ranges[i].p, image->bytes + at, ranges[i].n);
        at += ranges[i].n;
    }
    book_copy(&book, &image->book);
    for (uint32_t i = 1; i <= book.count; i++) {
        if (book.blocks[i].used) {
            size_t n = saved_of(&book.blocks[i]) + sizeof(struct head);
            memcpy(arena + book.blocks[i].at - sizeof(struct head), image->bytes + at, n);
            at += n;
        }
    }
}

size_t
arena_saved_bytes(void)
{
    size_t n = 0;
    for (uint32_t i = 1; i <= book.count; i++) {
        n += book.blocks[i].used ? saved_of(&book.blocks[i]) : 0;
    }
    return n;
}
