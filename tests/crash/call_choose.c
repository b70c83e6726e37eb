/*
 * call_choose.c - a random call that has to succeed in the present state of the model. Makes no system call, so that one
 * seed always gives the same choices.
 */
#include <string.h>
#include <stdio.h>
#include <sys/stat.h>

#include "call.h"

static uint64_t below(struct worker *w, uint64_t n)
{
	return next_random(&w->random) % n;
}

static struct name *any_name(struct worker *w, bool (*fits)(struct worker *w, const struct name *n))
{
	int start = w->model.names > 0 ? (int)below(w, (uint64_t)w->model.names) : 0;

	for (int i = 0; i < w->model.names; i++) {
		struct name *n = &w->model.name[(start + i) % w->model.names];

		if (n->child && fits(w, n))
			return n;
	}
	return NULL;
}

static bool is_any(struct worker *w, const struct name *n)
{
	(void)w;
	return n->child != NULL;
}

static bool is_file(struct worker *w, const struct name *n)
{
	(void)w;
	return S_ISREG(n->child->mode) && n->child->versions < VERSIONS_MAX - 1;
}

static bool is_directory(struct worker *w, const struct name *n)
{
	(void)w;
	return S_ISDIR(n->child->mode);
}

static bool is_no_directory(struct worker *w, const struct name *n)
{
	return !is_directory(w, n);
}

static bool is_no_symlink(struct worker *w, const struct name *n)
{
	(void)w;
	return !S_ISLNK(n->child->mode);
}

static bool is_empty_directory(struct worker *w, const struct name *n)
{
	return is_directory(w, n) && model_count(&w->model, n->child) == 0;
}

static int depth(struct worker *w, const struct node *dir)
{
	int n = 0;

	for (; dir != &w->model.root; dir = model_name_of(&w->model, dir)->dir)
		n++;
	return n;
}

static struct node *any_directory(struct worker *w)
{
	const struct name *n = below(w, 3) == 0 ? NULL : any_name(w, is_directory);

	return n && depth(w, n->child) < DEPTH_MAX ? n->child : &w->model.root;
}

/* A place for a new name. False: there happened to be none. */
static bool free_place(struct worker *w, struct node **dir, char name[NAME_SIZE])
{
	*dir = any_directory(w);
	snprintf(name, NAME_SIZE, "n%u", (unsigned)below(w, 12));
	return w->model.names < NAMES_FULL && !model_find(&w->model, *dir, name);
}

static bool take_slot(struct worker *w, struct call *c, bool open)
{
	int start = (int)below(w, SLOTS);

	for (int i = 0; i < SLOTS; i++) {
		c->slot = (start + i) % SLOTS;
		if ((w->slot[c->slot].fd >= 0) == open)
			return true;
	}
	return false;
}

static bool take(struct call *c, const struct name *n)
{
	if (!n)
		return false;
	c->dir = n->dir;
	c->node = n->child;
	memcpy(c->name, n->name, NAME_SIZE);
	return true;
}

static bool choose_open(struct worker *w, struct call *c)
{
	c->truncate = c->kind == OPEN && below(w, 3) == 0;
	c->sync = below(w, 8) == 0;
	if (!take_slot(w, c, false))
		return false;
	return c->kind == CREATE ? free_place(w, &c->dir, c->name) : take(c, any_name(w, is_file));
}

static bool choose_slot(struct worker *w, struct call *c)
{
	size_t size;

	if (!take_slot(w, c, true))
		return false;
	c->node = w->slot[c->slot].node;
	if (c->node->versions >= VERSIONS_MAX - 1)
		c->kind = below(w, 2) ? CLOSE : FSYNC;
	size = node_size(c->node);
	c->seed = next_random(&w->random);
	c->size = below(w, 8) == 0 ? 1 + below(w, 100000) : 1 + below(w, 5000);
	c->offset = c->kind == APPEND ? size : below(w, 16) == 0 ? below(w, FILE_MAX) : below(w, size + 1);
	if (c->kind == FTRUNCATE)
		c->size = below(w, size + 10000);
	if (c->kind == PUNCH)
		return c->offset + c->size <= size;
	return c->offset + c->size <= FILE_MAX;
}

static bool choose_rename(struct worker *w, struct call *c)
{
	const struct name *target;
	bool directory;

	if (!take(c, any_name(w, is_any)))
		return false;
	directory = S_ISDIR(c->node->mode);
	if (below(w, 2))
		return free_place(w, &c->to_dir, c->to_name) && !(directory && model_below(&w->model, c->to_dir, c->node));
	target = any_name(w, directory ? is_empty_directory : is_no_directory);
	if (!target || target->child == c->node)
		return false;
	c->to_dir = target->dir;
	memcpy(c->to_name, target->name, NAME_SIZE);
	return !directory || !model_below(&w->model, c->to_dir, c->node);
}

static bool choose_attribute(struct worker *w, struct call *c)
{
	c->xattr = (int)below(w, XATTRS);
	c->size = 1 + below(w, XATTR_MAX);
	c->seed = next_random(&w->random);
	c->mode = 0700 | (mode_t)below(w, 0100);
	return take(c, any_name(w, is_no_symlink)) && (c->kind != REMOVEXATTR || c->node->xattr[c->xattr].set);
}

bool call_choose(struct worker *w, struct call *c)
{
	*c = (struct call){.kind = (enum call_kind)below(w, CALL_KINDS), .slot = -1};
	switch (c->kind) {
	case CREATE:
	case OPEN:
		return choose_open(w, c);
	case WRITE:
	case APPEND:
	case PUNCH:
	case FTRUNCATE:
	case FSYNC:
	case FDATASYNC:
	case CLOSE:
		return choose_slot(w, c);
	case TRUNCATE:
		c->size = below(w, 20000);
		return take(c, any_name(w, is_file));
	case MKDIR:
	case SYMLINK:
		return free_place(w, &c->dir, c->name) && below(w, 2);
	case RMDIR:
		return take(c, any_name(w, is_empty_directory));
	case UNLINK:
		return (w->model.names > NAMES_FULL / 2 || below(w, 3) == 0) && take(c, any_name(w, is_no_directory));
	case RENAME:
		return choose_rename(w, c);
	case LINK:
		return take(c, any_name(w, is_no_directory)) && free_place(w, &c->to_dir, c->to_name);
	case FSYNCDIR:
		return take(c, any_name(w, is_directory));
	case SYNCFS:
		return below(w, 20) == 0;
	default:
		return choose_attribute(w, c);
	}
}
