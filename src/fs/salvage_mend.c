/*
 * salvage_mend.c - seals with one byte that is wrong, and checkpoints of which two damaged copies are left. What is found is
 * proved: a header by its authenticator, a body by the
 * hash that the header has of it, both keyed. So a flipped bit in the only checkpoint costs no names. The checksum of the
 * entry tells where in a body the byte is, in linear time. Never changes the container: what is mended is a copy.
 */
#include "config.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "salvage.h"

#define RUNS_MAX    10   /* of ranges in which two copies differ: each doubles the choices */
#define RUNS_APART  512  /* bytes that are alike between two of them */
#define HEADERS_MAX 4096 /* headers that are tried: each costs as much as hashing some MB */

/* --- headers ------------------------------------------------------------------------------------------------ */

/* Whether that much of a header is there that one wrong byte can be the reason why it is none. */
static bool is_like_header(const struct salvage *s, const uint8_t *at)
{
	const struct fs_super *super = &s->fs->super;

	return memcmp(at, FS_SEAL_MAGIC, sizeof(FS_SEAL_MAGIC) - 1) == 0 ||
	       memcmp(at + offsetof(struct fs_seal, container_id), super->container_id, sizeof(super->container_id)) == 0;
}

/* The authenticator has one wrong byte itself: all others are proof enough. */
static bool authenticator_is_close(const struct fs_super *super, struct fs_seal *seal)
{
	uint8_t right[sizeof(seal->authenticator)];
	unsigned wrong = 0;

	seal_authenticate(super, seal, offsetof(struct fs_seal, authenticator), right);
	for (size_t i = 0; i < sizeof(right); i++)
		wrong += right[i] != seal->authenticator[i];
	memcpy(seal->authenticator, right, sizeof(right));
	return wrong == 1;
}

bool salvage_mend_header(struct salvage *s, uint64_t position, struct fs_seal *ret)
{
	const struct fs_super *super = &s->fs->super;
	uint8_t bytes[sizeof(*ret)];
	bool found = false;

	if (s->headers_tried >= HEADERS_MAX || !is_like_header(s, s->view.base + position))
		return false;
	s->headers_tried++;
	memcpy(bytes, s->view.base + position, sizeof(bytes));
	memcpy(ret, bytes, sizeof(*ret));
	found = authenticator_is_close(super, ret);
	for (size_t i = 0; !found && i < offsetof(struct fs_seal, authenticator); i++) {
		const uint8_t was = bytes[i];

		for (unsigned change = 1; !found && change < 256; change++) {
			uint8_t right[sizeof(ret->authenticator)];

			bytes[i] = was ^ (uint8_t)change;
			seal_authenticate(super, bytes, offsetof(struct fs_seal, authenticator), right);
			found = memcmp(right, bytes + offsetof(struct fs_seal, authenticator), sizeof(right)) == 0;
		}
		if (found)
			memcpy(ret, bytes, sizeof(*ret));
		bytes[i] = was;
	}
	return found && seal_fits(&s->view, position, ret);
}

/* --- bodies ------------------------------------------------------------------------------------------------- */

/* What one wrong byte at the end of a message changes in its CRC-32, and the byte by the highest byte of that. */
static uint32_t effect[256];
static uint8_t byte_of[256];

static void prepare(void)
{
	for (unsigned b = 0; b < 256; b++) {
		uint32_t crc = b;

		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
		effect[b] = crc;
		byte_of[crc >> 24] = (uint8_t)b;
	}
}

/* The change of the CRC-32 if the wrong byte had come one byte earlier. */
static uint32_t one_byte_back(uint32_t change)
{
	const uint8_t b = byte_of[change >> 24];

	return (change ^ effect[b]) << 8 | b;
}

/* The payload's own CRC-32 is that of the header as it should be, and of the body. */
static uint32_t crc_change(const struct salvage *s, const struct fs_seal *seal, const uint8_t *body)
{
	uint32_t stored;

	memcpy(&stored, s->view.base + seal_end(seal) - sizeof(stored), sizeof(stored));
	return reel_crc32(reel_crc32(0, seal, sizeof(*seal)), body, seal->body_len) ^ stored;
}

/* Bodies do not overlap, and few are damaged: a container that says otherwise does not get more than linear time. */
static bool spend(struct salvage *s, uint64_t bytes)
{
	const bool may = bytes <= s->to_hash;

	s->to_hash -= may ? bytes : 0;
	return may;
}

static bool mend_body(struct salvage *s, struct found_seal *f)
{
	const struct fs_seal seal = salvage_header(s, f);
	const uint64_t len = seal.body_len;
	uint8_t *body = len > 0 && f->end <= s->view.size && spend(s, len) ? malloc(len) : NULL;
	uint32_t change;

	if (!body)
		return false;
	memcpy(body, s->view.base + f->position + sizeof(seal), len);
	prepare();
	change = crc_change(s, &seal, body);
	for (uint64_t at = len; change != 0 && at-- > 0; change = one_byte_back(change)) {
		const uint8_t b = byte_of[change >> 24];

		if (effect[b] != change || !spend(s, len))
			continue;
		body[at] ^= b;
		f->sound = seal_body_sound(&s->fs->super, &seal, body);
		if (f->sound) {
			f->mended_body = body;
			return true;
		}
		body[at] ^= b;
	}
	free(body);
	return false;
}

/* --- two copies of a checkpoint ------------------------------------------------------------------------------ */

/* A range in which they differ: damage of one of them, or of both. */
struct run {
	uint64_t start, end;
};

/* How many there are, at most RUNS_MAX + 1; those that are close together are one. */
static unsigned find_runs(const uint8_t *a, const uint8_t *b, uint64_t len, struct run run[RUNS_MAX])
{
	unsigned n = 0;

	for (uint64_t at = 0; at < len; at++) {
		if (a[at] == b[at])
			continue;
		if (n > 0 && at - run[n - 1].end < RUNS_APART) {
			run[n - 1].end = at + 1;
			continue;
		}
		if (n == RUNS_MAX)
			return n + 1;
		run[n++] = (struct run){at, at + 1};
	}
	return n;
}

/* The body that is right in each of the ranges where it is in f or in what lies at `other`; the hash proves it. */
static bool join(struct salvage *s, struct found_seal *f, uint64_t other)
{
	const struct fs_seal seal = salvage_header(s, f);
	const uint8_t *a = s->view.base + f->position + sizeof(seal), *b = s->view.base + other + sizeof(seal);
	struct run run[RUNS_MAX];
	const unsigned n = spend(s, seal.body_len) ? find_runs(a, b, seal.body_len, run) : 0;
	uint8_t *body = n > 0 && n <= RUNS_MAX ? malloc(seal.body_len) : NULL;

	if (!body)
		return false;
	for (unsigned choice = 0; !f->sound && choice < 1u << n && spend(s, seal.body_len); choice++) {
		memcpy(body, a, seal.body_len);
		for (unsigned i = 0; i < n; i++)
			if (choice >> i & 1)
				memcpy(body + run[i].start, b + run[i].start, run[i].end - run[i].start);
		f->sound = seal_body_sound(&s->fs->super, &seal, body);
	}
	if (f->sound)
		f->mended_body = body;
	else
		free(body);
	return f->sound;
}

/*
 * The copy of which nothing but its place is known: one lies directly behind the other, so that a bad sector takes the end of
 * the first and the header of the second.
 */
static bool join_neighbour(struct salvage *s, struct found_seal *f)
{
	const uint64_t len = f->end - f->position, step = (len + 63) / 64 * 64;

	return (f->position <= s->view.size - len && step <= s->view.size - len - f->position &&
		join(s, f, f->position + step)) ||
	       (step <= f->position && join(s, f, f->position - step));
}

/* A compaction writes its checkpoint twice: what is damaged in one of them can be whole in the other. */
static bool join_copies(struct salvage *s, struct found_seal *f)
{
	const struct fs_seal seal = salvage_header(s, f);

	for (size_t i = 0; i < s->n && f->end <= s->view.size && spend(s, sizeof(seal)); i++) {
		const struct found_seal *other = &s->seal[i];
		const struct fs_seal header = salvage_header(s, other);

		if (other == f || !(other->flags & FS_SEAL_CHECKPOINT) || header.body_len != seal.body_len ||
		    header.body_hash != seal.body_hash)
			continue;
		/* A sound one is used itself. */
		if (other->sound)
			return false;
		if (other->end <= s->view.size && join(s, f, other->position))
			return true;
	}
	return f->end <= s->view.size && join_neighbour(s, f);
}

static bool put_right(struct salvage *s, struct found_seal *f)
{
	const unsigned long long position = f->position;

	if (s->unsealed)
		return false;
	if (mend_body(s, f))
		salvage_tell(s, "the %s at offset %llu had a byte that was wrong: it was mended, and its checksums prove that",
			     f->flags & FS_SEAL_CHECKPOINT ? "checkpoint" : "transaction", position);
	else if ((f->flags & FS_SEAL_CHECKPOINT) && join_copies(s, f))
		salvage_tell(
		    s,
		    "the checkpoint at offset %llu is damaged, and so is its copy: what is whole in one of them was put "
		    "together, and its checksums prove that nothing is missing",
		    position);
	return f->sound;
}

bool salvage_use(struct salvage *s, struct found_seal *f)
{
	if ((f->sound && !f->mended_header) || f->used)
		return f->sound;
	f->used = true;
	if (!f->sound)
		return put_right(s, f);
	salvage_tell(
	    s, "the header of the %s at offset %llu had a byte that was wrong: it was mended, and its checksums prove that",
	    f->flags & FS_SEAL_CHECKPOINT ? "checkpoint" : "transaction", (unsigned long long)f->position);
	return true;
}
