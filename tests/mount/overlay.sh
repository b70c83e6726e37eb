#!/usr/bin/env bash
# A mount as the upper layer of overlayfs, as container engines use one: it needs xattrs in trusted., whiteouts, RENAME_WHITEOUT
# and O_TMPFILE, and refuses an upper layer that lacks one of them.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

# Where the merged tree is; it is unmounted before the mount below it.
merge() {
	need_root
	grep -qw overlay /proc/filesystems || skip "this kernel has no overlayfs"
	merged=$scratch/merged
	mkdir -p "$scratch/lower/d" "$mnt/upper" "$mnt/work" "$merged"
	echo lower >"$scratch/lower/f"
	echo lower >"$scratch/lower/d/g"
	mount -t overlay -o "lowerdir=$scratch/lower,upperdir=$mnt/upper,workdir=$mnt/work" overlay "$merged" ||
		fail "overlayfs does not take the mount as upper layer: $(dmesg 2>/dev/null | tail -n 3)"
	trap 'umount -l "$merged" 2>/dev/null || true; clean_up' EXIT
	! findmnt -no OPTIONS "$merged" | grep -qw ro || fail "the overlay is read-only"
}

# Changes go to the upper layer and the lower one stays as it is; names that are removed or renamed are hidden.
test_changes() {
	merge
	echo upper >>"$merged/f"
	mv "$merged/f" "$merged/moved"
	rm -r "$merged/d"
	mkdir "$merged/d"
	echo new >"$merged/d/h"
	expect "lower upper" "$(in_one_line cat "$merged/moved")"
	expect "d moved" "$(in_one_line ls "$merged")"
	expect h "$(ls "$merged/d")" "names in a directory made anew"
	expect "character special file 0 0" "$(stat -c '%F %t %T' "$mnt/upper/f")" "what hides f"
	expect "d f lower lower" "$(in_one_line ls "$scratch/lower") $(in_one_line cat "$scratch/lower/f" "$scratch/lower/d/g")"
	umount "$merged"
}

# The merged tree is the same after a remount of both.
test_remount() {
	merge
	echo upper >"$merged/f"
	rm "$merged/d/g"
	umount "$merged"
	remount_it
	mount -t overlay -o "lowerdir=$scratch/lower,upperdir=$mnt/upper,workdir=$mnt/work" overlay "$merged"
	expect upper "$(cat "$merged/f")"
	expect "" "$(ls "$merged/d")"
	umount "$merged"
}

run_tests "$@"
