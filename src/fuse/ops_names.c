/*
 * ops_names.c - requests that read, add, remove and change names.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "ops.h"

void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	char target[FS_SYMLINK_MAX + 1];
	int res = fs_readlink(fs_of(req), ino, target);

	if (res < 0)
		reply_status(req, res);
	else
		fuse_reply_readlink(req, target);
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	const struct fs_cred cred = cred_of(req);
	struct fs_attr attr;
	int res = -ENAMETOOLONG;

	if (!name_too_long(name) && strnlen(target, FS_SYMLINK_MAX + 1) <= FS_SYMLINK_MAX)
		res = fs_symlink(fs_of(req), parent, name, target, &cred, &attr);
	reply_entry(req, res, &attr);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	const struct fs_cred cred = cred_of(req);
	struct fs_attr attr;
	int res = -ENAMETOOLONG;

	if (!name_too_long(name))
		res = fs_mknod(fs_of(req), parent, name, mode, rdev, &cred, &attr);
	reply_entry(req, res, &attr);
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	const struct fs_cred cred = cred_of(req);
	struct fs_attr attr;
	int res = -ENAMETOOLONG;

	if (!name_too_long(name))
		res = fs_mkdir(fs_of(req), parent, name, mode, &cred, &attr);
	reply_entry(req, res, &attr);
}

void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	struct fs_attr attr;
	int res = -ENAMETOOLONG;

	if (!name_too_long(name))
		res = fs_link(fs_of(req), ino, parent, name, &attr);
	reply_entry(req, res, &attr);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	reply_status(req, name_too_long(name) ? -ENAMETOOLONG : fs_unlink(fs_of(req), parent, name));
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	reply_status(req, name_too_long(name) ? -ENAMETOOLONG : fs_rmdir(fs_of(req), parent, name));
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name, unsigned flags)
{
	const struct fs_cred cred = cred_of(req);
	int res;

	if (name_too_long(name) || name_too_long(new_name))
		res = -ENAMETOOLONG;
	else if (flags & RENAME_WHITEOUT)
		res = fs_rename_whiteout(fs_of(req), parent, name, new_parent, new_name, flags & ~(unsigned)RENAME_WHITEOUT,
					 &cred);
	else
		res = fs_rename(fs_of(req), parent, name, new_parent, new_name, flags);
	reply_status(req, res);
}
