/*
 * life_import.c - see life.h: the program `reel import`, its own sources (watched.h), on the life's disk. One life at a time.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../../tools/common.h"
#include "life.h"

/* What the import's sources call in place of the functions of these names (watched.h). */
typeof(fs_open) watched_open;
typeof(fs_close) watched_close;
typeof(fs_mkdir) watched_mkdir;
typeof(fs_mknod) watched_mknod;
typeof(fs_symlink) watched_symlink;
typeof(fs_link) watched_link;
typeof(fs_unlink) watched_unlink;
typeof(fs_setattr) watched_setattr;
typeof(fs_setxattr) watched_setxattr;
typeof(fs_removexattr) watched_removexattr;
typeof(fs_file_flush) watched_file_flush;
typeof(fs_file_release) watched_file_release;
typeof(reel_write_stream) watched_write_stream;

static struct life *watched;

int watched_open(const char *path, const struct fs_options *options, struct fs **ret)
{
	struct fs_options recorded = *options;
	int r;

	recorded.disk = watched->disk;
	r = fs_open(path, &recorded, ret);
	watched->fs = r == 0 ? *ret : NULL;
	return life_noted(watched, r);
}

int watched_close(struct fs *fs)
{
	int r = fs_close(fs);

	watched->fs = NULL;
	if (r == 0)
		life_promise(watched);
	return r;
}

int watched_mkdir(struct fs *fs, uint64_t parent, const char *name, uint32_t mode, const struct fs_cred *cred,
		  struct fs_attr *ret)
{
	return life_noted(watched, fs_mkdir(fs, parent, name, mode, cred, ret));
}

int watched_mknod(struct fs *fs, uint64_t parent, const char *name, uint32_t mode, uint64_t rdev, const struct fs_cred *cred,
		  struct fs_attr *ret)
{
	return life_noted(watched, fs_mknod(fs, parent, name, mode, rdev, cred, ret));
}

int watched_symlink(struct fs *fs, uint64_t parent, const char *name, const char *target, const struct fs_cred *cred,
		    struct fs_attr *ret)
{
	return life_noted(watched, fs_symlink(fs, parent, name, target, cred, ret));
}

int watched_link(struct fs *fs, uint64_t ino, uint64_t parent, const char *name, struct fs_attr *ret)
{
	return life_noted(watched, fs_link(fs, ino, parent, name, ret));
}

int watched_unlink(struct fs *fs, uint64_t parent, const char *name)
{
	return life_noted(watched, fs_unlink(fs, parent, name));
}

/* A size is committed with the data, by the flush. */
int watched_setattr(struct fs *fs, uint64_t ino, const struct fs_setattr *set, struct fs_attr *ret)
{
	int r = fs_setattr(fs, ino, set, ret);

	return set->set & FS_SET_SIZE ? r : life_noted(watched, r);
}

int watched_setxattr(struct fs *fs, uint64_t ino, const char *name, const void *value, size_t size, int flags)
{
	return life_noted(watched, fs_setxattr(fs, ino, name, value, size, flags));
}

int watched_removexattr(struct fs *fs, uint64_t ino, const char *name)
{
	return life_noted(watched, fs_removexattr(fs, ino, name));
}

int watched_file_flush(struct fs_file *f)
{
	return life_noted(watched, fs_file_flush(f));
}

void watched_file_release(struct fs_file *f)
{
	fs_file_release(f);
	life_note(watched);
}

int watched_write_stream(struct reel *r, uint64_t key_hash, reel_pull_fn pull, void *arg)
{
	return life_noted(watched, reel_write_stream(r, key_hash, pull, arg));
}

/* --- a folder to import ----------------------------------------------------------------------------------------- */

static void make_file(struct life *l, int dir, const char *name, size_t len, off_t at)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	uint8_t *data = life_bytes(l, len);

	must(fd >= 0 && pwrite(fd, data, len, at) == (ssize_t)len);
	must(fsetxattr(fd, "user.x", "value", 5, 0) == 0 || errno == ENOTSUP);
	close(fd);
	free(data);
}

static void make_folder(struct life *l, const char *path)
{
	int dir;

	must(mkdir(path, 0750) == 0 || errno == EEXIST);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(dir >= 0 && (mkdirat(dir, "sub", 0700) == 0 || errno == EEXIST));
	make_file(l, dir, "a", 700, 0);
	make_file(l, dir, "one", 1, 0);
	make_file(l, dir, "empty", 0, 0);
	make_file(l, dir, "sub/holes", 300, 50000);
	make_file(l, dir, "sub/b", 5000, 0);
	must(linkat(dir, "a", dir, "sub/link", 0) == 0 || errno == EEXIST);
	must(symlinkat("sub/b", dir, "symlink") == 0 || errno == EEXIST);
	must(mkfifoat(dir, "sub/fifo", 0600) == 0 || errno == EEXIST);
	close(dir);
}

int life_import(struct life *l)
{
	char folder[4400];
	char *operands[] = {l->path, folder};
	struct args args = {.n = 2, .operand = operands};

	snprintf(folder, sizeof(folder), "%s/.import", l->folder);
	make_folder(l, folder);
	watched = l;
	messages_for("import");
	return cmd_import.run(&args) == STATUS_OK ? 0 : -EIO;
}
