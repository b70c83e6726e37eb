#!/usr/bin/env bash
# Birth time: statx(2) with STATX_BTIME. Kernels since 6.6 ask FUSE file systems for it.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

need_statx() {
	local release
	release=$(uname -r)
	printf '6.6\n%s\n' "$release" | sort -CV || skip "kernel $release asks FUSE file systems for no birth time"
}

birth() {
	stat -c %w "$1"
}

# A new file's birth time is the time at which it was made, to the nanosecond that ctime has; of directories,
# symbolic links and fifos too.
test_new() {
	need_statx
	: >"$mnt/file"
	mkdir "$mnt/dir"
	ln -s target "$mnt/link"
	mkfifo "$mnt/fifo"
	for name in file dir link fifo; do
		expect "$(stat -c %z "$mnt/$name")" "$(birth "$mnt/$name")" "$name"
	done
}

# It never changes: not by writing, chmod, touch or rename, nor by a remount.
test_constant() {
	need_statx
	local before
	: >"$mnt/file"
	before=$(birth "$mnt/file")
	echo text >"$mnt/file"
	chmod 600 "$mnt/file"
	touch -d 2001-02-03 "$mnt/file"
	mv "$mnt/file" "$mnt/other"
	expect "$before" "$(birth "$mnt/other")"
	remount_it
	expect "$before" "$(birth "$mnt/other")" "after a remount"
	[ "$before" != "$(stat -c %z "$mnt/other")" ] || fail "ctime did not change"
}

# The other attributes that come with it are those of stat(2), through a descriptor too, also while there are
# unwritten changes.
test_other_attributes() {
	need_root
	need_statx
	local format='%A %a %h %u %g %s %b %o %i %t %T %x %y %z'
	mknod "$mnt/device" c 250 70000
	echo text >"$mnt/file"
	chown 12345:54321 "$mnt/file"
	chmod 640 "$mnt/file"
	touch -d 1969-12-31T23:59:58.5Z "$mnt/file"
	for name in device file; do
		expect "$(find "$mnt/$name" -printf '%M %m %n %U %G %s\n')" \
			"$(stat -c '%A %a %h %u %g %s %w' "$mnt/$name" | cut -d ' ' -f 1-6)" "$name"
	done
	expect "$(stat -c "$format" "$mnt/file")" "$(stat -c "$format %w" "$mnt/file" | sed 's/ [^ ]* [^ ]* [^ ]*$//')"
	expect 'fa 11170' "$(stat -c '%t %T %w' "$mnt/device" | cut -d ' ' -f 1-2)"
	exec 3>>"$mnt/file"
	printf 'more' >&3
	expect 9 "$(stat -L -c '%s %w' /proc/self/fd/3 | cut -d ' ' -f 1)"
	exec 3>&-
}

run_tests "$@"
