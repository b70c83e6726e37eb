#!/usr/bin/env bash
# Extended attributes.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

# value NAME FILE
value() {
	getfattr --only-values -n "$1" --absolute-names "$2"
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

# Attributes go with their file, through renames, and are not another's.
test_with_the_file() {
	: >"$mnt/a"
	: >"$mnt/b"
	setfattr -n user.x -v mine "$mnt/a"
	mv "$mnt/a" "$mnt/c"
	expect mine "$(value user.x "$mnt/c")"
	expect_error "No such attribute" value user.x "$mnt/b"
}

# trusted.* and security.* are root's and kept.
test_other_namespaces() {
	need_root
	: >"$mnt/f"
	setfattr -n trusted.t -v t "$mnt/f"
	setfattr -n security.s -v s "$mnt/f"
	remount_it
	expect t "$(value trusted.t "$mnt/f")"
	expect s "$(value security.s "$mnt/f")"
}

# POSIX ACLs are refused, as they would not be enforced.
test_no_acls() {
	: >"$mnt/f"
	expect_error "not supported" setfacl -m u:12345:r "$mnt/f"
}

# With noxattr there are none, and everything else works.
test_noxattr() {
	remount_it -o noxattr
	echo text >"$mnt/f"
	expect_error "not supported" setfattr -n user.a -v x "$mnt/f"
	expect_error "not supported" value user.a "$mnt/f"
	expect text "$(cat "$mnt/f")"
}

run_tests "$@"
