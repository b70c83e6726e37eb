#!/usr/bin/env bash
# The file system that the container lies in: ext4, XFS, btrfs (each in a file, through a loop device), tmpfs and overlayfs.
# On each: everything is there after the daemon was killed, after a remount and after compaction.
# All mounts are in a name space of their own, so that nothing is left of a test that fails.
set -u
if [ -z "${UNDERLYING_IN_NAME_SPACE:-}" ] && unshare -m true 2>/dev/null; then
	UNDERLYING_IN_NAME_SPACE=1 exec unshare -m --propagation private "$0" "$@"
fi
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
PATH=$PATH:/usr/sbin:/sbin

mount_options=()
files=({1..100})

# What lib.sh does at the end of a test, once nothing is mounted beneath.
eval "rest_of_$(declare -f clean_up)"
clean_up() {
	umount -R -l "$scratch/under" 2>/dev/null
	rest_of_clean_up
}

# in_a_loop TYPE MKFS-OPTION...: makes such a file system in a file, and mounts it on $scratch/under.
in_a_loop() {
	local type=$1
	shift
	need_root
	need_to unshare -m true
	need_programs "mkfs.$type"
	grep -qw "$type" /proc/filesystems || skip "this kernel has no $type"
	truncate -s 400M "$scratch/image"
	"mkfs.$type" "$@" "$scratch/image" >"$scratch/mkfs" 2>&1 || fail "$(cat "$scratch/mkfs")"
	mkdir "$scratch/under"
	need_to losetup -f
	mount -o loop "$scratch/image" "$scratch/under"
}

# compare_all: what make_all made.
compare_all() {
	cmp "$scratch/data" "$mnt/dir/data"
	expect "$(stat -c %s "$scratch/data")" "$(stat -c %s "$mnt/hole")" "size of the file with a hole"
	expect "$(printf 'file %d\n' "${files[@]}")" "$(cd "$mnt" && cat "${files[@]}")" "files"
}

make_all() {
	local i
	# More than is buffered in memory.
	head -c 20000000 /dev/urandom >"$scratch/data"
	mkdir "$mnt/dir"
	cp "$scratch/data" "$mnt/dir/data"
	truncate -s "$(stat -c %s "$scratch/data")" "$mnt/hole"
	for i in "${files[@]}"; do
		echo "file $i" >"$mnt/new"
		mv "$mnt/new" "$mnt/$i"
	done
}

# works_in FOLDER: a container there.
works_in() {
	local size
	container=$1/c.reel
	mount_it -o create
	make_all
	compare_all
	kill_it
	mount_it
	compare_all
	sync "$mnt/1"
	rm "$mnt/hole"
	truncate -s 20000000 "$mnt/hole"
	head -c 10000000 /dev/urandom >"$mnt/removed"
	rm "$mnt/removed"
	remount_it
	compare_all
	unmount_it
	size=$(stat -c %s "$container")
	"$reel" compact "$container" >"$scratch/compact" || fail "$(cat "$scratch/compact")"
	[ "$(stat -c %s "$container")" -lt $((size - 10000000)) ] || fail "the container did not become smaller"
	mount_it
	compare_all
	unmount_it
	"$reel" check "$container" >"$scratch/check" || fail "$(cat "$scratch/check")"
	expect c.reel "$(find "$1" -maxdepth 1 -type f -printf '%f\n')" "files in the folder"
}

# A container in ext4.
test_ext4() {
	in_a_loop ext4 -q
	works_in "$scratch/under"
}

# A container in ext4 without a journal and with blocks of 1 KiB.
test_ext4_without_journal() {
	in_a_loop ext4 -q -b 1024 -O ^has_journal
	works_in "$scratch/under"
}

# A container in XFS.
test_xfs() {
	in_a_loop xfs -q
	works_in "$scratch/under"
}

# A container in btrfs.
test_btrfs() {
	in_a_loop btrfs -q
	works_in "$scratch/under"
}

# A container in btrfs that compresses, and copies on each write.
test_btrfs_compressed() {
	in_a_loop btrfs -q
	mount -o remount,compress-force=zstd "$scratch/under"
	works_in "$scratch/under"
}

# A container in tmpfs.
test_tmpfs() {
	need_root
	need_to unshare -m true
	mkdir "$scratch/under"
	mount -t tmpfs -o size=300m none "$scratch/under"
	works_in "$scratch/under"
}

# A container in overlayfs, where the first change of one from the lower layer gives it another inode.
test_overlayfs() {
	need_root
	need_to unshare -m true
	mkdir "$scratch/under"
	mount -t tmpfs -o size=300m none "$scratch/under"
	mkdir "$scratch"/under/{lower,upper,work,merged}
	"$reel" init "$scratch/under/lower/c.reel"
	"$reel" write "$scratch/under/lower/c.reel" below 'in the lower layer'
	sha256sum "$scratch/under/lower/c.reel" >"$scratch/before"
	mount -t overlay -o "lowerdir=$scratch/under/lower,upperdir=$scratch/under/upper,workdir=$scratch/under/work" none \
		"$scratch/under/merged" || skip "this kernel has no overlayfs on tmpfs"
	works_in "$scratch/under/merged"
	expect "in the lower layer" "$("$reel" cat "$container" below)"
	sha256sum --quiet -c "$scratch/before" || fail "the lower layer has changed"
}

run_tests "$@"
