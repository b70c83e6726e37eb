/*
 * reel.c - an open container's constants, its log, and what its bytes say. Takes no lock.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>

#include "store.h"

#define CRC_PIECE (64u << 20) /* of a payload that is checked, resident at once */

enum { LOG_LINE = 8192 }; /* a path and a sentence */

void reel_log(const struct reel *r, int priority, const char *fmt, ...)
{
	char text[LOG_LINE];
	va_list args;

	if (r->options.log == NULL)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	r->options.log(r->options.log_arg, priority, text);
}

const char *reel_path(const struct reel *r)
{
	return r->path;
}

uint64_t reel_file_size(const struct reel *r)
{
	return reel_tail_offset(r);
}

const uint8_t *reel_base(const struct reel *r)
{
	return r->map->base;
}

uint64_t reel_tail_offset(const struct reel *r)
{
	return atomic_load_explicit(&r->tail, memory_order_acquire);
}

uint64_t reel_durable_tail(const struct reel *r)
{
	return atomic_load_explicit(&r->sync.durable, memory_order_acquire);
}

int reel_fd(const struct reel *r)
{
	return r->fd;
}

int reel_failed(const struct reel *r)
{
	return atomic_load(&r->failed);
}

bool store_fail(struct reel *r, int err)
{
	int none = 0;

	return atomic_compare_exchange_strong(&r->failed, &none, err);
}

int reel_entry_at(const struct reel_view *view, uint64_t end, struct reel_entry *ret)
{
	struct chain c = {.gen = view->gen ? view->gen : GENERATION_NEWEST, .base = view->base, .size = view->size};

	return entry_parse(&c, end, ret);
}

struct reel_view reel_view_of(const struct reel *r)
{
	return (struct reel_view){reel_base(r), reel_tail_offset(r), r->map->gen};
}

void reel_drop_pages(const struct reel_view *view)
{
	/* Advice: where the kernel does not take it, memory is only used longer. */
	(void)madvise((void *)view->base, view->size, MADV_DONTNEED);
}

uint32_t reel_payload_crc(const struct reel_view *view, uint64_t offset, uint64_t len)
{
	uint64_t end = offset + len;
	uint32_t crc = 0;

	while (offset < end) {
		uint64_t piece = end - offset < CRC_PIECE ? end - offset : CRC_PIECE;
		crc = reel_crc32(crc, view->base + offset, piece);
		offset += piece;
		if (offset < end)
			reel_drop_pages(view);
	}
	return crc & (view->gen ? view->gen->crc_mask : UINT32_MAX);
}

uint64_t reel_payload_end(const struct reel_view *view, uint64_t offset, uint64_t len)
{
	return offset + len + (view->gen ? view->gen->trailer : TRAILER_SIZE);
}

void store_log_broken(const struct reel *r, uint64_t end)
{
	reel_log(r, LOG_ERR, "%s: no entry ends at offset %" PRIu64 ", where one should: the container is damaged", r->path,
		 end);
}
