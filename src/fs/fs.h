/*
 * fs.h - the file system in a container: what the mount (src/fuse) and the tools use.
 * Knows inodes, names, contents and transactions; knows nothing of FUSE.
 *
 * Conventions that hold for every function unless its comment says otherwise:
 *  - Returns 0 or a negative errno value; the errno values are those of the system call of the
 *    same name in the Linux man pages.
 *  - Any number of threads may call any function at once, except fs_close().
 *  - Names are NUL-terminated, at most FS_NAME_MAX bytes, and hold no '/'.
 *  - Permissions are not checked here: the mount leaves that to the kernel (default_permissions).
 *    What the kernel leaves to the file system is done here: the sticky bit's rules excepted, set-id
 *    bits, setgid directories, link counts and times.
 *  - When a call that changes something returns 0, the change is in the container (not yet
 *    necessarily on stable storage). When it fails, nothing has changed.
 */
#ifndef FS_H
#define FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#define FS_ROOT_INO       1
#define FS_NAME_MAX       255
#define FS_SYMLINK_MAX    4095
#define FS_LINK_MAX       65000
#define FS_XATTR_SIZE_MAX 65536

struct fs;      /* an open file system */
struct fs_file; /* an open regular file */
struct fs_dir;  /* an open directory */
struct disk_ops;

/* Receives one line of text; as reel_log_fn (reel.h). */
typedef void (*fs_log_fn)(void *arg, int priority, const char *text);

/*
 * Told now and then how far a long call has come: `done` of about `total` bytes, never more. Called in the
 * thread of that call, with locks held: it must call nothing of fs.h. A negative errno value makes fs_compact() and
 * fs_repair() give up and return it; fs_check() goes on whatever it is.
 */
typedef int (*fs_progress_fn)(void *arg, uint64_t done, uint64_t total);

/*
 * Has the kernel, which caches what programs write, hand it over (fs_file_write()), and waits until it has, for a bounded
 * time. True: all that it had when it was called has arrived. Called in a thread of the file system's own, with no lock
 * held, while some inode is open for writing.
 */
typedef bool (*fs_hand_over_fn)(void *arg);

/* What the kernel has cached of an inode and is no longer so, without a request of its own having changed it. */
enum fs_stale {
	FS_STALE_ATTR = 1 << 0,
	FS_STALE_CONTENTS = 1 << 1, /* and the size */
};
/* Told of it; must not wait: called in any thread, with locks held. */
typedef void (*fs_stale_fn)(void *arg, uint64_t ino, unsigned stale);

/* What reading something does to its access time. */
enum fs_atime {
	FS_ATIME_NEVER,
	FS_ATIME_RELATIVE, /* sets it if it is not after mtime and ctime, or is a day old (mount(8), relatime) */
	FS_ATIME_STRICT,   /* sets it */
};

/* Says in a few words what bytes are, as file(1) does, in `text`, which stays empty where it does not know. */
typedef void (*fs_type_fn)(void *arg, const void *bytes, size_t len, char *text, size_t size);

struct fs_options {
	bool read_only;              /* takes no lock, changes nothing, works beside a writer */
	unsigned lock_wait_ms;       /* how long to wait for another writer to end */
	bool await_storing;          /* and longer for a reelfs that was unmounted and still stores */
	unsigned sync_interval_s;    /* the container is synced this often when there is something to sync; 0: never */
	enum fs_atime atime;         /* never where read_only */
	bool no_dir_atime;           /* never of directories */
	uint64_t buffer_file;        /* a file's unwritten data spills to disk past this; 0: the default */
	uint64_t buffer_total;       /* all files' together; 0: the default */
	uint64_t memory;             /* what the process may take (memory.h); 0: no limit */
	const char *keep_torn;       /* as in reel_options */
	bool nul_values;             /* REEL_NUL_VALUES (reel.h) */
	const struct disk_ops *disk; /* what the container is accessed with (disk.h); NULL: the system calls */
	fs_log_fn log;
	void *log_arg;
	fs_progress_fn progress; /* of fs_check(), fs_compact() and fs_repair(); or NULL */
	void *progress_arg;
	fs_type_fn type; /* of fs_repair(), for contents without a name; or NULL */
	void *type_arg;
	fs_hand_over_fn hand_over; /* or NULL: nothing is cached elsewhere */
	fs_stale_fn stale;         /* or NULL */
	void *cache_arg;           /* of hand_over and stale */
};

/*
 * From now on a container that is cut short, or whose disk fails, under an open file system gives -EIO instead of
 * ending the process with SIGBUS. For the whole process; before the first fs_open().
 */
int fs_guard_faults(void);

/*
 * Who waits for the container's lock learns from now on that this process takes nothing more in, stores what it has, and ends
 * by itself: its name says so. In the main thread.
 */
void fs_tell_storing(void);

/*
 * Makes a new container `path` with an empty root directory that belongs to the caller. It appears
 * whole or not at all. -EEXIST: there is a file already.
 */
int fs_create_container(const char *path, const struct fs_options *options);

/*
 * Opens the file system in the container `path`. Errors as reel_open(), and -EBADMSG when its
 * transactions or checkpoint are damaged. A container without a file system in it (written by
 * another program) shows its entries in the root directory; it becomes one with the first change.
 */
int fs_open(const char *path, const struct fs_options *options, struct fs **ret);

/*
 * Commits what is still buffered, writes a checkpoint if there were changes, syncs, frees. NULL is
 * allowed. Returns the first error; everything is freed all the same. -ESTALE (logged): the container was removed meanwhile, or
 * another file moved over it.
 */
int fs_close(struct fs *fs);

/* Whether fs_close() fails since another program has cut the container or written to it, which was logged. */
bool fs_is_intruded(const struct fs *fs);

/*
 * Makes a new container and opens it. It is under another name beside `path` until fs_close_new(), which does what fs_close()
 * does and then gives it its own: it appears whole and synced or not at all, and says so of itself, so that a part of it is
 * known for one. What a process that ended before leaves is no container that can be opened. -EEXIST: there is a file already.
 */
int fs_open_new(const char *path, const struct fs_options *options, struct fs **ret);
int fs_close_new(struct fs *fs);

/* True when the container holds a file system (a superblock), not just entries. */
bool fs_has_tree(const struct fs *fs);

/*
 * From now on writing to files, allocating and truncating them leave their times alone: the caller keeps those itself
 * and sends them with fs_setattr(), as the kernel does with its writeback cache. Before other calls.
 */
void fs_caller_stamps(struct fs *fs);

/* Which set-id bits a change of a file's contents takes away. */
enum fs_kill {
	FS_KILL_SET_ID = 1 << 0, /* setuid, and setgid where the group may execute (the caller lacks CAP_FSETID) */
	FS_KILL_SETGID = 1 << 2, /* setgid where it may not, too (nor is the caller in the file's group) */
};

/* What stat(2) and statx(2) tell. */
struct fs_attr {
	uint64_t ino;
	uint64_t generation;
	uint32_t mode; /* type and permissions */
	uint32_t nlink;
	uint32_t uid, gid;
	uint64_t rdev; /* as dev_t */
	uint64_t size;
	uint64_t blocks; /* of 512 bytes */
	bool failing;    /* what was written could not be stored, and is tried again or will be taken back */
	bool writers;    /* it is open for writing: who caches what is written may hold more than is known here */
	bool refusing;   /* fs_file_refused() of any file that has it open */
	struct timespec atime, mtime, ctime, btime;
};

/* --- inodes known to the kernel (lookup counts) ------------------------------------------------ */

/*
 * The functions that answer with a new reference for the kernel (fs_lookup, fs_mknod, fs_mkdir,
 * fs_symlink, fs_link, fs_link_over, fs_create, fs_ref) add one to the inode's lookup count; fs_forget() takes n
 * away. An inode without names lives on until its count is 0 and nobody has it open.
 */
int fs_lookup(struct fs *fs, uint64_t parent, const char *name, struct fs_attr *ret);
void fs_forget(struct fs *fs, uint64_t ino, uint64_t n);
/* Adds one to the lookup count of an inode known by its number (readdirplus). */
int fs_ref(struct fs *fs, uint64_t ino, struct fs_attr *ret);

int fs_getattr(struct fs *fs, uint64_t ino, struct fs_attr *ret);

enum fs_set {
	FS_SET_MODE = 1 << 0,
	FS_SET_UID = 1 << 1,
	FS_SET_GID = 1 << 2,
	FS_SET_SIZE = 1 << 3,
	FS_SET_ATIME = 1 << 4,
	FS_SET_MTIME = 1 << 5,
	FS_SET_CTIME = 1 << 6, /* otherwise ctime becomes now */
	FS_SET_ATIME_NOW = 1 << 7,
	FS_SET_MTIME_NOW = 1 << 8,
	FS_SET_KILL_PRIV = 1 << 9,    /* clear set-id bits as write(2) does (FS_KILL_SET_ID) */
	FS_SET_KILL_SETGID = 1 << 10, /* and, when set-id bits go for whatever reason, setgid in any case (FS_KILL_SETGID) */
};

struct fs_setattr {
	unsigned set;  /* enum fs_set */
	uint32_t mode; /* permission bits */
	uint32_t uid, gid;
	uint64_t size;
	struct timespec atime, mtime, ctime;
};

/*
 * Changes attributes. A new size takes effect on the data all descriptors see at once. Of a file
 * that is open for writing it is committed with its data; of any other at once. A new mode changes the access
 * ACL with it (-EIO: that is damaged); a new owner, group or size takes security.capability away.
 */
int fs_setattr(struct fs *fs, uint64_t ino, const struct fs_setattr *set, struct fs_attr *ret);

/* --- names ------------------------------------------------------------------------------------- */

/* Who makes an inode: its owner, but for the group in a setgid directory. */
struct fs_cred {
	uint32_t uid, gid;
	uint32_t umask; /* bits that the mode loses, where the directory has no default ACL; 0: they are off already */
};

/* The target of a symbolic link, NUL-terminated, into buf (size FS_SYMLINK_MAX + 1). Sets the access time. */
int fs_readlink(struct fs *fs, uint64_t ino, char *buf);

/*
 * mode: type and permissions; what becomes of it is acl(5)'s "object creation and default ACLs", with the umask
 * of cred. Regular files, fifos, sockets, devices. -EIO: the directory's default ACL is damaged.
 */
int fs_mknod(struct fs *fs, uint64_t parent, const char *name, uint32_t mode, uint64_t rdev, const struct fs_cred *cred,
	     struct fs_attr *ret);
int fs_mkdir(struct fs *fs, uint64_t parent, const char *name, uint32_t mode, const struct fs_cred *cred, struct fs_attr *ret);
int fs_symlink(struct fs *fs, uint64_t parent, const char *name, const char *target, const struct fs_cred *cred,
	       struct fs_attr *ret);
int fs_link(struct fs *fs, uint64_t ino, uint64_t parent, const char *name, struct fs_attr *ret);
/*
 * The same where the name may be taken, which then changes over in the one transaction, as with rename(2). -EISDIR: by a
 * directory. -EEXIST: by `ino` itself.
 */
int fs_link_over(struct fs *fs, uint64_t ino, uint64_t parent, const char *name, struct fs_attr *ret);
int fs_unlink(struct fs *fs, uint64_t parent, const char *name);
int fs_rmdir(struct fs *fs, uint64_t parent, const char *name);
/* flags: 0, RENAME_NOREPLACE or RENAME_EXCHANGE (renameat2(2)). */
int fs_rename(struct fs *fs, uint64_t parent, const char *name, uint64_t new_parent, const char *new_name, unsigned flags);
/*
 * With RENAME_WHITEOUT: in the same transaction the old name becomes a whiteout of `cred`, the character device 0:0 by which
 * overlayfs hides a name of its lower layer. flags: 0 or RENAME_NOREPLACE.
 */
int fs_rename_whiteout(struct fs *fs, uint64_t parent, const char *name, uint64_t new_parent, const char *new_name,
		       unsigned flags, const struct fs_cred *cred);

/* --- regular files ------------------------------------------------------------------------------ */

/* What two opens of the same inode share is the inode; a fs_file is one open(2). flags: O_ACCMODE, O_TRUNC. */
int fs_file_open(struct fs *fs, uint64_t ino, int flags, struct fs_file **ret);
/* Makes and opens a regular file; the name must be free (-EEXIST). One lookup reference. */
int fs_file_create(struct fs *fs, uint64_t parent, const char *name, uint32_t mode, int flags, const struct fs_cred *cred,
		   struct fs_attr *attr, struct fs_file **ret);
/* An unnamed file that fs_link() may name (O_TMPFILE). One lookup reference. */
int fs_file_tmpfile(struct fs *fs, uint64_t parent, uint32_t mode, int flags, const struct fs_cred *cred, struct fs_attr *attr,
		    struct fs_file **ret);

/*
 * What a read found: pieces in order, pointing into the container's mapping, a page of zeros (holes)
 * or `owned`. Ends with fs_extract_done(); until then every piece stays valid and unchanged.
 */
#define FS_EXTRACT_PIECES 64
struct fs_extract {
	struct iovec piece[FS_EXTRACT_PIECES];
	int pieces;
	size_t len; /* all of them together; short only at the end of the file */
	void *owned;
};
/*
 * Reads up to `size` bytes at `offset`. What is committed is checked against its checksums before
 * the first use. -EIO: it is damaged (logged with the path and offset).
 */
int fs_file_read(struct fs_file *f, uint64_t offset, size_t size, struct fs_extract *ret);
void fs_extract_done(struct fs_extract *e);
/* Tells that what a read found at `offset` could not be read after all, as the disk or server did not deliver it. */
void fs_file_unread(struct fs_file *f, uint64_t offset);
/*
 * To be called after a read that is not through O_NOATIME, before its result is told: sets the access time as
 * fs_options.atime says. It reaches the container with the inode's next change, with fs_sync() or an fsync of the
 * inode, a checkpoint, or fs_close(): a kill of the process before that takes it back. Cannot fail.
 */
void fs_file_accessed(struct fs_file *f);

enum fs_write {
	FS_WRITE_KILL_SET_ID = FS_KILL_SET_ID,
	FS_WRITE_KILL_SETGID = FS_KILL_SETGID,
	FS_WRITE_CACHED = 1 << 1, /* pages that the kernel writes back: it took the privileges away when they were written */
};
/*
 * Writes all of iov at `offset` into the inode's buffer; every descriptor sees it at once. security.capability goes
 * with it. flags: enum fs_write. -ENOSPC, -EFBIG, -EROFS, -EIO.
 */
int fs_file_write(struct fs_file *f, uint64_t offset, const struct iovec *iov, int n, unsigned flags);

/* After fs_options.stale said FS_STALE_CONTENTS: who caches what is written has taken size and contents from here. */
void fs_mended(struct fs *fs, uint64_t ino);
/*
 * Whether the kernel was lately refused bytes of the inode that it had cached, so that more of them will be, too: the error of
 * that, or 0. Bytes that would have made the file longer are lost then, and nothing is written behind them before
 * they were written again or the file was cut there: the error stays.
 */
int fs_file_refused(const struct fs_file *f);
/* Whether the inode is open for writing. What is asked for concerns the moment of the call. */
bool fs_file_has_writers(const struct fs_file *f);
/*
 * lseek(2) with SEEK_DATA or SEEK_HOLE, exact to the byte, of all that was committed or written here; what the kernel
 * has cached and not yet written is not known. -ENXIO: no data from there on, or nothing at all.
 */
int fs_file_seek(struct fs_file *f, uint64_t offset, int whence, uint64_t *ret);
/*
 * fallocate(2). mode: 0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE with it, FALLOC_FL_ZERO_RANGE with or without
 * it; others: -EOPNOTSUPP. kill: enum fs_kill. Nothing is allocated: -ENOSPC says that the disk has no room
 * for the holes in the range at this moment. A range that was zeroed is a hole.
 */
int fs_file_allocate(struct fs_file *f, int mode, uint64_t offset, uint64_t len, unsigned kill);

/*
 * copy_file_range(2), by sharing: the cost is that of a transaction, whatever the length. Copies up to the source's end,
 * or, if past_end, takes what lies past the end known here for a hole (the kernel may know of a later one).
 * kill: enum fs_kill, for `to`. *copied is less than len only at the source's end. -EOPNOTSUPP: too short
 * to be worth it, or one of the two has no name; -EINVAL: the ranges overlap in one file.
 */
int fs_file_copy(struct fs_file *from, uint64_t start, struct fs_file *to, uint64_t target, uint64_t len, bool past_end,
		 unsigned kill, uint64_t *copied);

/* Commits the inode's data, attributes and all, if any is buffered. For close(2) and its errors. */
int fs_file_flush(struct fs_file *f);
/* fs_file_flush() and the container synced. */
int fs_file_fsync(struct fs_file *f, bool datasync);
/* Whether attributes that were asked for while it had writers, and since the last flush, say other blocks than it has. */
bool fs_file_outdated(const struct fs_file *f);
/* Ends the open file; commits what no flush has. The last writer's tells fs_options.stale what is to be told then. */
void fs_file_release(struct fs_file *f);
/*
 * Where the last commit of an inode failed, and it is tried again or given up at this moment, waits for the end of that. So
 * what is told of the inode after it holds, and fs_options.stale has been called. True: it fails, and has writers still.
 */
bool fs_settle(struct fs *fs, uint64_t ino);

/* --- directories -------------------------------------------------------------------------------- */

struct fs_dirent {
	uint64_t ino;
	uint32_t type;   /* the type bits of mode */
	uint64_t cookie; /* of this name; a later call that starts from it goes on with the next */
	const char *name;
};
/* Called for each name; returning false ends the call, and the entry counts as not taken. */
typedef bool (*fs_readdir_fn)(void *arg, const struct fs_dirent *entry);

int fs_dir_open(struct fs *fs, uint64_t ino, struct fs_dir **ret);
/*
 * Names after `cookie` (0: from the start), "." and ".." first. A reading begins with each call from the start; where there
 * was none, with the opening. It gives what was in the directory then, no name twice: a name that stays once, a file
 * that was renamed in the directory once by either name, nothing that was added. `fn` runs under a lock: it must call
 * nothing of fs.h but fs_ref_locked().
 */
int fs_dir_read(struct fs_dir *d, uint64_t cookie, fs_readdir_fn fn, void *arg);
/*
 * Whether who asks may cache what fs_dir_read() tells, beyond this open directory: of each directory one open at a
 * time may.
 */
bool fs_dir_cached(const struct fs_dir *d);
/* After fs_dir_open(), and fs_dir_read() from the start, once: whether what was cached by calls of earlier beginnings is of
 * another state. */
bool fs_dir_outdated(struct fs_dir *d);
/* fs_ref() and fs_getattr() for use inside the callback of fs_dir_read(). No count for "." and "..". */
int fs_ref_locked(struct fs_dir *d, uint64_t ino, bool count, struct fs_attr *ret);
/* As fs_file_accessed(), after fs_dir_read(). */
void fs_dir_accessed(struct fs_dir *d);
/* The container synced, and with it all that happened to the names in the directory. */
int fs_dir_fsync(struct fs_dir *d);
void fs_dir_close(struct fs_dir *d);

/* --- extended attributes (xattr(7)) ------------------------------------------------------------- */

/*
 * The namespaces are user., trusted., security. and POSIX ACLs (system.posix_acl_access, system.posix_acl_default);
 * -EOPNOTSUPP for others, -EINVAL for a name that is just a namespace. Who may use which is for the kernel to decide.
 */

#define FS_XATTR_KILL_SETGID (1 << 16) /* an access ACL takes the setgid bit away (who sets it is not in the group) */

/*
 * flags: XATTR_CREATE, XATTR_REPLACE (ACLs do not heed them), FS_XATTR_KILL_SETGID. -E2BIG: longer than FS_XATTR_SIZE_MAX, an
 * ACL than 4096. -ENOSPC: the inode's names would be longer than listxattr(2) can tell. An access ACL sets the mode, and is
 * kept only where the mode does not say as much; one without entries is removed. -EINVAL, -EOPNOTSUPP: no ACL.
 * -EACCES: a default ACL for what is no directory. -EOPNOTSUPP: an ACL for a symbolic link.
 */
int fs_setxattr(struct fs *fs, uint64_t ino, const char *name, const void *value, size_t size, int flags);
/* The value's length; size 0 asks for just that. -ENODATA, -ERANGE. */
ssize_t fs_getxattr(struct fs *fs, uint64_t ino, const char *name, void *buf, size_t size);
/* The names, NUL-terminated one after another, those in trusted. only if asked for; size 0 asks for the length. */
ssize_t fs_listxattr(struct fs *fs, uint64_t ino, bool trusted, char *buf, size_t size);
/* -ENODATA, but 0 for an ACL that is not there. Without its access ACL an inode keeps its mode. */
int fs_removexattr(struct fs *fs, uint64_t ino, const char *name);

/* --- the whole ---------------------------------------------------------------------------------- */

int fs_statfs(struct fs *fs, struct statvfs *ret);
/* Commits every buffered file and syncs. */
int fs_sync(struct fs *fs);
/* What an error of the file system that the container lies in means, and what to do: as strerror(3) of -error. */
const char *fs_explain(int error);
/* True once a write of the container failed: nothing is written any more (DESIGN, "Failures"). */
bool fs_is_read_only(struct fs *fs);

/*
 * The inode at `path`, components separated by '/', symbolic links not followed. No lookup count.
 * *parent and *name (FS_NAME_MAX + 1 bytes), each may be NULL, get where the last component is or
 * would be, also when the result is -ENOENT for that last component alone (*parent is 0 otherwise).
 */
int fs_resolve(struct fs *fs, const char *path, uint64_t *parent, char *name, struct fs_attr *ret);

struct fs_info {
	uint8_t container_id[16];
	uint64_t sequence;                                  /* of the newest transaction */
	int64_t time_ns;                                    /* when it was written, ns since 1970; 0: there is none */
	uint64_t created_ns;                                /* when the container was made, ns since 1970 */
	uint64_t inodes, directories, regular_files, bytes; /* what is in the tree now */
	uint64_t file_size;                                 /* the committed bytes of the container */
	uint64_t torn;                                      /* bytes after them */
	uint64_t foreign;                                   /* entries of other programs, shown under their hash */
	uint64_t since_checkpoint;                          /* transactions replayed at opening */
	bool clean;                                         /* the last thing in the container is a checkpoint */
};
int fs_info(struct fs *fs, struct fs_info *ret);

/* Where a file's contents lie; for `reel stat`. */
struct fs_extent_info {
	uint64_t file_offset, len;
	uint64_t container_offset; /* of the bytes; UINT64_MAX: a hole */
	uint64_t key_hash;
	uint32_t crc; /* of the whole entry */
};
typedef void (*fs_extent_fn)(void *arg, const struct fs_extent_info *extent);
int fs_extents(struct fs *fs, uint64_t ino, fs_extent_fn fn, void *arg);

struct fs_compaction {
	uint64_t before, after; /* bytes of the container */
};

/*
 * Replaces the container by one that holds just its present state: superseded contents and the history go.
 * The old file is untouched until the new one is whole and synced, and needs to be mounted nowhere. Errors as
 * fs_open(), and -EMEDIUMTYPE: it holds entries but no file system; -EIO: contents are damaged (see fs_check()).
 * -EBUSY, which is logged: another file cannot take its name (reel_can_replace()). ret may be NULL.
 */
int fs_compact(const char *path, const struct fs_options *options, struct fs_compaction *ret);

/*
 * The same into the new container `to`, -EEXIST: there is such a file. The container is only read: a mount may go on meanwhile,
 * of which the new one has the state at the beginning.
 */
int fs_compact_to(const char *path, const char *to, const struct fs_options *options, struct fs_compaction *ret);

/*
 * About how many bytes fs_compact() would free: what is neither contents of files that exist, nor a checkpoint
 * of the present state. 0 where the container would not become smaller. -EMEDIUMTYPE: no file system in it.
 */
int fs_compact_estimate(struct fs *fs, uint64_t *bytes);

/* One thing that fs_check() found wrong; text without a newline. */
typedef void (*fs_check_fn)(void *arg, const char *text);
/*
 * Checks everything: each entry's checksum and link, each transaction and their order, the tree's own consistency
 * (link counts, names, extents), each file's block checksums. Returns the number of faults; -EIO (logged): it was given up as
 * a part of the container could not be read.
 */
int64_t fs_check(struct fs *fs, fs_check_fn fn, void *arg);

/* What became of the entries with contents: each of `all` is in one of the others. */
struct fs_repair_entries {
	uint64_t all;
	uint64_t whole;   /* their bytes are in files of the new container, be it in lost+found */
	uint64_t damaged; /* some of them are */
	uint64_t lost;    /* none are, and each was told of */
	uint64_t dead;    /* no file needs them: replaced, or removed */
};

/* What fs_repair() made of a container; inodes are counted once. */
struct fs_repair {
	struct fs_repair_entries entries;
	uint64_t whole;         /* files, directories and others that are as they were */
	uint64_t damaged;       /* files that are kept in part, under names that end in ".damaged" */
	uint64_t lost;          /* files of which nothing could be kept */
	uint64_t found;         /* what has lost its name, in lost+found */
	uint64_t transactions;  /* that are lost */
	uint64_t unknown;       /* bytes after the last transaction of which nothing can be said */
	uint64_t messages;      /* calls of fn */
	uint64_t before, after; /* bytes of the containers */
	bool unread;            /* reading the container is what failed */
};

/*
 * Copies what is whole in a damaged container into the new container `out`, which appears whole and synced or not
 * at all, and tells `fn` about everything else. Never writes to `path`; keeps writers away from it meanwhile.
 * Whatever the damage, names and attributes are those of the last state that the transactions which are left lead to.
 * -EIO (logged): reading failed, and may not do so at another time. -EEXIST: `out` is there. -EBUSY: a writer has `path` open.
 * -EMEDIUMTYPE: no sign of a file system was found in it. -ENOTSUP: a newer layout. -EBADMSG: what is left contradicts itself.
 * ret may be NULL.
 */
int fs_repair(const char *path, const char *out, const struct fs_options *options, fs_check_fn fn, void *arg,
	      struct fs_repair *ret);

struct reel;
/* The container beneath, for entries by key; owned by fs. */
struct reel *fs_store(struct fs *fs);

#endif
