#!/usr/bin/env bash
# fallocate(2).
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
ranges=$build/tests/mount/ranges
mount_options=(-o "create,allow_other")

data_runs() {
	in_one_line "$ranges" data-runs "$1"
}

allocate() {
	"$ranges" allocate "$@"
}

# random_file NAME SIZE: in the mount, and the same in $scratch/want.
random_file() {
	head -c "$2" /dev/urandom >"$scratch/want"
	cp "$scratch/want" "$mnt/$1"
}

# zero_want OFFSET LENGTH: these bytes of $scratch/want become zeros.
zero_want() {
	head -c "$2" /dev/zero | dd of="$scratch/want" bs=64K oflag=seek_bytes seek="$1" conv=notrunc status=none
}

# Plain: the file grows to the range's end; what was there stays, the rest reads as zeros.
test_plain_grows() {
	random_file f 10000
	allocate "$mnt/f" plain 5000 20000
	truncate -s 25000 "$scratch/want"
	cmp "$scratch/want" "$mnt/f"
	remount_it
	cmp "$scratch/want" "$mnt/f"
}

# Within the file it changes nothing that can be read, and no size.
test_plain_within() {
	random_file f 10000
	allocate "$mnt/f" plain 0 5000
	cmp "$scratch/want" "$mnt/f"
}

# KEEP_SIZE: the size stays, also when the range lies past the end.
test_keep_size() {
	random_file f 10000
	allocate "$mnt/f" keep 5000 20000
	cmp "$scratch/want" "$mnt/f"
	remount_it
	cmp "$scratch/want" "$mnt/f"
}

# More than the disk has room for is refused at once, and the file is as before.
test_enospc() {
	random_file f 10000
	expect_error 'fallocate: ENOSPC' allocate "$mnt/f" plain 0 4000000000000000
	expect_error 'fallocate: ENOSPC' allocate "$mnt/f" keep 0 4000000000000000
	cmp "$scratch/want" "$mnt/f"
}

# PUNCH_HOLE: the range is a hole that reads as zeros, its neighbours and the size stay, and blocks are given back.
test_punch() {
	local before
	random_file f 300000
	before=$(stat -c %b "$mnt/f")
	allocate "$mnt/f" punch 100001 50000
	zero_want 100001 50000
	cmp "$scratch/want" "$mnt/f"
	expect '0 100001 150001 300000' "$(data_runs "$mnt/f")"
	[ "$(stat -c %b "$mnt/f")" -lt $((before - 90)) ] || fail "$(stat -c %b "$mnt/f") blocks, before $before"
	remount_it
	cmp "$scratch/want" "$mnt/f"
	expect '0 100001 150001 300000' "$(data_runs "$mnt/f")"
}

# What was just written, and is in no container yet, is punched as well; mappings of the file have the hole at once.
test_punch_of_what_was_just_written() {
	"$ranges" punch-written "$mnt/f"
	remount_it
	head -c 12288 /dev/zero | tr '\0' x >"$scratch/want"
	zero_want 4086 4096
	cmp "$scratch/want" "$mnt/f"
}

# Holes at the beginning, at the end, past the end, over everything, and one after another.
test_punch_borders() {
	random_file f 300000
	allocate "$mnt/f" punch 0 1
	allocate "$mnt/f" punch 299999 1
	allocate "$mnt/f" punch 300000 100000
	allocate "$mnt/f" punch 290000 1000000
	zero_want 0 1
	zero_want 290000 10000
	cmp "$scratch/want" "$mnt/f"
	remount_it
	cmp "$scratch/want" "$mnt/f"
	allocate "$mnt/f" punch 0 300000
	expect '300000 0' "$(stat -c '%s %b' "$mnt/f")"
	expect '' "$(data_runs "$mnt/f")"
	remount_it
	head -c 300000 /dev/zero | cmp - "$mnt/f"
}

# In a file of many parts a hole costs the container a record, not a list of all parts.
test_punch_costs_the_change() {
	local i before
	truncate -s 40M "$mnt/f"
	for ((i = 0; i < 1000; i++)); do
		printf x | dd of="$mnt/f" bs=1 seek=$((i * 40000)) conv=notrunc status=none
	done
	before=$(stat -c %s "$container")
	allocate "$mnt/f" punch 400000 1
	unmount_it
	[ $(($(stat -c %s "$container") - before)) -lt 150000 ] || fail "grew by $(($(stat -c %s "$container") - before))"
}

# ZERO_RANGE: zeros, and the file grows to the range's end.
test_zero_range() {
	random_file f 300000
	allocate "$mnt/f" zero 100001 50000
	zero_want 100001 50000
	cmp "$scratch/want" "$mnt/f"
	allocate "$mnt/f" zero 299990 1000
	zero_want 299990 1000
	cmp "$scratch/want" "$mnt/f"
	remount_it
	cmp "$scratch/want" "$mnt/f"
}

# ZERO_RANGE with KEEP_SIZE leaves the size.
test_zero_range_keep_size() {
	random_file f 300000
	allocate "$mnt/f" zero-keep 299990 1000
	zero_want 299990 10
	cmp "$scratch/want" "$mnt/f"
}

# Modes that the kernel's interface to file systems like this one does not have (docs/POSIX.md).
test_unsupported() {
	random_file f 300000
	expect_error 'fallocate: EOPNOTSUPP' allocate "$mnt/f" collapse 0 4096
	expect_error 'fallocate: EOPNOTSUPP' allocate "$mnt/f" insert 0 4096
	expect_error 'fallocate: EOPNOTSUPP' allocate "$mnt/f" punch-only 0 4096
	cmp "$scratch/want" "$mnt/f"
}

# Wrong arguments: a descriptor that is for reading, no length, a range before the start.
test_wrong_arguments() {
	random_file f 100
	expect_error 'fallocate: EBADF' "$ranges" allocate-read-only "$mnt/f"
	expect_error 'fallocate: EINVAL' allocate "$mnt/f" plain 0 0
	expect_error 'fallocate: EINVAL' allocate "$mnt/f" plain -1 10
	expect_error 'fallocate: EFBIG' allocate "$mnt/f" plain 9223372036854775000 900
	cmp "$scratch/want" "$mnt/f"
}

# mtime and ctime become now; both are kept.
test_times() {
	local before after
	random_file f 300000
	touch -d '2001-02-03 04:05:06' "$mnt/f"
	remount_it
	before=$(stat -c %.9Z "$mnt/f")
	allocate "$mnt/f" punch 0 1000
	after=$(stat -c '%.9Y %.9Z' "$mnt/f")
	[[ ${after% *} > $before ]] || fail "mtime is ${after% *}, and was changed after $before"
	[[ ${after#* } > $before ]] || fail "ctime is ${after#* }, and was changed after $before"
	remount_it
	expect "$after" "$(stat -c '%.9Y %.9Z' "$mnt/f")"
}

# Set-id bits go when a user without CAP_FSETID allocates or punches, and stay when root does.
test_set_id_bits() {
	local mode
	need_root
	random_file f 300000
	for mode in plain punch zero; do
		chmod 6777 "$mnt/f"
		allocate "$mnt/f" "$mode" 0 1000
		expect 6777 "$(stat -c %a "$mnt/f")" "after $mode by root"
		setpriv --reuid 12345 --regid 12345 --clear-groups "$ranges" allocate "$mnt/f" "$mode" 0 1000
		expect 777 "$(stat -c %a "$mnt/f")" "after $mode by another"
	done
}

run_tests "$@"
