#!/usr/bin/env bash
# Files of the sizes at which things change read back unchanged after a remount, through the mount and
# with reel cat, and files of any size in bounded memory.
# The tests named long_* run when they are named on the command line (tools/soak).
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh" || exit 1

mib=$((1 << 20))

# numbers BYTES: that many bytes, different at every place; at most 64 MiB.
numbers() {
	seq 10000000 19999999 | head -c "$1" || true # seq is cut off
}

# big_numbers BYTES: as numbers, for more than 64 MiB.
big_numbers() {
	local i
	[ -e "$scratch/block" ] || numbers $((64 * mib)) >"$scratch/block"
	for ((i = 0; i <= $1 / (64 * mib); i++)); do
		printf '%016d' $i
		cat "$scratch/block" || return
	done 2>/dev/null | head -c "$1" || true # the loop is cut off
}

# From 0 bytes to 1 MiB + 1, of numbers and of zeros only.
test_small_sizes() {
	local size name
	mkdir "$scratch/want"
	for size in 0 1 2 63 64 65 4095 4096 4097 131071 131072 131073 $((mib - 1)) $mib $((mib + 1)); do
		numbers "$size" >"$scratch/want/numbers-$size"
		head -c "$size" /dev/zero >"$scratch/want/zeros-$size"
	done
	cp "$scratch"/want/* "$mnt/"
	diff -r "$scratch/want" "$mnt" || fail "files differ in the mount that wrote them"
	remount_it
	diff -r "$scratch/want" "$mnt" || fail "files differ after a remount"
	unmount_it
	for name in "$scratch"/want/*; do
		"$reel" cat "$container" "${name##*/}" | cmp - "$name" || fail "reel cat ${name##*/} differs"
	done
}

# expect_peak_below MIB: the daemon has never used more memory, mapped files included.
expect_peak_below() {
	local peak
	peak=$(awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$daemon/status")
	echo "# peak memory of the daemon: $peak MiB"
	[ "$peak" -lt "$1" ] || fail "the daemon used more than $1 MiB"
}

# A file of 6 GiB is written, and read after a remount, with the daemon's memory under 512 MiB throughout.
long_6_gib() {
	local size=$((6 << 30)) want got
	want=$(big_numbers $size | tee "$mnt/big" | sha256sum)
	expect_peak_below 512
	expect $size "$(stat -c %s "$mnt/big")" "size after writing"
	remount_it
	expect $size "$(stat -c %s "$mnt/big")" "size after a remount"
	got=$(sha256sum <"$mnt/big")
	expect "$want" "$got" "checksum of 6 GiB"
	expect_peak_below 512
}

run_tests "$@"
