#!/usr/bin/env bash
# cp(1): copies are the same as the original in all that is asked for.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
# shellcheck source=tests/mount/trees.sh
. "$(dirname "$0")/trees.sh" || exit 1

# Into the mount, with the default of other systems too.
test_into_the_mount() {
	make_odd_tree "$scratch/odd"
	copies "$scratch/odd" "$mnt/odd" cp -a "$scratch/odd" "$mnt/odd"
	copies "$scratch/odd" "$mnt/odd2" cp -a --reflink=auto "$scratch/odd" "$mnt/odd2"
}

# Within the mount, and out of it.
test_from_the_mount() {
	make_odd_tree "$mnt/odd"
	copies "$mnt/odd" "$mnt/inside" cp -a --reflink=auto "$mnt/odd" "$mnt/inside"
	cp -a --reflink=auto "$mnt/odd" "$scratch/out"
	same_tree "$mnt/odd" "$scratch/out"
}

# All of /usr/include.
long_include() {
	copies /usr/include "$mnt/include" cp -a /usr/include "$mnt/include"
	copies "$mnt/include" "$mnt/inside" cp -a "$mnt/include" "$mnt/inside"
}

# A copy is a file of its own: a change of one does not show in the other.
test_copy_is_independent() {
	head -c 300000 /dev/urandom >"$mnt/a"
	cp "$mnt/a" "$scratch/before"
	cp --reflink=auto "$mnt/a" "$mnt/b"
	printf changed | dd of="$mnt/a" bs=1 seek=1000 conv=notrunc status=none
	cmp "$scratch/before" "$mnt/b"
	cp "$mnt/a" "$scratch/after"
	echo more >>"$mnt/b"
	remount_it
	cmp "$scratch/after" "$mnt/a"
	expect 300005 "$(stat -c %s "$mnt/b")"
}

# With --sparse=always zeros become holes, which take no room in the container; with --sparse=auto holes stay.
test_sparse() {
	head -c 50000000 /dev/zero >"$scratch/zeros"
	echo end >>"$scratch/zeros"
	cp --sparse=always "$scratch/zeros" "$mnt/always"
	cp --sparse=auto "$mnt/always" "$mnt/auto"
	[ "$(stat -c %s "$container")" -lt 1000000 ] || fail "the container has $(stat -c %s "$container") bytes"
	cp --sparse=auto "$mnt/always" "$scratch/out"
	[ "$(stat -c %b "$scratch/out")" -lt 2000 ] || fail "the copy outside takes $(stat -c %b "$scratch/out") blocks"
	remount_it
	cmp "$scratch/zeros" "$mnt/always"
	cmp "$scratch/zeros" "$mnt/auto"
}

# With -l the copy has the same inodes, with -u only newer files are copied, with --backup the old one is kept.
test_options() {
	make_plain_tree "$mnt/plain"
	cp -al "$mnt/plain" "$mnt/links"
	expect "$(stat -c %i "$mnt/plain/fs.h")" "$(stat -c %i "$mnt/links/fs.h")" "inode of a link"
	expect 2 "$(stat -c %h "$mnt/plain/fs.h")" "link count"
	echo changed >"$scratch/fs.h"
	touch -d 2019-01-01 "$scratch/fs.h"
	cp -u "$scratch/fs.h" "$mnt/plain/"
	[ "$(stat -c %s "$mnt/plain/fs.h")" -gt 8 ] || fail "cp -u replaced a newer file"
	touch "$scratch/fs.h"
	cp -u --backup=numbered --remove-destination "$scratch/fs.h" "$mnt/plain/"
	remount_it
	expect changed "$(cat "$mnt/plain/fs.h")"
	expect "$(stat -c %i "$mnt/links/fs.h")" "$(stat -c %i "$mnt/plain/fs.h.~1~")" "inode of the backup"
}

run_tests "$@"
