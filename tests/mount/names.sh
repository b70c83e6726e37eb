#!/usr/bin/env bash
# Making and removing names of all kinds.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

# A file made exclusively is made; made so again, the answer is EEXIST and the file is untouched.
test_create_exclusive() {
	"$syscall" create-exclusive "$mnt/f"
	echo kept >"$mnt/f"
	expect_error EEXIST "$syscall" create-exclusive "$mnt/f"
	expect_contents "$mnt/f" $'kept\n'
}

# A name that was looked for and not found can be made, and is found then.
test_found_after_not_found() {
	expect_error "No such file" stat "$mnt/f"
	: >"$mnt/f"
	stat "$mnt/f" >/dev/null
}

# A removed name is not found, also after a remount.
test_unlink() {
	: >"$mnt/f"
	rm "$mnt/f"
	expect_error "No such file" stat "$mnt/f"
	remount_it
	expect_error "No such file" stat "$mnt/f"
}

# A directory counts a link for each directory in it, and is removed only when it is empty.
test_directories() {
	mkdir "$mnt/d"
	expect 2 "$(stat -c %h "$mnt/d")" "links of an empty directory"
	mkdir "$mnt/d/a" "$mnt/d/b"
	: >"$mnt/d/f"
	expect 4 "$(stat -c %h "$mnt/d")" "links of a directory with two in it"
	expect_error "not empty" rmdir "$mnt/d"
	rmdir "$mnt/d/a" "$mnt/d/b"
	expect 2 "$(stat -c %h "$mnt/d")" "links after both are gone"
	rm "$mnt/d/f"
	rmdir "$mnt/d"
	expect 2 "$(stat -c %h "$mnt")" "links of the root"
}

# rmdir of a file is refused, and unlink of a directory.
test_wrong_kind() {
	mkdir "$mnt/d"
	: >"$mnt/f"
	expect_error "Not a directory" rmdir "$mnt/f"
	expect_error "Is a directory" unlink "$mnt/d"
	expect_error "Not a directory" stat "$mnt/f/x"
}

# A symbolic link keeps its target's bytes, whatever they are, and one of 4095 bytes is possible.
test_symlinks() {
	local long
	printf -v long '%4095s' ''
	long=${long// /t}
	ln -s 'nowhere/ at  all' "$mnt/a"
	ln -s "$long" "$mnt/b"
	remount_it
	expect 'nowhere/ at  all' "$(readlink "$mnt/a")"
	expect "$long" "$(readlink "$mnt/b")" "a target of 4095 bytes"
	expect 4095 "$(stat -c %s "$mnt/b")" "size of a link"
}

# Fifos, sockets and device nodes keep type and number.
test_special_files() {
	need_root
	mkfifo "$mnt/fifo"
	(cd "$mnt" && "$syscall" make-socket socket)
	mknod "$mnt/null" c 1 3
	mknod "$mnt/disk" b 259 70000
	remount_it
	expect fifo "$(stat -c %F "$mnt/fifo")"
	expect socket "$(stat -c %F "$mnt/socket")"
	expect "character special file 1 3" "$(stat -c '%F %Hr %Lr' "$mnt/null")"
	expect "block special file 259 70000" "$(stat -c '%F %Hr %Lr' "$mnt/disk")"
}

# Hard links are one inode: one number, one count, one set of bytes; the last name's removal ends it.
test_hard_links() {
	mkdir "$mnt/d"
	echo one >"$mnt/a"
	ln "$mnt/a" "$mnt/d/b"
	expect "$(stat -c %i "$mnt/a")" "$(stat -c %i "$mnt/d/b")" "inode numbers"
	expect 2 "$(stat -c %h "$mnt/a")" links
	echo two >"$mnt/d/b"
	expect two "$(cat "$mnt/a")"
	remount_it
	expect "$(stat -c %i "$mnt/a")" "$(stat -c %i "$mnt/d/b")" "inode numbers after a remount"
	rm "$mnt/a"
	expect 1 "$(stat -c %h "$mnt/d/b")" "links after one is gone"
	expect two "$(cat "$mnt/d/b")"
	expect_error "File exists" ln "$mnt/d/b" "$mnt/d"
}

# A name of 255 bytes is possible, one of 256 is refused in every call that takes a name.
test_long_names() {
	local long
	printf -v long '%255s' ''
	long=${long// /n}
	: >"$mnt/$long"
	remount_it
	expect "$long" "$(ls "$mnt")"
	expect_error "too long" stat "$mnt/${long}n"
	expect_error "too long" mkdir "$mnt/${long}n"
	expect_error "too long" ln -s x "$mnt/${long}n"
	expect_error "too long" ln "$mnt/$long" "$mnt/${long}n"
	expect_error ENAMETOOLONG "$syscall" create-exclusive "$mnt/${long}n"
	expect_error ENAMETOOLONG "$syscall" rename-noreplace "$mnt/$long" "$mnt/${long}n"
}

# A number is not given to another file after the first is gone, and survives a remount.
test_inode_numbers() {
	local first second
	: >"$mnt/a"
	first=$(stat -c %i "$mnt/a")
	rm "$mnt/a"
	: >"$mnt/b"
	second=$(stat -c %i "$mnt/b")
	[ "$first" != "$second" ] || fail "an inode number was used again"
	remount_it
	expect "$second" "$(stat -c %i "$mnt/b")" "inode number after a remount"
	: >"$mnt/c"
	[ "$(stat -c %i "$mnt/c")" != "$first" ] || fail "an inode number was used again after a remount"
}

run_tests "$@"
