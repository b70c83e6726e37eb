#!/usr/bin/env bash
# Files mapped into memory.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

# Stores in a shared mapping and writes see each other, and both are kept.
test_shared() {
	head -c 20000 /dev/urandom >"$mnt/f"
	cp "$mnt/f" "$scratch/want"
	printf M | dd of="$scratch/want" bs=1 seek=4096 conv=notrunc status=none
	printf W | dd of="$scratch/want" bs=1 seek=8192 conv=notrunc status=none
	"$syscall" mmap-shared "$mnt/f"
	cmp "$scratch/want" "$mnt/f"
	remount_it
	cmp "$scratch/want" "$mnt/f"
}

# The same without the writeback cache.
test_shared_without_writeback() {
	remount_it -o no_writeback_cache
	test_shared
}

# Stores after the file was closed are kept.
test_after_close() {
	printf '%05000d' 0 >"$mnt/f"
	"$syscall" mmap-after-close "$mnt/f"
	remount_it
	expect closed "$(head -c 6 "$mnt/f")"
	expect 5000 "$(stat -c %s "$mnt/f")" size
}

# Stores in a private mapping are the process's own.
test_private() {
	printf '%05000d' 0 >"$mnt/f"
	"$syscall" mmap-private "$mnt/f"
	printf '%05000d' 0 | cmp - "$mnt/f"
}

# A program is run from the mount, and a library's way of use (mapping to read) works from a cold cache.
test_run_a_program() {
	cp /bin/ls "$mnt/ls"
	remount_it
	expect ls "$("$mnt/ls" "$mnt")"
}

run_tests "$@"
