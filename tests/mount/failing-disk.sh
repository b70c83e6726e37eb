#!/usr/bin/env bash
# A disk that fails: an ext4 on a loop device whose own disk is full, so that what the container is given cannot be stored.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
cached=$build/tests/mount/cached
mount_options=()

# loop_disk: an ext4 of 64 MiB at $scratch/loop, of which a tmpfs holds what is used; the container is on it.
loop_disk() {
	need_programs mkfs.ext4
	small_disk 24m
	truncate -s 64m "$scratch/disk/image"
	mkfs.ext4 -q "$scratch/disk/image"
	mkdir "$scratch/loop"
	mount -o loop "$scratch/disk/image" "$scratch/loop" 2>/dev/null || skip "no loop device can be mounted here"
	container=$scratch/loop/c.reel
}

remount_disk() {
	umount "$scratch/loop"
	mount -o loop "$scratch/disk/image" "$scratch/loop"
}

# fsync(2) says so, and never 0 again; what was synced can be read, then and after the disk works again; nothing more is
# written, and the log says so once.
test_sync_fails() {
	loop_disk
	mount_it -o create
	head -c 200000 /dev/urandom >"$scratch/kept"
	cp "$scratch/kept" "$mnt/kept"
	sync "$mnt/kept"
	exec 3>"$mnt/open"
	fill_disk
	expect_error "fsync failed for" dd if=/dev/urandom of="$mnt/big" bs=1M count=12 conv=fsync status=none
	echo more >&3 || true
	! "$syscall" fsync-fd 3 2>/dev/null || fail "a sync after the failure says that all is well"
	! "$syscall" fsync-fd 3 2>/dev/null || fail "a sync after the failure says that all is well"
	exec 3>&- || true
	expect_error "Read-only file system" touch "$mnt/new"
	cmp "$scratch/kept" "$mnt/kept" || fail "what was synced is lost"
	expect 1 "$(messages "nothing more will be written")" "messages"
	unmount_failed
	rm "$scratch/disk/ballast"
	remount_disk
	mount_it
	cmp "$scratch/kept" "$mnt/kept" || fail "what was synced is lost"
	echo works >"$mnt/new"
}

# What was written and could not be stored is not seen after its close, by nobody; a remount shows the same.
test_taken_back() {
	local file
	loop_disk
	mount_it -o create
	head -c 200000 /dev/urandom >"$scratch/kept"
	head -c 300000 /dev/urandom >"$scratch/new"
	for file in synced open written mapped; do
		cp "$scratch/kept" "$mnt/$file"
	done
	sync "$mnt/written"
	exec 3<"$mnt/open" 4<>"$mnt/written"
	fill_disk
	! dd if=/dev/urandom of="$mnt/big" bs=1M count=12 conv=fsync status=none 2>/dev/null || fail "the disk takes it"
	! dd if="$scratch/new" of="$mnt/synced" conv=notrunc,fsync status=none 2>/dev/null || fail "it was synced"
	! dd if="$scratch/new" of="$mnt/open" conv=notrunc status=none 2>/dev/null || fail "it was stored"
	! cat "$scratch/new" >&4 2>/dev/null || fail "it was stored"
	! "$cached" synced-then "$mnt/mapped" msync 1000 text true 2>/dev/null || fail "it was synced"
	exec 4>&- || true
	for file in synced open written mapped; do
		cmp "$scratch/kept" "$mnt/$file"
		expect 200000 "$(stat -c %s "$mnt/$file")" size
	done
	cmp "$scratch/kept" - <&3
	exec 3<&-
	unmount_failed
	rm "$scratch/disk/ballast"
	remount_disk
	mount_it
	for file in synced open written mapped; do
		cmp "$scratch/kept" "$mnt/$file"
	done
}

run_tests "$@"
