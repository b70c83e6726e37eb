#!/usr/bin/env bash
# One writer at a time.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

# A second writer is refused with the first one's process number, and the first goes on.
test_refused() {
	mkdir "$scratch/other"
	echo one >"$mnt/f"
	expect_error "$daemon" timeout 20 "$reelfs" -f -o lock_wait=0 "$container" "$scratch/other"
	echo two >>"$mnt/f"
	remount_it
	expect_contents "$mnt/f" $'one\ntwo\n'
}

# The same through another path to the container.
test_refused_through_a_link() {
	mkdir "$scratch/other"
	ln -s "$container" "$scratch/link"
	ln "$container" "$scratch/hard"
	expect_error "$daemon" timeout 20 "$reelfs" -f -o lock_wait=0 "$scratch/link" "$scratch/other"
	expect_error "$daemon" timeout 20 "$reelfs" -f -o lock_wait=0 "$scratch/hard" "$scratch/other"
}

# A mount that comes while the first one's daemon is ending waits for it: unmount and mount follow each other at once.
test_waits() {
	local i
	for i in 1 2 3 4 5; do
		echo "$i" >>"$mnt/f"
		fusermount3 -u "$mnt"
		mount_it
	done
	expect_contents "$mnt/f" $'1\n2\n3\n4\n5\n'
}

# A reader works beside the writer, and sees what was committed when it came.
test_reader_beside() {
	local writer=$daemon first=$mnt
	echo committed >"$mnt/f"
	sync "$mnt/f"
	mnt=$scratch/reader
	mkdir "$mnt"
	mount_it -o ro
	expect committed "$(cat "$mnt/f")"
	echo later >"$first/g"
	expect committed "$(cat "$mnt/f")"
	unmount_it
	mnt=$first
	daemon=$writer
	expect later "$(cat "$mnt/g")"
}

run_tests "$@"
