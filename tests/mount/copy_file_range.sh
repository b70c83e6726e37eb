#!/usr/bin/env bash
# copy_file_range(2).
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
ranges=$build/tests/mount/ranges

copy() {
	"$ranges" copy "$@"
}

# random_file NAME SIZE: in the mount, and the same in $scratch.
random_file() {
	head -c "$2" /dev/urandom >"$scratch/$1"
	cp "$scratch/$1" "$mnt/$1"
}

# want FROM OFFSET TO OFFSET LENGTH: the same copy outside of the mount.
want() {
	touch "$scratch/$3"
	dd if="$scratch/$1" of="$scratch/$3" bs=64K iflag=skip_bytes,count_bytes oflag=seek_bytes skip="$2" seek="$4" \
		count="$5" conv=notrunc status=none
}

# The files of these names are as in $scratch, now, after a remount, and after a compaction.
expect_same() {
	local name
	for name in "$@"; do
		cmp "$scratch/$name" "$mnt/$name"
	done
	remount_it
	for name in "$@"; do
		cmp "$scratch/$name" "$mnt/$name"
	done
	unmount_it
	"$reel" compact "$container" >/dev/null
	mount_it
	for name in "$@"; do
		cmp "$scratch/$name" "$mnt/$name"
	done
}

growth_since() {
	echo $(($(stat -c %s "$container") - $1))
}

# A copy of a large file costs a transaction, not its bytes; nor does reflink-aware cp write them.
test_cost() {
	local before
	random_file a 50000000
	before=$(stat -c %s "$container")
	expect 50000000 "$(copy "$mnt/a" 0 "$mnt/b" 0 50000000)"
	cp --reflink=auto "$mnt/a" "$mnt/c"
	cp "$mnt/a" "$mnt/d"
	[ "$(growth_since "$before")" -lt 10000 ] || fail "grew by $(growth_since "$before") bytes"
	for name in b c d; do
		cp "$scratch/a" "$scratch/$name"
	done
	expect_same a b c d
	[ "$(stat -c %s "$container")" -lt 51000000 ] || fail "compacted: $(stat -c %s "$container") bytes"
}

# Each of the files has blocks for all of its bytes, as on other file systems that share.
test_blocks() {
	random_file a 1000000
	expect 1000000 "$(copy "$mnt/a" 0 "$mnt/b" 0 1000000)"
	expect "$(stat -c %b "$mnt/a")" "$(stat -c %b "$mnt/b")"
}

# What is written, cut or removed of one file later is the other's no more, whichever it is.
test_independence() {
	local n
	random_file a 1000000
	for n in 1 2 3 4 5 6; do
		copy "$mnt/a" 0 "$mnt/b$n" 0 1000000 >/dev/null
		cp "$scratch/a" "$scratch/b$n"
	done
	for dir in "$mnt" "$scratch"; do
		printf 'written over' | dd of="$dir/b1" bs=1 seek=500000 conv=notrunc status=none
		truncate -s 300000 "$dir/b2"
		rm "$dir/b3"
		printf 'new' >"$dir/b4"
		fallocate -p -o 100000 -l 200000 "$dir/b5"
		rm "$dir/a"
	done
	expect_same b1 b2 b4 b5 b6
}

# Any range goes to any offset, also over what is there and past the end.
test_ranges() {
	random_file a 700000
	random_file b 500000
	expect 300001 "$(copy "$mnt/a" 12345 "$mnt/b" 99999 300001)"
	want a 12345 b 99999 300001
	expect 200000 "$(copy "$mnt/a" 400000 "$mnt/b" 900000 200000)"
	want a 400000 b 900000 200000
	expect 1100000 "$(stat -c %s "$mnt/b")" size
	expect_same a b
}

# A short range is copied as well.
test_short() {
	random_file a 10000
	expect 5000 "$(copy "$mnt/a" 100 "$mnt/b" 50 5000)"
	want a 100 b 50 5000
	expect 0 "$(copy "$mnt/a" 100 "$mnt/b" 50 0)"
	expect_same a b
}

# Less is copied at the source's end, and nothing past it.
test_past_the_end() {
	random_file a 300000
	expect 100000 "$(copy "$mnt/a" 200000 "$mnt/b" 0 500000)"
	want a 200000 b 0 500000
	expect 0 "$(copy "$mnt/a" 300000 "$mnt/b" 0 500000)"
	expect 0 "$(copy "$mnt/a" 300001 "$mnt/b" 0 500000)"
	expect_same a b
}

# Holes are copied as holes, over data too.
test_holes() {
	truncate -s 1000000 "$scratch/a"
	head -c 102400 /dev/urandom | dd of="$scratch/a" bs=4k oflag=seek_bytes seek=409600 conv=notrunc status=none
	cp --sparse=always "$scratch/a" "$mnt/a"
	random_file b 1500000
	expect 1000000 "$(copy "$mnt/a" 0 "$mnt/b" 0 1000000)"
	want a 0 b 0 1000000
	expect '409600 512000 1000000 1500000' "$(in_one_line "$ranges" data-runs "$mnt/b")"
	expect_same a b
}

# Within a file: parts that do not overlap are copied, others are refused.
test_within_a_file() {
	random_file a 500000
	expect_error 'copy_file_range: EINVAL' copy "$mnt/a" 0 "$mnt/a" 99999 100000
	expect_error 'copy_file_range: EINVAL' copy "$mnt/a" 99999 "$mnt/a" 0 100000
	expect_error 'copy_file_range: EINVAL' copy "$mnt/a" 5000 "$mnt/a" 5000 100000
	expect 100000 "$(copy "$mnt/a" 0 "$mnt/a" 100000 100000)"
	want a 0 a 100000 100000
	expect 100000 "$(copy "$mnt/a" 50000 "$mnt/a" 500000 100000)"
	want a 50000 a 500000 100000
	expect_same a
}

# A file opened for appending is no destination.
test_append() {
	random_file a 100000
	: >"$mnt/b"
	expect_error 'copy_file_range: EBADF' "$ranges" copy-to-append "$mnt/a" 0 "$mnt/b" 0 100000
	expect 0 "$(stat -c %s "$mnt/b")" size
}

# What was written and is in no container yet is copied, and copied over.
test_just_written() {
	random_file a 500000
	random_file b 500000
	for dir in "$mnt" "$scratch"; do
		"$ranges" copy-written "$dir/a" 1000 "$dir/b" 2000 300000 'just written'
	done
	expect_same a b
}

# A mapping of the destination has the copied bytes at once.
test_mapped() {
	random_file a 300000
	random_file b 300000
	"$ranges" copy-under-mapping "$mnt/a" "$mnt/b" 300000
	want a 0 b 0 300000
	expect_same a b
}

# A copy into the file of another user clears its set-id bits, as a write does.
test_set_id() {
	need_root
	remount_it -o allow_other
	random_file a 300000
	: >"$mnt/b"
	chmod 4777 "$mnt/b"
	chmod 755 "$mnt"
	expect 300000 "$(setpriv --reuid=65534 --regid=65534 --clear-groups "$ranges" copy "$mnt/a" 0 "$mnt/b" 0 300000)"
	expect 777 "$(stat -c %a "$mnt/b")" mode
}

# Times change as by a write.
test_times() {
	random_file a 300000
	random_file b 10
	touch -d 2001-01-01 "$mnt/a" "$mnt/b"
	copy "$mnt/a" 0 "$mnt/b" 0 300000 >/dev/null
	remount_it
	expect 2001 "$(date -r "$mnt/a" +%Y)" 'mtime of the source'
	[ "$(date -r "$mnt/b" +%Y)" != 2001 ] || fail "mtime of the destination is as before"
}

# What was copied is there after a kill of the daemon.
test_kill() {
	random_file a 1000000
	expect 1000000 "$(copy "$mnt/a" 0 "$mnt/b" 0 1000000)"
	kill_it
	mount_it
	cp "$scratch/a" "$scratch/b"
	expect_same a b
}

run_tests "$@"
