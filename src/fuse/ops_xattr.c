/*
 * ops_xattr.c - extended attributes.
 *
 * With -o noxattr every request gets ENOSYS, after which the kernel sends no more of its kind.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/xattr.h>

#include "ops.h"
#include "wire.h"

#define ON_STACK 1024 /* values this short are answered without an allocation */

static int refusal(fuse_req_t req)
{
	return mount_of(req)->options->xattrs ? 0 : -ENOSYS;
}

void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
	int res = refusal(req);

	flags &= XATTR_CREATE | XATTR_REPLACE;
	if (wire_kills_setgid())
		flags |= FS_XATTR_KILL_SETGID;
	if (res == 0)
		res = fs_setxattr(fs_of(req), ino, name, value, size, flags);
	reply_status(req, res);
}

void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	int res = refusal(req);

	if (res == 0)
		res = fs_removexattr(fs_of(req), ino, name);
	reply_status(req, res);
}

/* Answers with the value of `name`, or with the list of names when it is NULL; only root sees those in trusted. */
static void reply_value(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	char small[ON_STACK];
	char *buf = small;
	ssize_t res;

	if (size > FS_XATTR_SIZE_MAX)
		size = FS_XATTR_SIZE_MAX;
	if (size > sizeof(small)) {
		buf = malloc(size);
		if (buf == NULL) {
			reply_status(req, -ENOMEM);
			return;
		}
	}
	if (name != NULL)
		res = fs_getxattr(fs_of(req), ino, name, buf, size);
	else
		res = fs_listxattr(fs_of(req), ino, fuse_req_ctx(req)->uid == 0, buf, size);
	if (res < 0)
		reply_status(req, (int)res);
	else if (size == 0)
		fuse_reply_xattr(req, (size_t)res);
	else
		fuse_reply_buf(req, buf, (size_t)res);
	if (buf != small)
		free(buf);
}

void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	int res = refusal(req);

	if (res == 0 && ops_hides_capabilities() && strcmp(name, "security.capability") == 0)
		res = -ENODATA;
	if (res < 0)
		reply_status(req, res);
	else
		reply_value(req, ino, name, size);
}

void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	int res = refusal(req);

	if (res < 0)
		reply_status(req, res);
	else
		reply_value(req, ino, NULL, size);
}
