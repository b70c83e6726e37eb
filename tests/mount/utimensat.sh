#!/usr/bin/env bash
# utimensat(2): which of the times are set, to what, and by whom. (What times can be kept: attrs.sh.)
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
# shellcheck source=tests/mount/users.sh
. "$(dirname "$0")/users.sh" || exit 1

old='2001-02-03 04:05:06.123456789 UTC'
atime=1111111111.111111111
mtime=1222222222.222222222

# new_file: $mnt/f with both times known.
new_file() {
	echo contents >"$mnt/f"
	touch -a -d "@$atime" "$mnt/f"
	touch -m -d "@$mtime" "$mnt/f"
}

times() {
	stat -c '%.9X %.9Y' "$mnt/f"
}

# recent SECONDS: a time of this test.
recent() {
	if [ "${1%.*}" -lt "$((started - 1))" ] || [ "${1%.*}" -gt "$(date +%s)" ]; then
		fail "$1 is not the present time"
	fi
}

# UTIME_OMIT leaves that time alone.
test_omit() {
	new_file
	touch -a -d "$old" "$mnt/f"
	expect "981173106.123456789 $mtime" "$(times)" "after atime alone"
	new_file
	touch -m -d "$old" "$mnt/f"
	expect "$atime 981173106.123456789" "$(times)" "after mtime alone"
	remount_it
	expect "$atime 981173106.123456789" "$(times)" "after a remount"
}

# UTIME_NOW, and no times at all, is the present time; for both they are the same.
test_now() {
	local started both
	started=$(date +%s)
	new_file
	touch -a "$mnt/f"
	recent "$(stat -c %.9X "$mnt/f")"
	expect "$mtime" "$(stat -c %.9Y "$mnt/f")" mtime
	new_file
	touch -m "$mnt/f"
	expect "$atime" "$(stat -c %.9X "$mnt/f")" atime
	recent "$(stat -c %.9Y "$mnt/f")"
	touch "$mnt/f"
	both=$(times)
	expect "${both% *}" "${both#* }" "both times"
	recent "${both% *}"
	remount_it
	expect "$both" "$(times)" "after a remount"
}

# Each sets ctime to the present time, which nothing can set to another.
test_ctime() {
	local started
	started=$(date +%s)
	new_file
	touch -d "$old" "$mnt/f"
	recent "$(stat -c %.9Z "$mnt/f")"
}

# Of a symbolic link the link's own times are set, with AT_SYMLINK_NOFOLLOW.
test_link() {
	new_file
	ln -s f "$mnt/l"
	touch -h -d "$old" "$mnt/l"
	expect "$atime $mtime" "$(times)" "of the file"
	expect "981173106.123456789 981173106.123456789" "$(stat -c '%.9X %.9Y' "$mnt/l")" "of the link"
}

# Through a descriptor that is open for writing (futimens), with data not yet written back, the time set is the one that stays.
test_through_a_descriptor() {
	exec 3>"$mnt/f"
	echo text >&3
	touch -d "$old" - >&3
	exec 3>&-
	expect 981173106.123456789 "$(stat -c %.9Y "$mnt/f")"
	remount_it
	expect 981173106.123456789 "$(stat -c %.9Y "$mnt/f")" "after a remount"
}

# The owner sets any time. Another who may write to the file sets the present time, and no other:
# EPERM. Who may not write: EACCES.
test_permissions() {
	need_root
	new_file
	chown "$alice:$alice" "$mnt/f"
	chmod 400 "$mnt/f"
	as "$alice" touch -c -d "$old" "$mnt/f"
	expect_error "Permission denied" as "$bob" touch -c "$mnt/f"
	chmod 606 "$mnt/f"
	as "$bob" touch -c "$mnt/f"
	expect_error "Operation not permitted" as "$bob" touch -c -d "$old" "$mnt/f"
	expect_error "Operation not permitted" as "$bob" touch -c -m "$mnt/f"
}

make_users
run_tests "$@"
