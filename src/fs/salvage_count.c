/*
 * salvage_count.c - what became of each entry with contents, once everything is decided: none is dropped without being
 * counted (invariant R4). The entries are those that the file has, found without regard to what transactions say of them, and
 * those that transactions speak of where the way to them is lost. Changes nothing.
 */
#include "config.h"

#include <string.h>

#include "salvage.h"

/* A seal that was found at this place. */
static bool is_seal(const struct salvage *s, uint64_t position)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (s->seal[mid].position < position)
			low = mid + 1;
		else
			high = mid;
	}
	return low < s->n && s->seal[low].position == position;
}

static bool begins_with(const struct reel_entry *e, const char *magic, size_t len)
{
	return e->len == len && memcmp(e->payload, magic, 8) == 0;
}

bool salvage_is_own(const struct salvage *s, const struct reel_entry *e)
{
	struct fs_seal seal;

	if (e->key_hash == reel_hash(FS_KEY_SUPER, sizeof(FS_KEY_SUPER) - 1) ||
	    e->key_hash == reel_hash(FS_KEY_WHOLE, sizeof(FS_KEY_WHOLE) - 1) ||
	    e->key_hash == reel_hash(FS_KEY_CHECKPOINT, sizeof(FS_KEY_CHECKPOINT) - 1) || is_seal(s, e->offset) ||
	    (s->fs->has_super && e->offset == s->fs->super.position) ||
	    (s->unsealed && e->offset == 0 && e->len == sizeof(struct fs_super)))
		return true;
	/* Under a key that is damaged, at the front. */
	if (e->prev_tail <= sizeof(struct fs_super) + REEL_TRAILER_SIZE &&
	    (begins_with(e, FS_SUPER_MAGIC, sizeof(struct fs_super)) ||
	     begins_with(e, FS_WHOLE_MAGIC, sizeof(struct fs_whole))))
		return true;
	if (e->len < sizeof(seal) || memcmp(e->payload, FS_SEAL_MAGIC, sizeof(seal.magic)) != 0)
		return false;
	memcpy(&seal, e->payload, sizeof(seal));
	return seal_key_hash(&seal) == e->key_hash;
}

struct count {
	struct salvage *s;
	struct number_set seen; /* positions of entries that were counted */
};

/* In the new container as a whole, in part, not though it was needed, or needed by nobody. */
static void classify(struct salvage *s, uint64_t position)
{
	struct fs_repair_entries *n = &s->result.entries;
	const struct data *d = table_get(&s->fs->tree.data.by_position, position);
	uint64_t len = 0;

	n->all++;
	if (d && d->named_refs > 0)
		*(data_sound_at(d, 0, &len) && len >= d->len ? &n->whole : &n->damaged) += 1;
	else
		*(number_set_has(&s->needed, position) ? &n->lost : &n->dead) += 1;
}

static int count_entry(void *arg, const struct reel_entry *e, bool sound)
{
	struct count *c = arg;

	(void)sound;
	if (e->tombstone || salvage_is_own(c->s, e) || number_set_has(&c->seen, e->offset))
		return 0;
	classify(c->s, e->offset);
	return number_set_add(&c->seen, e->offset);
}

/* Of those that transactions speak of. */
static int count_spoken_of(struct count *c)
{
	const struct table *spoken = &c->s->fs->tree.data.by_position;
	uint64_t position = 0;

	for (; table_first(spoken, &position); position++)
		if (!number_set_has(&c->seen, position)) {
			classify(c->s, position);
			if (number_set_add(&c->seen, position) < 0)
				return -ENOMEM;
		}
	for (position = 0; number_set_first(&c->s->needed, &position); position++)
		if (!number_set_has(&c->seen, position))
			classify(c->s, position);
	return 0;
}

int salvage_count(struct salvage *s)
{
	struct count c = {.s = s};
	int r = reel_survey(&s->view, 0, s->view.size, count_entry, NULL, &c);

	if (r == 0)
		r = count_spoken_of(&c);
	if (r == 0)
		r = salvage_progress(s, s->view.size);
	number_set_clear(&c.seen);
	return r;
}
