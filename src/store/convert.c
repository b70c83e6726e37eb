/*
 * convert.c - a container of an older generation of the format, written again in the newest. Only reads the old one.
 */
#include "config.h"

#include <stdlib.h>

#include "copy.h"

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
		reel_log(r, LOG_ERR, "%s: could not be converted to %s (%s)", r->path, to, reel_explain(err));
	if (err == 0 && copied->empty > 0)
		reel_log(r, LOG_WARNING,
			 "%s: %" PRIu64
			 " entries without a value were left out of %s, because the newest format cannot hold them",
			 r->path, copied->empty, to);
	if (err == 0 && copied->nul > 0)
		reel_log(r, LOG_WARNING,
			 "%s: %" PRIu64
			 " values of one NUL byte were left out of %s, because the newest format cannot hold them",
			 r->path, copied->nul, to);
}

static int convert(struct reel *from, const struct snapshot *s, const char *to, struct copied *copied, uint64_t *size)
{
	return copy_is_tree(from) ? -EOPNOTSUPP : copy_to_new(from, s, to, copied, size);
}

int reel_convert(const char *from, const char *to, const struct reel_options *options, struct reel_compaction *ret)
{
	struct reel_options reading = {.flags = REEL_RDONLY};
	struct copied copied = {.at = 0};
	struct snapshot s = {.map = NULL};
	struct reel *r;
	uint64_t size = 0;

	if (options != NULL) {
		reading = *options;
		reading.flags = REEL_RDONLY | (options->flags & REEL_NUL_VALUES);
		reading.keep_torn = NULL;
	}
	int err = reel_open(from, &reading, &r);
	if (err < 0)
		return err;
	err = snapshot_take_live(r, &s);
	if (err == 0)
		err = convert(r, &s, to, &copied, &size);
	log_result(r, to, &copied, err);
	if (err == 0 && ret != NULL)
		*ret = (struct reel_compaction){s.tail, size, s.n - copied.empty - copied.nul};
	snapshot_free(&s);
	(void)reel_close(r);
	return err;
}
