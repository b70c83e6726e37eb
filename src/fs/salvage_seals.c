/*
 * salvage_seals.c - finds every seal of a damaged container, wherever it lies: it names its own offset and has its
 * authenticator, so that nothing else is taken for one. Goes over the file once; what damaged bodies cost is
 * bounded. Without a superblock, which holds the secret, seals must agree in container, place and checksum.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "salvage.h"

#define SCANNED_MAX (64u << 20) /* bytes of the mapping that are resident for the scan at once */

/* --- the superblock ----------------------------------------------------------------------------------- */

/* The first bytes of the file with one byte of them changed back. Its own hash tells which. */
static int mend_super(const struct reel_view *view, struct fs_super *ret)
{
	uint8_t bytes[sizeof(*ret)];

	if (view->size < sizeof(bytes))
		return -ENOENT;
	memcpy(bytes, view->base, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		uint8_t was = bytes[i];

		for (unsigned change = 1; change < 256; change++) {
			bytes[i] = was ^ (uint8_t)change;
			if (super_parse(bytes, sizeof(bytes), 0, ret) == 0)
				return 0;
		}
		bytes[i] = was;
	}
	return -ENOENT;
}

static int find_super(struct salvage *s)
{
	struct fs *fs = s->fs;
	int r = super_find(&s->view, &fs->super);

	if (r == 0 || r == -ENOTSUP) {
		fs->has_super = r == 0;
		return r;
	}
	/* Whole, but in an entry that is not: the first in the file is believed, as at opening. */
	for (uint64_t p = 0; s->view.size >= sizeof(fs->super) && p <= s->view.size - sizeof(fs->super) && r < 0; p += 64)
		r = super_parse(s->view.base + p, sizeof(fs->super), p, &fs->super);
	if (r < 0)
		r = mend_super(&s->view, &fs->super);
	fs->has_super = r == 0;
	s->unsealed = r < 0;
	if (r == 0)
		salvage_tell(s, "the superblock at offset %llu is damaged: it was mended",
			     (unsigned long long)fs->super.position);
	return 0;
}

/* --- seals ---------------------------------------------------------------------------------------------- */

/* Without the secret: the entry has its key and checksum, lies where it says, and is of the first seal's container. */
static int unsealed_at(struct salvage *s, uint64_t position, struct fs_seal *ret)
{
	uint64_t left = s->view.size - position;

	memcpy(ret, s->view.base + position, sizeof(*ret));
	if (ret->version != FS_LAYOUT_VERSION || ret->position != position || ret->append_start > position ||
	    ret->durable > ret->append_start || ret->body_len > left - sizeof(*ret) - REEL_TRAILER_SIZE)
		return -ENOENT;
	return s->has_id && memcmp(s->id, ret->container_id, sizeof(s->id)) != 0 ? -ENOENT : 0;
}

static bool unsealed_sound(struct salvage *s, const struct fs_seal *seal)
{
	struct reel_entry e;

	if (reel_entry_at(&s->view, seal_end(seal), &e) < 0 || e.offset != seal->position ||
	    e.key_hash != seal_key_hash(seal) || reel_payload_crc(&s->view, e.offset, e.len) != e.crc)
		return false;
	memcpy(s->id, seal->container_id, sizeof(s->id));
	s->has_id = true;
	return true;
}

/* Bodies of seals do not overlap: in a container that says otherwise only so many are looked at. */
static bool is_sound(struct salvage *s, const struct fs_seal *seal)
{
	bool sound;

	if (seal->body_len > s->to_hash)
		return false;
	sound = s->unsealed ? unsealed_sound(s, seal)
			    : seal_body_sound(&s->fs->super, seal, s->view.base + seal->position + sizeof(*seal));
	if (!sound)
		s->to_hash -= seal->body_len;
	return sound;
}

struct fs_seal salvage_header(const struct salvage *s, const struct found_seal *f)
{
	struct fs_seal seal;

	memcpy(&seal, s->view.base + f->position, sizeof(seal));
	return f->mended_header ? *f->mended_header : seal;
}

const uint8_t *salvage_body(const struct salvage *s, const struct found_seal *f)
{
	return f->mended_body ? f->mended_body : s->view.base + f->position + sizeof(struct fs_seal);
}

/* Where the header was mended it is kept. */
static int add(struct salvage *s, const struct fs_seal *seal, bool sound, bool mended)
{
	struct fs_seal *header = mended ? malloc(sizeof(*header)) : NULL;

	if (mended && !header)
		return -ENOMEM;
	if (mended)
		*header = *seal;
	if (s->n == s->room) {
		size_t room = s->room ? s->room * 2 : 256;
		struct found_seal *more = realloc(s->seal, room * sizeof(*more));

		if (!more) {
			free(header);
			return -ENOMEM;
		}
		s->seal = more;
		s->room = room;
	}
	s->seal[s->n++] = (struct found_seal){
	    .sequence = seal->sequence,
	    .position = seal->position,
	    .end = seal_end(seal),
	    .append_start = seal->append_start,
	    .flags = seal->flags,
	    .sound = sound,
	    .is_first = seal->previous == FS_NO_POSITION && !(seal->flags & FS_SEAL_CHECKPOINT),
	    .mended_header = header,
	    .after_checkpoint = seal->previous != FS_NO_POSITION && seal->previous == seal->checkpoint,
	};
	return 0;
}

/* The seal at *p, if there is one; *p moves on past all that cannot begin another. */
static int scan_one(struct salvage *s, uint64_t *p)
{
	bool sound, mended = false;
	uint64_t at = *p;
	struct fs_seal seal;
	int r = -ENOENT;

	*p += 64;
	if (memcmp(s->view.base + at, FS_SEAL_MAGIC, sizeof(seal.magic)) == 0)
		r = s->unsealed ? unsealed_at(s, at, &seal) : seal_at(&s->view, &s->fs->super, at, &seal);
	if (r == -ENOENT && !s->unsealed) {
		mended = salvage_mend_header(s, at, &seal);
		r = mended ? 0 : r;
	}
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	sound = is_sound(s, &seal);
	/* A header that nothing vouches for. */
	if (s->unsealed && !sound)
		return 0;
	if (sound)
		*p = (seal_end(&seal) + 63) / 64 * 64;
	return add(s, &seal, sound, mended);
}

int salvage_find(struct salvage *s)
{
	uint64_t p = 0, shown = 0, need = sizeof(struct fs_seal) + REEL_TRAILER_SIZE;
	int r = find_super(s);

	s->to_hash = 16 * s->view.size;
	while (r == 0 && s->view.size >= need && p <= s->view.size - need) {
		r = scan_one(s, &p);
		if (p - shown >= SCANNED_MAX) {
			if (r == 0)
				r = salvage_progress(s, p - shown);
			reel_drop_pages(&s->view);
			shown = p;
		}
	}
	if (r < 0)
		return r;
	if (s->n == 0 && s->unsealed)
		return -ENOENT;
	if (s->unsealed)
		salvage_tell(s, "the superblock is lost: transactions are believed that agree with each other, but nothing "
				"proves that users of a mount did not forge them");
	return 0;
}
