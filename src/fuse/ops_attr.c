/*
 * ops_attr.c - lookup, forget, attributes, statfs, and the one ioctl.
 */
#include "config.h"

#include <errno.h>
#include <sys/stat.h>

#include "ask.h"
#include "caller.h"
#include "mend.h"
#include "ops.h"
#include "wire.h"

/*
 * A user's own daemon has to open it whatever its mode is. Nobody else than the owner may on account of that, who may
 * change the mode as well; and the attributes are asked for again after it.
 */
static void mend_may_open(struct fs_attr *attr)
{
	attr->mode |= S_IWUSR;
}

/* The inode that is being mended, by a name that nobody is to find again. */
static void mend_lookup(fuse_req_t req)
{
	struct fuse_entry_param entry;
	struct fs_attr attr;
	int res = fs_ref(fs_of(req), mend_inode(), &attr);

	if (res < 0) {
		reply_status(req, res);
		return;
	}
	mend_may_open(&attr);
	entry_from_attr(&entry, &attr);
	entry.entry_timeout = 0;
	if (fuse_reply_entry(req, &entry) < 0)
		fs_forget(fs_of(req), attr.ino, 1);
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs_attr attr;
	int res;

	if (mend_asks(req) && parent == FS_ROOT_INO) {
		mend_lookup(req);
		return;
	}
	if (name_too_long(name)) {
		reply_status(req, -ENAMETOOLONG);
		return;
	}
	/* "." finds an inode by its number, for those who export the mount through NFS. */
	if (strcmp(name, ".") == 0)
		res = fs_ref(fs_of(req), parent, &attr);
	else
		res = fs_lookup(fs_of(req), parent, name, &attr);
	if (res == -ENOENT) {
		/* Inode 0: the kernel may remember that the name is free. */
		struct fuse_entry_param none = {.entry_timeout = CACHE_SECONDS};

		fuse_reply_entry(req, &none);
		return;
	}
	reply_entry(req, res, &attr);
}

void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
	fs_forget(fs_of(req), ino, n);
	fuse_reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		fs_forget(fs_of(req), forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void reply_attr(fuse_req_t req, int res, const struct fs_attr *attr)
{
	struct stat st;

	if (res < 0) {
		reply_status(req, res);
		return;
	}
	stat_from_attr(&st, attr);
	fuse_reply_attr(req, &st, attr_timeout(attr));
}

static void answer_getattr(fuse_req_t req, fuse_ino_t ino, bool statx)
{
	struct fs_attr attr;
	int res = fs_getattr(fs_of(req), ino, &attr);

	if (res == 0 && mend_asks(req))
		mend_may_open(&attr);
	if (res == 0 && statx) {
		struct stat st;

		stat_from_attr(&st, &attr);
		wire_reply_statx(req, &st, &attr.btime, attr_timeout(&attr));
		return;
	}
	reply_attr(req, res, &attr);
}

static void getattr_again(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)fi;
	answer_getattr(req, ino, false);
}

static void statx_again(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)fi;
	answer_getattr(req, ino, true);
}

/*
 * The kernel takes in what is written without asking whether there is room, and tells what became of it at fsync(2) and
 * close(2). But write(2) first asks for attributes that are not cached, through its descriptor, and fails if it gets an error:
 * when bytes were refused it is told so. Only write(2) and lseek(SEEK_END) ask through a descriptor for writing alone; fstat(2)
 * does not.
 */
static int refusal(const struct fuse_file_info *fi)
{
	return fi != NULL && handle_of(fi)->write_only ? fs_file_refused(file_of(fi)) : 0;
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	bool statx = wire_is_statx();
	int res = refusal(fi);

	if (res < 0) {
		reply_status(req, res);
		return;
	}
	if (fi == NULL && mend_postpones(req, ino, NULL, statx ? statx_again : getattr_again))
		return;
	answer_getattr(req, ino, statx);
}

/* FUSE_SET_ATTR_* to FS_SET_*. */
static unsigned set_bits(int to_set)
{
	unsigned set = 0;

	if (to_set & FUSE_SET_ATTR_MODE)
		set |= FS_SET_MODE;
	if (to_set & FUSE_SET_ATTR_UID)
		set |= FS_SET_UID;
	if (to_set & FUSE_SET_ATTR_GID)
		set |= FS_SET_GID;
	if (to_set & FUSE_SET_ATTR_SIZE)
		set |= FS_SET_SIZE;
	if (to_set & FUSE_SET_ATTR_ATIME_NOW)
		set |= FS_SET_ATIME_NOW;
	else if (to_set & FUSE_SET_ATTR_ATIME)
		set |= FS_SET_ATIME;
	if (to_set & FUSE_SET_ATTR_MTIME_NOW)
		set |= FS_SET_MTIME_NOW;
	else if (to_set & FUSE_SET_ATTR_MTIME)
		set |= FS_SET_MTIME;
	if (to_set & FUSE_SET_ATTR_CTIME)
		set |= FS_SET_CTIME;
	/* The kernel's FATTR_KILL_SUIDGID has this one's number. */
	if (to_set & FUSE_SET_ATTR_KILL_SUID)
		set |= FS_SET_KILL_PRIV;
	return set;
}

/*
 * A truncation that truncates nothing. That contents were taken back is a change, with a time, if that can be stored.
 * While others write, the kernel knows better what is in the file.
 */
static int mend_setattr(struct fs *fs, uint64_t ino, const struct fs_setattr *set, struct fs_attr *attr)
{
	const struct fs_setattr times = {
	    .set = set->set & (FS_SET_MTIME | FS_SET_MTIME_NOW | FS_SET_CTIME), .mtime = set->mtime, .ctime = set->ctime};
	int res = fs_getattr(fs, ino, attr);

	if (res < 0 || attr->writers)
		return res < 0 ? res : -EAGAIN;
	fs_mended(fs, ino);
	return times.set == 0 || fs_setattr(fs, ino, &times, attr) < 0 ? fs_getattr(fs, ino, attr) : 0;
}

void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *st, int to_set, struct fuse_file_info *fi)
{
	struct fs_setattr set = {
	    .set = set_bits(to_set),
	    .mode = st->st_mode & 07777,
	    .uid = st->st_uid,
	    .gid = st->st_gid,
	    .size = (uint64_t)st->st_size,
	    .atime = st->st_atim,
	    .mtime = st->st_mtim,
	    .ctime = st->st_ctim,
	};
	struct fs_attr attr;
	int res;

	(void)fi;
	if (mend_asks(req)) {
		reply_attr(req, mend_setattr(fs_of(req), ino, &set, &attr), &attr);
		return;
	}
	/* With a new owner or group KILL_PRIV says nothing about capabilities: the kernel sends it for everybody. */
	if (set.set & (FS_SET_UID | FS_SET_GID) ? caller_may_kill(req, ino) & FS_KILL_SETGID
						: set.set & FS_SET_KILL_PRIV && caller_kills(req, ino) & FS_KILL_SETGID)
		set.set |= FS_SET_KILL_SETGID;
	res = fs_setattr(fs_of(req), ino, &set, &attr);
	reply_attr(req, res, &attr);
}

void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs st = {0};
	int res = fs_statfs(fs_of(req), &st);

	(void)ino;
	if (res < 0)
		reply_status(req, res);
	else
		fuse_reply_statfs(req, &st);
}

void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned cmd, void *arg, struct fuse_file_info *fi, unsigned flags,
	      const void *in, size_t in_size, size_t out_size)
{
	enum ask_answer answer = ASK_WRITES;

	(void)ino, (void)arg, (void)fi, (void)flags, (void)in, (void)in_size, (void)out_size;
	if (cmd != ASK_WRITABLE) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	if (mount_of(req)->options->read_only)
		answer = ASK_READS;
	else if (fs_is_read_only(fs_of(req)))
		answer = ASK_FAILED;
	fuse_reply_ioctl(req, (int)answer, NULL, 0);
}
