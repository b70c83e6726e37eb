#!/usr/bin/env bash
# Extended attributes.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

# value NAME [OPTION] FILE
value() {
	getfattr --only-values --absolute-names -n "$@"
}

# names COMMAND...: of the attributes in any namespace that it is told.
names() {
	"$@" -m - --absolute-names | grep -v '^#' | sort | in_one_line grep .
}

# Attributes of files and directories are kept, empty values and any bytes too.
test_kept() {
	: >"$mnt/f"
	mkdir "$mnt/d"
	setfattr -n user.text -v 'some text' "$mnt/f"
	setfattr -n user.empty "$mnt/f"
	setfattr -n user.bytes -v 0x00ff0a00 "$mnt/f"
	setfattr -n user.dir -v dir "$mnt/d"
	remount_it
	expect 'some text' "$(value user.text "$mnt/f")"
	expect '' "$(value user.empty "$mnt/f")"
	expect 00ff0a00 "$(value user.bytes "$mnt/f" | od -An -tx1 | tr -d ' ')"
	expect dir "$(value user.dir "$mnt/d")"
	expect 'user.bytes user.empty user.text' "$(getfattr --absolute-names "$mnt/f" | grep ^user | sort | in_one_line cat)"
}

# A value is replaced, and a removed one is gone.
test_replaced_and_removed() {
	: >"$mnt/f"
	setfattr -n user.a -v one "$mnt/f"
	setfattr -n user.a -v 'two, longer' "$mnt/f"
	expect 'two, longer' "$(value user.a "$mnt/f")"
	setfattr -x user.a "$mnt/f"
	expect_error "No such attribute" value user.a "$mnt/f"
	expect_error "No such attribute" setfattr -x user.a "$mnt/f"
	remount_it
	expect_error "No such attribute" value user.a "$mnt/f"
}

# A value of 64 KiB is possible.
test_large() {
	: >"$mnt/f"
	head -c 65536 /dev/urandom >"$scratch/want"
	setfattr -n user.large -v "0s$(base64 -w0 "$scratch/want")" "$mnt/f"
	remount_it
	value user.large "$mnt/f" | cmp - "$scratch/want"
}

# In each namespace.
test_large_in_other_namespaces() {
	need_root
	: >"$mnt/f"
	for name in user.x trusted.x security.x; do
		"$syscall" setxattr "$mnt/f" "$name" 65536 1
		expect_error "setxattr: EEXIST" "$syscall" setxattr "$mnt/f" "$name" 1 1
		"$syscall" setxattr "$mnt/f" "$name" 65535 2
		"$syscall" setxattr "$mnt/f" "$name" 65536 0
		expect_error "setxattr: ENODATA" "$syscall" setxattr "$mnt/f" "$name.not" 1 2
	done
	remount_it
	for name in user.x trusted.x security.x; do
		expect 65536 "$(value "$name" "$mnt/f" | wc -c)" "bytes in $name"
	done
}

# Attributes go with their file, through renames, and are not another's.
test_with_the_file() {
	: >"$mnt/a"
	: >"$mnt/b"
	setfattr -n user.x -v mine "$mnt/a"
	mv "$mnt/a" "$mnt/c"
	expect mine "$(value user.x "$mnt/c")"
	expect_error "No such attribute" value user.x "$mnt/b"
}

# trusted.* and security.* are root's to set, of files of every kind, and kept.
test_other_namespaces() {
	need_root
	: >"$mnt/file"
	mkdir "$mnt/dir"
	ln -s target "$mnt/link"
	mkfifo "$mnt/fifo"
	mknod "$mnt/device" c 1 3
	for name in file dir link fifo device; do
		setfattr -h -n trusted.t -v "t of $name" "$mnt/$name"
		setfattr -h -n security.s -v "s of $name" "$mnt/$name"
	done
	remount_it
	for name in file dir link fifo device; do
		expect "t of $name" "$(value trusted.t -h "$mnt/$name")"
		expect "s of $name" "$(value security.s -h "$mnt/$name")"
	done
}

# Who is not root neither reads attributes in trusted. nor sees their names.
test_trusted_is_hidden() {
	need_root
	remount_it -o allow_other
	: >"$mnt/f"
	chmod 644 "$mnt/f"
	setfattr -n trusted.t -v t "$mnt/f"
	setfattr -n user.u -v u "$mnt/f"
	setfattr -n security.s -v s "$mnt/f"
	expect 'security.s trusted.t user.u' "$(names getfattr "$mnt/f")"
	expect 'security.s user.u' "$(names setpriv --reuid 12345 --clear-groups getfattr "$mnt/f")"
	expect_error "No such attribute" setpriv --reuid 12345 --clear-groups getfattr -n trusted.t "$mnt/f"
}

# user.* is for files and directories only.
test_user_of_other_kinds() {
	ln -s target "$mnt/link"
	mkfifo "$mnt/fifo"
	expect_error "Operation not permitted" setfattr -h -n user.x -v y "$mnt/link"
	expect_error "Operation not permitted" setfattr -n user.x -v y "$mnt/fifo"
}

# There are no other namespaces, and a namespace alone is no name.
test_no_such_namespace() {
	: >"$mnt/f"
	for name in other.x system.x system.posix_acl x; do
		expect_error "not supported" setfattr -n "$name" -v y "$mnt/f"
		expect_error "not supported" getfattr -n "$name" "$mnt/f"
		expect_error "not supported" setfattr -x "$name" "$mnt/f"
	done
	for name in user. trusted. security.; do
		[ "$name" = user. ] || [ "$(id -u)" -eq 0 ] || continue
		expect_error "Invalid argument" setfattr -n "$name" -v y "$mnt/f"
	done
}

# A name has up to 255 bytes, and a value no more than 65536.
test_limits() {
	local long
	: >"$mnt/f"
	long=user.$(printf '%0250d' 1)
	setfattr -n "$long" -v y "$mnt/f"
	expect y "$(value "$long" "$mnt/f")"
	expect_error "Numerical result out of range" setfattr -n "${long}0" -v y "$mnt/f"
	expect_error "setxattr: E2BIG" "$syscall" setxattr "$mnt/f" user.x 65537 0
}

# XATTR_CREATE wants a new name, XATTR_REPLACE one that is there.
test_create_and_replace() {
	: >"$mnt/f"
	"$syscall" setxattr "$mnt/f" user.x 3 1
	expect_error "setxattr: EEXIST" "$syscall" setxattr "$mnt/f" user.x 4 1
	"$syscall" setxattr "$mnt/f" user.x 5 2
	expect xxxxx "$(value user.x "$mnt/f")"
	expect_error "setxattr: ENODATA" "$syscall" setxattr "$mnt/f" user.y 5 2
}

# More names than listxattr(2) can tell at once are refused, and those that fit are all told.
test_many_names() {
	local number=0 name
	: >"$mnt/f"
	while name=$(printf 'user.%04d%0246d' $number 0) && setfattr -n "$name" -v "$number" "$mnt/f" 2>"$scratch/error"; do
		number=$((number + 1))
		[ $number -lt 300 ] || fail "there is no limit"
	done
	grep -q "No space left on device" "$scratch/error" || fail "$(cat "$scratch/error")"
	expect 256 "$number" "names of 256 bytes with their NUL"
	expect 256 "$(getfattr --absolute-names "$mnt/f" | grep -c ^user)"
	remount_it
	expect 256 "$(getfattr --absolute-names "$mnt/f" | grep -c ^user)" "after a remount"
}

# With noxattr there are none, and everything else works.
test_noxattr() {
	remount_it -o noxattr
	echo text >"$mnt/f"
	expect_error "not supported" setfattr -n user.a -v x "$mnt/f"
	expect_error "not supported" value user.a "$mnt/f"
	expect_error "not supported" setfattr -n security.x -v y "$mnt/f"
	expect text "$(cat "$mnt/f")"
}

run_tests "$@"
