#!/usr/bin/env bash
# What several descriptors of one file see of each other, and files without a name.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

# A file that was removed while open can be read and written on, and is gone afterwards.
test_unlinked() {
	exec 3<>"$mnt/f"
	echo before >&3
	rm "$mnt/f"
	echo after >&3
	expect $'before\nafter' "$(cat /proc/self/fd/3)"
	expect 0 "$(stat -L -c %h /proc/self/fd/3)" links
	exec 3>&-
	expect "" "$(ls "$mnt")"
	remount_it
	expect "" "$(ls "$mnt")" "names after a remount"
}

# A removed file can be truncated through its descriptor.
test_unlinked_truncate() {
	echo something longer >"$mnt/f"
	"$syscall" truncate-unlinked "$mnt/f"
}

# A new file under the name of a removed one that is still open is another file.
test_name_of_an_open_file() {
	exec 3<>"$mnt/f"
	echo old >&3
	rm "$mnt/f"
	echo new >"$mnt/f"
	echo older >&3
	exec 3>&-
	remount_it
	expect new "$(cat "$mnt/f")"
}

# What one descriptor has written is read through another before either is closed.
test_seen_at_once() {
	exec 3>"$mnt/f"
	exec 4<"$mnt/f"
	echo one >&3
	expect one "$(cat <&4)"
	echo two >&3
	expect two "$(cat <&4)"
	exec 3>&- 4<&-
}

# The same without the writeback cache.
test_seen_at_once_without_writeback() {
	remount_it -o no_writeback_cache
	test_seen_at_once
}

# A file truncated by one descriptor is short for all, and a hole where another writes on.
test_truncated_under_a_writer() {
	exec 3>"$mnt/f"
	echo 12345 >&3
	: >"$mnt/f"
	expect 0 "$(stat -c %s "$mnt/f")"
	echo 6 >&3
	exec 3>&-
	remount_it
	printf '\0\0\0\0\0\0006\n' | cmp - "$mnt/f" || fail "wrong contents"
}

# A file that is opened for writing alone can be changed within a page.
test_write_only_within_a_page() {
	printf '%010000d' 0 >"$mnt/f"
	remount_it
	printf X | dd of="$mnt/f" bs=1 seek=5000 conv=notrunc status=none
	remount_it
	(
		printf '%05000d' 0
		printf X
		printf '%04999d' 0
	) | cmp - "$mnt/f" || fail "wrong contents"
}

# A file's data are there when a child has closed its copy of the descriptor, and again when the parent has.
test_inherited_descriptor() {
	exec 3>"$mnt/f"
	echo parent >&3
	(echo child >&3)
	echo parent >&3
	exec 3>&-
	remount_it
	expect_contents "$mnt/f" $'parent\nchild\nparent\n'
}

run_tests "$@"
