#!/usr/bin/env bash
# name_to_handle_at(2) and open_by_handle_at(2): the handles that NFS servers give to their clients.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

handles=$build/tests/mount/handles

handle() {
	"$handles" save "$1"
}

show() {
	"$handles" show "$mnt" "$1"
}

# The file, directory, symbolic link or fifo of a handle is the same inode with the same contents, also when it is opened
# by a later mount before anything was looked up there.
test_after_remount() {
	need_root
	local name saved want
	mkdir -p "$mnt/a/b/dir"
	echo contents >"$mnt/a/b/file"
	ln -s target "$mnt/a/b/link"
	mkfifo "$mnt/a/b/fifo"
	declare -A saved want
	for name in file dir link fifo; do
		saved[$name]=$(handle "$mnt/a/b/$name")
		want[$name]=$(show "${saved[$name]}")
		expect "$(stat -c %i "$mnt/a/b/$name")" "$(head -n 1 <<<"${want[$name]}" | cut -d ' ' -f 1)" "inode of $name"
	done
	remount_it
	for name in file dir link fifo; do
		expect "${want[$name]}" "$(show "${saved[$name]}")" "$name after a remount"
	done
	expect contents "$(show "${saved[file]}" | tail -n +2)"
}

# From a directory found by its handle ".." leads upwards.
test_parent() {
	need_root
	local saved
	mkdir -p "$mnt/a/b"
	saved=$(handle "$mnt/a/b")
	remount_it
	expect "$(stat -c %i "$mnt/a")" "$("$handles" parent "$mnt" "$saved")"
}

# A handle stands for the inode, whatever becomes of its names.
test_renamed() {
	need_root
	local saved
	mkdir "$mnt/a" "$mnt/b"
	echo contents >"$mnt/a/f"
	saved=$(handle "$mnt/a/f")
	mv "$mnt/a/f" "$mnt/b/g"
	expect contents "$(show "$saved" | tail -n +2)"
	ln "$mnt/b/g" "$mnt/h"
	rm "$mnt/b/g"
	rmdir "$mnt/b"
	remount_it
	expect contents "$(show "$saved" | tail -n +2)"
}

# The handle of what was removed is stale, in this mount and in later ones, whatever is made afterwards.
test_removed() {
	need_root
	local file dir
	echo contents >"$mnt/f"
	mkdir "$mnt/d"
	file=$(handle "$mnt/f")
	dir=$(handle "$mnt/d")
	rm "$mnt/f"
	rmdir "$mnt/d"
	for _ in before after; do
		echo other >"$mnt/f"
		mkdir -p "$mnt/d"
		expect_error "open_by_handle_at: ESTALE" show "$file"
		expect_error "open_by_handle_at: ESTALE" show "$dir"
		remount_it
	done
}

# The handle of a file that was removed while it is open is good until it is closed.
test_removed_while_open() {
	need_root
	local saved
	echo contents >"$mnt/f"
	saved=$(handle "$mnt/f")
	exec 3<"$mnt/f"
	rm "$mnt/f"
	expect contents "$(show "$saved" | tail -n +2)"
	exec 3<&-
	expect_error "open_by_handle_at: ESTALE" show "$saved"
}

# A handle that no file system ever gave out is stale, and does no harm.
test_invented() {
	need_root
	local saved number
	: >"$mnt/f"
	saved=$(handle "$mnt/f")
	for number in 0000000000000000 ffffffffffffffff 3930000000000000; do
		expect_error "open_by_handle_at: ESTALE" show "${saved%%:*}:$number${saved:$((${#saved} - 8))}"
	done
	expect "$(stat -c %i "$mnt/f")" "$(show "$saved" | cut -d ' ' -f 1)"
}

run_tests "$@"
