/*
 * salvage_files.c - contents. Every entry with contents is read once; what is damaged is cut out of the files that have
 * it and becomes a hole, and the file's names get the suffix ".damaged", so that nobody takes it for the whole
 * file. Entries that no transaction speaks of become files of their own. Never gives a file bytes that do not
 * have their checksum.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "salvage.h"

#define SUFFIX ".damaged"

/* Entries do not overlap; where a hostile container says so, only the first is looked at: time stays linear. */
static int survey_data(struct salvage *s)
{
	uint64_t position = 0, end = 0;
	int r = 0;

	for (struct data *d; r == 0 && (d = table_first(&s->fs->tree.data.by_position, &position)); position++) {
		if (d->refs == 0 || d->position < end)
			continue;
		r = data_survey(&s->view, d);
		if (d->len <= s->view.size && d->position <= s->view.size - d->len)
			end = d->position + d->len;
		fs_touched(s->fs, d->len);
		if (r == 0)
			r = salvage_progress(s, d->len);
	}
	return r;
}

/* --- a damaged file --------------------------------------------------------------------------------------- */

struct cut {
	struct fs_record_extent *list; /* what is sound */
	size_t n, room;
	uint64_t sound, damaged; /* bytes */
	uint64_t first;          /* file offset of the first damage */
};

static int keep(struct cut *c, const struct fs_record_extent *x)
{
	struct fs_record_extent *last = c->n > 0 ? &c->list[c->n - 1] : NULL;

	c->sound += x->len;
	if (last && last->position == x->position && last->offset + last->len == x->offset &&
	    last->data_offset + last->len == x->data_offset) {
		last->len += x->len;
		return 0;
	}
	if (c->n == c->room) {
		size_t room = c->room ? c->room * 2 : 16;
		struct fs_record_extent *list = realloc(c->list, room * sizeof(*list));

		if (!list)
			return -ENOMEM;
		c->list = list;
		c->room = room;
	}
	c->list[c->n++] = *x;
	return 0;
}

static int cut_extent(struct cut *c, const struct extent *x)
{
	int r = 0;

	for (uint64_t at = 0, len; at < x->len && r == 0; at += len) {
		struct fs_record_extent part = {x->offset + at, 0, x->data->position, x->data_offset + at};
		bool sound = data_sound_at(x->data, part.data_offset, &len);

		if (len > x->len - at)
			len = x->len - at;
		part.len = len;
		if (sound) {
			r = keep(c, &part);
			continue;
		}
		if (c->damaged == 0)
			c->first = part.offset;
		c->damaged += len;
	}
	return r;
}

/* All names of a file get the suffix. */
static int mark_names(struct salvage *s, const struct inode *i)
{
	struct body b = {0};
	char name[FS_NAME_MAX + 1];
	struct dirent **list;
	size_t n = 0;
	int r = 0;

	for (const struct dirent *d = i->names; d; d = d->next_name)
		n++;
	list = calloc(n + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	n = 0;
	for (struct dirent *d = i->names; d; d = d->next_name)
		list[n++] = d;
	while (n-- > 0 && r == 0) {
		const struct dirent *d = list[n];

		salvage_free_name(s, d->parent, d->name, SUFFIX, name);
		body_dirent(&b, d->parent->ino, i->ino, d->parent->dir->next_cookie, name, strlen(name));
		body_undirent(&b, d->parent->ino, d->name, d->len);
		r = salvage_apply(s, &b);
	}
	free(list);
	return r;
}

static int leave_out(struct salvage *s, const struct inode *i)
{
	struct fs_record_inode image = record_image(i);
	struct body b = {0};

	for (const struct dirent *d = i->names; d; d = d->next_name)
		body_undirent(&b, d->parent->ino, d->name, d->len);
	image.nlink = 0;
	body_inode(&b, &image);
	return salvage_apply(s, &b);
}

static int handle_damaged(struct salvage *s, const struct inode *i, const struct cut *c)
{
	char path[PATH_ROOM];
	struct body b = {0};
	int r;

	tree_path(i, NULL, path, sizeof(path));
	if (c->sound == 0 && i->size > 0) {
		salvage_tell(s, "/%s: nothing of its contents (%llu bytes) is whole: left out", path,
			     (unsigned long long)i->size);
		s->result.lost++;
		return leave_out(s, i);
	}
	if (c->damaged > 0)
		salvage_tell(s,
			     "/%s: %llu of its %llu bytes are damaged, from byte %llu on: kept as /%s" SUFFIX
			     " with zero bytes in their place",
			     path, (unsigned long long)c->damaged, (unsigned long long)i->size, (unsigned long long)c->first,
			     path);
	else
		salvage_tell(s, "/%s: parts of its contents can be older than others: kept as /%s" SUFFIX, path, path);
	s->result.damaged++;
	if (c->damaged > 0)
		body_extents(&b, i->ino, FS_EXTENTS_REPLACE, c->list, (uint32_t)c->n);
	r = salvage_apply(s, &b);
	return r == 0 ? mark_names(s, i) : r;
}

static int check_file(struct salvage *s, const struct inode *i)
{
	bool mixed = table_get(&s->mixed, i->ino);
	struct cut c = {0};
	int r = 0;

	if (i->nlink == 0)
		return 0;
	for (uint32_t n = 0; n < i->extents.n && r == 0; n++) {
		r = number_set_add(&s->needed, i->extents.at[n].data->position);
		if (r == 0)
			r = cut_extent(&c, &i->extents.at[n]);
	}
	if (r == 0 && (c.damaged > 0 || mixed))
		r = handle_damaged(s, i, &c);
	else
		s->result.whole++;
	free(c.list);
	return r;
}

int salvage_files(struct salvage *s)
{
	uint64_t ino = 0;
	int r = survey_data(s);

	for (struct inode *i; r == 0 && (i = table_first(&s->fs->tree.inodes, &ino)); ino++)
		if (S_ISREG(i->mode))
			r = check_file(s, i);
		else
			s->result.whole += i->nlink > 0;
	return r;
}

/* --- entries without a transaction ------------------------------------------------------------------------- */

/* Contents that are no part of what is left: a line for them, and they count as lost. */
static int lose_entry(struct salvage *s, const struct reel_entry *e)
{
	salvage_tell(s,
		     "contents at offset %llu (%llu bytes, key hash %016llx) are damaged, and no transaction that is left "
		     "speaks of them: left out",
		     (unsigned long long)e->offset, (unsigned long long)e->len, (unsigned long long)e->key_hash);
	return number_set_add(&s->needed, e->offset);
}

/*
 * With the names the knowledge is lost of what is dead. A newer whole entry under the same key has taken its place, or a
 * tombstone; the survey meets the newer ones first.
 */
static bool is_superseded(struct salvage *s, const struct reel_entry *e)
{
	return e->offset < s->unnamed_end && number_set_has(&s->newer, e->key_hash);
}

static int note_newer(void *arg, const struct reel_entry *e, bool sound)
{
	struct salvage *s = arg;

	return sound ? number_set_add(&s->newer, e->key_hash) : 0;
}

static void tell_found(struct salvage *s, const struct reel_entry *e, const char *name)
{
	const struct fs_options *options = &s->fs->options;
	char type[256] = "";

	if (options->type)
		options->type(options->type_arg, e->payload, e->len, type, sizeof(type));
	salvage_tell(s, "contents (%llu bytes, key hash %016llx) %s lost: in lost+found as %s%s%s", (unsigned long long)e->len,
		     (unsigned long long)e->key_hash,
		     e->offset < s->unnamed_end ? "of which the name is" : "of a transaction that is", name,
		     type[0] ? ": " : "", type);
}

/* Where contents go that no transaction gives a name: under a path that is proved to be theirs, or to lost+found. */
static int find_place(struct salvage *s, const struct reel_entry *e, struct inode **dir, char name[FS_NAME_MAX + 1])
{
	int r = e->offset < s->unnamed_end ? salvage_path_of(s, e, dir, name) : 0;
	char wanted[32];

	if (r != 0) {
		s->repathed += r > 0;
		return r < 0 ? r : 0;
	}
	r = salvage_lost_found(s, dir);
	if (r < 0)
		return r;
	snprintf(wanted, sizeof(wanted), "entry-%llu", (unsigned long long)e->offset);
	salvage_free_name(s, *dir, wanted, "", name);
	s->result.found++;
	tell_found(s, e, name);
	return 0;
}

static int found_entry(void *arg, const struct reel_entry *e, bool sound)
{
	struct salvage *s = arg;
	struct fs_record_inode image = {
	    .mode = S_IFREG | 0600, .nlink = 1, .uid = s->fs->uid, .gid = s->fs->gid, .size = e->len};
	struct fs_record_data data = {
	    .position = e->offset, .len = e->len, .key_hash = e->key_hash, .crc = e->crc, .flags = FS_DATA_UNKEYED};
	struct fs_record_extent x = {0, e->len, e->offset, 0};
	char name[FS_NAME_MAX + 1];
	struct body b = {0};
	struct inode *dir;
	int r;

	if (e->tombstone || salvage_is_own(s, e) || table_get(&s->fs->tree.data.by_position, e->offset) || is_superseded(s, e))
		return 0;
	r = sound ? find_place(s, e, &dir, name) : lose_entry(s, e);
	if (r < 0 || !sound)
		return r;
	image.ino = s->fs->tree.next_ino;
	image.atime = image.mtime = image.ctime = image.btime = record_time(&dir->mtime);
	body_inode(&b, &image);
	body_dirent(&b, dir->ino, image.ino, dir->dir->next_cookie, name, strlen(name));
	body_data(&b, &data, NULL);
	body_extents(&b, image.ino, FS_EXTENTS_REPLACE, &x, 1);
	r = salvage_apply(s, &b);
	return r == 0 && e->offset < s->unnamed_end ? number_set_add(&s->newer, e->key_hash) : r;
}

static int count_gap(void *arg, const struct reel_gap *gap)
{
	struct salvage *s = arg;

	s->result.unknown += gap->end - gap->start;
	return 0;
}

int salvage_entries(struct salvage *s, uint64_t start, uint64_t end)
{
	int r;

	if (start >= end)
		return 0;
	r = salvage_root(s);
	if (r == 0)
		r = reel_survey(&s->view, start, end, found_entry, count_gap, s);
	return r;
}

int salvage_unnamed(struct salvage *s)
{
	int r = 0;

	if (s->unnamed_end == 0)
		return 0;
	r = salvage_paths(s);
	if (r == 0)
		r = reel_survey(&s->view, s->unnamed_end, s->view.size, note_newer, NULL, s);
	if (r == 0)
		r = salvage_entries(s, 0, s->unnamed_end);
	if (r == 0 && s->repathed > 0)
		salvage_tell(s,
			     "%llu files have their names from a damaged checkpoint, which the keys of their contents prove; "
			     "their modes, "
			     "owners and times are lost",
			     (unsigned long long)s->repathed);
	return r;
}
