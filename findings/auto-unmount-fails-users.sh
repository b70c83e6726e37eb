#!/usr/bin/env bash
# libfuse 3.14.0: with -o auto_unmount a mount of root goes away when its daemon is killed; that of a user stays, dead.
#
# Both times fusermount3 stays behind to watch the daemon, and notices its end. Before it unmounts it looks whether the mount point
# is dead, as root; but a user's mount without allow_other answers nobody but that user, root included, with "Permission
# denied", which fusermount3 does not take for dead. It ends without a word, and every access to the mount point gives "Transport
# endpoint is not connected" until somebody unmounts it. With allow_other it works for users as well.
#
# The file system is one directory that is empty. Runs in a mount namespace of its own, with a /dev/fuse that everybody may open.
# Needs root, gcc, setpriv and Debian 12's package sources. Prints what it sees; fails when that changes.
set -euo pipefail

if [ "${1:-}" != inside ]; then
	exec unshare --mount "$0" inside
fi
work=$(mktemp -d)
finish() {
	umount -l "$work"/mount.* 2>/dev/null || true
	rm -rf "$work"
}
trap finish EXIT
cd "$work"
chmod 755 .
apt-get -q download fuse3=3.14.0-4 libfuse3-3=3.14.0-4 libfuse3-dev=3.14.0-4 >apt.log 2>&1 || {
	cat apt.log
	exit 1
}
for package in ./*.deb; do
	dpkg -x "$package" root
done
cat >empty.c <<'C'
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <fuse.h>

static int attributes(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	(void)fi;
	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFDIR | 0755;
	st->st_nlink = 2;
	return strcmp(path, "/") == 0 ? 0 : -ENOENT;
}

int main(int argc, char **argv)
{
	static const struct fuse_operations operations = {.getattr = attributes};

	return fuse_main(argc, argv, &operations, NULL);
}
C
gcc -o empty empty.c -Iroot/usr/include/fuse3 root/lib/x86_64-linux-gnu/libfuse3.so.3.14.0

# What the package installs, where libfuse and fusermount3 look for it.
mknod -m 666 fuse c 10 229
mount --bind fuse /dev/fuse
chmod 4755 root/bin/fusermount3
mount --bind root/bin/fusermount3 /usr/bin/fusermount3
echo user_allow_other >fuse.conf
mount --bind fuse.conf /etc/fuse.conf
export LD_LIBRARY_PATH=$work/root/lib/x86_64-linux-gnu

# killed NAME OPTIONS COMMAND...: what is left of a mount when its daemon, started by the command, is killed.
killed() {
	local mount=$work/mount.$1 options=$2 i
	shift 2
	mkdir "$mount"
	chown 65534 "$mount"
	"$@" "$work/empty" -f -o "auto_unmount$options" "$mount" &
	for ((i = 0; i < 100; i++)); do
		! grep -q " $mount " /proc/mounts || break
		sleep 0.1
	done
	grep -q " $mount " /proc/mounts || { echo "was never mounted" && return; }
	kill -KILL $!
	wait $! 2>/dev/null || true
	for ((i = 0; i < 30; i++)); do
		grep -q " $mount " /proc/mounts || break
		sleep 0.1
	done
	grep -q " $mount " /proc/mounts && echo "is still mounted" || echo "is gone"
}

as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
cat >expected <<'TXT'
root: is gone
user: is still mounted
user with allow_other: is gone
TXT
{
	echo "root: $(killed root "" env)"
	echo "user: $(killed user "" "${as_user[@]}")"
	echo "user with allow_other: $(killed other ,allow_other "${as_user[@]}")"
} 2>errors | tee seen
diff expected seen || { cat errors; exit 1; }
echo "as described"
