/*
 * ops_range.c - ranges of open files: lseek with SEEK_DATA and SEEK_HOLE, fallocate, copy_file_range.
 *
 * The kernel does not write out what it has cached before it sends LSEEK, and may have cached data, and with the
 * writeback cache a new size, of any file that is open for writing or mapped from such a descriptor. Where such data
 * is must never be called a hole (docs/DESIGN.md, invariant H1).
 */
#include "config.h"

#include <errno.h>
#include <unistd.h>

#include "caller.h"
#include "ops.h"

/* All up to the end is data: where the end is known but not what the kernel has cached before it. */
static int seek_cautiously(struct fs *fs, fuse_ino_t ino, uint64_t offset, int whence, uint64_t *ret)
{
	struct fs_attr attr;
	int res = fs_getattr(fs, ino, &attr);

	if (res < 0)
		return res;
	if (offset >= attr.size)
		return -ENXIO;
	*ret = whence == SEEK_DATA ? offset : attr.size;
	return 0;
}

void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi)
{
	struct fs_file *f = file_of(fi);
	uint64_t ret;
	int res;

	if (offset < 0)
		res = -ENXIO;
	else if (!fs_file_has_writers(f))
		res = fs_file_seek(f, (uint64_t)offset, whence, &ret);
	else if (mount_of(req)->writeback)
		res = -EINVAL; /* what programs that copy take for "read all of it" */
	else
		res = seek_cautiously(fs_of(req), ino, (uint64_t)offset, whence, &ret);
	if (res < 0)
		reply_status(req, res);
	else
		fuse_reply_lseek(req, (off_t)ret);
}

void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t len, struct fuse_file_info *fi)
{
	unsigned kill = caller_may_kill(req, ino);

	reply_status(req, fs_file_allocate(file_of(fi), mode, (uint64_t)offset, (uint64_t)len, kill));
}

/*
 * The kernel has written out both ranges, and cut the length to what it knows of the source's size: where that may be
 * more than is known here, what is missing is a hole. After -EOPNOTSUPP it copies the bytes itself.
 */
void op_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t offset_in, struct fuse_file_info *fi_in, fuse_ino_t ino_out,
			off_t offset_out, struct fuse_file_info *fi_out, size_t len, int flags)
{
	struct fs_file *from = file_of(fi_in);
	bool past_end = mount_of(req)->writeback && fs_file_has_writers(from);
	uint64_t copied = 0;
	int res = -EINVAL;

	(void)ino_in;
	if (flags == 0)
		res = fs_file_copy(from, (uint64_t)offset_in, file_of(fi_out), (uint64_t)offset_out, len, past_end,
				   caller_may_kill(req, ino_out), &copied);
	if (res < 0)
		reply_status(req, res);
	else
		fuse_reply_write(req, copied);
}
