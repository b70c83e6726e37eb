#!/usr/bin/env bash
# Whatever way bytes are written, a read begun after the write returned sees them: while other processes read the file
# through the page cache all the time, and after a remount.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
coherent=$build/tests/mount/coherent

# seen WAY SECONDS
seen() {
	local status=0
	"$coherent" "$mnt/f" "$2" "$1" "$scratch/model" || status=$?
	[ $status -ne 77 ] || skip "the kernel allows no $1"
	expect 0 $status "status with $1"
	cmp "$scratch/model" "$mnt/f"
}

# After a remount the file is what the model says.
kept() {
	remount_it "$@"
	cmp "$scratch/model" "$mnt/f"
}

# AIO past the page cache, which ends when nobody waits for it.
test_aio() {
	seen aio 1.5
	kept
}

# The same through io_uring.
test_io_uring() {
	seen direct-uring 1.5
	kept
}

# Every other way for itself: write(2), O_DIRECT, io_uring, a mapping, copy_file_range(2), punching, zeroing, truncation.
test_each_way() {
	local way
	for way in write direct uring mapping copy punch zero truncate; do
		seen $way 0.1
	done
	kept
}

# All of them by turns.
test_all_ways() {
	seen all 1.5
	kept
}

# The same without the writeback cache.
test_without_writeback() {
	remount_it -o no_writeback_cache
	seen aio 0.5
	seen all 1
	kept -o no_writeback_cache
}

run_tests "$@"
