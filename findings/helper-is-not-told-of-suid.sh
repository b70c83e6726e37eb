#!/usr/bin/env bash
# util-linux 2.38.1: the helper that mount(8) calls for a type is never told of the options dev, suid, exec, async and atime, and is
# told of nodev, nosuid, noexec, sync, relatime and of words that mount(8) does not know.
#
# mount(8) knows the ones as the defaults of the kernel and takes them out of the list, also when the user gave them on the
# command line. For a helper whose own default is the contrary (as that of a FUSE file system which mounts nosuid,nodev unless it
# is asked otherwise), "nothing was said" and "suid,dev were asked for" are the same call. `defaults` is taken out the same way, and
# of "nosuid,suid" nothing is left. Only words of one's own get through.
#
# Runs in a mount namespace of its own, in which the helper lies over the folder where mount(8) looks for it.
# Needs root and Debian 12's package sources. Prints what it sees; fails when that changes.
set -euo pipefail

if [ "${1:-}" != inside ]; then
	exec unshare --mount "$0" inside
fi
work=$(mktemp -d)
finish() {
	umount -l /sbin 2>/dev/null || true
	rm -rf "$work"
}
trap finish EXIT
cd "$work"
apt-get -q download mount=2.38.1-5+deb12u3 libmount1=2.38.1-5+deb12u3 libblkid1=2.38.1-5+deb12u3 >apt.log 2>&1 || {
	cat apt.log
	exit 1
}
for package in ./*.deb; do
	dpkg -x "$package" root
done
export LD_LIBRARY_PATH=$work/root/lib/x86_64-linux-gnu

mkdir sbin place
cat >sbin/mount.example <<'SH'
#!/bin/sh
shift 2
echo "$*"
SH
chmod +x sbin/mount.example
mount --bind sbin /sbin

asked() {
	echo "$1: $("$work/root/bin/mount" -t example -o "$1" source place)"
}

cat >expected <<'TXT'
dev,suid: -o rw
dev,suid,exec,async,atime: -o rw
defaults: -o rw
nosuid,suid: -o rw
nodev,nosuid,noexec,sync,relatime: -o rw,nodev,nosuid,noexec,sync,relatime
my_suid,dev: -o rw,my_suid
TXT
{
	asked dev,suid
	asked dev,suid,exec,async,atime
	asked defaults
	asked nosuid,suid
	asked nodev,nosuid,noexec,sync,relatime
	asked my_suid,dev
} | tee seen
diff expected seen && echo "as described"
