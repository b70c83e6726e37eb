/*
 * salvage_replay.c - applies the transactions that are left. Where one is missing, later ones may speak of what was
 * never made or hold half of a change: what makes no sense is skipped, directories that are missing are made up,
 * and files whose contents can be of different times are remembered. Invents no contents.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "salvage.h"

/* Places of contents are checked when they are read (salvage_files.c): here they may lie past a lost tail. */
#define ANYWHERE INT64_MAX

/* --- what can be done about a record --------------------------------------------------------------------- */

static int make_directory(struct salvage *s, uint64_t ino, const struct fs_time *time)
{
	struct fs_record_inode image = {
	    .ino = ino,
	    .mode = S_IFDIR | 0700,
	    .nlink = 2,
	    .uid = s->fs->uid,
	    .gid = s->fs->gid,
	    .atime = *time,
	    .mtime = *time,
	    .ctime = *time,
	    .btime = *time,
	};
	struct body b = {0};

	if (ino == 0 || ino == UINT64_MAX || tree_inode(&s->fs->tree, ino))
		return -EBADMSG;
	body_inode(&b, &image);
	return salvage_apply(s, &b);
}

/* A name whose place among the names, or whose directory, another has taken or nobody knows. */
static int mend_dirent(struct salvage *s, const struct record *rec)
{
	const struct fs_record_dirent *r = rec->fixed;
	const struct inode *dir = tree_inode(&s->fs->tree, r->parent);
	struct fs_time none = {0};
	struct body b = {0};
	int err = 0;

	if (!tree_inode(&s->fs->tree, r->ino) || !tree_name_sound((const char *)rec->rest, rec->rest_len)) {
		salvage_tell(s, "the file named '%.*s' in inode %llu is lost", (int)rec->rest_len, (const char *)rec->rest,
			     (unsigned long long)r->parent);
		s->result.lost++;
		return 0;
	}
	if (!dir)
		err = make_directory(s, r->parent, &none);
	dir = tree_inode(&s->fs->tree, r->parent);
	if (err < 0 || !dir || !S_ISDIR(dir->mode))
		return err < 0 ? err : -EBADMSG;
	body_dirent(&b, r->parent, r->ino, dir->dir->next_cookie, (const char *)rec->rest, rec->rest_len);
	return salvage_apply(s, &b);
}

/* Of the extents those that can be had; the others become holes of a file that is marked. */
static int mend_extents(struct salvage *s, const struct record *rec)
{
	const struct fs_record_extents *r = rec->fixed;
	const struct fs_record_extent *x = (const struct fs_record_extent *)rec->rest;
	struct body b = {0};
	int err = table_put(&s->mixed, r->ino, &salvage_mark);

	if (rec->rest_len != (uint64_t)r->count * sizeof(*x))
		return -EBADMSG;
	for (uint32_t n = 0; n < r->count && err == 0; n++) {
		body_extents(&b, r->ino, 0, &x[n], 1);
		err = salvage_apply(s, &b);
		if (err == -EBADMSG)
			err = 0;
	}
	return err;
}

static int mend(struct salvage *s, const struct record *rec)
{
	const struct fs_record_touch *touch = rec->fixed;

	switch (rec->type) {
	case FS_RECORD_DIRENT:
		return mend_dirent(s, rec);
	case FS_RECORD_EXTENTS:
		return mend_extents(s, rec);
	case FS_RECORD_TOUCH:
		return make_directory(s, touch->ino, &touch->time);
	default:
		return -EBADMSG;
	}
}

/* --- what a gap makes doubtful ---------------------------------------------------------------------------- */

static int know(struct salvage *s, uint64_t ino, bool whole)
{
	if (!whole)
		return table_get(&s->known, ino) ? 0 : table_put(&s->mixed, ino, &salvage_mark);
	table_del(&s->mixed, ino);
	return table_put(&s->known, ino, &salvage_mark);
}

/* Attributes that changed without the contents of which they are: a lost transaction had those. */
static bool is_other_contents(const struct inode *i, const struct fs_record_inode *r)
{
	return !i || i->size != r->size || i->mtime.tv_sec != r->mtime.sec || i->mtime.tv_nsec != (long)r->mtime.nsec;
}

/* A directory has one name: the one that this record gives it. */
static int drop_other_names(struct salvage *s, const struct fs_record_dirent *r)
{
	const struct inode *i = tree_inode(&s->fs->tree, r->ino);
	struct body b = {0};

	if (!i || !S_ISDIR(i->mode))
		return 0;
	for (const struct dirent *d = i->names; d; d = d->next_name)
		body_undirent(&b, d->parent->ino, d->name, d->len);
	return salvage_apply(s, &b);
}

static int before(struct salvage *s, const struct record *rec)
{
	const struct fs_record_inode *inode = rec->fixed;
	const struct fs_record_extents *extents = rec->fixed;

	switch (rec->type) {
	case FS_RECORD_INODE:
		if (!S_ISREG(inode->mode))
			return 0;
		if (inode->size == 0)
			return know(s, inode->ino, true);
		return is_other_contents(tree_inode(&s->fs->tree, inode->ino), inode) ? know(s, inode->ino, false) : 0;
	case FS_RECORD_EXTENTS:
		return know(s, extents->ino, extents->flags & FS_EXTENTS_REPLACE);
	case FS_RECORD_DIRENT:
		return drop_other_names(s, rec->fixed);
	default:
		return 0;
	}
}

/* --- one transaction, and all of them ------------------------------------------------------------------- */

static int apply_transaction(struct salvage *s, const struct found_seal *seal)
{
	const uint8_t *body = salvage_body(s, seal);
	size_t len = seal->end - REEL_TRAILER_SIZE - seal->position - sizeof(struct fs_seal), at = 0;
	uint64_t skipped = 0;
	struct record rec;
	int r, more;

	while ((more = record_next(body, len, &at, &rec)) > 0) {
		r = s->gaps > 0 ? before(s, &rec) : 0;
		if (r == 0)
			r = apply_record(&s->fs->tree, &rec, ANYWHERE);
		if (r == -EBADMSG)
			r = mend(s, &rec);
		if (r == -EBADMSG)
			skipped++;
		else if (r < 0)
			return r;
	}
	/* Tombstones are for this container, which is never written to; the new one gets just the entries that files need. */
	s->fs->tree.dead_n = 0;
	if (more == 0 && skipped == 0)
		return 0;
	salvage_tell(s, "transaction %llu: %llu of its records make no sense with what is left: skipped",
		     (unsigned long long)seal->sequence, (unsigned long long)skipped + (more < 0));
	return 0;
}

static int read_checkpoint(struct salvage *s, const struct found_seal *seal)
{
	const uint8_t *body = salvage_body(s, seal);
	size_t len = seal->end - REEL_TRAILER_SIZE - seal->position - sizeof(struct fs_seal), bad;
	int r = apply_body(&s->fs->tree, body, len, ANYWHERE, &bad);

	if (r != -EBADMSG)
		return r;
	tree_free(&s->fs->tree);
	tree_init(&s->fs->tree);
	return r;
}

/*
 * The newest checkpoint that can be read is in the tree, or nothing where a first transaction is newer; *ret is what
 * comes after it.
 */
static int find_base(struct salvage *s, size_t *ret, size_t *damaged)
{
	int r;

	*damaged = 0;
	for (size_t i = s->n; i-- > 0;) {
		if (!(s->seal[i].flags & FS_SEAL_CHECKPOINT)) {
			*ret = i;
			if (s->seal[i].is_first)
				return 0;
			continue;
		}
		r = salvage_use(s, &s->seal[i]) ? read_checkpoint(s, &s->seal[i]) : -EBADMSG;
		*ret = i + 1;
		if (r != -EBADMSG)
			return r;
		++*damaged;
	}
	*ret = 0;
	return 0;
}

/* What takes the place of checkpoints that are damaged. */
static void tell_checkpoints(struct salvage *s, size_t base, size_t damaged)
{
	const bool first = base < s->n && s->seal[base].is_first;
	const char *instead =
	    base == 0 && !first ? "there is no other. Attributes that just it had are lost, and names that nothing else proves"
	    : first             ? "all transactions since the first are used instead"
				: "an older one and the transactions after it are used";

	for (size_t i = s->n; i-- > 0 && damaged > 0;) {
		if (!(s->seal[i].flags & FS_SEAL_CHECKPOINT))
			continue;
		salvage_tell(s, "the checkpoint at offset %llu is damaged: %s", (unsigned long long)s->seal[i].position,
			     instead);
		damaged--;
	}
}

static void tell_missing(struct salvage *s, uint64_t first, uint64_t last)
{
	s->gaps++;
	s->result.transactions += last - first + 1;
	table_clear(&s->known);
	if (first == last)
		salvage_tell(s, "transaction %llu is lost: what it changed is as it was before", (unsigned long long)first);
	else
		salvage_tell(s, "transactions %llu to %llu are lost: what they changed is as it was before",
			     (unsigned long long)first, (unsigned long long)last);
}

static int add_range(struct salvage *s, uint64_t start, uint64_t end)
{
	struct found_range *more;

	if (start >= end)
		return 0;
	more = reallocarray(s->range, s->ranges + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	s->range = more;
	s->range[s->ranges++] = (struct found_range){start, end};
	return 0;
}

/* The number before 0, where a hostile container begins with that, is the highest. */
static bool is_after(uint64_t sequence, uint64_t last)
{
	return (int64_t)(sequence - last) > 0;
}

/*
 * Before the seal i, with *last the sequence of the last one applied and *end its end: were there others? Checkpoints
 * change nothing and are not missed.
 */
static int look_before(struct salvage *s, size_t i, uint64_t *last, uint64_t *end)
{
	const struct found_seal *f = &s->seal[i];
	uint64_t missing = f->sequence - *last - 1;
	int r = 0;

	/* What the files had whose names are lost. */
	if (s->unnamed && *end == 0) {
		s->unnamed_end = *end = f->append_start;
	}
	if (missing > 0 && !(missing == 1 && f->after_checkpoint)) {
		tell_missing(s, *last + 1, f->sequence - 1);
		r = add_range(s, *end, f->append_start);
	}
	*last = f->sequence;
	*end = f->end;
	return r;
}

int salvage_replay(struct salvage *s)
{
	struct fs *fs = s->fs;
	uint64_t last = 0, end = 0;
	size_t first, damaged;
	int r = find_base(s, &first, &damaged);

	tell_checkpoints(s, first, damaged);
	if (first > 0 && !(first < s->n && s->seal[first].is_first)) {
		last = s->seal[first - 1].sequence;
		end = s->seal[first - 1].end;
		fs->last_clean = s->seal[first - 1].flags & FS_SEAL_CLEAN;
	} else if (s->n > 0) {
		last = s->seal[first].sequence - 1;
		s->gaps = !s->seal[first].is_first;
		s->unnamed = s->gaps;
	}
	s->unnamed |= s->n == 0;
	for (size_t i = first; r == 0 && i < s->n; i++) {
		/* Damaged ones are what is missing before the next, and checkpoints have nothing new. */
		if (!is_after(s->seal[i].sequence, last))
			continue;
		if (s->seal[i].flags & FS_SEAL_CHECKPOINT ? !s->seal[i].sound : !salvage_use(s, &s->seal[i])) {
			last += (s->seal[i].flags & FS_SEAL_CHECKPOINT) && s->seal[i].sequence == last + 1;
			continue;
		}
		r = look_before(s, i, &last, &end);
		if (r == 0 && !(s->seal[i].flags & FS_SEAL_CHECKPOINT))
			r = apply_transaction(s, &s->seal[i]);
		fs->last_clean = s->seal[i].flags & FS_SEAL_CLEAN;
	}
	if (r == 0 && s->n > 0 && is_after(s->seal[s->n - 1].sequence, last) &&
	    !(s->seal[s->n - 1].flags & FS_SEAL_CHECKPOINT)) {
		tell_missing(s, last + 1, s->seal[s->n - 1].sequence);
		fs->last_clean = false;
	}
	if (s->unnamed && s->unnamed_end == 0)
		s->unnamed_end = s->view.size;
	if (s->unnamed && damaged == 0)
		salvage_tell(s,
			     "no checkpoint is left, nor all transactions: names and attributes that just those had are lost");
	fs->sequence = last;
	s->end = end;
	return r;
}
