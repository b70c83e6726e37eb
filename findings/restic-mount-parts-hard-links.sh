#!/usr/bin/env bash
# restic 0.14.0: in `restic mount` the names of one file have its link count, and inode numbers of their own.
#
# The repository knows that the names belong together: `restic restore` makes one inode of them, with three links. In the mount
# stat(1) shows three links for each of them and three different inode numbers, so that whatever compares inode numbers takes
# them for three files: du(1) counts the bytes three times, `tar` and `cp -a` from the mount make three files of them. What is
# copied out of the mount can be many times as large as what was backed up, and a change of one name is no longer seen under
# the others.
#
# Needs root, /dev/fuse and Debian 12's package sources. Prints what it sees; fails when that changes.
set -euo pipefail

work=$(mktemp -d)
mount=$work/mount
finish() {
	fusermount -u "$mount" 2>/dev/null || true
	rm -rf "$work"
}
trap finish EXIT
cd "$work"
apt-get -q download restic=0.14.0-1+b5 fuse3=3.14.0-4 libfuse3-3=3.14.0-4 >apt.log 2>&1 || {
	cat apt.log
	exit 1
}
for package in ./*.deb; do
	dpkg -x "$package" root
done
# restic calls the program by its older name.
mkdir bin
ln -s "$work/root/bin/fusermount3" bin/fusermount
export PATH=$work/bin:$work/root/usr/bin:$PATH LD_LIBRARY_PATH=$work/root/lib/x86_64-linux-gnu
export RESTIC_PASSWORD=secret RESTIC_REPOSITORY=$work/repository RESTIC_CACHE_DIR=$work/cache

# described FOLDER: link counts of its three names, how many inodes they are, and how many `cp -a` makes of them.
described() {
	cp -a "$1" "$work/copy"
	echo "links $(stat -c %h "$1"/* | tr '\n' ' ')inodes $(stat -c %i "$1"/* | sort -u | wc -l), copied $(
		stat -c %i "$work/copy"/* | sort -u | wc -l
	)"
	rm -r "$work/copy"
}

mkdir tree mount
head -c 100000 /dev/urandom >tree/a
ln tree/a tree/b
ln tree/a tree/c
restic -q init
restic -q backup tree
restic -q restore latest --target restored
restic mount "$mount" >mount.log 2>&1 &
for ((i = 0; i < 300; i++)); do
	[ ! -e "$mount/snapshots/latest" ] || break
	sleep 0.1
done

cat >expected <<'TXT'
backed up: links 3 3 3 inodes 1, copied 1
restored: links 3 3 3 inodes 1, copied 1
mounted: links 3 3 3 inodes 3, copied 3
TXT
{
	echo "backed up: $(described tree)"
	echo "restored: $(described restored/tree)"
	echo "mounted: $(described "$mount/snapshots/latest/tree")"
} | tee seen
diff expected seen && echo "as described"
