/*
 * seal.h - superblocks, and the seals that tell this container's own transactions and checkpoints
 * from anything that looks like one. Pure functions over bytes.
 */
#ifndef FS_SEAL_H
#define FS_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layout.h"
#include "engine.h"

/* Draws a new identity and secret. */
int super_make(struct fs_super *ret, uint64_t position);
/* The same identity at a new place. */
void super_place(struct fs_super *s, uint64_t position);
/* Whether the bytes are a superblock of a known version. `position` matters unless UINT64_MAX. */
int super_parse(const uint8_t *payload, uint64_t len, uint64_t position, struct fs_super *ret);

/*
 * Finds the superblock that counts: the one at offset 0, or else the first in the file that says it
 * lies where it does. Whoever could write before it made the container; whoever wrote after it
 * (the users of the mount) is not believed (invariant S1). -ENOENT: none. -ENOTSUP: a newer layout.
 */
int super_find(const struct reel_view *view, struct fs_super *ret);

uint64_t seal_key_hash(const struct fs_seal *seal);
uint64_t contents_key_hash(uint64_t sequence, uint64_t offset);

/* The authenticator of bytes of this container. */
void seal_authenticate(const struct fs_super *super, const void *bytes, size_t len, uint8_t ret[16]);
/* Fills in magic, version, identity, body length and hash, authenticator. The rest is the caller's. */
void seal_make(const struct fs_super *super, struct fs_seal *seal, const void *body, size_t len);

/*
 * Reads the seal at `position`. Its header is this container's own and lies where it was written; the
 * body lies wholly below view->size but is not yet checked. -ENOENT: there is none. (A seal of this
 * container with an unknown version: -ENOTSUP.)
 */
int seal_at(const struct reel_view *view, const struct fs_super *super, uint64_t position, struct fs_seal *ret);
/* Whether an authentic header lies where it says, before all that it speaks of. */
bool seal_fits(const struct reel_view *view, uint64_t position, const struct fs_seal *seal);
/* seal_at() without regard to the place; for containers that another program compacted. */
int seal_parse(const uint8_t *payload, uint64_t len, const struct fs_super *super, struct fs_seal *ret);
/* Whether the body is the one that was sealed. */
bool seal_body_sound(const struct fs_super *super, const struct fs_seal *seal, const uint8_t *body);

static inline uint64_t seal_end(const struct fs_seal *seal)
{
	return seal->position + sizeof(*seal) + seal->body_len + REEL_TRAILER_SIZE;
}

/*
 * Whether the seal is by the writer of the one before it, or begins a writer's: where it is neither, two programs have
 * written at the same time, and what one of them wrote may be lost though all that is there is whole.
 */
static inline bool seal_follows(const struct fs_seal *seal, const struct fs_seal *before)
{
	return seal->flags & FS_SEAL_OPEN || seal->flags >> FS_SEAL_WRITER_SHIFT == before->flags >> FS_SEAL_WRITER_SHIFT;
}
/* A number for a writer; not 0. */
int seal_draw_writer(uint32_t *ret);

/*
 * A reel_whose_fn, whose argument is the container's superblock: whether what another program has put behind `from` has a
 * seal of the container, and so is another reelfs's.
 */
const char *seal_whose(void *super, const struct reel_view *view, uint64_t from);

#endif
