#!/usr/bin/env bash
# Expects that files of the sizes at which things change read back unchanged after a remount, through
# the mount and with reel cat. With "big": that a file of 6 GiB does too, with the daemon's peak
# memory under 512 MiB.
# usage: sizes.sh [big]
# shellcheck source=tests/acceptance/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

# numbers BYTES: that many bytes, different at every place.
numbers() {
	seq 1000000000 1999999999 2>/dev/null | head -c "$1"
}

small_sizes() {
	local size name
	mkdir "$scratch/want"
	for size in 0 1 2 63 64 65 4095 4096 4097 131071 131072 131073 1048575 1048576 1048577; do
		numbers $size >"$scratch/want/numbers-$size"
		head -c $size /dev/zero >"$scratch/want/zeros-$size"
	done
	cp "$scratch"/want/* "$mnt/" || fail "cp failed"
	remount
	diff -r "$scratch/want" "$mnt" || fail "files differ after a remount"
	for name in "$scratch"/want/*; do
		"$reel" cat "$container" "${name##*/}" | cmp - "$name" || fail "reel cat ${name##*/} differs"
	done
	pass "$(find "$scratch/want" -type f | wc -l) files of 0 bytes to 1 MiB + 1"
}

# The daemon's peak memory in KiB: all of it, and without the pages of mapped files.
peak_memory() {
	awk '/^VmHWM/ { print $2 }' "/proc/$daemon/status"
}

big_file() {
	local size=$((6 << 30)) want got peak
	numbers $size | tee "$mnt/big" | sha256sum >"$scratch/want.sum"
	peak=$(peak_memory)
	echo "peak memory of the daemon after writing 6 GiB: $((peak / 1024)) MiB"
	[ "$peak" -lt $((512 << 10)) ] || fail "the daemon used more than 512 MiB while writing"
	[ "$(stat -c %s "$mnt/big")" -eq $size ] || fail "the size is wrong after writing"
	remount
	[ "$(stat -c %s "$mnt/big")" -eq $size ] || fail "the size is wrong after a remount"
	sha256sum <"$mnt/big" >"$scratch/got.sum" || fail "reading failed"
	read -r want _ <"$scratch/want.sum"
	read -r got _ <"$scratch/got.sum"
	[ "$want" = "$got" ] || fail "6 GiB read back differ"
	peak=$(peak_memory)
	echo "peak memory of the daemon after reading 6 GiB: $((peak / 1024)) MiB"
	[ "$peak" -lt $((512 << 10)) ] || fail "the daemon used more than 512 MiB while reading"
	pass "a file of 6 GiB, in less than 512 MiB"
}

start_container
small_sizes
[ "${1:-}" != big ] || big_file
stop_container
