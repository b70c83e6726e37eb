#!/usr/bin/env bash
# Set-id bits go when someone else changes a file's contents or owner, as on other file systems.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
mount_options=(-o "create,allow_other")
ranges=$build/tests/mount/ranges

as_other() {
	setpriv --reuid 12345 --regid 12345 --clear-groups "$@"
}

# set_id MODE: a file with contents, of that mode.
set_id() {
	echo contents >"$mnt/f"
	chmod "$1" "$mnt/f"
	expect "$1" "$(stat -c %a "$mnt/f")"
}

# A write by a user without CAP_FSETID clears setuid, and setgid of an executable; at once and for good.
test_write_by_other() {
	need_root
	set_id 6777
	as_other sh -c "echo more >>'$mnt/f'"
	expect 777 "$(stat -c %a "$mnt/f")"
	remount_it -o allow_other
	expect 777 "$(stat -c %a "$mnt/f")" "mode after a remount"
}

# The same without the writeback cache.
test_write_by_other_without_writeback() {
	need_root
	remount_it -o allow_other,no_writeback_cache
	set_id 6777
	as_other sh -c "echo more >>'$mnt/f'"
	expect 777 "$(stat -c %a "$mnt/f")"
}

# in_its_group: someone who is in the file's group, but has no capabilities.
in_its_group() {
	setpriv --reuid 12345 --regid 12345 --groups 0 "$@"
}

# changed HOW COMMAND...: what becomes of the set-id bits of each kind of file (xfstests generic/683 to 685).
changed() {
	local how=$1 mode
	shift
	for mode in 6666 6676 6766 6777; do
		set_id $mode
		as_other "$@"
		expect ${mode/6/} "$(stat -c %a "$mnt/f")" "mode $mode after $how by another user"
		set_id $mode
		"$@"
		expect $mode "$(stat -c %a "$mnt/f")" "mode $mode after $how by root"
	done
	# Without group execution setgid stays for those in the group.
	set_id 6666
	in_its_group "$@"
	expect 2666 "$(stat -c %a "$mnt/f")" "mode 6666 after $how by a member of the group"
	set_id 6676
	in_its_group "$@"
	expect 676 "$(stat -c %a "$mnt/f")" "mode 6676 after $how by a member of the group"
}

test_ranges_changed() {
	need_root
	changed fallocate fallocate -l 65536 "$mnt/f"
	changed punching fallocate -p -o 0 -l 4 "$mnt/f"
	changed zeroing fallocate -z -o 0 -l 65536 "$mnt/f"
}

test_copied_into() {
	need_root
	head -c 100000 /dev/urandom >"$mnt/from"
	changed copy_file_range sh -c "\"$ranges\" copy \"$mnt/from\" 0 \"$mnt/f\" 0 100000 >/dev/null"
}

test_setgid_of_groups() {
	need_root
	changed truncate truncate -s 3 "$mnt/f"
	changed 'open(O_TRUNC)' sh -c ": >\"$mnt/f\""
	changed write sh -c "echo more >>\"$mnt/f\""
	remount_it -o allow_other,no_writeback_cache
	changed write sh -c "echo more >>\"$mnt/f\""
}

# The owner gives a file away from a group that he is not in: setgid goes.
test_chgrp_by_owner() {
	need_root
	set_id 2664
	chown 12345:0 "$mnt/f"
	chmod 2664 "$mnt/f"
	as_other chgrp 12345 "$mnt/f"
	expect 664 "$(stat -c %a "$mnt/f")"
}

# Whoever has CAP_FSETID leaves setgid where the group may not execute, and takes setuid all the same.
test_chown_by_root() {
	need_root
	local to
	for to in 12345 :12345 12345:12345 0:0; do
		set_id 6664
		chown "$to" "$mnt/f"
		expect 2664 "$(stat -c %a "$mnt/f")" "after chown $to"
		set_id 6674
		chown "$to" "$mnt/f"
		expect 674 "$(stat -c %a "$mnt/f")" "after chown $to, executable"
	done
}

# Truncating clears them, by truncate(2) and by open(2).
test_truncate_by_other() {
	need_root
	set_id 6777
	as_other truncate -s 3 "$mnt/f"
	expect 777 "$(stat -c %a "$mnt/f")" "after truncate(2)"
	chmod 6777 "$mnt/f"
	as_other sh -c ": >'$mnt/f'"
	expect '777 0' "$(stat -c '%a %s' "$mnt/f")" "after open(2)"
	remount_it -o allow_other
	expect 777 "$(stat -c %a "$mnt/f")" "after a remount"
}

# A write and a truncation by root leave them.
test_write_by_root() {
	need_root
	set_id 6755
	echo more >>"$mnt/f"
	truncate -s 3 "$mnt/f"
	expect 6755 "$(stat -c %a "$mnt/f")"
}

# A change of owner or group clears them, for root too.
test_chown() {
	need_root
	set_id 6755
	chown 12345 "$mnt/f"
	expect 755 "$(stat -c %a "$mnt/f")" "after chown"
	chmod 6755 "$mnt/f"
	chgrp 12345 "$mnt/f"
	expect 755 "$(stat -c %a "$mnt/f")" "after chgrp"
}

# So it does for a fifo, but not for a directory.
test_chown_of_other_kinds() {
	need_root
	mkfifo "$mnt/fifo"
	mkdir "$mnt/dir"
	chmod 6755 "$mnt/fifo" "$mnt/dir"
	chown 12345 "$mnt/fifo" "$mnt/dir"
	expect 755 "$(stat -c %a "$mnt/fifo")" "mode of a fifo"
	expect 6755 "$(stat -c %a "$mnt/dir")" "mode of a directory"
}

run_tests "$@"
