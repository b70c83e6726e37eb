/*
 * life_files.c - see life.h: the contents of files. Every file is closed again at the end of each call.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "life.h"

/* An open file with what it takes to let it go. */
struct held {
	struct fs_file *file;
	struct fs_attr attr;
	bool counted;
};

static int hold(struct life *l, const char *path, int flags, struct held *ret)
{
	char name[FS_NAME_MAX + 1];
	uint64_t parent;
	int r = fs_resolve(l->fs, path, &parent, name, &ret->attr);

	ret->counted = false;
	if (r == 0)
		return fs_file_open(l->fs, ret->attr.ino, flags & ~O_CREAT, &ret->file);
	if (r != -ENOENT || parent == 0 || !(flags & O_CREAT))
		return r;
	r = fs_file_create(l->fs, parent, name, 0644, O_RDWR, &LIFE_OWNER, &ret->attr, &ret->file);
	ret->counted = r == 0;
	return life_noted(l, r);
}

static int write_held(struct life *l, struct held *h, uint64_t offset, size_t len)
{
	uint8_t *data = life_bytes(l, len);
	struct iovec iov = {data, len};
	int r = len > 0 ? fs_file_write(h->file, offset, &iov, 1, 0) : 0;

	free(data);
	return r;
}

/* As close(2). What was not committed is given up with the last release; a state either way. */
static int let_go(struct life *l, struct held *h, int r)
{
	int flushed = fs_file_flush(h->file);

	fs_file_release(h->file);
	if (h->counted)
		fs_forget(l->fs, h->attr.ino, 1);
	life_note(l);
	return life_told(l, r < 0 ? r : flushed);
}

static int write_to(struct life *l, const char *path, int flags, uint64_t offset, size_t len)
{
	struct held h;
	int r = hold(l, path, flags, &h);

	return r < 0 ? r : let_go(l, &h, write_held(l, &h, offset, len));
}

int life_put(struct life *l, const char *path, size_t len)
{
	return write_to(l, path, O_RDWR | O_CREAT | O_TRUNC, 0, len);
}

int life_patch(struct life *l, const char *path, uint64_t offset, size_t len)
{
	return write_to(l, path, O_RDWR, offset, len);
}

int life_append(struct life *l, const char *path, size_t len)
{
	struct fs_attr attr;
	int r = life_find(l, path, &attr);

	return r < 0 ? r : life_patch(l, path, attr.size, len);
}

int life_allocate(struct life *l, const char *path, int mode, uint64_t offset, uint64_t len)
{
	struct held h;
	int r = hold(l, path, O_RDWR, &h);

	return r < 0 ? r : let_go(l, &h, fs_file_allocate(h.file, mode, offset, len, false));
}

int life_copy(struct life *l, const char *from, uint64_t start, const char *to, uint64_t target, uint64_t len)
{
	struct held source, h;
	uint64_t copied;
	int r = hold(l, from, O_RDONLY, &source);

	if (r < 0)
		return r;
	r = hold(l, to, O_RDWR, &h);
	if (r == 0)
		r = let_go(l, &h, fs_file_copy(source.file, start, h.file, target, len, false, false, &copied));
	fs_file_release(source.file);
	return r;
}

int life_fsync(struct life *l, const char *path)
{
	struct held h;
	int r = hold(l, path, O_RDWR, &h);

	if (r < 0)
		return r;
	r = fs_file_fsync(h.file, false);
	if (r == 0)
		life_promise(l);
	return let_go(l, &h, r);
}

int life_read(struct life *l, const char *path)
{
	struct fs_extract e;
	struct held h;
	int r = hold(l, path, O_RDONLY, &h);

	if (r < 0)
		return r;
	r = fs_file_read(h.file, 0, 1000, &e);
	if (r == 0) {
		fs_file_accessed(h.file);
		fs_extract_done(&e);
	}
	fs_file_release(h.file);
	return r;
}

int life_unlink_open(struct life *l, const char *path)
{
	struct held h;
	int r = hold(l, path, O_RDWR, &h), one;

	if (r < 0)
		return r;
	r = life_unlink(l, path);
	one = write_held(l, &h, 100, 3000);
	r = r < 0 ? r : one;
	return let_go(l, &h, r);
}

int life_tmpfile(struct life *l, const char *path, size_t len)
{
	struct held h = {.counted = true};
	char name[FS_NAME_MAX + 1];
	struct fs_attr attr;
	uint64_t parent;
	int r = fs_resolve(l->fs, path, &parent, name, &attr);

	if (r != -ENOENT || parent == 0)
		return r == 0 ? -EEXIST : r;
	r = fs_file_tmpfile(l->fs, parent, S_IFREG | 0600, O_RDWR, &LIFE_OWNER, &h.attr, &h.file);
	if (r < 0)
		return r;
	r = write_held(l, &h, 0, len);
	if (r == 0)
		r = fs_link(l->fs, h.attr.ino, parent, name, &attr);
	if (r == 0)
		fs_forget(l->fs, attr.ino, 1);
	(void)life_noted(l, r);
	return let_go(l, &h, r);
}

int life_truncate(struct life *l, const char *path, uint64_t size)
{
	struct fs_setattr set = {.set = FS_SET_SIZE, .size = size};
	struct fs_attr attr;
	int r = life_find(l, path, &attr);

	return r < 0 ? r : life_noted(l, fs_setattr(l->fs, attr.ino, &set, &attr));
}
