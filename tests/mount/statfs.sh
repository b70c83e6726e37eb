#!/usr/bin/env bash
# statfs(2): the room there is, is that of the disk beneath.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

# Free space is that of the container's file system, give or take what others use meanwhile (a tenth).
test_free_space() {
	local here there difference
	here=$(($(stat -f -c '%a * %S' "$mnt")))
	there=$(($(stat -f -c '%a * %S' "$scratch")))
	difference=$((here > there ? here - there : there - here))
	[ "$difference" -lt $((there / 10)) ] || fail "$here bytes are free in the mount, $there beneath"
}

# What is used is what the container takes of its disk: holes and shared bytes take nothing.
test_used() {
	head -c 1000000 /dev/urandom >"$mnt/f"
	cp "$mnt/f" "$mnt/g"
	truncate -s 8T "$mnt/h"
	sync "$mnt/f"
	expect $(($(stat -c '%b * %B' "$container"))) $(($(stat -f -c '(%b - %f) * %S' "$mnt")))
}

# Inodes are counted, and there is no end of them.
test_inodes() {
	local before
	before=$(stat -f -c '%c - %d' "$mnt")
	touch "$mnt/a" "$mnt/b"
	ln "$mnt/a" "$mnt/c"
	expect $((before + 2)) $(($(stat -f -c '%c - %d' "$mnt")))
	[ "$(stat -f -c %d "$mnt")" -gt 1000000 ] || fail "only $(stat -f -c %d "$mnt") are free"
}

# A name may have 255 bytes.
test_name_length() {
	expect 255 "$(stat -f -c %l "$mnt")"
}

# df shows the container as the source.
test_df() {
	expect "$container" "$(df --output=source "$mnt" | tail -n 1)"
}

run_tests "$@"
