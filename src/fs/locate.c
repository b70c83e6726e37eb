/*
 * locate.c - see locate.h. Time is linear in the bytes that are examined: the torn end of the file is
 * scanned for seals once, backward, and what lies between valid seals is checksummed once.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "locate.h"
#include "record.h"

/* The first seal in an empty file has no more than the record of the root directory in its body. */
#define FIRST_SEAL_MAX 512u

#define TOUCHED_MAX (128u << 20) /* bytes of the mapping that are resident for the search at once */

struct search {
	const struct reel_view *view;
	const struct fs_super *super;
};

/* The seal whose entry ends at `end`, if that is one, sound to the last byte. */
static int seal_ending_at(const struct search *s, uint64_t end, struct fs_seal *ret)
{
	struct reel_entry e;
	int r = reel_entry_at(s->view, end, &e);

	if (r < 0)
		return -ENOENT;
	r = seal_at(s->view, s->super, e.offset, ret);
	if (r < 0)
		return r;
	if (seal_end(ret) != end || e.key_hash != seal_key_hash(ret) || e.prev_tail < ret->append_start ||
	    !seal_body_sound(s->super, ret, s->view->base + e.offset + sizeof(*ret)))
		return -ENOENT;
	return reel_crc32(0, s->view->base + e.offset, e.len) == e.crc ? 0 : -ENOENT;
}

/* A pad that is not zero was never written: the disk had something else there. */
static bool pad_sound(const struct search *s, const struct reel_entry *e)
{
	uint64_t p = e->prev_tail;

	while (p < e->offset && s->view->base[p] == 0)
		p++;
	return p >= e->offset;
}

/* Whether the entries that end after `start`, up to `end`, are a chain of good ones. */
static bool entries_sound(const struct search *s, uint64_t start, uint64_t end)
{
	struct reel_entry e;
	uint64_t touched = 0;

	while (end > start) {
		if (reel_entry_at(s->view, end, &e) < 0 || e.prev_tail < start)
			return false;
		if (!pad_sound(s, &e) || reel_payload_crc(s->view, e.offset, e.len) != e.crc)
			return false;
		touched += end - e.prev_tail;
		if (touched > TOUCHED_MAX) {
			reel_drop_pages(s->view);
			touched = 0;
		}
		end = e.prev_tail;
	}
	return end == start;
}

/*
 * Whether a seal lies under its key, and the contents that came with it under those that its records say. Checksums are over
 * payloads alone: a trailer of which just the key did not reach the disk would pass, and the contents could not be read.
 */
static bool keys_sound(const struct search *s, const struct fs_seal *seal)
{
	const uint8_t *body = s->view->base + seal->position + sizeof(*seal);
	struct record record;
	struct reel_entry e;
	size_t at = 0;

	if (reel_entry_at(s->view, seal_end(seal), &e) < 0 || e.key_hash != seal_key_hash(seal))
		return false;
	while (record_next(body, seal->body_len, &at, &record) > 0) {
		const struct fs_record_data *d = record.fixed;

		if (record.type != FS_RECORD_DATA || d->position < seal->append_start || d->position >= seal->position)
			continue;
		if (reel_entry_at(s->view, reel_payload_end(s->view, d->position, d->len), &e) < 0 || e.key_hash != d->key_hash)
			return false;
	}
	return true;
}

/* keys_sound() of the seal and of those before it, back to what it says is durable. Between them are good entries. */
static bool all_keys_sound(const struct search *s, const struct fs_seal *newest)
{
	struct fs_seal seal = *newest;

	while (keys_sound(s, &seal)) {
		uint64_t start = seal.append_start, position = seal.position;

		if (start <= newest->durable || seal.previous >= position)
			return true;
		if (seal_at(s->view, s->super, seal.previous, &seal) < 0 ||
		    !seal_body_sound(s->super, &seal, s->view->base + seal.position + sizeof(seal)))
			return false;
	}
	return false;
}

/* Whether an append is whole that begins at `tail` and ends with this seal. */
static bool append_sound(const struct search *s, uint64_t tail, const struct fs_seal *seal)
{
	return seal->append_start == tail && seal_end(seal) <= s->view->size &&
	       seal_body_sound(s->super, seal, s->view->base + seal->position + sizeof(*seal)) &&
	       entries_sound(s, tail, seal_end(seal)) && keys_sound(s, seal);
}

/* The last position below `below` that holds a seal of this container, whatever is around it. */
static int last_seal_before(const struct search *s, uint64_t below, struct fs_seal *ret)
{
	uint64_t p = below / 64 * 64;
	int r;

	for (;; p -= 64) {
		if (p < below && s->view->size - p >= sizeof(*ret) &&
		    memcmp(s->view->base + p, FS_SEAL_MAGIC, sizeof(ret->magic)) == 0) {
			r = seal_at(s->view, s->super, p, ret);
			if (r != -ENOENT)
				return r;
		}
		if (p == 0)
			return -ENOENT;
	}
}

/*
 * From a durable tail on: the longest run of appends in which each begins where the one before ended
 * and all entries are good. *seal is the last one's.
 */
static int follow_appends(const struct search *s, uint64_t *tail, struct fs_seal *seal, bool *found)
{
	uint64_t p = (*tail + 63) / 64 * 64;
	struct fs_seal next;
	int r;

	while (p < s->view->size && s->view->size - p >= sizeof(next) + REEL_TRAILER_SIZE) {
		if (memcmp(s->view->base + p, FS_SEAL_MAGIC, sizeof(next.magic)) != 0) {
			p += 64;
			continue;
		}
		r = seal_at(s->view, s->super, p, &next);
		if (r < 0 && r != -ENOENT)
			return r;
		if (r == -ENOENT) {
			p += 64;
			continue;
		}
		if (!append_sound(s, *tail, &next))
			return 0;
		*tail = seal_end(&next);
		*seal = next;
		*found = true;
		p = (*tail + 63) / 64 * 64;
	}
	return 0;
}

/*
 * Whether another program compacted the container: a whole chain of entries, of which the last seal is not
 * where it was written. Where the superblock and some seals have kept their places all the same, what
 * follows them would be taken for a torn append. An imitation in a file has no seal with its authenticator.
 */
static bool is_moved(const struct search *s)
{
	bool moved = false;
	struct reel_entry e;

	for (uint64_t end = s->view->size; end > 0; end = e.prev_tail) {
		const uint8_t *payload;
		struct fs_seal seal;

		if (reel_entry_at(s->view, end, &e) < 0)
			return false;
		payload = s->view->base + e.offset;
		if (end == s->view->size && reel_crc32(0, payload, e.len) != e.crc)
			return false;
		if (moved || seal_parse(payload, e.len, s->super, &seal) < 0 || e.key_hash != seal_key_hash(&seal))
			continue;
		if (seal.position == e.offset)
			return false;
		moved = true;
	}
	return moved;
}

/*
 * The end of the file is not a seal. If the last seal says that its writer ended, the rest was
 * written by another program and the store's own rule holds from there. Otherwise what no seal covers
 * is a torn append, whatever it looks like (invariant S2); where it looks like whole entries, another program
 * may have written them since the writer was killed, and they are not thrown away.
 */
static int recover(const struct search *s, struct location *l, struct reel_tail *ret)
{
	struct fs_seal last, seal;
	uint64_t tail;
	bool found = false;
	int r;

	r = last_seal_before(s, s->view->size, &last);
	if (r < 0)
		return r;
	tail = last.durable;
	r = follow_appends(s, &tail, &seal, &found);
	if (r < 0)
		return r;
	if (!found) {
		/* Nothing after the durable tail survived: the seal that ends there is the newest. */
		r = seal_ending_at(s, tail, &seal);
		if (r < 0 && r != -ENOENT)
			return r;
		found = r == 0;
	}
	if (found) {
		l->has_seal = true;
		l->seal = seal;
	}
	ret->durable = last.durable;
	ret->tail = tail;
	ret->verdict =
	    found && (seal.flags & FS_SEAL_CLEAN) && seal.position == last.position ? REEL_TAIL_UNKNOWN : REEL_TAIL_FOUND;
	if (ret->verdict == REEL_TAIL_UNKNOWN)
		ret->durable = tail;
	else
		ret->keep = tail < s->view->size && entries_sound(s, tail, s->view->size);
	return 0;
}

/*
 * A container that another program began has its superblock, if any, further on. Where the chain of
 * entries is whole it is searched; only where it is torn is the whole file.
 */
static int find_super(const struct reel_view *view, struct fs_super *ret)
{
	uint64_t end = view->size;
	struct reel_entry e = {0};
	bool found = false;

	if (view->size < sizeof(*ret) || super_parse(view->base, view->size, 0, ret) != -ENOENT)
		return super_find(view, ret);
	while (end > 0 && reel_entry_at(view, end, &e) == 0) {
		found = found || super_parse(view->base + e.offset, e.len, e.offset, ret) != -ENOENT;
		end = e.prev_tail;
	}
	/* A trailer of zeros, which never reached the disk, would end the chain as the first entry does. */
	if (end == 0 && !found && reel_payload_crc(view, e.offset, e.len) == e.crc)
		return -ENOENT;
	return super_find(view, ret);
}

/* What was written as a whole has its last seal, or a newer one (invariant S5). */
static int check_whole(const struct search *s, struct location *l)
{
	struct fs_seal last;

	if (!whole_find(s->view, &l->super, &l->whole) || (l->has_seal && l->seal.sequence >= l->whole.sequence))
		return 0;
	/* Where other programs' entries follow and then a first seal that is torn, only the chain leads to it. */
	l->is_part = l->has_seal || l->whole.end > s->view->size || seal_ending_at(s, l->whole.end, &last) < 0;
	return l->is_part ? -EBADMSG : 0;
}

/*
 * A superblock at the start of the file, and no seal. In an empty file it comes alone, before the first seal (invariant S2):
 * what follows it then is that seal in part. Everywhere else it is in the append of a seal.
 */
static int check_sealless(const struct reel_view *view, struct location *l)
{
	const uint64_t end = sizeof(l->super) + REEL_TRAILER_SIZE, seal = (end + 63) / 64 * 64;
	const size_t len = sizeof(FS_SEAL_MAGIC) - 1;
	const uint8_t *at = view->base + seal;
	bool torn = l->super.position > 0 || view->size <= end;

	if (!torn && view->size <= seal + FIRST_SEAL_MAX) {
		torn = true;
		for (uint64_t p = end; p < seal && p < view->size; p++)
			torn &= view->base[p] == 0;
		for (size_t i = 0; i < len && seal + i < view->size; i++)
			torn &= at[i] == 0 || at[i] == (uint8_t)FS_SEAL_MAGIC[i];
	}
	l->is_part = !torn;
	l->whole = (struct fs_whole){0};
	return torn ? 0 : -EBADMSG;
}

int locate_tail(void *arg, const struct reel_view *view, struct reel_tail *ret)
{
	struct location *l = arg;
	struct search s = {view, &l->super};
	int r;

	*l = (struct location){.size = view->size};
	*ret = (struct reel_tail){.verdict = REEL_TAIL_UNKNOWN};
	r = find_super(view, &l->super);
	/* Cut within its trailer it could be an entry of the oldest generation. */
	if (r == -ENOENT && view->size < sizeof(l->super) + REEL_TRAILER_SIZE)
		l->is_part = super_parse(view->base, view->size, 0, &l->super) == 0;
	if (r == -ENOENT)
		return l->is_part ? -EBADMSG : 0;
	if (r < 0)
		return r;
	l->has_super = true;
	r = seal_ending_at(&s, view->size, &l->seal);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0 && entries_sound(&s, l->seal.durable, view->size) && all_keys_sound(&s, &l->seal)) {
		l->has_seal = true;
		*ret = (struct reel_tail){REEL_TAIL_FOUND, l->seal.durable, view->size, false};
		return check_whole(&s, l);
	}
	if (is_moved(&s)) {
		l->has_super = false;
		return 0;
	}
	r = recover(&s, l, ret);
	if (r == 0 || r == -ENOENT)
		return check_whole(&s, l) < 0 ? -EBADMSG : r < 0 ? check_sealless(view, l) : 0;
	return r;
}
