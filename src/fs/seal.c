/*
 * seal.c - see seal.h. The authenticator is XXH3-128 keyed with a secret of 192 random bytes that is
 * in the container only (mode 0600). That is enough against someone who can neither read the container
 * nor learn any authenticator, and the users of a mount can do neither (SECURITY in docs/DESIGN.md).
 */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <xxhash.h>

#include "seal.h"

static uint64_t super_check(const struct fs_super *s)
{
	return XXH3_64bits(s, offsetof(struct fs_super, check));
}

void super_place(struct fs_super *s, uint64_t position)
{
	s->position = position;
	s->check = super_check(s);
}

static int draw(void *buf, size_t len)
{
	for (uint8_t *p = buf; len > 0;) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

int super_make(struct fs_super *ret, uint64_t position)
{
	struct timespec now;
	int r;

	clock_gettime(CLOCK_REALTIME, &now);
	*ret = (struct fs_super){.version = FS_LAYOUT_VERSION, .size = sizeof(*ret)};
	memcpy(ret->magic, FS_SUPER_MAGIC, sizeof(ret->magic));
	ret->created_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	r = draw(ret->container_id, sizeof(ret->container_id));
	if (r < 0)
		return r;
	r = draw(ret->secret, sizeof(ret->secret));
	if (r < 0)
		return r;
	super_place(ret, position);
	return 0;
}

int super_parse(const uint8_t *payload, uint64_t len, uint64_t position, struct fs_super *ret)
{
	if (len < sizeof(*ret) || memcmp(payload, FS_SUPER_MAGIC, sizeof(ret->magic)) != 0)
		return -ENOENT;
	memcpy(ret, payload, sizeof(*ret));
	if (ret->size != sizeof(*ret) || ret->check != super_check(ret))
		return -ENOENT;
	if (position != FS_NO_POSITION && ret->position != position)
		return -ENOENT;
	return ret->version == FS_LAYOUT_VERSION ? 0 : -ENOTSUP;
}

int super_find(const struct reel_view *view, struct fs_super *ret)
{
	uint64_t need = sizeof(*ret) + REEL_TRAILER_SIZE;
	struct reel_entry e;
	int r;

	for (uint64_t p = 0; view->size >= need && p <= view->size - need; p += 64) {
		r = super_parse(view->base + p, sizeof(*ret), p, ret);
		if (r == -ENOTSUP)
			return r;
		if (r < 0)
			continue;
		if (reel_entry_at(view, p + need, &e) == 0 && e.offset == p &&
		    e.key_hash == reel_hash(FS_KEY_SUPER, sizeof(FS_KEY_SUPER) - 1) &&
		    reel_crc32(0, view->base + p, sizeof(*ret)) == e.crc)
			return 0;
	}
	return -ENOENT;
}

int seal_draw_writer(uint32_t *ret)
{
	uint16_t number = 0;
	int r = 0;

	while (r == 0 && number == 0)
		r = draw(&number, sizeof(number));
	*ret = number;
	return r;
}

/* --- seals ------------------------------------------------------------------------------------------- */

static uint64_t hash_key(const char *prefix, size_t len, const uint64_t *numbers, size_t n)
{
	uint8_t key[64];

	memcpy(key, prefix, len);
	memcpy(key + len, numbers, n * sizeof(*numbers));
	return reel_hash(key, len + n * sizeof(*numbers));
}

uint64_t seal_key_hash(const struct fs_seal *seal)
{
	if (seal->flags & FS_SEAL_CHECKPOINT)
		return reel_hash(FS_KEY_CHECKPOINT, sizeof(FS_KEY_CHECKPOINT) - 1);
	return hash_key(FS_KEY_TRANSACTION, sizeof(FS_KEY_TRANSACTION) - 1, &seal->sequence, 1);
}

uint64_t contents_key_hash(uint64_t sequence, uint64_t offset)
{
	uint64_t numbers[] = {sequence, offset};

	return hash_key(FS_KEY_CONTENTS, sizeof(FS_KEY_CONTENTS) - 1, numbers, 2);
}

void seal_authenticate(const struct fs_super *super, const void *bytes, size_t len, uint8_t ret[16])
{
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits_withSecret(bytes, len, super->secret, sizeof(super->secret)));
	memcpy(ret, canonical.digest, 16);
}

static void authenticate(const struct fs_super *super, const struct fs_seal *seal, uint8_t ret[16])
{
	seal_authenticate(super, seal, offsetof(struct fs_seal, authenticator), ret);
}

void seal_make(const struct fs_super *super, struct fs_seal *seal, const void *body, size_t len)
{
	memcpy(seal->magic, FS_SEAL_MAGIC, sizeof(seal->magic));
	seal->version = FS_LAYOUT_VERSION;
	memcpy(seal->container_id, super->container_id, sizeof(seal->container_id));
	seal->body_len = len;
	seal->body_hash = XXH3_64bits_withSecret(body, len, super->secret, sizeof(super->secret));
	authenticate(super, seal, seal->authenticator);
}

int seal_parse(const uint8_t *payload, uint64_t len, const struct fs_super *super, struct fs_seal *ret)
{
	uint8_t expected[16];

	if (len < sizeof(*ret) || memcmp(payload, FS_SEAL_MAGIC, sizeof(ret->magic)) != 0)
		return -ENOENT;
	memcpy(ret, payload, sizeof(*ret));
	if (memcmp(ret->container_id, super->container_id, sizeof(ret->container_id)) != 0)
		return -ENOENT;
	authenticate(super, ret, expected);
	if (memcmp(expected, ret->authenticator, sizeof(expected)) != 0 || ret->body_len > len - sizeof(*ret))
		return -ENOENT;
	return ret->version == FS_LAYOUT_VERSION ? 0 : -ENOTSUP;
}

int seal_at(const struct reel_view *view, const struct fs_super *super, uint64_t position, struct fs_seal *ret)
{
	int r;

	if (position % 64 != 0 || position > view->size || view->size - position < sizeof(*ret) + REEL_TRAILER_SIZE)
		return -ENOENT;
	r = seal_parse(view->base + position, view->size - position - REEL_TRAILER_SIZE, super, ret);
	if (r < 0)
		return r;
	return seal_fits(view, position, ret) ? 0 : -ENOENT;
}

bool seal_fits(const struct reel_view *view, uint64_t position, const struct fs_seal *seal)
{
	return seal->position == position && seal->append_start <= position && seal->durable <= seal->append_start &&
	       position <= view->size && view->size - position >= sizeof(*seal) + REEL_TRAILER_SIZE &&
	       seal->body_len <= view->size - position - sizeof(*seal) - REEL_TRAILER_SIZE;
}

bool seal_body_sound(const struct fs_super *super, const struct fs_seal *seal, const uint8_t *body)
{
	return XXH3_64bits_withSecret(body, seal->body_len, super->secret, sizeof(super->secret)) == seal->body_hash;
}

const char *seal_whose(void *super, const struct reel_view *view, uint64_t from)
{
	struct fs_seal seal;

	for (uint64_t p = (from + 63) / 64 * 64; p < view->size; p += 64)
		if (seal_at(view, super, p, &seal) == 0)
			return "transactions of another reelfs";
	return NULL;
}
