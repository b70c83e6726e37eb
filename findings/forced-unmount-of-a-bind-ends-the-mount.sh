#!/usr/bin/env bash
# Linux (seen on 6.18) and FUSE, with bindfs 1.14.7: `umount -f` of a bind mount ends the file system in all its other places.
#
# `umount` of a bind mount takes that one away, and `umount -l` too. With -f the kernel first aborts the connection to the daemon,
# which belongs to the file system and not to the place: the original mount, which nobody named, then answers "Transport endpoint is
# not connected", what was open there as well, and the daemon ends. umount(8) says nothing and ends with 0. It does so even when
# the bind mount is busy and stays.
#
# Needs root, /dev/fuse and Debian 12's package sources. Prints what it sees; fails when that changes.
set -euo pipefail

work=$(mktemp -d)
finish() {
	umount -l "$work/bound" "$work/mount" 2>/dev/null || true
	rm -rf "$work"
}
trap finish EXIT
cd "$work"
apt-get -q download bindfs=1.14.7-1 fuse3=3.14.0-4 libfuse3-3=3.14.0-4 >apt.log 2>&1 || {
	cat apt.log
	exit 1
}
for package in ./*.deb; do
	dpkg -x "$package" root
done
export PATH=$work/root/bin:$work/root/usr/bin:$PATH LD_LIBRARY_PATH=$work/root/lib/x86_64-linux-gnu

# unmounted WAY: takes the bind mount away by umount and its options, and says what the original has then.
unmounted() {
	bindfs tree mount
	mount --bind mount bound
	exec 3<mount/file
	umount "$@" bound
	echo "umount ${*:-alone}: status $?, by name: $(cat mount/file 2>&1), open: $(head -n 1 <&3 2>/dev/null || echo nothing)"
	exec 3<&-
	umount -l mount
}

mkdir tree mount bound
echo contents >tree/file
cat >expected <<'TXT'
umount alone: status 0, by name: contents, open: contents
umount -l: status 0, by name: contents, open: contents
umount -f: status 0, by name: cat: mount/file: Transport endpoint is not connected, open: nothing
TXT
{
	unmounted
	unmounted -l
	unmounted -f
} | tee seen
diff expected seen && echo "as described"
