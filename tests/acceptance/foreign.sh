#!/usr/bin/env bash
# Files and entries are the same thing seen from two sides: what reel writes shows in the mount, and what is
# copied into the mount reads back with reel.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh" || exit 1

mount_options=()

# An entry that reel write made is a file of the mount, in the folders of its key.
test_reel_write_shows_in_the_mount() {
	"$reel" init "$container"
	"$reel" write "$container" docs/a.txt hello
	seq 100000 | "$reel" write "$container" docs/long
	mount_it
	expect_contents "$mnt/docs/a.txt" hello
	seq 100000 | cmp - "$mnt/docs/long"
}

# A file copied into the mount reads back with reel cat, beside the mount and after it.
test_copied_file_reads_back_with_reel_cat() {
	"$reel" init "$container"
	mount_it
	mkdir -p "$mnt/a/b/c"
	cp /usr/include/stdio.h "$mnt/a/b/c/"
	"$reel" cat "$container" a/b/c/stdio.h | cmp - /usr/include/stdio.h || fail "reel cat beside the mount differs"
	unmount_it
	"$reel" cat "$container" a/b/c/stdio.h | cmp - /usr/include/stdio.h || fail "reel cat differs"
}

# reel write over a file of the mount, reel mv and reel rm show in the next mount.
test_reel_changes_files_of_the_mount() {
	"$reel" init "$container"
	mount_it
	mkdir -p "$mnt/a/b"
	echo old >"$mnt/changed"
	echo moved >"$mnt/a/b/c"
	echo removed >"$mnt/removed"
	unmount_it
	"$reel" write "$container" changed new
	"$reel" mv "$container" a/b/c a/moved
	"$reel" rm "$container" removed
	mount_it
	expect_contents "$mnt/changed" new
	expect_contents "$mnt/a/moved" $'moved\n'
	[ ! -e "$mnt/a/b/c" ] || fail "a/b/c is still there after reel mv"
	[ ! -e "$mnt/removed" ] || fail "removed is still there after reel rm"
}

run_tests "$@"
