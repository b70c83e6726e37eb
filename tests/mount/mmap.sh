#!/usr/bin/env bash
# Files mapped into memory.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
ranges=$build/tests/mount/ranges
cached=$build/tests/mount/cached

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

# Two mappings of a file, of two descriptors in two processes, are one.
test_two_mappings() {
	"$cached" two-mappings "$mnt/f"
	expect 'x o m x' "$(for page in 0 1 2 3; do tail -c +$((page * 4096 + 1)) "$mnt/f" | head -c 1; echo; done | xargs)"
}

# The mapping ends with the file: what is cut off gives SIGBUS, and is zeros when the file grows again.
test_end_of_the_file() {
	"$cached" mapped-end "$mnt/f"
}

# Stores by one process while another writes lose nothing of either.
test_stores_beside_writes() {
	"$cached" store-beside-write "$mnt/f"
	cp "$mnt/f" "$scratch/want"
	remount_it
	cmp "$scratch/want" "$mnt/f"
}

# A store in a hole makes data of its page, and of nothing else.
test_store_in_a_hole() {
	truncate -s 1000000 "$mnt/f"
	"$ranges" stored-then "$mnt/f" 500000 stored true
	expect '499712 503808' "$(in_one_line "$ranges" data-runs "$mnt/f")"
	expect stored "$(tail -c +500001 "$mnt/f" | head -c 6)"
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
