#!/usr/bin/env bash
# Sizes and holes.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

# Cut short, the rest is as before; made longer again, what was cut is zeros and not the old bytes.
test_shrink_and_grow() {
	printf 'abcdefghij' >"$mnt/f"
	truncate -s 4 "$mnt/f"
	truncate -s 8 "$mnt/f"
	printf 'abcd\0\0\0\0' | cmp - "$mnt/f"
	remount_it
	printf 'abcd\0\0\0\0' | cmp - "$mnt/f"
}

# The same across remounts, so that the cut is of committed bytes.
test_shrink_and_grow_committed() {
	head -c 100000 /dev/urandom >"$scratch/want"
	cp "$scratch/want" "$mnt/f"
	remount_it
	truncate -s 50001 "$mnt/f" "$scratch/want"
	remount_it
	truncate -s 90000 "$mnt/f" "$scratch/want"
	cmp "$scratch/want" "$mnt/f"
	remount_it
	cmp "$scratch/want" "$mnt/f"
}

# O_TRUNC empties a file, and the emptiness is kept although nothing is written.
test_open_truncate() {
	echo contents >"$mnt/f"
	remount_it
	: >"$mnt/f"
	expect 0 "$(stat -c %s "$mnt/f")"
	remount_it
	expect 0 "$(stat -c %s "$mnt/f")"
}

# A file of nothing but a hole has its size and reads as zeros.
test_only_a_hole() {
	truncate -s 10000000 "$mnt/f"
	remount_it
	expect 10000000 "$(stat -c %s "$mnt/f")"
	head -c 10000000 /dev/zero | cmp - "$mnt/f"
}

# Writing behind the end leaves a hole before, writing before the end leaves the rest.
test_sparse_writes() {
	printf X | dd of="$mnt/f" bs=1 seek=70000 conv=notrunc status=none
	printf Y | dd of="$mnt/f" bs=1 seek=30000 conv=notrunc status=none
	remount_it
	printf Z | dd of="$mnt/f" bs=1 seek=140000 conv=notrunc status=none
	remount_it
	truncate -s 140001 "$scratch/want"
	printf Y | dd of="$scratch/want" bs=1 seek=30000 conv=notrunc status=none
	printf X | dd of="$scratch/want" bs=1 seek=70000 conv=notrunc status=none
	printf Z | dd of="$scratch/want" bs=1 seek=140000 conv=notrunc status=none
	cmp "$scratch/want" "$mnt/f"
}

# A huge sparse file costs no space, and its last byte is where it was written.
test_huge_and_sparse() {
	printf L | dd of="$mnt/f" bs=1 seek=1T conv=notrunc status=none
	remount_it
	expect 1099511627777 "$(stat -c %s "$mnt/f")"
	expect L "$(tail -c 1 "$mnt/f")"
	[ "$(stat -c %s "$container")" -lt 1000000 ] || fail "the container has $(stat -c %s "$container") bytes"
}

# A smaller size by truncate(2) takes effect in a mapping's file that others have open.
test_seen_by_open_readers() {
	printf '0123456789' >"$mnt/f"
	exec 3<"$mnt/f"
	truncate -s 5 "$mnt/f"
	expect 01234 "$(cat <&3)"
	exec 3<&-
}

# Files of the sizes at which layouts change are right after a remount.
test_border_sizes() {
	local size
	for size in 0 1 2 63 64 65 4095 4096 4097 131071 131072 131073 1048575 1048576 1048577; do
		head -c $size /dev/urandom >"$scratch/$size"
		cp "$scratch/$size" "$mnt/$size"
	done
	printf '\0' >"$mnt/nul"
	head -c 64 /dev/zero >"$mnt/nuls"
	remount_it
	for size in 0 1 2 63 64 65 4095 4096 4097 131071 131072 131073 1048575 1048576 1048577; do
		cmp "$scratch/$size" "$mnt/$size"
	done
	printf '\0' | cmp - "$mnt/nul"
	head -c 64 /dev/zero | cmp - "$mnt/nuls"
}

run_tests "$@"
