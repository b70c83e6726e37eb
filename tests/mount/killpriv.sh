#!/usr/bin/env bash
# Set-id bits go when someone else changes a file's contents or owner, as on other file systems.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
mount_options=(-o "create,allow_other")

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

# Setgid without group execute is no set-id bit and stays.
test_setgid_not_executable() {
	need_root
	set_id 6767
	as_other sh -c "echo more >>'$mnt/f'"
	expect 2767 "$(stat -c %a "$mnt/f")"
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
