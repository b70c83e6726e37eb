/*
 * extend.c - what is built on keys and values: name spaces, values that are expressly nothing, and values that expire.
 * Keys and bytes are those of the reference engine's extensions, as far as these fix them (reel.h).
 */
#include "config.h"

#include <stdlib.h>
#include <time.h>

#include "store.h"

static const char option_prefix[] = "\xf7option\xfd";
static const char ttl_prefix[] = "\xf7ttl\xfd";
static const uint8_t nothing[] = {0xff, 0xfe};

struct reel_namespace reel_namespace(const void *prefix, size_t prefix_len)
{
	return (struct reel_namespace){.hash = reel_hash(prefix, prefix_len)};
}

void reel_namespace_key(struct reel_namespace ns, const void *key, size_t key_len, uint8_t ret[REEL_NAMESPACE_KEY])
{
	store_u64(ret, ns.hash);
	store_u64(ret + sizeof(uint64_t), reel_hash(key, key_len));
}

static void extension_key(const char *prefix, const void *key, size_t key_len, uint8_t ret[REEL_NAMESPACE_KEY])
{
	reel_namespace_key(reel_namespace(prefix, strlen(prefix)), key, key_len, ret);
}

static bool is_nothing(const void *value, size_t len)
{
	return len == sizeof(nothing) && memcmp(value, nothing, len) == 0;
}

int reel_write_option(struct reel *r, const void *key, size_t key_len, const void *value, size_t value_len)
{
	uint8_t name[REEL_NAMESPACE_KEY];

	if (value != NULL && is_nothing(value, value_len))
		return -EINVAL;
	extension_key(option_prefix, key, key_len, name);
	if (value == NULL)
		return reel_write(r, name, sizeof(name), nothing, sizeof(nothing));
	return reel_write(r, name, sizeof(name), value, value_len);
}

int reel_read_option(struct reel *r, const void *key, size_t key_len, struct reel_entry *ret)
{
	uint8_t name[REEL_NAMESPACE_KEY];

	extension_key(option_prefix, key, key_len, name);
	int err = reel_read(r, name, sizeof(name), ret);
	if (err < 0)
		return err;
	if (!is_nothing(ret->payload, ret->len))
		return 1;
	reel_entry_release(ret);
	return 0;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec < 0 ? 0 : (uint64_t)t.tv_sec;
}

int reel_write_ttl(struct reel *r, const void *key, size_t key_len, const void *value, size_t value_len, uint64_t seconds)
{
	uint8_t name[REEL_NAMESPACE_KEY];
	uint64_t expiry = now();

	if (value_len > SIZE_MAX - REEL_TTL_PREFIX)
		return -EFBIG;
	uint8_t *payload = malloc(REEL_TTL_PREFIX + value_len);
	if (payload == NULL)
		return -ENOMEM;
	expiry = seconds > UINT64_MAX - expiry ? UINT64_MAX : expiry + seconds;
	store_u64(payload, expiry);
	reel_copy(payload + REEL_TTL_PREFIX, value, value_len);
	extension_key(ttl_prefix, key, key_len, name);
	int err = reel_write(r, name, sizeof(name), payload, REEL_TTL_PREFIX + value_len);
	free(payload);
	return err;
}

int reel_read_ttl(struct reel *r, const void *key, size_t key_len, struct reel_entry *ret)
{
	uint8_t name[REEL_NAMESPACE_KEY];

	extension_key(ttl_prefix, key, key_len, name);
	int err = reel_read(r, name, sizeof(name), ret);
	if (err < 0)
		return err;
	if (ret->len < REEL_TTL_PREFIX) {
		reel_entry_release(ret);
		return -EBADMSG;
	}
	if (now() < load_u64(ret->payload))
		return 1;
	/* Only what was seen to have expired: another may have written the key again. */
	err = store_writable(r) && reel_failed(r) == 0 ? move_delete_same(r, ret) : 0;
	reel_entry_release(ret);
	return err == -EAGAIN ? 0 : err;
}
