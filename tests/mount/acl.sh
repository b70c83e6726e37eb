#!/usr/bin/env bash
# POSIX ACLs: enforced, one with the mode, inherited.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
# shellcheck source=tests/mount/users.sh
. "$(dirname "$0")/users.sh" || exit 1

tmpfile=$build/tests/mount/tmpfile

# acl FILE: its entries in one line, numbers for names.
acl() {
	getfacl -pnc --omit-header "$1" | sed 's/\t.*//' | in_one_line cat | sed 's/ *$//'
}

# root_file MODE: $mnt/f of root, with contents.
root_file() {
	need_root
	echo contents >"$mnt/f"
	chmod "$1" "$mnt/f"
}

has_acl() {
	getfattr --absolute-names -n system.posix_acl_access "$1" >/dev/null 2>&1
}

# An entry for a user lets that user in, and nobody else; taking it away shuts him out at once.
test_named_user() {
	root_file 600
	setfacl -m "u:$alice:r" "$mnt/f"
	as "$alice" cat "$mnt/f" >/dev/null
	expect_error "Permission denied" as "$alice" tee "$mnt/f" </dev/null
	expect_error "Permission denied" as "$bob" cat "$mnt/f"
	setfacl -x "u:$alice" "$mnt/f"
	expect_error "Permission denied" as "$alice" cat "$mnt/f"
}

# An entry for a user can shut out whom the mode would let in.
test_named_user_is_denied() {
	root_file 644
	setfacl -m "u:$alice:-" "$mnt/f"
	expect_error "Permission denied" as "$alice" cat "$mnt/f"
	as "$bob" cat "$mnt/f" >/dev/null
}

# An entry for a group lets its members in, supplementary ones too.
test_named_group() {
	root_file 600
	setfacl -m "g:$team:rw" "$mnt/f"
	as "$alice" tee "$mnt/f" </dev/null
	expect_error "Permission denied" as "$bob" cat "$mnt/f"
}

# Entries of a directory say who may list it and make names in it.
test_directory() {
	need_root
	mkdir -m 700 "$mnt/d"
	setfacl -m "u:$alice:rx,u:$bob:wx" "$mnt/d"
	as "$alice" ls "$mnt/d"
	expect_error "Permission denied" as "$alice" touch "$mnt/d/a"
	as "$bob" touch "$mnt/d/b"
	expect_error "Permission denied" as "$bob" ls "$mnt/d"
}

# The mask bounds named entries and the group; in the mode it is the group's digit, and chmod(2) sets it.
test_mask() {
	root_file 600
	setfacl -m "u:$alice:rw,m::r" "$mnt/f"
	expect 640 "$(stat -c %a "$mnt/f")"
	as "$alice" cat "$mnt/f" >/dev/null
	expect_error "Permission denied" as "$alice" tee "$mnt/f" </dev/null
	chmod 614 "$mnt/f"
	expect "user::rw- user:$(id -u "$alice"):rw- group::--- mask::--x other::r--" "$(acl "$mnt/f")"
	expect_error "Permission denied" as "$alice" cat "$mnt/f"
	chmod 660 "$mnt/f"
	as "$alice" tee "$mnt/f" </dev/null
	remount_it -o allow_other
	expect "user::rw- user:$(id -u "$alice"):rw- group::--- mask::rw- other::---" "$(acl "$mnt/f")"
	expect 660 "$(stat -c %a "$mnt/f")"
}

# Without named entries and mask an ACL is the mode: it sets it, and is not kept.
test_same_as_the_mode() {
	root_file 644
	setfacl -m "u:$alice:r" "$mnt/f"
	has_acl "$mnt/f" || fail "the ACL is not there"
	setfacl --set u::rw,g::-,o::r "$mnt/f"
	expect 604 "$(stat -c %a "$mnt/f")"
	! has_acl "$mnt/f" || fail "the ACL is still there"
}

# Removing an ACL leaves the mode as it is; where there is none it succeeds all the same.
test_removed() {
	root_file 600
	setfacl -m "u:$alice:rw,m::rw" "$mnt/f"
	setfattr -x system.posix_acl_access "$mnt/f"
	expect 660 "$(stat -c %a "$mnt/f")"
	! has_acl "$mnt/f" || fail "the ACL is still there"
	setfattr -x system.posix_acl_access "$mnt/f"
	mkdir "$mnt/d"
	setfacl -k "$mnt/d"
	setfacl -d -m "u:$alice:rx" "$mnt/d"
	setfacl -k "$mnt/d"
	expect "user::rwx group::r-x other::r-x" "$(acl "$mnt/d")"
}

# ctime changes with the ACL, mtime does not.
test_times() {
	local before changed
	root_file 600
	touch -d 2001-02-03 "$mnt/f"
	before=$(stat -c %y "$mnt/f")
	changed=$(stat -c %z "$mnt/f")
	setfacl -m "u:$alice:rw" "$mnt/f"
	expect "$before" "$(stat -c %y "$mnt/f")"
	[ "$changed" != "$(stat -c %z "$mnt/f")" ] || fail "ctime did not change"
}

# Only the owner and root may set one.
test_who_may_set() {
	root_file 666
	expect_error "Operation not permitted" as "$alice" setfacl -m "u:$alice:rw" "$mnt/f"
	chown "$alice" "$mnt/f"
	as "$alice" setfacl -m "u:$bob:rw" "$mnt/f"
}

# Only directories have a default ACL, and symbolic links none at all.
test_wrong_kind() {
	root_file 644
	# A version, and entries for owner, group and others.
	local value=0x0200000001000600ffffffff04000400ffffffff20000400ffffffff
	expect_error "Permission denied" setfattr -n system.posix_acl_default -v "$value" "$mnt/f"
	ln -s f "$mnt/l"
	expect_error "not supported" setfattr -h -n system.posix_acl_access -v "$value" "$mnt/l"
}

# What is no ACL is refused, and changes nothing: a wrong version, entries out of order, one missing, unknown bits.
test_no_acl() {
	root_file 644
	expect_error "not supported" setfattr -n system.posix_acl_access -v 0x01000000 "$mnt/f"
	expect_error "Invalid argument" setfattr -n system.posix_acl_access \
		-v 0x0200000004000400ffffffff01000600ffffffff20000400ffffffff "$mnt/f"
	expect_error "Invalid argument" setfattr -n system.posix_acl_access -v 0x0200000001000600ffffffff04000400ffffffff "$mnt/f"
	expect_error "Invalid argument" setfattr -n system.posix_acl_access \
		-v 0x0200000001000e00ffffffff04000400ffffffff20000400ffffffff "$mnt/f"
	expect 644 "$(stat -c %a "$mnt/f")"
}

# It can have 507 named entries, which are enforced like one; the next is refused.
test_many_entries() {
	local ids
	root_file 640
	ids=$(seq -f 'u:%.0f:-' 100001 100506 | paste -sd,)
	setfacl -m "$ids,u:$alice:r" "$mnt/f"
	as "$alice" cat "$mnt/f" >/dev/null
	expect_error "Argument list too long" setfacl -m u:100507:- "$mnt/f"
	remount_it -o allow_other
	as "$alice" cat "$mnt/f" >/dev/null
	expect_error "Permission denied" as "$bob" cat "$mnt/f"
	expect 507 "$(getfacl -pnc "$mnt/f" | grep -c '^user:[0-9]')"
}

# A new ACL takes the setgid bit away when who sets it is not in the file's group; a member and root keep it.
test_setgid() {
	root_file 2755
	chown "$bob:$team" "$mnt/f"
	chmod 2755 "$mnt/f"
	setfacl -m "u:$alice:r" "$mnt/f"
	expect 2755 "$(stat -c %a "$mnt/f")" "after root"
	as "$bob" setfacl -m "u:$alice:rw,m::rx" "$mnt/f"
	expect 755 "$(stat -c %a "$mnt/f")" "after one who is not in the group"
	chown "$alice" "$mnt/f"
	chmod 2755 "$mnt/f"
	as "$alice" setfacl -m "u:$bob:r,m::rx" "$mnt/f"
	expect 2755 "$(stat -c %a "$mnt/f")" "after one who is in the group"
}

# What is made in a directory with a default ACL gets that as its ACL, less what the mode at its making does not
# have; the umask counts for nothing. Directories inherit the default ACL too.
test_default() {
	local user entries
	need_root
	user=$(id -u "$alice")
	mkdir "$mnt/d"
	setfacl -d -m "u::rwx,u:$alice:rwx,g::rx,o::-" "$mnt/d"
	entries="default:user::rwx default:user:$user:rwx default:group::r-x default:mask::rwx default:other::---"
	umask 077
	: >"$mnt/d/file"
	mkdir "$mnt/d/dir"
	mkfifo "$mnt/d/fifo"
	mkdir -m 711 "$mnt/d/711"
	expect "user::rw- user:$user:rwx group::r-x mask::rw- other::---" "$(acl "$mnt/d/file")"
	expect 660 "$(stat -c %a "$mnt/d/file")"
	expect "user::rw- user:$user:rwx group::r-x mask::rw- other::---" "$(acl "$mnt/d/fifo")"
	expect "user::rwx user:$user:rwx group::r-x mask::rwx other::--- $entries" "$(acl "$mnt/d/dir")"
	expect 770 "$(stat -c %a "$mnt/d/dir")"
	: >"$mnt/d/dir/below"
	as "$alice" sh -c ": >'$mnt/d/dir/below'"
	ln -s file "$mnt/d/link"
	expect 777 "$(stat -c %a "$mnt/d/link")"
	remount_it -o allow_other
	expect "user::rwx user:$user:rwx group::r-x mask::rwx other::--- $entries" "$(acl "$mnt/d/dir")"
}

# A file made by open(2) with a mode of its own, and one by O_TMPFILE, inherit likewise.
test_default_and_mode() {
	need_root
	mkdir "$mnt/d"
	setfacl -d -m "u::rwx,u:$alice:rwx,g::rwx,o::rwx" "$mnt/d"
	umask 077
	"$tmpfile" link "$mnt/d" 640 name text
	expect "user::rw- user:$(id -u "$alice"):rwx group::rwx mask::r-- other::---" "$(acl "$mnt/d/name")"
	as "$alice" cat "$mnt/d/name" >/dev/null
}

# A default ACL without named entries gives a mode, and no ACL.
test_default_same_as_a_mode() {
	need_root
	mkdir "$mnt/d"
	setfacl -d -m u::rwx,g::rwx,o::- "$mnt/d"
	umask 077
	: >"$mnt/d/f"
	expect 660 "$(stat -c %a "$mnt/d/f")"
	! has_acl "$mnt/d/f" || fail "there is an ACL"
}

# In a directory without one the umask is applied.
test_no_default() {
	need_root
	mkdir "$mnt/d"
	setfacl -m "u:$alice:rwx" "$mnt/d"
	umask 027
	: >"$mnt/d/f"
	expect 640 "$(stat -c %a "$mnt/d/f")"
	! has_acl "$mnt/d/f" || fail "there is an ACL"
}

# A tree with ACLs of every kind.
make_tree() {
	mkdir -p "$1/d/e"
	echo text >"$1/d/e/plain"
	mkdir "$1/d/e/plain-dir"
	setfacl -m "u:$alice:rwx,g:$team:r" "$1/d"
	setfacl -d -m "u:$bob:rx,g:$team:rwx" "$1/d/e"
	echo text >"$1/d/f"
	setfacl -m "u:$bob:rw,m::r" "$1/d/f"
	echo text >"$1/d/e/inherits"
	ln -s f "$1/d/link"
}

# same_acls FOLDER FOLDER
same_acls() {
	(cd "$1" && find . | sort | getfacl -n -) >"$scratch/one"
	(cd "$2" && find . | sort | getfacl -n -) >"$scratch/other"
	grep -q "^user:$(id -u "$alice"):rwx" "$scratch/one" || fail "there are no ACLs in $1"
	diff "$scratch/one" "$scratch/other" || fail "$2 has other ACLs than $1"
}

# getfacl -R tells all ACLs of a tree, and setfacl --restore gives them to another one.
test_restore() {
	need_root
	make_tree "$mnt/a"
	cp -r "$mnt/a" "$mnt/b"
	(cd "$mnt/a" && getfacl -R . >"$scratch/acls")
	(cd "$mnt/b" && setfacl --restore "$scratch/acls")
	same_acls "$mnt/a" "$mnt/b"
}

# cp -a, rsync -A and tar --acls keep them, from a file system and back to it.
test_copied() {
	need_root
	need_programs rsync
	make_tree "$scratch/a"
	cp -a "$scratch/a" "$mnt/cp"
	same_acls "$scratch/a" "$mnt/cp"
	rsync -aA "$scratch/a/" "$mnt/rsync/"
	same_acls "$scratch/a" "$mnt/rsync"
	mkdir "$mnt/tar" "$scratch/back"
	tar -C "$scratch/a" --acls -cf - . | tar -C "$mnt/tar" --acls -xf -
	same_acls "$scratch/a" "$mnt/tar"
	cp -a "$mnt/tar/." "$scratch/back"
	same_acls "$scratch/a" "$scratch/back"
}

# They are there after the daemon was killed, after a compaction, and with the readers of a second mount.
test_kept() {
	need_root
	make_tree "$mnt/a"
	cp -a "$mnt/a" "$scratch/a"
	kill_it
	mount_it -o allow_other
	same_acls "$scratch/a" "$mnt/a"
	unmount_it
	"$reel" compact "$container" >/dev/null
	mount_it -o allow_other
	same_acls "$scratch/a" "$mnt/a"
	expect_error "Permission denied" as "$bob" tee "$mnt/a/d/f" </dev/null
	as "$alice" touch "$mnt/a/d/new"
}

# "reel import" keeps them, and nothing inherits what it had not; "reel copy" likewise.
test_imported() {
	local other="$scratch/other.reel"
	need_root
	make_tree "$scratch/a"
	unmount_it
	"$reel" init "$other"
	"$reel" import "$other" "$scratch/a" >/dev/null
	for name in d/f d/e/inherits d/e/plain; do
		"$reel" copy "$other" "$name" "$container"
	done
	"$reel" check "$other" >/dev/null || fail "reel check: $("$reel" check "$other")"
	mount_it -o allow_other
	expect "$(acl "$scratch/a/d/f")" "$(acl "$mnt/d/f")"
	expect "$(acl "$scratch/a/d/e/inherits")" "$(acl "$mnt/d/e/inherits")"
	setfacl -d -m "u:$alice:rwx" "$mnt/d/e"
	unmount_it
	"$reel" copy "$other" d/e/plain "$container"
	mv "$other" "$container.other"
	mount_it -o allow_other
	expect "user::rw- group::r-- other::r--" "$(acl "$mnt/d/e/plain")"
	unmount_it
	mv "$container.other" "$container"
	mount_it -o allow_other
	same_acls "$scratch/a" "$mnt"
}

# With noxattr there are none to see or set, and the umask is applied to all that is made.
test_noxattr() {
	need_root
	mkdir "$mnt/d"
	setfacl -m "u:$alice:rwx" "$mnt/d"
	remount_it -o allow_other,noxattr
	expect_error "not supported" setfacl -m "u:$alice:rwx" "$mnt/d"
	expect "user::rwx group::rwx other::r-x" "$(acl "$mnt/d")"
	umask 027
	mkdir "$mnt/e"
	expect 750 "$(stat -c %a "$mnt/e")"
}

make_users
run_tests "$@"
