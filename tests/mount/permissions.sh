#!/usr/bin/env bash
# Permissions of several users: the kernel checks them, by what the file system says of owner, group and mode.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
# shellcheck source=tests/mount/users.sh
. "$(dirname "$0")/users.sh" || exit 1

tmpfile=$build/tests/mount/tmpfile

# file OWNER:GROUP MODE: $mnt/f, with contents.
file() {
	echo contents >"$mnt/f"
	chown "$1" "$mnt/f"
	chmod "$2" "$mnt/f"
}

# The owner has the owner's permissions, and not those of the others.
test_owner_class() {
	need_root
	file "$alice:$alice" 600
	as "$alice" cat "$mnt/f" >/dev/null
	expect_error "Permission denied" as "$bob" cat "$mnt/f"
	chmod 044 "$mnt/f"
	expect_error "Permission denied" as "$alice" cat "$mnt/f"
	as "$bob" cat "$mnt/f" >/dev/null
}

# The group's permissions are those of its members, for whom it may be a supplementary group.
test_group_class() {
	need_root
	file "root:$team" 640
	as "$alice" cat "$mnt/f" >/dev/null
	expect_error "Permission denied" as "$alice" tee "$mnt/f" </dev/null
	expect_error "Permission denied" as "$bob" cat "$mnt/f"
	chmod 604 "$mnt/f"
	expect_error "Permission denied" as "$alice" cat "$mnt/f"
	as "$bob" cat "$mnt/f" >/dev/null
}

# Without search permission nothing in a directory is reached, and without read permission it is not listed.
test_directories() {
	need_root
	mkdir "$mnt/d"
	echo contents >"$mnt/d/f"
	chmod 744 "$mnt/d"
	as "$bob" ls "$mnt/d" >/dev/null
	expect_error "Permission denied" as "$bob" cat "$mnt/d/f"
	chmod 711 "$mnt/d"
	as "$bob" cat "$mnt/d/f" >/dev/null
	expect_error "Permission denied" as "$bob" ls "$mnt/d"
	expect_error "Permission denied" as "$bob" touch "$mnt/d/new"
	expect_error "Permission denied" as "$bob" rm -f "$mnt/d/f"
}

# A change of permissions is seen at once by one who was let in before.
test_change_is_seen_at_once() {
	need_root
	file root:root 644
	as "$bob" cat "$mnt/f" >/dev/null
	chmod 640 "$mnt/f"
	expect_error "Permission denied" as "$bob" cat "$mnt/f"
	chgrp "$bob" "$mnt/f"
	as "$bob" cat "$mnt/f" >/dev/null
}

# In a sticky directory a file is removed or renamed by its owner, the directory's owner or root only.
test_sticky() {
	need_root
	mkdir "$mnt/d"
	chmod 1777 "$mnt/d"
	as "$alice" touch "$mnt/d/a" "$mnt/d/b" "$mnt/d/c"
	expect_error "Operation not permitted" as "$bob" rm -f "$mnt/d/a"
	expect_error "Operation not permitted" as "$bob" mv "$mnt/d/a" "$mnt/d/x"
	as "$bob" touch "$mnt/d/own"
	expect_error "Operation not permitted" as "$bob" mv "$mnt/d/own" "$mnt/d/a"
	as "$alice" mv "$mnt/d/a" "$mnt/d/x"
	as "$alice" rm "$mnt/d/x"
	rm "$mnt/d/b"
	chown "$bob" "$mnt/d"
	as "$bob" rm -f "$mnt/d/c"
	expect own "$(ls "$mnt/d")"
}

# What is made in a setgid directory gets its group; directories get the bit too, and so does what is in them.
test_setgid_directory() {
	need_root
	mkdir "$mnt/d"
	chgrp "$team" "$mnt/d"
	chmod 2777 "$mnt/d"
	as "$bob" mkdir "$mnt/d/sub"
	as "$bob" touch "$mnt/d/sub/file"
	as "$bob" mkfifo "$mnt/d/fifo"
	as "$bob" ln -s target "$mnt/d/link"
	expect "$bob $team 2755" "$(stat -c '%U %G %a' "$mnt/d/sub")"
	for name in sub/file fifo link; do
		expect "$bob $team" "$(stat -c '%U %G' "$mnt/d/$name")" "$name"
	done
}

# An executable made with the setgid bit keeps it for a member of that group, and loses it for others.
test_setgid_file_in_a_setgid_directory() {
	need_root
	umask 0
	mkdir "$mnt/d"
	chgrp "$team" "$mnt/d"
	chmod 2777 "$mnt/d"
	as "$alice" "$tmpfile" link "$mnt/d" 2755 by-member
	as "$bob" "$tmpfile" link "$mnt/d" 2755 by-other
	expect 2755 "$(stat -c %a "$mnt/d/by-member")"
	expect 755 "$(stat -c %a "$mnt/d/by-other")"
}

# chmod(2) is for the owner; the setgid bit takes effect only if the owner is in the file's group.
test_chmod() {
	need_root
	file "$bob:$team" 644
	expect_error "Operation not permitted" as "$alice" chmod 666 "$mnt/f"
	as "$bob" chmod 2755 "$mnt/f"
	expect 755 "$(stat -c %a "$mnt/f")"
	chown "$alice" "$mnt/f"
	as "$alice" chmod 2755 "$mnt/f"
	expect 2755 "$(stat -c %a "$mnt/f")"
}

# The owner may give a file to a group that he is in, and to nobody else.
test_chown() {
	need_root
	file "$alice:$alice" 644
	as "$alice" chgrp "$team" "$mnt/f"
	expect "$team" "$(stat -c %G "$mnt/f")"
	expect_error "Operation not permitted" as "$alice" chgrp "$bob" "$mnt/f"
	expect_error "Operation not permitted" as "$alice" chown "$bob" "$mnt/f"
	expect_error "Operation not permitted" as "$bob" chgrp "$bob" "$mnt/f"
}

# Times may be set by the owner, and made the present by who may write.
test_times() {
	need_root
	file "$alice:$alice" 622
	as "$alice" touch -d 2001-02-03 "$mnt/f"
	as "$bob" touch "$mnt/f"
	expect_error "Operation not permitted" as "$bob" touch -d 2001-02-03 "$mnt/f"
	chmod 644 "$mnt/f"
	expect_error "Permission denied" as "$bob" touch "$mnt/f"
}

# The umask takes bits of files, directories and fifos, of each process its own; not of symbolic links.
test_umask() {
	need_root
	chmod 777 "$mnt"
	for mask in 000 022 027 077 777; do
		(
			umask $mask
			: >"$mnt/f$mask"
			mkdir "$mnt/d$mask"
			mkfifo "$mnt/p$mask"
			ln -s target "$mnt/l$mask"
		)
		expect "$(printf '%o' $((0666 & ~0$mask)))" "$(stat -c %a "$mnt/f$mask")" "a file with umask $mask"
		expect "$(printf '%o' $((0777 & ~0$mask)))" "$(stat -c %a "$mnt/d$mask")" "a directory with umask $mask"
		expect "$(printf '%o' $((0666 & ~0$mask)))" "$(stat -c %a "$mnt/p$mask")" "a fifo with umask $mask"
		expect 777 "$(stat -c %a "$mnt/l$mask")" "a symbolic link"
	done
}

# A program with the setuid bit runs as its owner in a mount with -o allow_suid, and as its caller in any other.
test_setuid_program() {
	need_root
	cp /usr/bin/id "$mnt/id"
	chown "$bob" "$mnt/id"
	chmod 4755 "$mnt/id"
	expect "$alice" "$(as "$alice" "$mnt/id" -un)"
	remount_it -o allow_other,allow_suid
	expect "$bob" "$(as "$alice" "$mnt/id" -un)"
}

make_users
run_tests "$@"
