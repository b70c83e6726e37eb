#!/usr/bin/env bash
# A container on a disk that is mounted read-only.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
mount_options=()

# It is mounted read-only, with a message, and everything can be read.
test_mounted_read_only() {
	small_disk 16m
	mount_it -o create
	echo text >"$mnt/f"
	unmount_it
	mount -o remount,ro "$scratch/disk"
	mount_it
	expect 1 "$(messages "is read-only, so it is mounted read-only")" "messages"
	expect text "$(cat "$mnt/f")"
	expect_error "Read-only file system" touch "$mnt/g"
	expect_error "Read-only file system" rm "$mnt/f"
	findmnt -n -o OPTIONS "$mnt" | grep -q '\<ro\>' || fail "the kernel does not know that it is read-only"
	unmount_it
	mount -o remount,rw "$scratch/disk"
	mount_it
	echo more >>"$mnt/f"
}

# A torn append at the end, which no writer can cut off there, does not keep it from being read.
test_torn_and_read_only() {
	small_disk 16m
	mount_it -o create
	echo text >"$mnt/f"
	kill_it
	head -c 1000 /dev/urandom >>"$container"
	cp "$container" "$scratch/before"
	mount -o remount,ro "$scratch/disk"
	mount_it
	expect text "$(cat "$mnt/f")"
	unmount_it
	mount -o remount,rw "$scratch/disk"
	cmp "$container" "$scratch/before" || fail "the container was changed"
	mount_it
	expect text "$(cat "$mnt/f")"
}

# A new container cannot be made there.
test_create() {
	small_disk 16m
	mount -o remount,ro "$scratch/disk"
	! try_mount -o create || fail "it was mounted"
	grep -qF "Read-only file system" "$scratch/log" || fail "no message: $(cat "$scratch/log")"
}

run_tests "$@"
