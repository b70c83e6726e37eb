/*
 * convert.c - a container of an older generation of the format, written again in the newest. Only reads the old one.
 */
#include "config.h"

#include <stdlib.h>

#include "copy.h"

static int check_absent(struct reel *from, const char *to)
{
	struct stat st;
	int err = from->disk->stat(from->disk, to, &st);

	return err == -ENOENT ? 0 : err == 0 ? -EEXIST : err;
}

/* The new file, whole and synced, gets its name, unless there is one by now. */
static int name_new(struct reel *from, struct reel *new, const char *to)
{
	int err = reel_sync(new);

	if (err == 0)
		err = check_absent(from, to);
	if (err == 0)
		err = new->disk->rename(new->disk, new->path, to);
	return err == 0 ? disk_sync_parent(new->disk, to) : err;
}

static void log_result(struct reel *r, const char *to, const struct copied *copied, int err)
{
	if (err == -EOPNOTSUPP)
		reel_log(r, LOG_ERR, "%s: the container holds a file system and has the newest format already", r->path);
	else if (err == -EEXIST)
		reel_log(r, LOG_ERR, "%s: there is such a file already; it was not changed. Choose another name", to);
	else if (err == -EBADMSG && copied->at > 0)
		reel_log(r, LOG_ERR,
			 "%s: the entry that ends at offset %" PRIu64 " does not have its checksum; nothing was converted",
			 r->path, copied->at);
	else if (err < 0)
		reel_log(r, LOG_ERR, "%s: could not be converted to %s (%s)", r->path, to, strerror(-err));
	else if (copied->empty > 0)
		reel_log(r, LOG_WARNING,
			 "%s: %" PRIu64
			 " entries without a value were left out of %s, because the newest format cannot hold them",
			 r->path, copied->empty, to);
}

static int convert(struct reel *from, const struct snapshot *s, const char *to, struct copied *copied, uint64_t *size)
{
	struct reel *new = NULL;
	int err = copy_is_tree(from) ? -EOPNOTSUPP : check_absent(from, to);

	if (err == 0)
		err = copy_open_beside(from, to, &new);
	if (err == 0)
		err = copy_live(s, new, copied);
	if (err == 0) {
		*size = reel_tail_offset(new);
		err = name_new(from, new, to);
	}
	if (err < 0) {
		copy_discard(new);
		return err;
	}
	return reel_close(new);
}

int reel_convert(const char *from, const char *to, const struct reel_options *options, struct reel_compaction *ret)
{
	struct reel_options reading = {.flags = REEL_RDONLY};
	struct copied copied = {.at = 0};
	struct snapshot s = {.map = NULL};
	struct reel *r;
	uint64_t size = 0;

	if (options != NULL) {
		reading.log = options->log;
		reading.log_arg = options->log_arg;
	}
	int err = reel_open(from, &reading, &r);
	if (err < 0)
		return err;
	err = snapshot_take_live(r, &s);
	if (err == 0)
		err = convert(r, &s, to, &copied, &size);
	log_result(r, to, &copied, err);
	if (err == 0 && ret != NULL)
		*ret = (struct reel_compaction){s.tail, size, s.n - copied.empty};
	snapshot_free(&s);
	(void)reel_close(r);
	return err;
}
