/*
 * wire.c - see wire.h. Reads the kernel's requests as libfuse takes them, rewrites in place those that libfuse would not
 * understand into ones that it does, and adds to the reply to INIT what this makes possible. Relies on libfuse
 * handling a request in the thread that has read it, and on its sending the INIT reply as two pieces, header
 * and body. Answers for a reply whose data cannot be read. The only file that knows the layout of FUSE messages
 * (linux/fuse.h).
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

#include <linux/fuse.h>
#include <linux/stat.h>

#include "log.h"
#include "served.h"
#include "wire.h"

/* --- the protocol, as far as older headers may lack it ------------------------------------------------------ */

enum { OP_TMPFILE = 51, OP_STATX = 52 };

/* SETXATTR: without FUSE_SETXATTR_EXT only `size` and `flags`. The name follows, then the value. */
struct setxattr_in {
	uint32_t size, flags;
	uint32_t setxattr_flags; /* SETXATTR_ACL_KILL_SGID */
	uint32_t padding;
};
static_assert(sizeof(struct setxattr_in) == 16, "as the kernel has it");

#define SETXATTR_SHORT         offsetof(struct setxattr_in, setxattr_flags)
#define SETXATTR_ACL_KILL_SGID 1u

/* STATX begins as GETATTR does. */
struct statx_in {
	struct fuse_getattr_in getattr;
	uint32_t sx_flags, sx_mask;
};
static_assert(sizeof(struct statx_in) == 24, "as the kernel has it");

struct sx_time {
	int64_t sec;
	uint32_t nsec;
	int32_t reserved;
};

struct statx_out {
	uint64_t attr_valid; /* how long the kernel may keep it: seconds */
	uint32_t attr_valid_nsec;
	uint32_t flags;
	uint64_t spare[2];
	struct {
		uint32_t mask, blksize; /* mask: the STATX_* that follow */
		uint64_t attributes;
		uint32_t nlink, uid, gid;
		uint16_t mode, spare0;
		uint64_t ino, size, blocks, attributes_mask;
		struct sx_time atime, btime, ctime, mtime;
		uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
		uint64_t spare[14];
	} stat;
};
static_assert(sizeof(struct statx_out) == 288 && offsetof(struct statx_out, stat.atime) == 96, "as the kernel has it");

/* --- requests ------------------------------------------------------------------------------------------------- */

/* Of the request that this thread has read last. */
static _Thread_local struct {
	bool kills_set_id, kills_setgid, tmpfile, statx;
	bool counted, cached; /* by served.h; a WRITE of the kernel's cache */
	unsigned number;      /* of one that is counted */
} carried;

/* What the INIT reply adds where the kernel offers it. */
#define ADDED (FUSE_HANDLE_KILLPRIV_V2 | FUSE_SETXATTR_EXT)

/* What init.c can want: libfuse 3.14 does not pass all of it on. */
static const struct {
	unsigned capability;
	uint32_t flag;
	const char *name;
} known[] = {
    {FUSE_CAP_ASYNC_READ, FUSE_ASYNC_READ, "ASYNC_READ"},
    {FUSE_CAP_ATOMIC_O_TRUNC, FUSE_ATOMIC_O_TRUNC, "ATOMIC_O_TRUNC"},
    {FUSE_CAP_EXPORT_SUPPORT, FUSE_EXPORT_SUPPORT, "EXPORT_SUPPORT"},
    {FUSE_CAP_DONT_MASK, FUSE_DONT_MASK, "DONT_MASK"},
    {FUSE_CAP_READDIRPLUS, FUSE_DO_READDIRPLUS, "DO_READDIRPLUS"},
    {FUSE_CAP_READDIRPLUS_AUTO, FUSE_READDIRPLUS_AUTO, "READDIRPLUS_AUTO"},
    {FUSE_CAP_WRITEBACK_CACHE, FUSE_WRITEBACK_CACHE, "WRITEBACK_CACHE"},
    {FUSE_CAP_PARALLEL_DIROPS, FUSE_PARALLEL_DIROPS, "PARALLEL_DIROPS"},
    {FUSE_CAP_POSIX_ACL, FUSE_POSIX_ACL, "POSIX_ACL"},
    {FUSE_CAP_CACHE_SYMLINKS, FUSE_CACHE_SYMLINKS, "CACHE_SYMLINKS"},
    {FUSE_CAP_EXPLICIT_INVAL_DATA, FUSE_EXPLICIT_INVAL_DATA, "EXPLICIT_INVAL_DATA"},
};

/* An INIT request was read that offers `offered`, and its reply has not been sent. */
static atomic_bool init_pending;
static uint64_t init_unique; /* both written before init_pending is set, read after it was seen set */
static uint32_t offered;
static unsigned wanted; /* capabilities; by the thread that handles INIT, as it sends the reply */
/* SETXATTR comes in its long form. Set before the kernel hears of it. */
static atomic_bool setxattr_ext;

static void note_init(const struct fuse_in_header *in, const struct fuse_init_in *init)
{
	if (init->major != 7)
		return;
	offered = init->flags;
	init_unique = in->unique;
	atomic_store(&init_pending, true);
}

/* Takes `len` bytes at offset `at` behind the header out of a request. */
static void cut(struct fuse_in_header *in, ssize_t *n, size_t at, size_t len)
{
	char *body = (char *)(in + 1);

	memmove(body + at, body + at + len, (size_t)*n - sizeof(*in) - at - len);
	*n -= (ssize_t)len;
	in->len = (uint32_t)*n;
}

static void count(bool shortens)
{
	carried.counted = true;
	carried.number = served_taken(shortens);
}

static void look_at_write(const struct fuse_write_in *body, size_t len)
{
	uint32_t flags = len >= sizeof(*body) ? body->write_flags : 0;

	carried.kills_set_id = flags & FUSE_WRITE_KILL_SUIDGID;
	carried.cached = flags & FUSE_WRITE_CACHE;
	count(false);
}

static void look_at_open(const struct fuse_open_in *body, size_t len)
{
	if (len < sizeof(*body))
		return;
	carried.kills_set_id = body->open_flags & FUSE_OPEN_KILL_SUIDGID;
	if (body->flags & O_TRUNC)
		count(true);
}

/* The request has *n bytes; `len` of them follow the header. */
static void look(struct fuse_in_header *in, void *body, size_t len, ssize_t *n)
{
	switch (in->opcode) {
	case FUSE_WRITE:
		look_at_write(body, len);
		break;
	case FUSE_OPEN:
		look_at_open(body, len);
		break;
	case FUSE_SETATTR:
		if (len >= sizeof(struct fuse_setattr_in) && ((const struct fuse_setattr_in *)body)->valid & FATTR_SIZE)
			count(true);
		break;
	case FUSE_SETXATTR:
		if (len < sizeof(struct setxattr_in) || !atomic_load_explicit(&setxattr_ext, memory_order_relaxed))
			break;
		carried.kills_setgid = ((const struct setxattr_in *)body)->setxattr_flags & SETXATTR_ACL_KILL_SGID;
		cut(in, n, SETXATTR_SHORT, sizeof(struct setxattr_in) - SETXATTR_SHORT);
		break;
#if FUSE_VERSION < FUSE_MAKE_VERSION(3, 17)
	case OP_TMPFILE:
		carried.tmpfile = true;
		in->opcode = FUSE_CREATE;
		break;
#endif
	case OP_STATX:
		if (len < sizeof(struct statx_in))
			break;
		carried.statx = true;
		in->opcode = FUSE_GETATTR;
		cut(in, n, sizeof(struct fuse_getattr_in), sizeof(struct statx_in) - sizeof(struct fuse_getattr_in));
		break;
	case FUSE_IOCTL:
		if (len >= sizeof(struct fuse_ioctl_in))
			served_ioctl(((const struct fuse_ioctl_in *)body)->fh, ((const struct fuse_ioctl_in *)body)->cmd,
				     ((const struct fuse_ioctl_in *)body)->arg);
		break;
	case FUSE_RELEASEDIR:
		if (len >= sizeof(struct fuse_release_in))
			served_releasedir(((const struct fuse_release_in *)body)->fh);
		break;
	case FUSE_INIT:
		if (len >= offsetof(struct fuse_init_in, flags) + sizeof(uint32_t))
			note_init(in, body);
		break;
	default:
		break;
	}
}

static ssize_t read_request(int fd, void *buf, size_t size, void *userdata)
{
	struct fuse_in_header *in = buf;
	ssize_t n = read(fd, buf, size);

	(void)userdata;
	memset(&carried, 0, sizeof(carried));
	if (n >= (ssize_t)sizeof(*in))
		look(in, in + 1, (size_t)n - sizeof(*in), &n);
	return n;
}

/* --- replies -------------------------------------------------------------------------------------------------- */

/*
 * The kernel copies replies out of the container's mapping. Where that cannot be read (the file was cut short, or
 * its disk fails), the request still gets an answer. errno stays EFAULT: the handler logs it.
 */
static ssize_t write_error(int fd, const struct fuse_out_header *out)
{
	struct fuse_out_header error = {.len = sizeof(error), .error = -EIO, .unique = out->unique};

	(void)!write(fd, &error, sizeof(error));
	errno = EFAULT;
	return -1;
}

void wire_want(unsigned capabilities)
{
	wanted = capabilities;
}

/* The flags that are wanted and offered; says which of them libfuse would have left out of `sent`. */
static uint32_t agreed(uint32_t sent)
{
	char names[512] = "";
	uint32_t flags = 0;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t len = strlen(names);

		if (!(wanted & known[i].capability) || !(offered & known[i].flag))
			continue;
		flags |= known[i].flag;
		snprintf(names + len, sizeof(names) - len, " %s%s", known[i].name,
			 sent & known[i].flag ? "" : " (left out by libfuse)");
	}
	log_line(LOG_DEBUG, "agreed with the kernel:%s", names);
	return flags;
}

static void add_to_init(const struct fuse_out_header *out, const struct iovec *body)
{
	struct fuse_init_out *init = body->iov_base;

	if (out->unique != init_unique)
		return;
	atomic_store(&init_pending, false);
	if (out->error != 0 || body->iov_len < offsetof(struct fuse_init_out, congestion_threshold) + sizeof(uint16_t))
		return;
	init->flags |= agreed(init->flags) | (offered & ADDED);
	init->congestion_threshold = WIRE_CONGESTION;
	atomic_store(&setxattr_ext, (offered & FUSE_SETXATTR_EXT) != 0);
}

static ssize_t write_reply(int fd, struct iovec *iov, int count, void *userdata)
{
	const struct fuse_out_header *out = iov[0].iov_base;
	ssize_t n;

	(void)userdata;
	if (atomic_load_explicit(&init_pending, memory_order_acquire) && count == 2)
		add_to_init(out, &iov[1]);
	/* Notifications, which a handler may send before its reply, answer nothing: `unique` is 0, and `error` what they are.
	 */
	if (carried.counted && out->unique != 0) {
		carried.counted = false;
		served_answered(carried.number, carried.cached && out->error != 0);
	}
	n = writev(fd, iov, count);
	return n < 0 && errno == EFAULT ? write_error(fd, out) : n;
}

static struct sx_time sx_time(const struct timespec *t)
{
	return (struct sx_time){.sec = t->tv_sec, .nsec = (uint32_t)t->tv_nsec};
}

int wire_reply_statx(fuse_req_t req, const struct stat *st, const struct timespec *btime, double timeout)
{
	const struct statx_out out = {
	    .attr_valid = (uint64_t)timeout, /* whole seconds are exact enough */
	    .stat =
		{
		    .mask = STATX_BASIC_STATS | STATX_BTIME,
		    .blksize = (uint32_t)st->st_blksize,
		    .nlink = (uint32_t)st->st_nlink,
		    .uid = st->st_uid,
		    .gid = st->st_gid,
		    .mode = (uint16_t)st->st_mode,
		    .ino = st->st_ino,
		    .size = (uint64_t)st->st_size,
		    .blocks = (uint64_t)st->st_blocks,
		    .atime = sx_time(&st->st_atim),
		    .btime = sx_time(btime),
		    .ctime = sx_time(&st->st_ctim),
		    .mtime = sx_time(&st->st_mtim),
		    .rdev_major = major(st->st_rdev),
		    .rdev_minor = minor(st->st_rdev),
		},
	};

	return fuse_reply_buf(req, (const char *)&out, sizeof(out));
}

int wire_install(struct fuse_session *se)
{
	static const struct fuse_custom_io io = {.read = read_request, .writev = write_reply};
	int res = fuse_session_custom_io(se, &io, fuse_session_fd(se));

	if (res == 0)
		return 0;
	log_line(LOG_ERR, "cannot see the messages of the mount: %s", strerror(-res));
	return -1;
}

void wire_refuse(int fd)
{
	static _Alignas(
	    struct fuse_in_header) char request[2 * FUSE_MIN_READ_BUFFER]; /* the kernel takes none that is smaller */
	const struct fuse_in_header *in = (const struct fuse_in_header *)request;
	struct fuse_out_header out = {.len = sizeof(out), .error = -EIO};
	struct pollfd readable = {.fd = fd, .events = POLLIN};

	if (poll(&readable, 1, 0) < 1 || !(readable.revents & POLLIN) ||
	    read(fd, request, sizeof(request)) < (ssize_t)sizeof(*in))
		return;
	out.unique = in->unique;
	(void)!write(fd, &out, sizeof(out));
}

void wire_answers_later(bool lost)
{
	if (!carried.counted)
		return;
	carried.counted = false;
	served_answered(carried.number, lost && carried.cached);
}

bool wire_kills_set_id(void)
{
	return carried.kills_set_id;
}

bool wire_kills_setgid(void)
{
	return carried.kills_setgid;
}

bool wire_is_tmpfile(void)
{
	return carried.tmpfile;
}

bool wire_is_statx(void)
{
	return carried.statx;
}
