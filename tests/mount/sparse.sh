#!/usr/bin/env bash
# Files with holes, as programs make and copy them: a hole takes no room, here and in the container.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
ranges=$build/tests/mount/ranges

data_runs() {
	in_one_line "$ranges" data-runs "$1"
}

# sparse_file FILE: 3,000,000 bytes, data in two places.
sparse_file() {
	truncate -s 3000000 "$1"
	head -c 40960 /dev/urandom | dd of="$1" bs=4K seek=100 conv=notrunc status=none
	head -c 4096 /dev/urandom | dd of="$1" bs=4K seek=500 conv=notrunc status=none
}
runs='409600 450560 2048000 2052096'

# The container's bytes that all of the mount's changes have taken, once the file is closed.
container_size() {
	stat -c %s "$container"
}

# A file of 8 TiB is a matter of a transaction, and so is a byte at its end.
test_8_tib() {
	local before
	: >"$mnt/f"
	before=$(container_size)
	truncate -s 8T "$mnt/f"
	expect 8796093022208 "$(stat -c %s "$mnt/f")" size
	expect 0 "$(stat -c %b "$mnt/f")" blocks
	expect 0 "$(du -k "$mnt/f" | cut -f 1)" du
	printf x | dd of="$mnt/f" bs=1 seek=8796093022207 conv=notrunc status=none
	[ $(($(container_size) - before)) -lt 10000 ] || fail "the container grew by $(($(container_size) - before)) bytes"
	remount_it
	expect 8796093022208 "$(stat -c %s "$mnt/f")" size
	[ "$(du -k "$mnt/f" | cut -f 1)" -le 4 ] || fail "du: $(du -k "$mnt/f")"
	expect x "$(tail -c 1 "$mnt/f")"
	truncate -s 5 "$mnt/f"
	expect 0 "$(stat -c %b "$mnt/f")" blocks
}

# Sizes go up to what off_t can say.
test_largest() {
	truncate -s 9223372036854775807 "$mnt/f"
	remount_it
	expect 9223372036854775807 "$(stat -c %s "$mnt/f")" size
	expect 0 "$(stat -c %b "$mnt/f")" blocks
}

# du and st_blocks count what is no hole, whether just written, committed, punched or cut.
test_blocks() {
	sparse_file "$mnt/f"
	expect 88 "$(stat -c %b "$mnt/f")" 'blocks after writing'
	remount_it
	expect 88 "$(stat -c %b "$mnt/f")" 'blocks after a remount'
	expect 44 "$(du -k "$mnt/f" | cut -f 1)" du
	fallocate -p -o 409600 -l 4096 "$mnt/f"
	expect 80 "$(stat -c %b "$mnt/f")" 'blocks after a hole was punched'
	truncate -s 1000000 "$mnt/f"
	expect 72 "$(stat -c %b "$mnt/f")" 'blocks after it was cut'
}

# cp --sparse=always makes a hole of zeros, on the way in, within, and on the way out.
test_cp_sparse_always() {
	local before
	head -c 3000000 /dev/zero >"$scratch/zeros"
	before=$(container_size)
	cp --sparse=always "$scratch/zeros" "$mnt/zeros"
	expect 0 "$(stat -c %b "$mnt/zeros")" blocks
	[ $(($(container_size) - before)) -lt 10000 ] || fail "the container grew by $(($(container_size) - before)) bytes"
	cat "$scratch/zeros" >"$mnt/written"
	expect 5860 "$(stat -c %b "$mnt/written")" 'blocks of written zeros'
	cp --sparse=always "$mnt/written" "$mnt/again"
	expect 0 "$(stat -c %b "$mnt/again")" blocks
	cmp "$scratch/zeros" "$mnt/again"
}

# cp keeps the holes of what it copies, by finding them or by sharing.
test_cp_keeps_holes() {
	sparse_file "$mnt/f"
	cp "$mnt/f" "$mnt/auto"
	cp --reflink=never "$mnt/f" "$mnt/never"
	cp "$mnt/f" "$scratch/out"
	expect "$runs" "$(data_runs "$mnt/auto")"
	expect "$runs" "$(data_runs "$mnt/never")"
	remount_it
	for copy in "$mnt/auto" "$mnt/never" "$scratch/out"; do
		cmp "$mnt/f" "$copy"
	done
	expect "$runs" "$(data_runs "$mnt/auto")"
}

# tar -S keeps them both ways.
test_tar() {
	sparse_file "$mnt/f"
	tar -C "$mnt" -Scf "$scratch/tar" f
	[ "$(stat -c %s "$scratch/tar")" -lt 100000 ] || fail "the archive has $(stat -c %s "$scratch/tar") bytes"
	mkdir "$mnt/out"
	tar -C "$mnt/out" -xf "$scratch/tar"
	cmp "$mnt/f" "$mnt/out/f"
	expect "$runs" "$(data_runs "$mnt/out/f")"
	remount_it
	cmp "$mnt/f" "$mnt/out/f"
	expect "$runs" "$(data_runs "$mnt/out/f")"
}

# reel's compaction keeps them.
test_compaction() {
	sparse_file "$mnt/f"
	cp "$mnt/f" "$scratch/want"
	unmount_it
	"$reel" compact "$container" >/dev/null
	[ "$(container_size)" -lt 100000 ] || fail "the container has $(container_size) bytes"
	mount_it
	cmp "$scratch/want" "$mnt/f"
	expect "$runs" "$(data_runs "$mnt/f")"
}

# `fallocate -d` opens the file for writing, asks where data are, and takes the refusal (H1) for the end: it ends with 0 and has
# done nothing. Without the writeback cache it digs.
test_fallocate_dig() {
	{
		head -c 100000 /dev/urandom
		head -c 1000000 /dev/zero
		head -c 100000 /dev/urandom
	} >"$mnt/f"
	cp "$mnt/f" "$scratch/f"
	fallocate -d "$mnt/f"
	expect 2344 "$(stat -c %b "$mnt/f")" blocks
	remount_it -o no_writeback_cache
	fallocate -d "$mnt/f"
	[ "$(stat -c %b "$mnt/f")" -lt 500 ] || fail "$(stat -c %b "$mnt/f") blocks"
	cmp "$mnt/f" "$scratch/f"
}

# filefrag(8) cannot ask (FIEMAP), and says so with "0 extents" alone.
test_filefrag() {
	head -c 100000 /dev/urandom >"$mnt/f"
	need_programs filefrag
	expect "$mnt/f: 0 extents found" "$(filefrag "$mnt/f")"
}

run_tests "$@"
