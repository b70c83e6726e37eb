/*
 * agreed.c - what the reply to INIT says, as it goes out: src/fuse/init.c and wire.c with the installed libfuse on one end of
 * a socket instead of /dev/fuse. Nothing is mounted. Ends with 1, after a line that says what is wrong, unless just those flags
 * are in the reply that are wanted and that the kernel offers, whatever libfuse makes of them; with 77 where libfuse cannot be
 * used so.
 */
#include "config.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/fuse.h>

#include "../../src/fuse/log.h"
#include "../../src/fuse/ops.h"
#include "../../src/fuse/served.h"
#include "../../src/fuse/wire.h"

/* --- what init.c and wire.c call besides ---------------------------------------------------------------------- */

void log_line(int priority, const char *format, ...)
{
	va_list ap;

	(void)priority;
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
}

unsigned served_taken(bool shortens)
{
	return shortens;
}

void served_answered(unsigned number, bool lost)
{
	(void)number;
	(void)lost;
}

void served_ioctl(uint64_t fh, uint32_t command, uint64_t argument)
{
	(void)fh;
	(void)command;
	(void)argument;
}

void served_releasedir(uint64_t fh)
{
	(void)fh;
}

void fs_caller_stamps(struct fs *fs)
{
	(void)fs;
}

static void ready(void)
{
}

/* ------------------------------------------------------------------------------------------------------------------ */

static const struct flag {
	uint32_t bit;
	const char *name;
} wanted[] = {
    {FUSE_ASYNC_READ, "ASYNC_READ"},
    {FUSE_ATOMIC_O_TRUNC, "ATOMIC_O_TRUNC"},
    {FUSE_EXPORT_SUPPORT, "EXPORT_SUPPORT"},
    {FUSE_DONT_MASK, "DONT_MASK"},
    {FUSE_DO_READDIRPLUS, "DO_READDIRPLUS"},
    {FUSE_READDIRPLUS_AUTO, "READDIRPLUS_AUTO"},
    {FUSE_WRITEBACK_CACHE, "WRITEBACK_CACHE"},
    {FUSE_PARALLEL_DIROPS, "PARALLEL_DIROPS"},
    {FUSE_POSIX_ACL, "POSIX_ACL"},
    {FUSE_CACHE_SYMLINKS, "CACHE_SYMLINKS"},
    {FUSE_EXPLICIT_INVAL_DATA, "EXPLICIT_INVAL_DATA"},
    {FUSE_HANDLE_KILLPRIV_V2, "HANDLE_KILLPRIV_V2"},
    {FUSE_SETXATTR_EXT, "SETXATTR_EXT"},
};

/* What would change what programs see: why each is not wanted is told in init.c. */
static const struct flag unwanted[] = {
    {FUSE_AUTO_INVAL_DATA, "AUTO_INVAL_DATA"}, {FUSE_HANDLE_KILLPRIV, "HANDLE_KILLPRIV"}, {FUSE_ASYNC_DIO, "ASYNC_DIO"},
    {FUSE_POSIX_LOCKS, "POSIX_LOCKS"},         {FUSE_FLOCK_LOCKS, "FLOCK_LOCKS"},
};

struct request {
	struct fuse_in_header header;
	struct fuse_init_in init;
};

struct reply {
	struct fuse_out_header header;
	struct fuse_init_out init;
};

/* One INIT that offers `flags` and its reply. */
static int ask(uint32_t flags, struct reply *reply)
{
	static const struct fuse_lowlevel_ops ops = {.init = op_init};
	const struct options options = {.writeback = true, .xattrs = true};
	struct mount m = {.options = &options, .ready = ready};
	char *argv[] = {"agreed", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct request request = {{sizeof(request), FUSE_INIT, 2, 0, 0, 0, 0, 0, 0},
				  {.major = 7, .minor = 36, .max_readahead = 131072, .flags = flags}};
	struct fuse_session *session = fuse_session_new(&args, &ops, sizeof(ops), &m);
	struct fuse_buf buf = {0};
	char place[32];
	int fd[2], r = -1;

	if (session == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd) < 0)
		return -1;
	snprintf(place, sizeof(place), "/dev/fd/%d", fd[1]);
	m.session = session;
	if (fuse_session_mount(session, place) == 0 && wire_install(session) == 0 &&
	    write(fd[0], &request, sizeof(request)) == (ssize_t)sizeof(request) &&
	    fuse_session_receive_buf(session, &buf) > 0) {
		fuse_session_process_buf(session, &buf);
		if (read(fd[0], reply, sizeof(*reply)) == (ssize_t)sizeof(*reply) && reply->header.error == 0)
			r = 0;
	}
	free(buf.mem);
	fuse_session_destroy(session);
	fuse_opt_free_args(&args);
	close(fd[0]);
	return r;
}

static int judge(uint32_t offered, uint32_t sent)
{
	int wrong = 0;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if ((sent & wanted[i].bit) == (offered & wanted[i].bit))
			continue;
		printf("%s was%s offered and is%s in the reply\n", wanted[i].name, offered & wanted[i].bit ? "" : " not",
		       sent & wanted[i].bit ? "" : " not");
		wrong = 1;
	}
	for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++) {
		if (!(sent & unwanted[i].bit))
			continue;
		printf("%s is in the reply\n", unwanted[i].name);
		wrong = 1;
	}
	return wrong;
}

int main(void)
{
	/* All that there are, and what the oldest kernel that is supported may lack. */
	static const uint32_t offers[] = {~(uint32_t)0 & ~FUSE_INIT_RESERVED, FUSE_ASYNC_READ | FUSE_BIG_WRITES};
	struct reply reply;
	int wrong = 0;

	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		if (ask(offers[i], &reply) < 0) {
			perror("libfuse on a socket");
			return 77;
		}
		wrong |= judge(offers[i], reply.init.flags);
	}
	return wrong;
}
