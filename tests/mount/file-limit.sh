#!/usr/bin/env bash
# A limit on the size of files (RLIMIT_FSIZE) that the daemon runs under.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
mount_options=()

# What would make the container longer gets EFBIG, and the daemon goes on serving.
test_limit() {
	ulimit -S -f 600 # KiB
	mount_it -o create
	ulimit -S -f unlimited
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

run_tests "$@"
