/*
 * check.c - fs_check(): every entry of the container, every seal, the tree, and every file's contents.
 * Reads everything once; changes nothing.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

#include "acl.h"
#include "attr.h"
#include "whole.h"

#define PIECE (64u << 20) /* of contents that is checked, and resident, at once */

struct check {
	struct fs *fs;
	fs_check_fn fn;
	void *arg;
	int64_t faults;
	uint64_t done, total; /* bytes: everything is read once as an entry, contents once more as a file's */
	struct fs_seal next;  /* if has_next: the seal that must follow the one that is met next */
	bool has_next;
	bool order_ends;       /* the order of older seals is not looked at */
	struct fs_whole whole; /* if has_whole: says where all of the container ended when it was made */
	bool has_whole;
	uint64_t token; /* reel_reading() */
	bool unread;    /* something could not be read: nothing that is found from then on says anything */
};

static void fault(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool failed(struct check *c)
{
	c->unread = c->unread || reel_unread(c->fs->store, c->token, 0, reel_tail_offset(c->fs->store));
	return c->unread;
}

static void fault(struct check *c, const char *fmt, ...)
{
	char text[8192];
	va_list ap;

	if (failed(c))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->fn(c->arg, text);
	c->faults++;
}

static void progress(struct check *c, uint64_t bytes)
{
	const struct fs_options *options = &c->fs->options;

	c->done += bytes;
	if (options->progress)
		(void)options->progress(options->progress_arg, c->done < c->total ? c->done : c->total, c->total);
}

/*
 * From the newest checkpoint on each seal names the one before it, whose sequence number is one less (invariant T3); NULL:
 * there is none. Older ones can be what another program's compaction has left of them.
 */
static void check_order(struct check *c, const struct fs_seal *seal)
{
	if (c->has_next && (!seal || c->next.previous != seal->position || c->next.sequence != seal->sequence + 1))
		fault(c, "the transaction at offset %llu does not follow the one before it",
		      (unsigned long long)c->next.position);
	else if (c->has_next && !seal_follows(&c->next, seal))
		fault(c,
		      "the transaction at offset %llu is not by the writer of the one before it: "
		      "two programs have written at the same time, and what one of them wrote may be lost",
		      (unsigned long long)c->next.position);
	c->has_next = seal && !c->order_ends && !(seal->flags & FS_SEAL_CHECKPOINT) && seal->previous != FS_NO_POSITION;
	c->order_ends = !c->has_next;
	if (seal)
		c->next = *seal;
}

static void check_seal(struct check *c, const struct reel_view *view, const struct reel_entry *e, bool sound)
{
	struct fs_seal seal;

	if (!c->fs->has_super || c->fs->moved)
		return;
	/* A damaged entry may have been a seal: of what follows it enough has been told. */
	if (!sound)
		c->has_next = false, c->order_ends = true;
	if (seal_at(view, &c->fs->super, e->offset, &seal) < 0)
		return;
	if (seal_end(&seal) != e->end || e->key_hash != seal_key_hash(&seal) ||
	    !seal_body_sound(&c->fs->super, &seal, view->base + e->offset + sizeof(seal)))
		fault(c, "the transaction at offset %llu is damaged", (unsigned long long)e->offset);
	check_order(c, &seal);
}

/* The entry at the front is found by its place; other programs would see it under another key. */
static void check_whole(struct check *c, const struct reel_entry *e)
{
	if (c->has_whole && e->offset == c->whole.position && e->key_hash != reel_hash(FS_KEY_WHOLE, sizeof(FS_KEY_WHOLE) - 1))
		fault(c, "the entry at offset %llu, which says where the container ends, has a wrong key",
		      (unsigned long long)e->offset);
}

static void check_entries(struct check *c)
{
	struct reel_view view = reel_view_of(c->fs->store);
	uint64_t end = view.size;
	struct reel_entry e;

	c->has_whole = c->fs->has_super && !c->fs->moved && whole_find(&view, &c->fs->super, &c->whole);
	while (end > 0 && !failed(c)) {
		bool sound;

		if (reel_entry_at(&view, end, &e) < 0) {
			fault(c, "no entry ends at offset %llu, where one should: what lies before cannot be checked",
			      (unsigned long long)end);
			return;
		}
		sound = reel_payload_crc(&view, e.offset, e.len) == e.crc;
		if (!sound)
			fault(c, "the entry at offset %llu (%llu bytes, key hash %016llx) does not have its checksum",
			      (unsigned long long)e.offset, (unsigned long long)e.len, (unsigned long long)e.key_hash);
		for (uint64_t p = e.prev_tail; p < e.offset; p++)
			if (view.base[p] != 0) {
				fault(c, "the pad at offset %llu is not zero", (unsigned long long)p);
				break;
			}
		check_seal(c, &view, &e, sound);
		check_whole(c, &e);
		fs_touched(c->fs, e.len);
		progress(c, end - e.prev_tail);
		end = e.prev_tail;
	}
	check_order(c, NULL);
	if (c->fs->unbegun)
		fault(c,
		      "it has a superblock and no transaction: its first change was not finished, or it is a copy that is not "
		      "complete. Copy it again, or mount it to begin with an empty file system");
}

static bool check_extent(struct check *c, const struct extent *x, uint64_t *bad)
{
	for (uint64_t at = 0; at < x->len; at += PIECE) {
		uint64_t len = x->len - at < PIECE ? x->len - at : PIECE;

		if (data_check(c->fs->store, x->data, x->data_offset + at, len, bad) < 0)
			return false;
		fs_touched(c->fs, len);
		progress(c, len);
	}
	return true;
}

static void check_contents(struct check *c, struct inode *i)
{
	char path[4096];

	for (uint32_t n = 0; n < i->extents.n; n++) {
		const struct extent *x = &i->extents.at[n];
		uint64_t bad = 0;

		if (check_extent(c, x, &bad))
			continue;
		tree_path(i, NULL, path, sizeof(path));
		fault(c, "/%s: its contents from byte %llu on are damaged at offset %llu of the container", path,
		      (unsigned long long)x->offset, (unsigned long long)bad);
	}
}

static void check_links(struct check *c, struct inode *i)
{
	uint64_t names = 0, cookie = 0, subdirs = 0;
	char path[4096];

	for (struct dirent *d = i->names; d; d = d->next_name)
		names++;
	if (S_ISDIR(i->mode)) {
		for (struct dirent *d; (d = table_first(&i->dir->by_cookie, &cookie)); cookie++)
			subdirs += S_ISDIR(d->child->mode);
		names = i->nlink == 0 ? 0 : 2 + subdirs;
	}
	if (names == i->nlink)
		return;
	tree_path(i, NULL, path, sizeof(path));
	fault(c, "/%s (inode %llu) has %llu links and says %u", path, (unsigned long long)i->ino, (unsigned long long)names,
	      i->nlink);
}

static void check_acls(struct check *c, struct inode *i)
{
	const char *wrong = acl_fault(i, NULL);
	char path[4096];

	if (!wrong)
		return;
	tree_path(i, NULL, path, sizeof(path));
	fault(c, "/%s (inode %llu) %s; setfacl -b in a mount takes it away", path, (unsigned long long)i->ino, wrong);
}

/* -EIO; zeros in place of what was not delivered are not told as damage (docs/DESIGN.md, D6). */
static int tell_unread(struct fs *fs)
{
	uint64_t at;
	int error = reel_unread_error(fs->store, 0, reel_tail_offset(fs->store), &at);

	fs_log(fs, LOG_ERR,
	       "%s: reading the container failed at offset %llu (%s), and it was not checked any further. Try again when the "
	       "disk or server delivers it; from a disk that never does, save what can be read: reel check --repair=NEW",
	       reel_path(fs->store), (unsigned long long)at, reel_explain(error));
	return -EIO;
}

int64_t fs_check(struct fs *fs, fs_check_fn fn, void *arg)
{
	struct check c = {.fs = fs, .fn = fn, .arg = arg, .total = reel_tail_offset(fs->store)};
	uint64_t ino = 0;

	c.token = reel_reading(fs->store);

	pthread_rwlock_rdlock(&fs->tree_lock);
	c.total += fs->tree.bytes;
	pthread_rwlock_unlock(&fs->tree_lock);
	check_entries(&c);
	pthread_rwlock_rdlock(&fs->tree_lock);
	for (struct inode *i; !failed(&c) && (i = table_first(&fs->tree.inodes, &ino)); ino++) {
		check_links(&c, i);
		check_acls(&c, i);
		check_contents(&c, i);
	}
	pthread_rwlock_unlock(&fs->tree_lock);
	return failed(&c) ? tell_unread(fs) : c.faults;
}
