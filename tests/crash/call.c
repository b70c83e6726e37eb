/*
 * call.c - see call.h: a chosen call as a system call, and what it does to the model.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "call.h"

const char *call_name(enum call_kind kind)
{
	static const char *const names[CALL_KINDS] = {"create",   "open",     "write",     "append",  "punch",    "ftruncate",
						      "truncate", "fsync",    "fdatasync", "close",   "mkdir",    "rmdir",
						      "unlink",   "rename",   "link",      "symlink", "setxattr", "removexattr",
						      "chmod",    "fsyncdir", "syncfs"};

	return names[kind];
}

void call_print(const struct worker *w, const struct call *c, FILE *to)
{
	const struct node *n = c->node ? c->node : c->slot >= 0 ? w->slot[c->slot].node : NULL;

	fprintf(to, "%llu %s inode %u:", (unsigned long long)w->calls, call_name(c->kind), n ? n->id : 0);
	if (c->slot >= 0)
		fprintf(to, " slot %d", c->slot);
	if (c->dir)
		fprintf(to, " %u/%s", c->dir->id, c->name);
	if (c->to_dir)
		fprintf(to, " to %u/%s", c->to_dir->id, c->to_name);
	if (c->size > 0)
		fprintf(to, " offset %llu size %llu", (unsigned long long)c->offset, (unsigned long long)c->size);
	fprintf(to, "%s%s\n", c->truncate ? " O_TRUNC" : "", c->sync ? " O_SYNC" : "");
}

/* --- making it ---------------------------------------------------------------------------------------------- */

static int write_bytes(struct worker *w, const struct call *c)
{
	static uint8_t buf[FILE_MAX];
	size_t done = 0;
	ssize_t n;

	fill_random(buf, c->size, c->seed);
	/* A write is cut short where the mount goes away in the middle of it. */
	while (done < c->size) {
		n = pwrite(w->slot[c->slot].fd, buf + done, c->size - done, (off_t)(c->offset + done));
		if (n < 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

static int sync_directory(const char *path, enum call_kind kind)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY), r, error;

	if (fd < 0)
		return -1;
	r = kind == SYNCFS ? syncfs(fd) : fsync(fd);
	error = errno;
	close(fd);
	errno = error;
	return r;
}

static int set_attribute(const struct call *c, const char *path)
{
	uint8_t value[XATTR_MAX];
	char name[16];

	snprintf(name, sizeof(name), "user.%c", 'a' + c->xattr);
	fill_random(value, c->size, c->seed);
	return c->kind == SETXATTR ? setxattr(path, name, value, c->size, 0) : removexattr(path, name);
}

static int open_slot(struct slot *s, const struct call *c, const char *path, int flags)
{
	s->fd = open(path, O_RDWR | O_CLOEXEC | (c->sync ? O_SYNC : 0) | flags, 0644);
	return s->fd < 0 ? -1 : 0;
}

static int close_slot(struct slot *s)
{
	int fd = s->fd;

	/* It is closed, whatever close(2) returns. */
	s->fd = -1;
	return close(fd);
}

static int change_names(const struct call *c, const char *path, const char *to)
{
	switch (c->kind) {
	case MKDIR:
		return mkdir(path, 0755);
	case RMDIR:
		return rmdir(path);
	case UNLINK:
		return unlink(path);
	case RENAME:
		return rename(path, to);
	case LINK:
		return link(path, to);
	default:
		return symlink("target", path);
	}
}

int call_make(struct worker *w, const struct call *c)
{
	struct slot *s = c->slot >= 0 ? &w->slot[c->slot] : NULL;
	char path[PATH_MAX], to[PATH_MAX];

	model_path(&w->model, w->top, c->dir ? c->dir : &w->model.root, c->name, path, sizeof(path));
	model_path(&w->model, w->top, c->to_dir ? c->to_dir : &w->model.root, c->to_name, to, sizeof(to));
	switch (c->kind) {
	case CREATE:
		return open_slot(s, c, path, O_CREAT | O_EXCL);
	case OPEN:
		return open_slot(s, c, path, c->truncate ? O_TRUNC : 0);
	case WRITE:
	case APPEND:
		return write_bytes(w, c);
	case PUNCH:
		return fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)c->offset, (off_t)c->size);
	case FTRUNCATE:
		return ftruncate(s->fd, (off_t)c->size);
	case TRUNCATE:
		return truncate(path, (off_t)c->size);
	case FSYNC:
		return fsync(s->fd);
	case FDATASYNC:
		return fdatasync(s->fd);
	case CLOSE:
		return close_slot(s);
	case CHMOD:
		return chmod(path, c->mode);
	case SETXATTR:
	case REMOVEXATTR:
		return set_attribute(c, path);
	case FSYNCDIR:
	case SYNCFS:
		return sync_directory(path, c->kind);
	default:
		return change_names(c, path, to);
	}
}

/* --- what it did -------------------------------------------------------------------------------------------- */

static void apply_bytes(const struct call *c)
{
	size_t size = node_size(c->node), end = c->offset + c->size;
	struct version *v = node_change(c->node, end > size ? end : size);

	if (c->kind == PUNCH)
		memset(v->bytes + c->offset, 0, c->size);
	else
		fill_random(v->bytes + c->offset, c->size, c->seed);
}

void call_apply_doubtful(struct worker *w, const struct call *c)
{
	(void)w;
	switch (c->kind) {
	case WRITE:
	case APPEND:
	case PUNCH:
		apply_bytes(c);
		break;
	case FTRUNCATE:
	case TRUNCATE:
		node_change(c->node, c->size);
		break;
	case OPEN:
		if (c->truncate)
			node_change(c->node, 0);
		break;
	default:
		break;
	}
}

static void apply_names(struct worker *w, const struct call *c)
{
	struct node *n;

	switch (c->kind) {
	case MKDIR:
		model_add(&w->model, c->dir, c->name, node_new(S_IFDIR | 0755));
		break;
	case SYMLINK:
		n = node_new(S_IFLNK | 0777);
		snprintf(n->target, sizeof(n->target), "target");
		model_add(&w->model, c->dir, c->name, n);
		break;
	case LINK:
		model_add(&w->model, c->to_dir, c->to_name, c->node);
		break;
	case RENAME:
		if (model_find(&w->model, c->to_dir, c->to_name))
			model_remove(model_find(&w->model, c->to_dir, c->to_name));
		model_add(&w->model, c->to_dir, c->to_name, c->node);
		model_remove(model_find(&w->model, c->dir, c->name));
		break;
	default:
		model_remove(model_find(&w->model, c->dir, c->name));
	}
}

static void apply_attribute(const struct call *c)
{
	if (c->kind == CHMOD) {
		c->node->mode = (c->node->mode & S_IFMT) | c->mode;
		return;
	}
	c->node->xattr[c->xattr].set = c->kind == SETXATTR;
	c->node->xattr[c->xattr].len = c->size;
	fill_random(c->node->xattr[c->xattr].value, c->size, c->seed);
}

static void apply_open(struct worker *w, const struct call *c)
{
	struct slot *s = &w->slot[c->slot];

	s->node = c->node;
	if (c->kind == CREATE) {
		s->node = node_new(S_IFREG | 0644);
		model_add(&w->model, c->dir, c->name, s->node);
	}
	s->sync = c->sync;
	s->node->slots++;
	call_apply_doubtful(w, c);
}

void slot_forget(struct slot *s)
{
	s->fd = -1;
	s->node->slots--;
	node_settle(s->node);
	s->node = NULL;
}

void call_apply(struct worker *w, const struct call *c)
{
	switch (c->kind) {
	case CREATE:
	case OPEN:
		apply_open(w, c);
		break;
	case WRITE:
	case APPEND:
		call_apply_doubtful(w, c);
		if (w->slot[c->slot].sync && c->node->slots == 1)
			node_commit(c->node);
		else if (w->slot[c->slot].sync)
			node_commit_range(c->node, c->offset, c->size);
		break;
	case PUNCH:
	case FTRUNCATE:
		call_apply_doubtful(w, c);
		break;
	case TRUNCATE:
		call_apply_doubtful(w, c);
		if (c->node->slots == 0)
			node_commit(c->node);
		break;
	case FSYNC:
	case FDATASYNC:
		node_commit(c->node);
		break;
	case CLOSE:
		node_commit(c->node);
		slot_forget(&w->slot[c->slot]);
		break;
	case FSYNCDIR:
	case SYNCFS:
		break;
	case SETXATTR:
	case REMOVEXATTR:
	case CHMOD:
		apply_attribute(c);
		break;
	default:
		apply_names(w, c);
	}
}
