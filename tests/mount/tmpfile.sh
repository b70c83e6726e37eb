#!/usr/bin/env bash
# Files without a name: open(2) with O_TMPFILE.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

tmpfile=$build/tests/mount/tmpfile

# An unnamed file has no link, and the mode that was asked for less the umask; the directory stays empty.
test_made() {
	umask 027
	expect '640 0 0' "$("$tmpfile" make "$mnt" 666)"
	expect '' "$(ls -A "$mnt")"
}

# linkat(2) gives it a name, with what was written, also after a remount; it can have more names then.
test_linked() {
	umask 022
	mkdir "$mnt/dir"
	"$tmpfile" link "$mnt/dir" 600 name 'some text'
	expect '600 1 9' "$(stat -c '%a %h %s' "$mnt/dir/name")"
	ln "$mnt/dir/name" "$mnt/second"
	remount_it
	expect_contents "$mnt/dir/name" 'some text'
	expect_contents "$mnt/second" 'some text'
}

# The name must be free.
test_name_taken() {
	: >"$mnt/taken"
	expect_error "linkat: EEXIST" "$tmpfile" link "$mnt" 600 taken text
	expect_contents "$mnt/taken" ''
}

# With O_EXCL it can never have a name.
test_exclusive() {
	expect_error "linkat: ENOENT" "$tmpfile" exclusive "$mnt" 600 name text
	expect '' "$(ls -A "$mnt")"
}

# One that never got a name is gone: after its close, and after the daemon was killed while it was open.
test_never_linked() {
	local path
	expect '600 0 4' "$("$tmpfile" make "$mnt" 600 none text)"
	expect '' "$(ls -A "$mnt")"
	mkfifo "$scratch/end"
	"$tmpfile" hold "$mnt" 600 none text <"$scratch/end" 2>/dev/null &
	exec 3>"$scratch/end"
	path=/proc/$!/fd
	until readlink "$path"/* | grep -q deleted; do
		kill -0 $! || fail "tmpfile ended"
		sleep 0.01
	done
	sync -f "$mnt"
	kill_it
	exec 3>&-
	wait $! || true
	mount_it
	expect '' "$(ls -A "$mnt")"
	"$reel" info --json "$container" >"$scratch/info"
	expect 1 "$(jq .inodes "$scratch/info")" inodes
}

# It belongs to who makes it; in a setgid directory its group is the directory's.
test_owner() {
	need_root
	chmod 2777 "$mnt"
	chgrp 54321 "$mnt"
	remount_it -o allow_other
	setpriv --reuid 12345 --regid 12345 --clear-groups "$tmpfile" link "$mnt" 660 name text
	expect '12345 54321' "$(stat -c '%u %g' "$mnt/name")"
}

# Where nobody may write no file is made.
test_not_in_a_read_only_mount() {
	remount_it -o ro
	expect_error "open: EROFS" "$tmpfile" make "$mnt" 600
}

run_tests "$@"
