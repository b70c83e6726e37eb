#!/usr/bin/env bash
# fanotify(7) with file handles in its events (FAN_REPORT_FID): what Linux does with a file system without an id.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
fanotify=$build/tests/mount/fanotify

# Before 6.8 it refuses every mark in such a file system.
need_marks() {
	"$fanotify" inode "$mnt" >/dev/null 2>"$scratch/error" && rm "$mnt/made" && return
	! grep -q ENODEV "$scratch/error" || skip "this kernel marks nothing in FUSE file systems"
	need_root
	fail "$(cat "$scratch/error")"
}

# Marks on files and directories work, and tell what happens.
test_marks_on_directories() {
	need_marks
	mkdir "$mnt/d"
	[ "$("$fanotify" inode "$mnt/d")" -gt 0 ] || fail "no event came"
}

# Those on a mount or a file system are refused.
test_marks_on_mounts_and_file_systems() {
	need_root
	need_marks
	expect_error ENODEV "$fanotify" mount "$mnt"
	expect_error ENODEV "$fanotify" filesystem "$mnt"
}

# One that watches here cannot watch elsewhere, nor the other way round.
test_marks_in_two_file_systems() {
	need_marks
	expect_error EXDEV "$fanotify" inode "$mnt" "$scratch"
	expect_error EXDEV "$fanotify" inode "$scratch" "$mnt"
}

run_tests "$@"
