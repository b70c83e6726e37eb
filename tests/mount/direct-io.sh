#!/usr/bin/env bash
# Reading and writing with O_DIRECT, past the kernel's page cache.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
cached=$build/tests/mount/cached

# A file is written and read, its end in the middle of a block as well.
test_whole_file() {
	head -c 3000000 /dev/urandom >"$scratch/want"
	dd if="$scratch/want" of="$mnt/f" bs=256K oflag=direct status=none
	cmp "$scratch/want" "$mnt/f"
	dd if="$mnt/f" of="$scratch/got" bs=256K iflag=direct status=none
	cmp "$scratch/want" "$scratch/got"
	remount_it
	dd if="$mnt/f" of="$scratch/got" bs=256K iflag=direct status=none
	cmp "$scratch/want" "$scratch/got"
}

# Neither offset nor length has to be a multiple of anything.
test_unaligned() {
	head -c 100000 /dev/urandom >"$scratch/want"
	dd if="$scratch/want" of="$mnt/f" bs=777 oflag=direct status=none
	cmp "$scratch/want" "$mnt/f"
	dd if="$mnt/f" of="$scratch/got" bs=1001 iflag=direct status=none
	cmp "$scratch/want" "$scratch/got"
}

# A write into the middle changes just that, and one past the end leaves a hole before it.
test_middle_and_beyond() {
	head -c 100000 /dev/urandom >"$scratch/want"
	cp "$scratch/want" "$mnt/f"
	for file in "$scratch/want" "$mnt/f"; do
		head -c 8192 /dev/zero | tr '\0' m | dd of="$file" bs=4K seek=3 conv=notrunc oflag=direct iflag=fullblock status=none
		head -c 4096 /dev/zero | tr '\0' e | dd of="$file" bs=4K seek=100 conv=notrunc oflag=direct iflag=fullblock status=none
	done
	cmp "$scratch/want" "$mnt/f"
	remount_it
	cmp "$scratch/want" "$mnt/f"
}

# With O_APPEND it goes to the end, wherever others have moved that.
test_append() {
	printf 'one ' >"$mnt/f"
	printf 'two ' | dd of="$mnt/f" bs=4K oflag=append,direct conv=notrunc status=none
	printf 'three ' >>"$mnt/f"
	printf 'four' | dd of="$mnt/f" bs=4K oflag=append,direct conv=notrunc status=none
	expect_contents "$mnt/f" 'one two three four'
	remount_it
	expect_contents "$mnt/f" 'one two three four'
}

# What is written past the cache is seen at once by read(2) through the cache, and in a mapping.
test_seen_by_others() {
	"$cached" direct-write-seen "$mnt/f"
}

# What lies in the cache, written or stored in a mapping, is seen at once by a read past it.
test_sees_others() {
	"$cached" direct-read-sees "$mnt/f"
}

# The same without the writeback cache.
test_without_writeback() {
	remount_it -o no_writeback_cache
	"$cached" direct-write-seen "$mnt/f"
	"$cached" direct-read-sees "$mnt/g"
}

run_tests "$@"
