/*
 * entry.c - entries handed out, and what is asked of them. An entry holds a reference to its mapping, and nothing
 * else of the container, which may be closed meanwhile.
 */
#include "config.h"

#include "store.h"

static bool any_failed(void)
{
	return atomic_load_explicit(&guard_hit, memory_order_relaxed);
}

int store_entry(struct reel *r, struct reel_mapping *map, uint64_t end, struct reel_entry *ret)
{
	struct chain c = {.gen = map->gen, .base = map->base, .size = end};
	uint64_t token = any_failed() ? reel_reading(r) : 0, start = end < TRAILER_SIZE ? 0 : end - TRAILER_SIZE;
	int err = entry_parse(&c, end, ret);

	/* A trailer that could not be read is asked for again. */
	if (any_failed() && reel_unread(r, token, start, TRAILER_SIZE)) {
		token = reel_reading(r);
		err = entry_parse(&c, end, ret);
		if (reread_tell(r, token, start, TRAILER_SIZE))
			err = -EIO;
	}
	if (err == 0) {
		ret->mapping = map;
		return 0;
	}
	mapping_unref(map);
	if (err == -EBADMSG)
		store_log_broken(r, end);
	return err;
}

void reel_entry_release(struct reel_entry *e)
{
	struct reel_mapping *m = e->mapping;

	e->mapping = NULL;
	e->payload = NULL;
	if (m != NULL)
		mapping_unref(m);
}

void reel_entry_clone(const struct reel_entry *e, struct reel_entry *ret)
{
	if (e->mapping != NULL)
		mapping_ref(e->mapping);
	*ret = *e;
}

bool reel_entry_valid(const struct reel_entry *e)
{
	const struct generation *gen = e->mapping != NULL ? e->mapping->gen : GENERATION_NEWEST;

	return (reel_crc32(0, e->payload, e->len) & gen->crc_mask) == e->crc;
}

void reel_entry_facts(const struct reel_entry *e, struct reel_entry_facts *ret)
{
	*ret = (struct reel_entry_facts){
	    .payload_start = e->offset,
	    .payload_end = e->offset + e->len,
	    .address_start = e->payload,
	    .address_end = e->payload + e->len,
	    .disk_size = e->end - e->prev_tail,
	    .valid = reel_entry_valid(e),
	};
	store_u32(ret->raw_checksum, e->crc);
}

void reel_chunks_begin(const struct reel_entry *e, struct reel_chunks *ret)
{
	ret->position = 0;
	reel_entry_clone(e, &ret->entry);
}

size_t reel_chunks_next(struct reel_chunks *c, size_t size, const uint8_t **ret)
{
	uint64_t left = c->position < c->entry.len ? c->entry.len - c->position : 0;
	size_t n = size < left ? size : left;

	*ret = c->entry.payload + c->position;
	c->position += n;
	return n;
}

size_t reel_chunks_read(struct reel_chunks *c, void *buf, size_t size)
{
	const uint8_t *bytes;
	size_t n = reel_chunks_next(c, size, &bytes);

	reel_copy(buf, bytes, n);
	return n;
}

void reel_chunks_end(struct reel_chunks *c)
{
	reel_entry_release(&c->entry);
}
