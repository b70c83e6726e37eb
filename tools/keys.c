/*
 * keys.c - entries by key, for containers without a file system.
 * Relies on src/store/reel.h and the messages of common.h.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "keys.h"

const char *hash_text(uint64_t hash, char buf[HASH_TEXT])
{
	snprintf(buf, HASH_TEXT, "%016" PRIx64, hash);
	return buf;
}

uint64_t keys_hash_of_path(const char *path)
{
	path += strspn(path, "/");
	return reel_hash(path, strlen(path));
}

int keys_find(const struct container *c, const char *name, struct reel_entry *ret)
{
	struct reel *store = fs_store(c->fs);
	int r = reel_read(store, name, strlen(name), ret);

	if (r == -ENOENT && strlen(name) == 16 && strspn(name, "0123456789abcdef") == 16)
		r = reel_read_hash(store, strtoull(name, NULL, 16), ret);
	return r;
}

int keys_verify(const struct container *c, const char *name, const struct reel_entry *e)
{
	uint64_t at;

	if (reel_entry_valid(e))
		return 0;
	if (reel_unread(fs_store(c->fs), 0, e->offset, e->len)) {
		int r = reel_unread_error(fs_store(c->fs), e->offset, e->len, &at);

		complain(name, "reading %s failed at offset %" PRIu64 ": %s", c->path, at, reel_explain(r));
		return -EIO;
	}
	complain(name,
		 "the entry at offset %" PRIu64 " of %s is damaged: its bytes do not have the stored checksum %08" PRIx32
		 " ('reel check' lists all damage)",
		 e->offset, c->path, e->crc);
	return -EBADMSG;
}
