#!/usr/bin/env bash
# rsync(1): trees are the same after it, and it finds nothing left to do.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
# shellcheck source=tests/mount/trees.sh
. "$(dirname "$0")/trees.sh" || exit 1
need_programs rsync

# All that a file has, and times to the nanosecond: without this, rsync leaves a time that is right to the second.
all=(-aHX --modify-window=-1)

# nothing_to_do OPTION...: rsync with these options and -i names nothing, not even an attribute that differs.
nothing_to_do() {
	expect "" "$(rsync -i "$@")" "what rsync $* would still change"
}

# sync_twice NAME TREE: into the mount, where a second run and one that compares every byte have nothing to do.
sync_twice() {
	rsync "${all[@]}" "$2/" "$mnt/$1"
	nothing_to_do "${all[@]}" "$2/" "$mnt/$1"
	remount_it
	nothing_to_do "${all[@]}" "$2/" "$mnt/$1"
	nothing_to_do "${all[@]}" -c "$2/" "$mnt/$1"
	same_tree "$2" "$mnt/$1"
}

# One of everything, with hard links and extended attributes.
test_one_of_everything() {
	make_odd_tree "$scratch/odd"
	sync_twice odd "$scratch/odd"
}

# Some hundreds of files.
test_many_files() {
	make_plain_tree "$scratch/plain"
	sync_twice plain "$scratch/plain"
}

# All of /usr/include.
long_include() {
	sync_twice include /usr/include
}

# Out of the mount, and between two folders of it.
test_from_the_mount() {
	make_odd_tree "$mnt/odd"
	remount_it
	rsync "${all[@]}" "$mnt/odd/" "$scratch/out"
	nothing_to_do "${all[@]}" "$mnt/odd/" "$scratch/out"
	rsync "${all[@]}" "$mnt/odd/" "$mnt/inside"
	nothing_to_do "${all[@]}" "$mnt/odd/" "$mnt/inside"
	remount_it
	same_tree "$mnt/odd" "$scratch/out"
	same_tree "$mnt/odd" "$mnt/inside"
}

# Changed, new, moved and removed files are found and sent.
test_changes() {
	make_plain_tree "$scratch/plain"
	sync_twice plain "$scratch/plain"
	echo more >>"$scratch/plain/fs.h"
	echo new >"$scratch/plain/new"
	chmod 600 "$scratch/plain/stat.h"
	rm "$scratch/plain/kd.h"
	mv "$scratch/plain/can" "$scratch/plain/could"
	rsync "${all[@]}" --delete --delay-updates "$scratch/plain/" "$mnt/plain"
	nothing_to_do "${all[@]}" --delete "$scratch/plain/" "$mnt/plain"
	remount_it
	same_tree "$scratch/plain" "$mnt/plain"
}

# A large file of which a little changed: only that is sent, written into the file in place or beside it.
test_delta() {
	local option
	head -c 3000000 /dev/urandom >"$scratch/large"
	for option in --inplace --no-inplace; do
		cp "$scratch/large" "$mnt/large"
		printf changed | dd of="$scratch/large" bs=1 seek=1500000 conv=notrunc status=none
		printf %s "$option" >>"$scratch/large"
		rsync -a --no-whole-file --stats "$option" "$scratch/large" "$mnt/large" >"$scratch/stats"
		[ "$(sed -n 's/^Literal data: \([0-9,]*\) bytes/\1/p' "$scratch/stats" | tr -d ,)" -lt 20000 ] ||
			fail "$option: $(grep Literal "$scratch/stats")"
		remount_it
		cmp "$scratch/large" "$mnt/large" || fail "wrong contents after $option"
	done
}

# With -S a file's holes take no room in the container.
test_sparse() {
	truncate -s 200M "$scratch/sparse"
	echo middle | dd of="$scratch/sparse" bs=1 seek=100M conv=notrunc status=none
	rsync -aS "$scratch/sparse" "$mnt/"
	nothing_to_do -aSc "$scratch/sparse" "$mnt/"
	[ "$(stat -c %s "$container")" -lt 1000000 ] || fail "the container has $(stat -c %s "$container") bytes"
	remount_it
	cmp "$scratch/sparse" "$mnt/sparse"
}

run_tests "$@"
