/*
 * rekey.c - see rekey.h. Relies on contents.c for the writing: it chooses a key that is free. Changes no contents and no
 * times.
 */
#include "config.h"

#include <string.h>
#include <syslog.h>

#include "contents.h"
#include "open.h"
#include "rekey.h"

struct rekey {
	struct open_state *open;
	uint64_t at;
};

static int sink(void *arg, const void *data, size_t len)
{
	struct rekey *k = arg;
	const struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
	int r = wbuf_write(k->open->wbuf, k->at, &iov, 1);

	k->at += len;
	return r;
}

/* What it needs of such entries is written as if it had been changed. open_state.io held for writing. */
static int rewrite(struct fs *fs, struct open_state *o)
{
	const struct extents *e = &o->inode->extents;
	int r = 0;

	o->wbuf = wbuf_new(&fs->pool);
	if (!o->wbuf)
		return -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < e->n; i++) {
		struct rekey k = {o, e->at[i].offset};

		if (number_set_has(&fs->unkeyed, e->at[i].data->position))
			r = contents_stream_base(fs, o, k.at, e->at[i].len, sink, &k);
	}
	if (r == 0)
		open_change_times(fs, o, &o->inode->atime, &o->inode->mtime, &o->inode->ctime);
	if (r == 0)
		r = contents_commit(fs, o, NULL);
	if (r < 0)
		open_revert(fs, o);
	return r;
}

static int rekey(struct fs *fs, uint64_t ino)
{
	struct open_state *o;
	int r = open_hold(fs, ino, &o);

	if (r < 0)
		return r;
	pthread_rwlock_wrlock(&o->io);
	r = rewrite(fs, o);
	pthread_rwlock_unlock(&o->io);
	open_put(fs, o);
	return r;
}

static bool needs_it(const struct fs *fs, const struct inode *i)
{
	if (i->nlink == 0)
		return false;
	for (uint32_t n = 0; n < i->extents.n; n++)
		if (number_set_has(&fs->unkeyed, i->extents.at[n].data->position))
			return true;
	return false;
}

void rekey_contents(struct fs *fs)
{
	char path[PATH_ROOM];
	uint64_t ino = 0;
	int r;

	if (number_set_empty(&fs->unkeyed))
		return;
	for (struct inode *i; (i = table_first(&fs->tree.inodes, &ino)); ino++) {
		if (!needs_it(fs, i))
			continue;
		tree_path(i, NULL, path, sizeof(path));
		r = rekey(fs, ino);
		if (r == 0)
			fs_log(fs, LOG_NOTICE,
			       "%s: /%s shared the contents of a key that another program changed: it has a key of its own now",
			       reel_path(fs->store), path);
		else
			fs_log(fs, LOG_WARNING,
			       "%s: /%s shared the contents of a key that another program changed, and could not be given a "
			       "key of its "
			       "own: %s. Another program's compaction would drop its contents; reel compact does not",
			       reel_path(fs->store), path, strerror(-r));
	}
	number_set_clear(&fs->unkeyed);
}
