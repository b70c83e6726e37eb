#!/usr/bin/env bash
# bindfs 1.14.7 (libfuse 2.9.9): two hard links of one file, in one mount, are two files to the kernel.
#
# stat(2) tells the same device, the same inode number and a link count of 2 for both names, so a program has every reason
# to take them for one file. All the same
#   - flock(2) and fcntl(2) locks that two processes take through the two names do not see each other: both get an
#     exclusive lock at the same time (through one name the second is refused, as everywhere);
#   - what is written through one name and synced is not seen by a descriptor of the other that has read before: it goes on
#     reading the old bytes.
# The reason: libfuse's path-based interface makes a node for each path, and locks and pages belong to the kernel's inode of a node.
# Seen in the same way with fuse2fs 1.47.0, mergerfs 2.33.5, unionfs-fuse 1.0 and disorderfs 0.5.11, which use it too; not with
# gocryptfs 2.3 and fuse-overlayfs 1.10, which know inodes. Whoever locks a file that has several names (lock files made with
# link(2), mail spools, backup programs with a store of links) has no lock on such file systems.
#
# Needs root, /dev/fuse, python3 and Debian 12's package sources. Prints what it sees; fails when that changes.
set -euo pipefail

work=$(mktemp -d)
cleanup() {
	umount "$work/mnt" 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT
cd "$work"
apt-get -q download bindfs=1.14.7-1 libfuse2=2.9.9-6+b1 >apt.log 2>&1 || {
	cat apt.log
	exit 1
}
for package in ./*.deb; do
	dpkg -x "$package" root
done
export LD_LIBRARY_PATH=$work/root/lib/x86_64-linux-gnu:$work/root/usr/lib/x86_64-linux-gnu
mkdir below mnt
root/usr/bin/bindfs --version | head -n 1
root/usr/bin/bindfs below mnt

cat >look.py <<'PY'
import fcntl, os, sys

one, two = os.path.join(sys.argv[1], "one"), os.path.join(sys.argv[1], "two")
with open(one, "w") as f:
    f.write("old")
os.link(one, two)
a, b, again = (os.open(n, os.O_RDWR) for n in (one, two, one))
s, t = os.fstat(a), os.fstat(b)
print("same device and inode:", (s.st_dev, s.st_ino) == (t.st_dev, t.st_ino), "links:", s.st_nlink, t.st_nlink)


def flock(fd):
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return "granted"
    except BlockingIOError:
        return "refused"


def record_lock_of_child(name):
    child = os.fork()
    if child == 0:
        try:
            fcntl.lockf(os.open(name, os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB)
            os._exit(0)
        except OSError:
            os._exit(1)
    return "refused" if os.waitpid(child, 0)[1] else "granted"


print("flock: one", flock(a) + ", one again", flock(again) + ", two", flock(b))
fcntl.lockf(a, fcntl.LOCK_EX)
print("fcntl: one again", record_lock_of_child(one) + ", two", record_lock_of_child(two))
os.pread(b, 3, 0)
os.pwrite(a, b"new", 0)
os.fsync(a)
print("written through one: new, read through two:", os.pread(b, 3, 0).decode())
PY

cat >expected <<'TXT'
same device and inode: True links: 2 2
flock: one granted, one again refused, two granted
fcntl: one again refused, two granted
written through one: new, read through two: old
TXT
python3 look.py mnt | tee seen
diff expected seen && echo "as described"
