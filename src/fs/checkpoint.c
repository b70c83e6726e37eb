/*
 * checkpoint.c - a checkpoint is the records that lead from nothing to the present state: inodes with
 * what belongs to them, then the names. Inodes without names are included while something keeps them:
 * a later transaction may name them.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "apply.h"
#include "checkpoint.h"

/* Once for each entry, however many extents share it. */
static void add_data(struct body *body, const struct data *d, struct table *said)
{
	const struct fs_record_data record = record_of_data(d);

	if (d->refs > 1) {
		if (table_get(said, d->position))
			return;
		if (table_put(said, d->position, (void *)d) < 0)
			body->error = -ENOMEM;
	}
	body_data(body, &record, d->sum);
}

static void add_extents(struct body *body, const struct inode *i, struct table *said)
{
	const struct extents *e = &i->extents;
	struct fs_record_extent *x;

	if (e->n == 0)
		return;
	x = calloc(e->n, sizeof(*x));
	if (!x) {
		body->error = -ENOMEM;
		return;
	}
	for (uint32_t n = 0; n < e->n; n++) {
		const struct extent *from = &e->at[n];

		add_data(body, from->data, said);
		x[n] = (struct fs_record_extent){from->offset, from->len, from->data->position, from->data_offset};
	}
	body_extents(body, i->ino, FS_EXTENTS_REPLACE, x, e->n);
	free(x);
}

void checkpoint_attributes(struct body *body, const struct inode *i)
{
	struct fs_record_inode image = record_image(i);

	body_inode(body, &image);
	if (S_ISLNK(i->mode) && i->target)
		body_symlink(body, i->ino, i->target);
	for (const struct xattr *x = i->xattrs; x; x = x->next)
		body_xattr(body, i->ino, x->bytes, x->name_len, x->bytes + x->name_len + 1, x->value_len);
}

static void add_names(struct body *body, const struct inode *dir)
{
	uint64_t cookie = 0;

	for (struct dirent *d; (d = table_first(&dir->dir->by_cookie, &cookie)); cookie++)
		body_dirent(body, dir->ino, d->child->ino, d->cookie, d->name, d->len);
}

void checkpoint_names(struct body *body, const struct tree *t)
{
	uint64_t ino = 0;

	for (struct inode *i; (i = table_first(&t->inodes, &ino)); ino++)
		if (S_ISDIR(i->mode))
			add_names(body, i);
}

void checkpoint_make(const struct tree *t, struct body *body)
{
	struct table said = {0};
	uint64_t ino = 0;

	body_state(body, t->next_ino);
	for (struct inode *i; (i = table_first(&t->inodes, &ino)); ino++) {
		checkpoint_attributes(body, i);
		add_extents(body, i, &said);
	}
	table_clear(&said);
	checkpoint_names(body, t);
}

int checkpoint_read(struct tree *t, const uint8_t *body, size_t len, uint64_t limit, size_t *bad)
{
	return apply_body(t, body, len, limit, bad);
}
