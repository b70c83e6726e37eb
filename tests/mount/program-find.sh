#!/usr/bin/env bash
# find(1): finds files by names, kinds, sizes, times and inodes, and removes them.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
# shellcheck source=tests/mount/trees.sh
. "$(dirname "$0")/trees.sh" || exit 1

# found ARGUMENT...: what find names in the mount, on one line.
found() {
	(cd "$mnt" && find . "$@" -print | LC_ALL=C sort | in_one_line cat)
}

# -newer follows the order in which files were written and made, where the clock of times has moved on.
test_newer() {
	local i
	mkdir "$mnt/d"
	for i in 1 2 3; do
		tick
		echo x >"$mnt/written$i"
		: >"$mnt/made$i"
		mkdir "$mnt/d/$i"
		ln -s x "$mnt/link$i"
	done
	remount_it
	for i in 1 2; do
		expect "" "$(found ! -newer "$mnt/written$i" -name "*$((i + 1))")" "what is later and not newer than written$i"
		expect "" "$(found -newer "$mnt/link$((i + 1))" -name "*$i")" "what is earlier and newer than link$((i + 1))"
	done
}

# Times that were set are found to the nanosecond, in the past and the future.
test_times() {
	touch -d '2001-01-01 00:00:00.000000001' "$mnt/a"
	touch -d '2001-01-01 00:00:00.000000002' "$mnt/b"
	touch -d '2040-01-01' "$mnt/c"
	touch -d '1950-01-01' "$mnt/d"
	remount_it
	expect "./b ./c" "$(found -type f -newer "$mnt/a")"
	expect "./a ./b" "$(found -type f -newermt 2000-12-31 ! -newermt 2001-01-02)"
	expect "./d" "$(found -type f ! -newermt 1970-01-01)"
	touch "$mnt/c"
	tick
	chmod 600 "$mnt/a"
	expect "./a" "$(found -newercm "$mnt/c" -name '[ac]')" "what was changed in any way since c was written"
}

# Kinds, sizes, modes, link counts and names of one inode.
test_attributes() {
	make_odd_tree "$mnt/odd"
	remount_it
	expect "./odd/fifo" "$(found -type p)"
	expect "./odd/long.symbolic ./odd/one.symbolic" "$(found -type l)"
	expect "./odd/long.symbolic" "$(found -lname '0*')"
	expect "./odd/deep/er/one.hard ./odd/one ./odd/one.hard" "$(found -samefile "$mnt/odd/one")"
	expect "./odd/deep/er/one.hard ./odd/one ./odd/one.hard" "$(found -links 3 -type f)"
	expect "./odd/deep/er/est ./odd/empty" "$(found -type d -empty)"
	expect "./odd/sparse" "$(found -size +1M)"
	expect "./odd/empty" "$(found -perm -1000)"
	expect "./odd/mode400" "$(found -perm 400)"
}

# As on the file system that a tree was copied from, whether directories are told by their link counts or not.
test_whole_tree() {
	make_plain_tree "$scratch/plain"
	cp -a "$scratch/plain" "$mnt/plain"
	local option
	for option in -noleaf -depth -name -type; do
		case $option in
		-name) set -- -name '*.h' ;;
		-type) set -- -type d ;;
		*) set -- "$option" ;;
		esac
		(cd "$scratch/plain" && find . "$@" | LC_ALL=C sort) >"$scratch/want"
		(cd "$mnt/plain" && find . "$@" | LC_ALL=C sort) | cmp - "$scratch/want" || fail "find $*"
	done
	expect "$(find "$scratch/plain" | wc -l)" "$(find "$mnt/plain" -inum +0 | wc -l)" "names with an inode"
}

# -delete removes everything, as it goes.
test_delete() {
	make_plain_tree "$mnt/plain"
	make_odd_tree "$mnt/odd"
	find "$mnt/plain" -name '*.h' -delete
	expect "" "$(find "$mnt/plain" -name '*.h')"
	find "$mnt" -mindepth 1 -delete
	remount_it
	expect "" "$(ls -A "$mnt")"
}

run_tests "$@"
