/*
 * cmd_rm.c - `reel rm`: removes files, directories or entries.
 * Relies on paths.h and keys.h. Never removes the root directory.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common.h"
#include "keys.h"
#include "paths.h"

/* A directory that is being emptied. */
struct frame {
	uint64_t ino, parent;
	char name[FS_NAME_MAX + 1];
	struct listing names;
	size_t next;
};

struct emptying {
	struct frame *frame;
	size_t n, room;
};

static int push(const struct container *c, struct emptying *e, uint64_t ino, uint64_t parent, const char *name)
{
	struct frame *grown;
	size_t room;

	if (e->n == e->room) {
		room = e->room > 0 ? e->room * 2 : 16;
		grown = reallocarray(e->frame, room, sizeof(*grown));
		if (grown == NULL)
			return -ENOMEM;
		e->frame = grown;
		e->room = room;
	}
	grown = &e->frame[e->n++];
	*grown = (struct frame){.ino = ino, .parent = parent};
	snprintf(grown->name, sizeof(grown->name), "%s", name);
	return path_list(c, ino, &grown->names);
}

/* The innermost directory loses a name, or, when it has none left, goes itself. */
static int empty_step(const struct container *c, struct emptying *e)
{
	struct frame *top = &e->frame[e->n - 1];
	const struct listed *item;
	int r;

	if (top->next == top->names.n) {
		r = fs_rmdir(c->fs, top->parent, top->name);
		listing_free(&top->names);
		e->n--;
		return r;
	}
	item = &top->names.item[top->next++];
	if (S_ISDIR(item->type))
		return push(c, e, item->ino, top->ino, item->name);
	return fs_unlink(c->fs, top->ino, item->name);
}

/* The depth of a tree is not bounded, so the directories being emptied are on the heap. */
static int remove_tree(const struct container *c, const struct place *at)
{
	struct emptying e = {0};
	int r = push(c, &e, at->attr.ino, at->parent, at->name);

	while (r == 0 && e.n > 0)
		r = empty_step(c, &e);
	while (e.n > 0)
		listing_free(&e.frame[--e.n].names);
	free(e.frame);
	return r;
}

static int rm_path(const struct container *c, const char *path, bool recursive)
{
	struct place at;
	int r = path_find_entry(c, path, KEEP_LAST_LINK, &at);

	if (r == 0 && at.parent == 0) {
		complain(path, "the root directory cannot be removed (give the names in it)");
		return STATUS_FAILED;
	}
	if (r == 0 && S_ISDIR(at.attr.mode) && !recursive) {
		complain(path, "is a directory ('reel rm -r' removes it with everything in it)");
		return STATUS_FAILED;
	}
	if (r == 0)
		r = S_ISDIR(at.attr.mode) ? remove_tree(c, &at) : fs_unlink(c->fs, at.parent, at.name);
	if (r < 0)
		complain_path(c, path, r);
	return r < 0 ? STATUS_FAILED : STATUS_OK;
}

static int rm_entry(const struct container *c, const char *key)
{
	struct reel_entry e;
	int r = keys_find(c, key, &e);

	if (r == 0) {
		r = reel_delete_hash(fs_store(c->fs), e.key_hash);
		reel_entry_release(&e);
	}
	if (r < 0)
		complain_path(c, key, r);
	return r < 0 ? STATUS_FAILED : STATUS_OK;
}

static int run_rm(const struct args *args)
{
	struct container c;
	int status = STATUS_OK, r;

	if (container_open(args->operand[0], FOR_WRITING, &c) < 0)
		return STATUS_FAILED;
	for (int i = 1; i < args->n; i++) {
		r = c.tree ? rm_path(&c, args->operand[i], args_have(args, 'r')) : rm_entry(&c, args->operand[i]);
		if (r != STATUS_OK)
			status = r;
	}
	return container_close(&c) < 0 ? STATUS_FAILED : status;
}

static const struct flag rm_flags[] = {
    {'r', "recursive", "remove directories and everything in them", NULL},
    {0},
};

const struct command cmd_rm = {
    .name = "rm",
    .alias = "delete",
    .synopsis = "[-r] CONTAINER PATH...",
    .summary = "remove files",
    .details = "Removes the names PATH. A symbolic link is removed, not what it leads to.\n"
	       "In a container without a file system PATH is a key, or the 16 hex digits of its hash.\n",
    .flags = rm_flags,
    .min_operands = 2,
    .max_operands = -1,
    .run = run_rm,
};
