#!/usr/bin/env bash
# fuse3 3.14.0: mount.fuse3 asks the file system's program for dev and suid when nobody did, and only "nodev" and "nosuid" stop it.
#
# It is what mount(8) and fstab use for the types fuse, fuse3 and fuse.NAME where there is no mount.fuse.NAME. A program
# whose own default is nodev,nosuid, as that of fusermount3 is, so gets the contrary from an fstab line of "defaults", and cannot tell
# that from a user who asked. Each of the two is added alone: "nosuid" does not keep "dev" away.
#
# A script stands for the file system; nothing is mounted. Needs root and Debian 12's package sources. Prints what it sees;
# fails when that changes.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -q download fuse3=3.14.0-4 libfuse3-3=3.14.0-4 >apt.log 2>&1 || {
	cat apt.log
	exit 1
}
for package in ./*.deb; do
	dpkg -x "$package" root
done
export LD_LIBRARY_PATH=$work/root/lib/x86_64-linux-gnu

cat >program <<'SH'
#!/bin/sh
shift 2
echo "$*"
SH
chmod +x program
mkdir place

asked() {
	echo "${*:-nothing}: $(root/sbin/mount.fuse3 "$work/program#source" place ${1:+-o "$1"})"
}

cat >expected <<'TXT'
nothing: -o dev,suid
rw: -o rw,dev,suid
nosuid: -o nosuid,dev
nodev,nosuid: -o nodev,nosuid
TXT
{
	asked
	asked rw
	asked nosuid
	asked nodev,nosuid
} | tee seen
diff expected seen && echo "as described"
