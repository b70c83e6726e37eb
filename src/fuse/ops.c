/*
 * ops.c - the table of handlers, and the two answers that many of them share.
 */
#include "config.h"

#include <sys/stat.h>
#include <sys/types.h>

#include "mend.h"
#include "ops.h"

/* What the kernel copies in when it asks for the file system's preferred size. */
#define BLOCK_SIZE 4096

/* Of a file that has data: without any, programs that look for holes take all of it for one. */
#define BLOCKS_LEAST (BLOCK_SIZE / 512)

const struct fuse_lowlevel_ops reelfs_ops = {
    .init = op_init,
    .lookup = op_lookup,
    .forget = op_forget,
    .forget_multi = op_forget_multi,
    .getattr = op_getattr,
    .setattr = op_setattr,
    .statfs = op_statfs,
    .readlink = op_readlink,
    .symlink = op_symlink,
    .mknod = op_mknod,
    .mkdir = op_mkdir,
    .unlink = op_unlink,
    .rmdir = op_rmdir,
    .rename = op_rename,
    .link = op_link,
    .create = op_create,
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
    .tmpfile = op_tmpfile,
#endif
    .open = op_open,
    .read = op_read,
    .write = op_write,
    .flush = op_flush,
    .fsync = op_fsync,
    .release = op_release,
    .lseek = op_lseek,
    .fallocate = op_fallocate,
    .copy_file_range = op_copy_file_range,
    .opendir = op_opendir,
    .readdir = op_readdir,
    .readdirplus = op_readdirplus,
    .releasedir = op_releasedir,
    .fsyncdir = op_fsyncdir,
    .setxattr = op_setxattr,
    .getxattr = op_getxattr,
    .listxattr = op_listxattr,
    .removexattr = op_removexattr,
    .ioctl = op_ioctl,
};

static bool hides_set_id, hides_devices;

void ops_hide(bool set_id, bool devices)
{
	hides_set_id = set_id;
	hides_devices = devices;
}

bool ops_hides_capabilities(void)
{
	return hides_set_id;
}

/* The setgid bit of a directory gives nobody a right. */
static void hide_effects(struct stat *st)
{
	if (hides_set_id && !S_ISDIR(st->st_mode))
		st->st_mode &= ~(mode_t)(S_ISUID | S_ISGID);
	if (hides_devices)
		st->st_rdev = 0;
}

void stat_from_attr(struct stat *ret, const struct fs_attr *attr)
{
	*ret = (struct stat){
	    .st_ino = attr->ino,
	    .st_mode = attr->mode,
	    .st_nlink = attr->nlink,
	    .st_uid = attr->uid,
	    .st_gid = attr->gid,
	    .st_rdev = attr->rdev,
	    .st_size = (off_t)attr->size,
	    .st_blksize = BLOCK_SIZE,
	    .st_blocks = (blkcnt_t)(attr->writers && attr->blocks < BLOCKS_LEAST ? BLOCKS_LEAST : attr->blocks),
	    .st_atim = attr->atime,
	    .st_mtim = attr->mtime,
	    .st_ctim = attr->ctime,
	};
	hide_effects(ret);
}

double attr_timeout(const struct fs_attr *attr)
{
	if (S_ISREG(attr->mode) && (attr->mode & (S_ISUID | S_ISGID)))
		return 0;
	if (attr->failing || attr->refusing || mend_is_due(attr->ino))
		return 0;
	return attr->writers ? WRITTEN_SECONDS : CACHE_SECONDS;
}

void entry_from_attr(struct fuse_entry_param *ret, const struct fs_attr *attr)
{
	*ret = (struct fuse_entry_param){
	    .ino = attr->ino,
	    .generation = attr->generation,
	    .attr_timeout = attr_timeout(attr),
	    .entry_timeout = CACHE_SECONDS,
	};
	stat_from_attr(&ret->attr, attr);
}

void reply_entry(fuse_req_t req, int res, const struct fs_attr *attr)
{
	struct fs *fs = fs_of(req);
	struct fuse_entry_param entry;

	if (res < 0) {
		reply_status(req, res);
		return;
	}
	entry_from_attr(&entry, attr);
	if (fuse_reply_entry(req, &entry) < 0)
		fs_forget(fs, attr->ino, 1);
}
