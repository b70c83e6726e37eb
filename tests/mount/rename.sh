#!/usr/bin/env bash
# rename(2) and renameat2(2).
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

# A renamed file keeps its number, bytes and times; the old name is gone.
test_plain() {
	local before
	echo contents >"$mnt/a"
	before=$(stat -c '%i %.9Y' "$mnt/a")
	mkdir "$mnt/d"
	mv "$mnt/a" "$mnt/d/b"
	expect "$before" "$(stat -c '%i %.9Y' "$mnt/d/b")"
	expect_error "No such file" stat "$mnt/a"
	remount_it
	expect "$before" "$(stat -c '%i %.9Y' "$mnt/d/b")" "after a remount"
	expect contents "$(cat "$mnt/d/b")"
}

# A file that is renamed over goes, and a descriptor of it reads on.
test_over_an_open_file() {
	echo old >"$mnt/a"
	echo new >"$mnt/b"
	exec 3<"$mnt/a"
	mv "$mnt/b" "$mnt/a"
	expect new "$(cat "$mnt/a")"
	expect old "$(cat <&3)"
	expect 0 "$(stat -L -c %h /proc/self/fd/3)" "links of the one renamed over"
	exec 3<&-
}

# A directory takes all below it along, to another parent too, whose link counts follow.
test_directory() {
	mkdir -p "$mnt/from/dir/sub" "$mnt/to"
	echo deep >"$mnt/from/dir/sub/f"
	mv "$mnt/from/dir" "$mnt/to/moved"
	expect deep "$(cat "$mnt/to/moved/sub/f")"
	expect '2 3' "$(in_one_line stat -c %h "$mnt/from" "$mnt/to")" "links of both parents"
	expect "$(stat -c %i "$mnt/to")" "$(stat -c %i "$mnt/to/moved/..")" "the moved directory's parent"
	remount_it
	expect deep "$(cat "$mnt/to/moved/sub/f")"
	expect "$(stat -c %i "$mnt/to")" "$(stat -c %i "$mnt/to/moved/..")" "the parent after a remount"
}

# Over an empty directory is possible; over one with names in it, a file, or below itself it is not.
test_directory_targets() {
	mkdir "$mnt/a" "$mnt/empty" "$mnt/full"
	: >"$mnt/full/x"
	: >"$mnt/f"
	expect_error "not empty" mv -T "$mnt/a" "$mnt/full"
	expect_error "directory" mv -T "$mnt/a" "$mnt/f"
	expect_error "directory" mv -T "$mnt/f" "$mnt/a"
	expect_error "subdirectory of itself" mv "$mnt/a" "$mnt/a/b"
	mv -T "$mnt/a" "$mnt/empty"
	expect "empty f full" "$(in_one_line ls "$mnt")"
}

# NOREPLACE moves to a free name, and says EEXIST where there is one.
test_noreplace() {
	echo a >"$mnt/a"
	echo b >"$mnt/b"
	expect_error EEXIST "$syscall" rename-noreplace "$mnt/a" "$mnt/b"
	expect b "$(cat "$mnt/b")"
	"$syscall" rename-noreplace "$mnt/a" "$mnt/c"
	expect a "$(cat "$mnt/c")"
}

# EXCHANGE swaps a file and a directory in different parents; both names must exist.
test_exchange() {
	mkdir -p "$mnt/p/dir" "$mnt/q"
	: >"$mnt/p/dir/inside"
	echo file >"$mnt/q/file"
	"$syscall" rename-exchange "$mnt/p/dir" "$mnt/q/file"
	expect file "$(cat "$mnt/p/dir")"
	expect inside "$(ls "$mnt/q/file")"
	expect '2 3' "$(in_one_line stat -c %h "$mnt/p" "$mnt/q")" "links of both parents"
	expect_error ENOENT "$syscall" rename-exchange "$mnt/p/dir" "$mnt/q/none"
	remount_it
	expect file "$(cat "$mnt/p/dir")"
	expect inside "$(ls "$mnt/q/file")"
	expect "$(stat -c %i "$mnt/q")" "$(stat -c %i "$mnt/q/file/..")" "the moved directory's parent"
}

# With WHITEOUT a character device 0:0 takes the old name, which is how overlayfs hides a name of its lower layer.
test_whiteout() {
	echo a >"$mnt/a"
	"$syscall" rename-whiteout "$mnt/a" "$mnt/b"
	expect "character special file 0 0 0" "$(stat -c '%F %t %T %a' "$mnt/a")"
	remount_it
	expect "character special file 0 0 0" "$(stat -c '%F %t %T %a' "$mnt/a")" "after a remount"
	expect a "$(cat "$mnt/b")"
}

# Of two hard links of one file, renaming one over the other changes nothing.
test_same_inode() {
	echo x >"$mnt/a"
	ln "$mnt/a" "$mnt/b"
	"$syscall" rename-exchange "$mnt/a" "$mnt/b"
	expect 2 "$(stat -c %h "$mnt/a")"
	expect "a b" "$(in_one_line ls "$mnt")"
}

# A file written under one name and renamed while it is open is whole under the new one.
test_rename_while_writing() {
	exec 3>"$mnt/part"
	echo first >&3
	mv "$mnt/part" "$mnt/whole"
	echo second >&3
	exec 3>&-
	remount_it
	expect_contents "$mnt/whole" $'first\nsecond\n'
	expect whole "$(ls "$mnt")"
}

# A new file may take the name of a renamed one; both keep their own bytes.
test_name_taken_again() {
	echo one >"$mnt/a"
	mv "$mnt/a" "$mnt/b"
	echo two >"$mnt/a"
	remount_it
	expect one "$(cat "$mnt/b")"
	expect two "$(cat "$mnt/a")"
}

run_tests "$@"
