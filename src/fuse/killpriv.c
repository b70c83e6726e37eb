/*
 * killpriv.c - reads the kernel's kill flags off requests, and sets FUSE_HANDLE_KILLPRIV_V2 in the reply to INIT.
 * Relies on libfuse handling a request in the thread that has read it, and on its sending the INIT reply
 * as two pieces, header and body. Answers for a reply whose data cannot be read. Changes nothing else in any message. The only
 * file that knows the layout of FUSE messages (linux/fuse.h).
 */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

#include <linux/fuse.h>
#include <fuse_lowlevel.h>

#include "killpriv.h"
#include "log.h"

/* Of the request that this thread has read last. */
static _Thread_local bool asked;

/* An INIT request that offers KILLPRIV_V2 was read and its reply has not been sent. */
static atomic_bool init_pending;
static uint64_t init_unique; /* written before init_pending is set, read after it was seen set */

static void note_init(const struct fuse_in_header *in, const struct fuse_init_in *init)
{
	if (init->major == 7 && (init->flags & FUSE_HANDLE_KILLPRIV_V2)) {
		init_unique = in->unique;
		atomic_store(&init_pending, true);
	}
}

static ssize_t read_request(int fd, void *buf, size_t size, void *userdata)
{
	const struct fuse_in_header *in = buf;
	const void *body = in + 1;
	ssize_t n = read(fd, buf, size);
	size_t len;

	(void)userdata;
	asked = false;
	if (n < (ssize_t)sizeof(*in))
		return n;
	len = (size_t)n - sizeof(*in);
	switch (in->opcode) {
	case FUSE_WRITE:
		asked = len >= sizeof(struct fuse_write_in) &&
			((const struct fuse_write_in *)body)->write_flags & FUSE_WRITE_KILL_SUIDGID;
		break;
	case FUSE_OPEN:
		asked = len >= sizeof(struct fuse_open_in) &&
			((const struct fuse_open_in *)body)->open_flags & FUSE_OPEN_KILL_SUIDGID;
		break;
	case FUSE_INIT:
		if (len >= offsetof(struct fuse_init_in, flags) + sizeof(uint32_t))
			note_init(in, body);
		break;
	default:
		break;
	}
	return n;
}

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

static ssize_t write_reply(int fd, struct iovec *iov, int count, void *userdata)
{
	ssize_t n;

	(void)userdata;
	if (atomic_load_explicit(&init_pending, memory_order_acquire) && count == 2) {
		const struct fuse_out_header *out = iov[0].iov_base;
		struct fuse_init_out *init = iov[1].iov_base;

		if (out->unique == init_unique) {
			atomic_store(&init_pending, false);
			if (out->error == 0 && iov[1].iov_len >= offsetof(struct fuse_init_out, flags) + sizeof(init->flags))
				init->flags |= FUSE_HANDLE_KILLPRIV_V2;
		}
	}
	n = writev(fd, iov, count);
	return n < 0 && errno == EFAULT ? write_error(fd, iov[0].iov_base) : n;
}

int killpriv_install(struct fuse_session *se)
{
	static const struct fuse_custom_io io = {.read = read_request, .writev = write_reply};
	int res = fuse_session_custom_io(se, &io, fuse_session_fd(se));

	if (res == 0)
		return 0;
	log_line(LOG_ERR, "cannot see the messages of the mount: %s", strerror(-res));
	return -1;
}

bool killpriv_asked(void)
{
	return asked;
}
