/*
 * turns.c - see turns.h. Relies on contents.c for each commit. Holds the lock of one inode at a time, and no longer than
 * a piece of it takes.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "atime.h"
#include "contents.h"
#include "open.h"
#include "turns.h"

/* Between two pieces of a file others get their turn for as long as a piece took, but no longer than this. */
#define PAUSE_MOST_NS 20000000

static bool is_changed(struct open_state *o)
{
	bool changed;

	pthread_mutex_lock(&o->attr);
	changed = o->changed;
	pthread_mutex_unlock(&o->attr);
	return changed;
}

/* A user of each open state with changes, in an array that the caller frees; so none ends meanwhile. */
static int hold_all(struct fs *fs, struct open_state ***ret, size_t *n)
{
	struct open_state **all;
	size_t count = 0;

	pthread_rwlock_wrlock(&fs->tree_lock);
	for (struct open_state *o = fs->opens; o; o = o->next)
		count++;
	all = calloc(count + 1, sizeof(*all));
	*n = 0;
	for (struct open_state *o = all ? fs->opens : NULL; o; o = o->next) {
		if (!is_changed(o))
			continue;
		o->users++;
		all[(*n)++] = o;
	}
	pthread_rwlock_unlock(&fs->tree_lock);
	*ret = all;
	return all ? 0 : -ENOMEM;
}

int turns_commit_all(struct fs *fs)
{
	struct open_state **all;
	size_t n;
	int r = hold_all(fs, &all, &n);

	for (size_t i = 0; i < n; i++) {
		int one;

		pthread_rwlock_wrlock(&all[i]->io);
		one = contents_commit(fs, all[i], NULL);
		pthread_rwlock_unlock(&all[i]->io);
		if (r == 0)
			r = one;
		open_put(fs, all[i]);
	}
	free(all);
	return r;
}

int fs_sync(struct fs *fs)
{
	int r = fs_is_read_only(fs) ? 0 : turns_commit_all(fs);
	int a = fs_is_read_only(fs) ? 0 : atime_commit(fs);
	int s = reel_sync(fs->store);

	r = r < 0 ? r : a;
	return r < 0 ? r : s;
}

/* --- while they stay open ----------------------------------------------------------------------------- */

/* Once for each file and reason, until it works again. open_state.io held for writing. */
static void tell(struct fs *fs, struct open_state *o, int error)
{
	char path[4096];

	if (error == o->told)
		return;
	o->told = error;
	/* The whole container is concerned then, and whoever made it so has said it. */
	if (error == 0 || fs_is_read_only(fs))
		return;
	pthread_rwlock_rdlock(&fs->tree_lock);
	tree_path(o->inode, NULL, path, sizeof(path));
	pthread_rwlock_unlock(&fs->tree_lock);
	fs_log(fs, LOG_ERR,
	       "%s: what was written to /%s, which is open, cannot be stored for now: %s; it is kept in memory or beside the "
	       "container, and tried again",
	       reel_path(fs->store), path, strerror(-error));
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void pause_after(uint64_t begun)
{
	uint64_t took = now_ns() - begun;
	struct timespec t = {.tv_nsec = (long)(took < PAUSE_MOST_NS ? took : PAUSE_MOST_NS)};

	nanosleep(&t, NULL);
}

struct turn {
	uint64_t from; /* what lies before this has had its piece */
	uint64_t left; /* bytes that were dirty at the beginning and have not */
	bool begun;
};

static uint64_t dirty_bytes(const struct open_state *o)
{
	return o->wbuf ? wbuf_dirty(o->wbuf) : 0;
}

/* The next piece; whether there is one more. */
static bool commit_piece(struct fs *fs, struct open_state *o, struct turn *t, bool handed)
{
	int r;

	pthread_rwlock_wrlock(&o->io);
	if (!t->begun && handed)
		open_handed(o);
	if (!t->begun)
		t->left = dirty_bytes(o);
	t->begun = true;
	r = contents_commit_piece(fs, o, &t->from);
	tell(fs, o, r < 0 ? r : 0);
	pthread_rwlock_unlock(&o->io);
	if (r <= 0 || (uint64_t)r >= t->left)
		return false;
	t->left -= (uint64_t)r;
	return true;
}

static void commit_file(struct fs *fs, struct open_state *o, bool handed)
{
	struct turn t = {0};
	uint64_t begun = now_ns();

	while (!fs->stopping && commit_piece(fs, o, &t, handed)) {
		pause_after(begun);
		begun = now_ns();
	}
}

/* Whether the rest of the file waits for the kernel. */
static bool has_gap(struct open_state *o)
{
	bool gap;

	pthread_rwlock_rdlock(&o->io);
	gap = o->changed && o->gap;
	pthread_rwlock_unlock(&o->io);
	return gap;
}

bool turns_commit(struct fs *fs, bool handed)
{
	struct open_state **all;
	bool gaps = false;
	size_t n;

	/* Without memory for the list the next round is early enough. */
	(void)hold_all(fs, &all, &n);
	for (size_t i = 0; i < n; i++) {
		if (!fs->stopping && !fs_is_read_only(fs)) {
			commit_file(fs, all[i], handed);
			gaps = has_gap(all[i]) || gaps;
		}
		open_put(fs, all[i]);
	}
	free(all);
	return gaps;
}
