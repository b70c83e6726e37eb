/*
 * compact.c - compaction. The live entries are written to a new file beside the container, which is synced and then
 * takes its name; this process goes on with it (swap.c). Until the new file has the name, nothing of the container is
 * changed, and a file left by a compaction that did not end is never used.
 */
#include "config.h"

#include <stdlib.h>

#include "copy.h"
#include "search.h"
#include "target.h"

struct compaction {
	struct reel *r, *to;
	struct reel_append *append; /* keeps other writers out */
	struct snapshot from;
	char *target; /* the container's path without symbolic links */
	struct copied copied;
	const char *failed; /* what failed, for the log */
	uint64_t broken;    /* where an entry ends of which the link passes over others */
	bool tree, named;
	int sync_error; /* of the folder, when the new file is in its place */
};

int reel_compact_estimate(struct reel *r, struct reel_compaction *ret)
{
	struct snapshot s;
	int err = snapshot_take_live(r, &s);

	if (err < 0)
		return err;
	*ret = (struct reel_compaction){.before = s.tail, .after = copy_size(&s), .entries = s.n};
	snapshot_free(&s);
	return 0;
}

/* Is the container still what the path names? */
static int check_place(const struct compaction *c)
{
	int err = place_is_named(c->r, c->target, c->r->fd);

	return err < 0 ? err : err == 0 ? -ESTALE : 0;
}

/* The new file gets owner and mode of the old one. */
static int copy_owner(const struct compaction *c)
{
	const struct disk_ops *d = c->r->disk;
	struct stat old;
	int err = d->fstat(d, c->r->fd, &old);

	return err < 0 ? err : disk_copy_owner(d, c->to->fd, &old);
}

static int step(struct compaction *c, const char *what, int err)
{
	if (err < 0)
		c->failed = what;
	return err;
}

static int write_new(struct compaction *c)
{
	const struct disk_ops *d = c->r->disk;
	int err = step(c, "copying the live entries", copy_live(&c->from, c->to, &c->copied));

	if (err == 0)
		err = step(c, "giving the new file the old one's owner and mode", copy_owner(c));
	if (err == 0)
		err = step(c, "syncing the new file", disk_fsync(d, c->to->fd));
	return err;
}

/* The new file takes the old one's name, and its place in this process. */
static int put_in_place(struct compaction *c)
{
	struct reel *r = c->r;
	int err = step(c, "looking for the container at its path", check_place(c));

	atomic_store(&c->to->sync.durable, reel_tail_offset(c->to));
	if (err == 0)
		err = step(c, "looking for other writers", foreign_before(r, reel_tail_offset(r)));
	if (err == 0)
		err = step(c, "renaming the new file", r->disk->rename(r->disk, c->to->path, c->target));
	if (err < 0)
		return err;
	c->named = true;
	c->sync_error = disk_sync_parent(r->disk, c->target);
	err = step(c, "going on with the new file", swap_file(r, c->to));
	if (err < 0)
		store_fail(r, err);
	return err;
}

/*
 * No entry's link passes over others, which would be dropped unseen. Those without their checksum are asked: also the
 * superseded ones, which copying does not look at.
 */
static int check_links(struct compaction *c)
{
	struct chain chain = store_chain(c->r, c->from.tail);
	struct reel_entry e;
	bool passed = false;
	int err = 0;

	for (uint64_t at = c->from.tail; err == 0 && at > 0; at = e.prev_tail) {
		err = entry_parse(&chain, at, &e);
		if (err == 0 && (reel_crc32(0, e.payload, e.len) & chain.gen->crc_mask) != e.crc)
			err = search_passed(&chain, &e, &passed);
		if (err == 0 && passed) {
			c->broken = at;
			return -EBADMSG;
		}
	}
	return err;
}

/* With other writers kept out. */
static int compact(struct compaction *c)
{
	if (copy_is_tree(c->r)) {
		c->tree = true;
		return -EOPNOTSUPP;
	}
	int err = step(c, "listing the live entries", snapshot_take_live(c->r, &c->from));
	if (err == 0)
		err = step(c, "checking the links", check_links(c));
	if (err == 0)
		err = write_new(c);
	return err == 0 ? put_in_place(c) : err;
}

static void log_result(const struct compaction *c, int err)
{
	struct reel *r = c->r;

	if (c->sync_error < 0)
		reel_log(r, LOG_ERR,
			 "%s: compacted, but the folder could not be synced (%s): after a power cut the old file may be back",
			 r->path, reel_explain(c->sync_error));
	if (c->tree)
		reel_log(r, LOG_ERR,
			 "%s: the container holds a file system, whose entries must stay where they are; compact it with the "
			 "program: reel compact",
			 r->path);
	else if (err == -ESTALE)
		reel_log(r, LOG_ERR, "%s: not compacted: another file has this name by now", r->path);
	else if (c->broken > 0)
		reel_log(r, LOG_ERR,
			 "%s: not compacted: the link of the entry that ends at offset %" PRIu64
			 " is damaged, and entries before it would be lost. Save what is whole: reel check --repair=NEW",
			 r->path, c->broken);
	else if (err == -EBADMSG)
		reel_log(r, LOG_ERR,
			 "%s: not compacted: the entry that ends at offset %" PRIu64
			 " does not have its checksum. Write or delete it again first",
			 r->path, c->copied.at);
	else if (c->failed != NULL)
		reel_log(r, LOG_ERR, "%s: %s failed (%s); %s", r->path, c->failed, reel_explain(err),
			 c->named ? "nothing more will be written: open it again" : "the container is as it was");
}

static int prepare(struct compaction *c)
{
	int err;

	if (!store_writable(c->r))
		return -EROFS;
	c->target = target_of(c->r->path);
	if (c->target == NULL)
		return step(c, "looking for the container at its path", -errno);
	err = step(c, "looking for the container at its path", check_place(c));
	if (err == 0)
		err = reel_can_replace(c->r);
	if (err == 0)
		err = step(c, "making a new file beside it", copy_open_beside(c->r, c->target, &c->to));
	return err == 0 ? append_begin_indexed(c->r, &c->append) : err;
}

int reel_compact(struct reel *r, struct reel_compaction *ret)
{
	struct compaction c = {.r = r};
	int err = prepare(&c);

	if (err == 0)
		err = compact(&c);
	struct reel_compaction sizes = {c.from.tail, reel_tail_offset(r), c.from.n};
	reel_append_abort(c.append);
	log_result(&c, err);
	snapshot_free(&c.from);
	copy_discard(c.to);
	free(c.target);
	if (err == 0 && ret != NULL)
		*ret = sizes;
	return err == 0 ? c.sync_error : err;
}
