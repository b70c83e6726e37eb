/*
 * cmd_mv.c - `reel mv`: gives a file, a directory or an entry another name.
 * Relies on paths.h and keys.h. Never copies a damaged entry.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "common.h"
#include "keys.h"
#include "paths.h"

/* Moving `from` to `to`, both found, is refused; says why. */
static bool refused(const char *from, const char *to, const struct place *a, const struct place *b, bool b_exists)
{
	if (a->parent == 0 || (b_exists && b->parent == 0)) {
		complain(a->parent == 0 ? from : to, "the root directory cannot be moved or replaced (give a name in it)");
		return true;
	}
	if (a->parent == b->parent && strcmp(a->name, b->name) == 0) {
		complain(from, "is the same file as %s", to);
		return true;
	}
	if (b_exists && S_ISDIR(b->attr.mode) && !S_ISDIR(a->attr.mode)) {
		complain(to, "is a directory (give the whole new path, its last name included)");
		return true;
	}
	if (b_exists && !S_ISDIR(b->attr.mode) && S_ISDIR(a->attr.mode)) {
		complain(to, "is not a directory and cannot be replaced by one (remove it first, or give another name)");
		return true;
	}
	return false;
}

static int mv_path(const struct container *c, const char *from, const char *to)
{
	struct place a, b;
	struct made made = {0};
	int r = path_find_entry(c, from, KEEP_LAST_LINK, &a);

	if (r < 0) {
		complain_path(c, from, r);
		return STATUS_FAILED;
	}
	r = path_find_target(c, to, KEEP_LAST_LINK, &b, &made);
	if (r < 0 && (r != -ENOENT || b.parent == 0))
		goto fail;
	if (refused(from, to, &a, &b, r == 0)) {
		made_undo(c, &made);
		return STATUS_FAILED;
	}
	r = fs_rename(c->fs, a.parent, a.name, b.parent, b.name, 0);
	if (r < 0)
		goto fail;
	made_keep(&made);
	return STATUS_OK;
fail:
	made_undo(c, &made);
	if (r == -EINVAL)
		complain(to, "is inside %s, which cannot be moved into itself", from);
	else if (r == -ENOTEMPTY || r == -EEXIST)
		complain(to, "is a directory that is not empty (remove it first, or give another name)");
	else
		complain_path(c, to, r);
	return STATUS_FAILED;
}

/* The copy and the removal are one batch: there is no moment with both or with none. */
static int mv_entry(const struct container *c, const char *from, const char *to)
{
	struct reel_batch_item item[2];
	struct reel_entry e;
	uint64_t to_hash = reel_hash(to, strlen(to));
	int r = keys_find(c, from, &e);

	if (r < 0) {
		complain_path(c, from, r);
		return STATUS_FAILED;
	}
	if (e.key_hash == to_hash) {
		complain(from, "is the same entry as %s", to);
		r = -EINVAL;
		goto out;
	}
	r = keys_verify(c, from, &e);
	if (r < 0)
		goto out;
	item[0] = (struct reel_batch_item){.key_hash = to_hash, .value = e.payload, .value_len = e.len};
	item[1] = (struct reel_batch_item){.key_hash = e.key_hash};
	r = reel_write_batch(fs_store(c->fs), item, 2);
	if (r < 0)
		complain_path(c, to, r);
out:
	reel_entry_release(&e);
	return r < 0 ? STATUS_FAILED : STATUS_OK;
}

static int run_mv(const struct args *args)
{
	const char *from = args->operand[1], *to = args->operand[2];
	struct container c;
	int status;

	if (container_open(args->operand[0], FOR_WRITING, &c) < 0)
		return STATUS_FAILED;
	status = c.tree ? mv_path(&c, from, to) : mv_entry(&c, from, to);
	return container_close(&c) < 0 ? STATUS_FAILED : status;
}

const struct command cmd_mv = {
    .name = "mv",
    .alias = "rename",
    .synopsis = "CONTAINER FROM TO",
    .summary = "rename a file or directory",
    .details = "Gives FROM the path TO. A file at TO is replaced, a directory only by a directory and\n"
	       "only when it is empty. TO is the whole new path. Directories on the way to it are made.\n"
	       "FROM may also be the key of an entry that another program wrote, or the 16 hex digits\n"
	       "under which the root directory shows it: it becomes the file TO.\n"
	       "In a container without a file system FROM and TO are keys, and the entry is copied.\n",
    .min_operands = 3,
    .max_operands = 3,
    .run = run_mv,
};
