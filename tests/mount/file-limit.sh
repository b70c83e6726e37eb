#!/usr/bin/env bash
# A hard limit on the size of files (RLIMIT_FSIZE) that the daemon runs under.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
mount_options=()

# limit_daemon: the next mount has one of 600 KiB.
limit_daemon() {
	cat >"$scratch/limited" <<-EOF
		#!/bin/sh
		ulimit -f 1200 # of 512 bytes
		exec "$reelfs" "\$@"
	EOF
	chmod +x "$scratch/limited"
	whole=$reelfs
	reelfs=$scratch/limited
}

no_limit() {
	reelfs=$whole
}

# What would make the container longer gets EFBIG, and the daemon goes on serving.
test_limit() {
	limit_daemon
	mount_it -o create
	no_limit
	echo kept >"$mnt/kept"
	expect_error "File too large" dd if=/dev/zero of="$mnt/big" bs=1M count=2 conv=fsync status=none
	expect_error "File too large" cp "$reelfs" "$mnt/big"
	echo more >>"$mnt/kept"
	expect_contents "$mnt/kept" $'kept\nmore\n'
	remount_it
	expect_contents "$mnt/kept" $'kept\nmore\n'
	cp "$reelfs" "$mnt/big"
	cmp "$reelfs" "$mnt/big" || fail "wrong contents"
}

# Removing and cutting files works at the limit, the log says once what is to be done, and the mount ends without an error.
test_removing_works() {
	local i
	limit_daemon
	mount_it -o create
	no_limit
	head -c 100000 /dev/urandom >"$mnt/long"
	echo short >"$mnt/short"
	for ((i = 0; i < 2000; i++)); do
		mkdir "$mnt/fill$i" 2>"$scratch/error" || break
	done
	grep -qF "File too large" "$scratch/error" || fail "the limit was not reached: $(cat "$scratch/error")"
	rm "$mnt/short"
	truncate -s 5 "$mnt/long"
	rmdir "$mnt"/fill?
	expect 1 "$(messages "the limit on the size of files is reached. Files can still be removed")" "messages"
	remount_it
	expect 5 "$(stat -c %s "$mnt/long")"
	expect_error "No such file" stat "$mnt/short"
	expect_error "No such file" stat "$mnt/fill0"
	mkdir "$mnt/more"
}

run_tests "$@"
