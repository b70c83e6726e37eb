/*
 * ballast.c - see ballast.h. The memory is not touched, so it costs addresses only. Relies on records being states: what was
 * applied in part for want of memory is applied again from the start, with what the ballast leaves.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "ballast.h"
#include "record.h"

#define LEAST ((size_t)256 << 10)
/* For each record: the nodes of the tables that it changes, its inode, its name. */
#define RECORD_COST 8192u
/* For each byte: an array that grows is there twice for a moment, and has up to twice the room it needs. */
#define BYTE_COST 6u

/* What the body's records may take at most. Tree lock not needed: only who has fs.commit changes extents. */
static size_t cost_of(const struct fs *fs, const struct body *body)
{
	struct record rec;
	size_t at = 0, cost = LEAST;

	while (record_next(body->bytes, body->len, &at, &rec) > 0) {
		cost += RECORD_COST + rec.rest_len * BYTE_COST;
		if (rec.type == FS_RECORD_EXTENTS) {
			const struct inode *i = tree_inode(&fs->tree, ((const struct fs_record_extents *)rec.fixed)->ino);
			cost += i ? (size_t)i->extents.n * sizeof(struct extent) * BYTE_COST : 0;
		}
	}
	return cost;
}

int ballast_take(struct fs *fs, const struct body *body)
{
	size_t cost = cost_of(fs, body);

	if (fs->ballast && fs->ballast_size >= cost)
		return 0;
	free(fs->ballast);
	fs->ballast = malloc(cost);
	fs->ballast_size = fs->ballast ? cost : 0;
	return fs->ballast ? 0 : -ENOMEM;
}

bool ballast_drop(struct fs *fs)
{
	bool had = fs->ballast != NULL;

	free(fs->ballast);
	fs->ballast = NULL;
	fs->ballast_size = 0;
	return had;
}
