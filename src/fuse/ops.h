/*
 * ops.h - the handlers of FUSE requests, shared between the ops_*.c and init.c.
 *
 * A handler answers its request before it returns, unless mend.h postpones it, and sends no notification for which the
 * kernel could have to wait (docs/DESIGN.md, invariants E1 and E2). Handlers hold no state of their own: what lives between
 * requests is in src/fs.
 */
#ifndef REELFS_OPS_H
#define REELFS_OPS_H

#include <stdbool.h>
#include <string.h>

#include <fuse_lowlevel.h>

#include "fs.h"
#include "handles.h"
#include "options.h"

/* What handlers work on: the userdata of the session. */
struct mount {
	struct fs *fs;
	const struct options *options;
	struct fuse_session *session;
	bool callers;        /* the mount is the caller's, with the caller's options */
	bool writeback;      /* the kernel agreed to it; set by INIT, before other requests */
	void (*ready)(void); /* called when the kernel has made contact */
};

/* Seconds that the kernel may keep names, and most attributes: for good, as nobody else changes them. */
#define CACHE_SECONDS (86400.0 * 365)
/* And attributes that were asked for while it is open for writing (E1). A write(2) asks anew when they have passed. */
#define WRITTEN_SECONDS 1.0

extern const struct fuse_lowlevel_ops reelfs_ops;

/*
 * Before the first request, where the mount itself does not take their effect away: no set-id bits and file capabilities, or no
 * numbers of devices, are shown.
 */
void ops_hide(bool set_id, bool devices);
bool ops_hides_capabilities(void);

static inline struct mount *mount_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static inline struct fs *fs_of(fuse_req_t req)
{
	return mount_of(req)->fs;
}

static inline struct fs_file *file_of(const struct fuse_file_info *fi)
{
	return handle_of(fi)->file;
}

static inline struct fs_dir *dir_of(const struct fuse_file_info *fi)
{
	return handle_of(fi)->dir;
}

static inline struct fs_cred cred_of(fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	return (struct fs_cred){.uid = ctx->uid, .gid = ctx->gid, .umask = ctx->umask};
}

/* The kernel lets longer names through than there can be here. */
static inline bool name_too_long(const char *name)
{
	return strnlen(name, FS_NAME_MAX + 1) > FS_NAME_MAX;
}

/*
 * Seconds that the kernel may keep these attributes. It is not told when a WRITE or OPEN of its own has
 * cleared set-id bits (wire.h), so the mode of a file that has any must be asked for each time. Nor does it count the blocks
 * of what it writes. Where that could not be stored it is to ask until it is taken back (mend.h), also because that is when
 * write(2) can be told (ops_attr.c).
 */
double attr_timeout(const struct fs_attr *attr);

void entry_from_attr(struct fuse_entry_param *ret, const struct fs_attr *attr);
/* With no fewer blocks than show that there are data which the kernel may not have written yet (E1). */
void stat_from_attr(struct stat *ret, const struct fs_attr *attr);

/* The answer to a request without data: res is 0 or a negative errno value. */
static inline void reply_status(fuse_req_t req, int res)
{
	fuse_reply_err(req, -res);
}

/*
 * The answer to a request that takes a lookup reference: *attr if res is 0. The reference is given
 * back if nobody waits for the answer any more.
 */
void reply_entry(fuse_req_t req, int res, const struct fs_attr *attr);

/* init.c */
void op_init(void *userdata, struct fuse_conn_info *conn);

/* ops_attr.c */
void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n);
void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *st, int to_set, struct fuse_file_info *fi);
void op_statfs(fuse_req_t req, fuse_ino_t ino);
void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned cmd, void *arg, struct fuse_file_info *fi, unsigned flags,
	      const void *in, size_t in_size, size_t out_size);

/* ops_names.c */
void op_readlink(fuse_req_t req, fuse_ino_t ino);
void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
	       unsigned flags);
void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name);

/* ops_file.c */
void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi);
void op_tmpfile(fuse_req_t req, fuse_ino_t parent, mode_t mode, struct fuse_file_info *fi);
void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset, struct fuse_file_info *fi);
void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

/* ops_range.c */
void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi);
void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t len, struct fuse_file_info *fi);
void op_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t offset_in, struct fuse_file_info *fi_in, fuse_ino_t ino_out,
			off_t offset_out, struct fuse_file_info *fi_out, size_t len, int flags);

/* ops_dir.c */
void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);

/* ops_xattr.c */
void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags);
void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);

#endif
