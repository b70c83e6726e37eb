/*
 * whole.c - see whole.h. Like a seal it is believed only with its authenticator and where it says that it lies: in a
 * container that another program compacted it counts for nothing.
 */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "whole.h"

static struct fs_whole make(const struct fs_super *super, uint64_t position, uint64_t sequence, uint64_t end)
{
	struct fs_whole w = {
	    .version = FS_LAYOUT_VERSION, .size = sizeof(w), .position = position, .end = end, .sequence = sequence};
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	w.time_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	memcpy(w.magic, FS_WHOLE_MAGIC, sizeof(w.magic));
	memcpy(w.container_id, super->container_id, sizeof(w.container_id));
	seal_authenticate(super, &w, offsetof(struct fs_whole, authenticator), w.authenticator);
	return w;
}

int whole_begin(const struct fs_super *super, struct reel_append *a, struct reel_entry *place)
{
	const struct fs_whole w = make(super, reel_append_next_payload(a), UINT64_MAX, FS_NO_POSITION);
	int r = reel_append_entry_begin(a, reel_hash(FS_KEY_WHOLE, sizeof(FS_KEY_WHOLE) - 1));

	if (r == 0)
		r = reel_append_data(a, &w, sizeof(w));
	return r < 0 ? r : reel_append_entry_end(a, place);
}

int whole_end(const struct fs_super *super, struct reel_append *a, struct reel_entry *place, uint64_t sequence, uint64_t end)
{
	const struct fs_whole w = make(super, place->offset, sequence, end);

	return reel_append_amend(a, place, &w);
}

int whole_end_unnamed(const struct fs_super *super, struct reel *store, struct reel_entry *place, uint64_t sequence)
{
	const struct fs_whole w = make(super, place->offset, sequence, reel_tail_offset(store));

	return reel_amend_unnamed(store, place, &w);
}

bool whole_find(const struct reel_view *view, const struct fs_super *super, struct fs_whole *ret)
{
	uint64_t position = (super->position + sizeof(*super) + REEL_TRAILER_SIZE + 63) / 64 * 64;
	uint8_t expected[16];

	if (position > view->size || view->size - position < sizeof(*ret))
		return false;
	memcpy(ret, view->base + position, sizeof(*ret));
	if (memcmp(ret->magic, FS_WHOLE_MAGIC, sizeof(ret->magic)) != 0 || ret->version != FS_LAYOUT_VERSION ||
	    ret->size != sizeof(*ret) || ret->position != position ||
	    memcmp(ret->container_id, super->container_id, sizeof(ret->container_id)) != 0)
		return false;
	seal_authenticate(super, ret, offsetof(struct fs_whole, authenticator), expected);
	return memcmp(expected, ret->authenticator, sizeof(expected)) == 0;
}
