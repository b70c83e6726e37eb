#!/usr/bin/env bash
# Device nodes: mknod(2), and what -o allow_dev and -o nodev make of them.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

# A node for /dev/null and one for /dev/zero, as c1 and c2, where the machine lets devices be used.
make_nodes() {
	need_root
	need_to mknod "$scratch/probe" c 1 3
	need_to dd if="$scratch/probe" of=/dev/null status=none
	mknod "$mnt/null" c 1 3
	mknod "$mnt/zero" c 1 5
}

# With -o allow_dev a node is the device, in later mounts too.
test_dev() {
	make_nodes
	remount_it -o allow_dev
	echo anything >"$mnt/null"
	expect 0 "$(wc -c <"$mnt/null")" "bytes read from null"
	expect 00000000 "$(head -c 4 "$mnt/zero" | od -An -tx1 | tr -d ' \n')"
	expect "character special file 1:5 0" "$(stat -c '%F %Hr:%Lr %s' "$mnt/zero")"
}

# With -o nodev it is there, with its number, and cannot be opened.
test_nodev() {
	make_nodes
	remount_it -o nodev
	expect "character special file 1:3" "$(stat -c '%F %Hr:%Lr' "$mnt/null")"
	expect_error "Permission denied" dd if="$mnt/null" of=/dev/null
}

# The whole range of numbers is kept: 12 bits of major, 20 of minor.
test_numbers() {
	need_root
	mknod "$mnt/c" c 4095 1048575
	mknod "$mnt/b" b 259 300000
	remount_it
	expect "character special file 4095:1048575" "$(stat -c '%F %Hr:%Lr' "$mnt/c")"
	expect "block special file 259:300000" "$(stat -c '%F %Hr:%Lr' "$mnt/b")"
}

# A node for a device that no driver serves is made, and opening it gives ENXIO.
test_no_driver() {
	make_nodes
	remount_it -o allow_dev
	mknod "$mnt/none" c 4095 1
	expect_error "No such device or address" dd if="$mnt/none" of=/dev/null
}

# Only root makes device nodes.
test_permission() {
	need_root
	remount_it -o allow_other
	chmod 777 "$mnt"
	expect_error "not permitted" setpriv --reuid 12345 --regid 12345 --clear-groups mknod "$mnt/c" c 1 3
	setpriv --reuid 12345 --regid 12345 --clear-groups mknod "$mnt/fifo" p
}

run_tests "$@"
