#!/usr/bin/env bash
# libfuse 3.14.0: FUSE_CAP_PARALLEL_DIROPS, which is wanted by default, never reaches the kernel.
#
# The file system's init() is shown the capability among those that the kernel offers, and among those that are wanted without
# its doing anything; the documentation calls it on by default. The reply to INIT that libfuse sends lacks the flag
# all the same, also when a file system asks for it itself, and with it the kernel locks a directory for each lookup
# and each reading of it: one slow lookup holds up all others in the directory. Other capabilities that are wanted do arrive
# (FUSE_CAP_READDIRPLUS here, so that the test is known to look at the right place). Only the bytes tell: no call of the library
# says what was sent.
#
# The library is given one end of a socket instead of /dev/fuse and one INIT request, and its reply is read. Nothing is mounted.
# Needs gcc and Debian 12's package sources. Prints what it sees; fails when that changes.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -q download libfuse3-3=3.14.0-4 libfuse3-dev=3.14.0-4 >apt.log 2>&1 || {
	cat apt.log
	exit 1
}
for package in ./*.deb; do
	dpkg -x "$package" root
done

cat >ask.c <<'C'
#define FUSE_USE_VERSION 314
#include <linux/fuse.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <fuse_lowlevel.h>

static int ask_for_it;

static const char *yes(unsigned flags, unsigned flag)
{
	return flags & flag ? "yes" : "no";
}

static void init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	printf("parallel dirops: offered %s, wanted by default %s", yes(conn->capable, FUSE_CAP_PARALLEL_DIROPS),
	       yes(conn->want, FUSE_CAP_PARALLEL_DIROPS));
	conn->want |= FUSE_CAP_READDIRPLUS;
	if (ask_for_it) {
		conn->want |= FUSE_CAP_PARALLEL_DIROPS;
		printf(", asked for");
	}
}

static ssize_t take(int fd, void *buf, size_t len, void *userdata)
{
	(void)userdata;
	return read(fd, buf, len);
}

static ssize_t give(int fd, struct iovec *iov, int count, void *userdata)
{
	(void)userdata;
	return writev(fd, iov, count);
}

int main(int argc, char **argv)
{
	static const struct fuse_lowlevel_ops ops = {.init = init};
	static const struct fuse_custom_io io = {.read = take, .writev = give};
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct {
		struct fuse_in_header header;
		struct fuse_init_in init;
	} request = {{sizeof(request), FUSE_INIT, 2, 0, 0, 0, 0, 0, 0},
		     {.major = 7, .minor = 36, .max_readahead = 131072, .flags = FUSE_PARALLEL_DIROPS | FUSE_DO_READDIRPLUS}};
	struct {
		struct fuse_out_header header;
		struct fuse_init_out init;
	} reply;
	struct fuse_session *session = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	struct fuse_buf buf = {0};
	int fd[2];

	ask_for_it = argc > 1;
	if (!session || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd) < 0 || fuse_session_custom_io(session, &io, fd[1]) != 0 ||
	    write(fd[0], &request, sizeof(request)) != (ssize_t)sizeof(request) || fuse_session_receive_buf(session, &buf) <= 0)
		return 2;
	fuse_session_process_buf(session, &buf);
	if (read(fd[0], &reply, sizeof(reply)) != (ssize_t)sizeof(reply) || reply.header.error)
		return 2;
	printf("; sent %s (readdirplus: sent %s)\n", yes(reply.init.flags, FUSE_PARALLEL_DIROPS),
	       yes(reply.init.flags, FUSE_DO_READDIRPLUS));
	return 0;
}
C
gcc -o ask ask.c -Iroot/usr/include/fuse3 root/lib/x86_64-linux-gnu/libfuse3.so.3.14.0

cat >expected <<'TXT'
parallel dirops: offered yes, wanted by default yes; sent no (readdirplus: sent yes)
parallel dirops: offered yes, wanted by default yes, asked for; sent no (readdirplus: sent yes)
TXT
export LD_LIBRARY_PATH=$work/root/lib/x86_64-linux-gnu
{
	./ask
	./ask please
} | tee seen
diff expected seen && echo "as described"
