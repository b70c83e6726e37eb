/*
 * life_random.c - see life.h: changes at random.
 */
#include "config.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>

#include "life.h"
#include "moment.h"

static uint64_t below(struct life *l, uint64_t n)
{
	return next_random(&l->seed) % n;
}

static size_t any_size(struct life *l)
{
	static const size_t sizes[] = {0, 1, 30, 700, 4096, 9000};

	return sizes[below(l, 6)];
}

static int random_write(struct life *l, const char *path, const char *other)
{
	static const int modes[] = {FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE, 0, FALLOC_FL_KEEP_SIZE};

	switch (below(l, 8)) {
	case 0:
		return life_put(l, path, any_size(l));
	case 1:
		return life_patch(l, path, below(l, 12000), any_size(l));
	case 2:
		return life_append(l, path, any_size(l));
	case 3:
		return life_tmpfile(l, path, any_size(l));
	case 4:
		return life_allocate(l, path, modes[below(l, 4)], below(l, 9000), 1 + below(l, 9000));
	case 5:
		return life_copy(l, path, below(l, 3000), other, below(l, 9000), 1 + below(l, 9000));
	case 6:
		return life_copy(l, path, 0, other, 0, 1 << 20);
	default:
		return life_truncate(l, path, below(l, 10000));
	}
}

static int random_attributes(struct life *l, const char *path)
{
	switch (below(l, 5)) {
	case 0:
		return life_setxattr(l, path, "user.x", below(l, 200));
	case 1:
		return life_removexattr(l, path, "user.x");
	case 2:
		return life_setacl(l, path, below(l, 2), (unsigned)below(l, 8));
	case 3:
		return life_read(l, path);
	default:
		return life_chmod(l, path, (uint32_t)below(l, 07777));
	}
}

int life_random(struct life *l)
{
	static const char *const paths[] = {"a", "b", "c", "d", "d/a", "d/b", "d/e", "d/e/a", "f", "f/a"};
	const char *path = paths[below(l, 10)], *to = paths[below(l, 10)];

	switch (below(l, 16)) {
	case 0:
		return life_mkdir(l, path);
	case 1:
		return life_rmdir(l, path);
	case 2:
		return life_unlink(l, path);
	case 3:
		return life_link(l, path, to);
	case 4:
		return life_symlink(l, path, to);
	case 5:
	case 6:
		return random_attributes(l, path);
	case 7:
		return life_unlink_open(l, path);
	case 8:
	case 9:
		return life_rename(l, path, to, 0);
	case 10:
		return life_rename(l, path, to, below(l, 2) ? RENAME_EXCHANGE : RENAME_WHITEOUT);
	case 11:
		return life_mkdir(l, "d");
	default:
		return random_write(l, path, to);
	}
}

/* --- keys and values ------------------------------------------------------------------------------------------- */

int life_store_random(struct life *l)
{
	static const size_t sizes[] = {1, 2, 20, 44, 45, 300, 700, 5000};
	size_t len = sizes[below(l, 8)];
	uint64_t key = 1 + below(l, 9);

	switch (below(l, 12)) {
	case 0:
	case 1:
		return life_delete(l, key);
	case 2:
		/* Of other keys than the one that it deletes. */
		return life_batch(l, key + 1, 1 + below(l, 5), len);
	case 3:
		return life_delete_batch(l, key, 1 + below(l, 5));
	case 4:
		return life_stream(l, key, 1 + below(l, 4), len, below(l, 4) > 0);
	case 5:
		return life_store_rename(l, key, 1 + below(l, 9));
	case 6:
		return life_submit(l, key, 1 + below(l, 4), len, below(l, 3) == 0);
	default:
		return life_write(l, key, len);
	}
}

void life_short(struct life *l)
{
	if (l->keys) {
		if (life_store_open(l) < 0)
			return;
		life_write(l, 30, 500);
		life_batch(l, 31, 2, 300);
		life_store_sync(l);
		life_write(l, 30, 10);
		return;
	}
	if (life_open(l) < 0)
		return;
	for (int i = 0; i < 3; i++)
		(void)life_random(l);
	(void)life_sync(l);
	for (int i = 0; i < 2; i++)
		(void)life_random(l);
	if (next_random(&l->seed) % 2)
		(void)life_close(l);
}
