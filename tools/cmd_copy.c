/*
 * cmd_copy.c - `reel copy` and `reel move`: a file or an entry into another container.
 * Relies on put.h, attributes.h, keys.h. Never copies damage, and removes the original only when the copy is on
 * stable storage.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attributes.h"
#include "common.h"
#include "keys.h"
#include "paths.h"
#include "progress.h"
#include "put.h"
#include "text.h"

/* What is copied: a place in a tree, or an entry. */
struct original {
	struct container c;
	const char *key;
	struct place at;         /* in a tree */
	struct fs_file *file;    /* in a tree, of a regular file */
	struct reel_entry entry; /* otherwise */
	uint64_t offset;         /* bytes that were taken */
	int err;                 /* of reading it */
};

static int find_original(struct original *o)
{
	int r;

	if (!o->c.tree) {
		r = keys_find(&o->c, o->key, &o->entry);
		if (r == 0)
			return keys_verify(&o->c, o->key, &o->entry);
	} else {
		r = path_find_entry(&o->c, o->key, KEEP_LAST_LINK, &o->at);
		if (r == 0 && S_ISDIR(o->at.attr.mode)) {
			complain(o->key, "is a directory (give one file; for whole directories mount both containers)");
			return -EISDIR;
		}
		if (r == 0 && S_ISREG(o->at.attr.mode))
			r = fs_file_open(o->c.fs, o->at.attr.ino, O_RDONLY, &o->file);
	}
	if (r < 0)
		complain_path(&o->c, o->key, r);
	return r;
}

static void release_original(struct original *o)
{
	if (o->file != NULL)
		fs_file_release(o->file);
	o->file = NULL;
	reel_entry_release(&o->entry);
}

static uint64_t original_size(const struct original *o)
{
	return o->c.tree ? o->at.attr.size : o->entry.len;
}

/* --- its contents ------------------------------------------------------------------------------------ */

struct data_search {
	uint64_t from, found;
};

static void find_data(void *arg, const struct fs_extent_info *x)
{
	struct data_search *s = arg;
	uint64_t start = x->file_offset > s->from ? x->file_offset : s->from;

	if (x->container_offset != UINT64_MAX && x->file_offset + x->len > s->from && start < s->found)
		s->found = start;
}

/* As reel_pull_fn. */
static ssize_t pull_original(void *arg, void *buf, size_t size)
{
	struct original *o = arg;
	struct fs_extract part;
	size_t len = 0;

	if (put_stopped())
		return o->err = -ECANCELED;
	if (o->file == NULL) {
		len = o->entry.len - o->offset < size ? (size_t)(o->entry.len - o->offset) : size;
		memcpy(buf, o->entry.payload + o->offset, len);
	} else {
		o->err = fs_file_read(o->file, o->offset, size, &part);
		if (o->err < 0)
			return o->err;
		for (int i = 0; i < part.pieces; len += part.piece[i++].iov_len)
			memcpy((char *)buf + len, part.piece[i].iov_base, part.piece[i].iov_len);
		fs_extract_done(&part);
	}
	o->offset += len;
	return (ssize_t)len;
}

/* As put_source_fn: holes stay holes. */
static ssize_t source_original(void *arg, void *buf, size_t size, uint64_t *offset)
{
	struct original *o = arg;
	struct data_search search = {*offset, original_size(o)};

	if (o->file != NULL) {
		o->err = fs_extents(o->c.fs, o->at.attr.ino, find_data, &search);
		if (o->err < 0)
			return o->err;
		*offset = o->offset = search.found;
	}
	return pull_original(o, buf, size);
}

static void complain_copy(const struct original *o, const struct container *to, int err)
{
	if (o->err == -ECANCELED)
		return; /* the signal says it */
	if (o->err < 0)
		complain_path(&o->c, o->key, o->err);
	else
		complain_path(to, o->key, err);
}

/* --- into a tree --------------------------------------------------------------------------------------- */

/* A regular file without other names keeps its inode, and its old contents until the new ones are there. */
static int put_contents(struct original *o, const struct container *to, const struct place *at, bool exists, uint64_t *ino)
{
	struct fs_cred cred = caller_cred();

	if (exists && S_ISREG(at->attr.mode) && at->attr.nlink == 1) {
		*ino = at->attr.ino;
		return put_replace(to, *ino, source_original, o);
	}
	return put_make(to, at, exists, 0666, &cred, source_original, o, ino);
}

static int put_other(const struct original *o, const struct container *to, const struct place *at, bool exists, uint64_t *ino)
{
	struct attributes a = attributes_of(&o->at.attr);
	char target[FS_SYMLINK_MAX + 1] = "";
	int r = 0;

	if (S_ISLNK(a.mode))
		r = fs_readlink(o->c.fs, o->at.attr.ino, target);
	if (r == 0 && exists)
		r = fs_unlink(to->fs, at->parent, at->name);
	return r < 0 ? r : attributes_make(to, at, &a, target, ino);
}

static int put_all_attributes(const struct original *o, const struct container *to, uint64_t ino)
{
	struct attributes a = attributes_of(&o->at.attr);
	struct xattr_inode in = {o->c.fs, o->at.attr.ino};
	struct xattr_source xattrs = xattrs_of_inode(&in);
	char failed[FS_NAME_MAX + 1];
	int r = attributes_put(to, ino, &a);

	/* After the owner, which takes file capabilities away. */
	return r < 0 ? r : attributes_put_xattrs(to, ino, &xattrs, failed);
}

/* After a failure what is buffered must not be committed: the process ends. */
static int copy_to_tree(struct original *o, const struct container *to)
{
	bool regular = !o->c.tree || S_ISREG(o->at.attr.mode), exists;
	size_t len = strlen(o->key);
	struct made made = {0};
	struct place at;
	uint64_t ino = 0;
	int r = len > 0 && o->key[len - 1] == '/' ? -EISDIR : path_find_target(to, o->key, KEEP_LAST_LINK, &at, &made);

	exists = r == 0;
	if (exists && S_ISDIR(at.attr.mode))
		r = -EISDIR;
	else if (r == -ENOENT && at.parent != 0)
		r = 0;
	if (r == 0)
		r = regular ? put_contents(o, to, &at, exists, &ino) : put_other(o, to, &at, exists, &ino);
	if (r == 0 && o->c.tree)
		r = put_all_attributes(o, to, ino);
	if (r == 0) {
		made_keep(&made);
		return 0;
	}
	complain_copy(o, to, r);
	made_undo(to, &made);
	put_end_if_stopped();
	container_abandon();
}

/* --- into entries -------------------------------------------------------------------------------------- */

/* As reel_pull_fn. */
static ssize_t pull_for_entry(void *arg, void *buf, size_t size)
{
	ssize_t n = pull_original(arg, buf, size);

	if (n > 0)
		progress_add((uint64_t)n);
	return n;
}

static int copy_to_entries(struct original *o, const struct container *to)
{
	uint64_t hash = o->c.tree ? keys_hash_of_path(o->key) : o->entry.key_hash;
	int r;

	if (o->c.tree && o->file == NULL) {
		complain(o->key, "is a %s, which %s cannot hold: it has no file system", type_text(o->at.attr.mode), to->path);
		return -EOPNOTSUPP;
	}
	r = reel_write_stream(fs_store(to->fs), hash, pull_for_entry, o);
	if (r == -EINVAL && o->err >= 0) {
		forget_library_message();
		complain(o->key, KEYS_NO_VALUE);
	} else if (r < 0) {
		complain_copy(o, to, r);
	}
	return r;
}

/* --- the commands -------------------------------------------------------------------------------------- */

/* Opens the container TARGET; where there is none, one of the original's kind is made. */
static int open_target(const struct original *o, const char *path, struct container *ret, bool *made)
{
	int fd;

	/* Of a container that appears when it is whole nothing has to be taken back. */
	*made = false;
	if (access(path, F_OK) == 0 || errno != ENOENT)
		return container_open(path, FOR_WRITING, ret);
	if (o->c.tree)
		return container_open_new(path, ret);
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600); /* no entries are no bytes */
	if (fd < 0) {
		complain_container(path, -errno);
		return -EIO;
	}
	close(fd);
	*made = true;
	return container_open(path, FOR_WRITING, ret);
}

static int copy(struct original *o, const char *target)
{
	struct container to;
	bool made;
	int r = open_target(o, target, &to, &made);

	if (r < 0)
		return r;
	put_catch_signals();
	progress_begin("copy", original_size(o));
	r = to.tree ? copy_to_tree(o, &to) : copy_to_entries(o, &to);
	if (container_close(&to) < 0 && r == 0)
		r = -EIO;
	if (r < 0 && made)
		unlink(target);
	progress_end();
	if (o->err == -ECANCELED)
		put_end_if_stopped();
	return r;
}

static int remove_original(struct original *o)
{
	int r;

	if (o->c.tree)
		r = fs_unlink(o->c.fs, o->at.parent, o->at.name);
	else
		r = reel_delete_hash(fs_store(o->c.fs), o->entry.key_hash);
	if (r < 0)
		complain_path(&o->c, o->key, r);
	return r < 0 ? r : 0;
}

static int run(const struct args *args, enum access access)
{
	struct original o = {.key = args->operand[1]};
	const char *target = args->operand[2];
	int r;

	if (same_file(args->operand[0], target)) {
		complain(target, "is the same container as %s (give another; 'reel mv' renames)", args->operand[0]);
		return STATUS_FAILED;
	}
	if (container_open(args->operand[0], access, &o.c) < 0)
		return STATUS_FAILED;
	r = find_original(&o);
	if (r == 0)
		r = copy(&o, target);
	if (r == 0 && access == FOR_WRITING)
		r = remove_original(&o);
	release_original(&o);
	return container_close(&o.c) < 0 || r < 0 ? STATUS_FAILED : STATUS_OK;
}

static int run_copy(const struct args *args)
{
	return run(args, FOR_READING);
}

static int run_move(const struct args *args)
{
	return run(args, FOR_WRITING);
}

static const struct flag copy_flags[] = {
    FLAG_NUL,
    {0},
};

const struct command cmd_copy = {
    .name = "copy",
    .synopsis = "[--nul=MEANING] CONTAINER KEY TARGET",
    .summary = "copy a file into another container",
    .details = "Copies KEY, a path or key in CONTAINER, into the container TARGET, under the same name. What\n"
	       "is there under it is replaced. A file keeps its mode, owner, times, holes and extended\n"
	       "attributes where TARGET has a file system; elsewhere just its contents are kept.\n"
	       "Where there is no file TARGET, a container of the same kind is made.\n",
    .flags = copy_flags,
    .min_operands = 3,
    .max_operands = 3,
    .run = run_copy,
};

const struct command cmd_move = {
    .name = "move",
    .synopsis = "CONTAINER KEY TARGET",
    .summary = "move a file into another container",
    .details = "As 'reel copy'; then, once the copy is on stable storage, KEY is removed from CONTAINER.\n",
    .min_operands = 3,
    .max_operands = 3,
    .run = run_move,
};
