/*
 * memory.c - see memory.h. Relies on the linker to send the calls here (--wrap), so only what is linked statically is
 * concerned, and on Judy for calling JudyMalloc() by that name. No thread but the test's allocates meanwhile.
 */
#include "config.h"

#include "memory.h"

#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *p);
int __real_vasprintf(char **ret, const char *fmt, va_list ap);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
int __wrap_asprintf(char **ret, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void __wrap_free(void *p);

/* Judy's, which it may be given others for. Sizes are in words. */
unsigned long JudyMalloc(unsigned long words);
void JudyFree(void *p, unsigned long words);
unsigned long JudyMallocVirtual(unsigned long words);
void JudyFreeVirtual(void *p, unsigned long words);

static struct {
	bool on, paused, for_ever;
	unsigned long at, calls;
	size_t freed; /* since all fail: so much can be had */
} memory;

void memory_begin(unsigned long at, bool for_ever)
{
	memory.at = at;
	memory.for_ever = for_ever;
	memory.calls = 0;
	memory.freed = 0;
	memory.paused = false;
	memory.on = true;
}

unsigned long memory_end(void)
{
	memory.on = false;
	return memory.calls;
}

void memory_pause(bool on)
{
	memory.paused = on;
}

static bool fails(size_t size)
{
	if (!memory.on || memory.paused)
		return false;
	memory.calls++;
	if (memory.at == 0 || memory.calls < memory.at)
		return false;
	if (!memory.for_ever)
		return memory.calls == memory.at;
	if (size > memory.freed)
		return true;
	memory.freed -= size;
	return false;
}

static void *none(void)
{
	errno = ENOMEM;
	return NULL;
}

void *__wrap_malloc(size_t size)
{
	return fails(size) ? none() : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails(n * size) ? none() : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails(size) ? none() : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t n, size_t size)
{
	return size && n > SIZE_MAX / size ? none() : __wrap_realloc(old, n * size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	void *p;

	return fails(size) || posix_memalign(&p, alignment, size) != 0 ? none() : p;
}

char *__wrap_strndup(const char *s, size_t n)
{
	size_t len = 0;
	char *copy;

	while (len < n && s[len])
		len++;
	copy = __wrap_malloc(len + 1);
	if (copy) {
		memcpy(copy, s, len);
		copy[len] = 0;
	}
	return copy;
}

char *__wrap_strdup(const char *s)
{
	return __wrap_strndup(s, PTRDIFF_MAX);
}

int __wrap_asprintf(char **ret, const char *fmt, ...)
{
	va_list ap;
	int len;

	if (fails(strlen(fmt))) {
		*ret = none();
		return -1;
	}
	va_start(ap, fmt);
	len = vasprintf(ret, fmt, ap);
	va_end(ap);
	return len;
}

void __wrap_free(void *p)
{
	if (p && memory.on && !memory.paused)
		memory.freed += malloc_usable_size(p);
	__real_free(p);
}

unsigned long JudyMalloc(unsigned long words)
{
	return (unsigned long)__wrap_malloc(words * sizeof(words));
}

void JudyFree(void *p, unsigned long words)
{
	(void)words;
	__wrap_free(p);
}

unsigned long JudyMallocVirtual(unsigned long words)
{
	return JudyMalloc(words);
}

void JudyFreeVirtual(void *p, unsigned long words)
{
	JudyFree(p, words);
}
