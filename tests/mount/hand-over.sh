#!/usr/bin/env bash
# While files are open, the kernel hands over what was written to them every few seconds (-o sync=).
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
# shellcheck source=tests/mount/holding.sh
. "$(dirname "$0")/holding.sh" || exit 1
# The kernel alone would wait for 30 seconds.
mount_options=(-d -o "create,sync=1")

# The mount can be unmounted at once afterwards.
not_busy() {
	let_go
	fusermount3 -u "$mnt" || fail "it is busy"
	wait_for_daemon
	mount_it
}

# What was written by write(2) to files that stay open.
test_open_files() {
	hold write "$mnt" 3 100
	until_true 10 writes_come 300 || fail "only $(messages "opcode: WRITE") requests"
	not_busy
	compare_held "$mnt" 3 100
}

marks() {
	messages "opcode: IOCTL"
}

more_marks() {
	[ "$(marks)" -ge "$1" ]
}

# However many requests the kernel makes of them, all have come when a hand-over ends: the second from now has, six marks on.
test_many_requests() {
	local until
	hold write "$mnt" 40 100
	until=$(($(marks) + 6))
	until_true 20 more_marks "$until" || fail "only $(marks) of $until marks"
	awk -v until="$until" '/opcode: IOCTL/ && ++marks == until { exit } /opcode: WRITE/ { writes++ } END { print writes }' \
		"$scratch/log" >"$scratch/writes"
	[ "$(cat "$scratch/writes")" -ge 4000 ] || fail "only $(cat "$scratch/writes") requests of 4000"
	not_busy
}

# What was stored through a mapping, whether it is still there or was taken away.
test_mapping() {
	hold map "$mnt/0" 100
	until_true 10 writes_come 100 || fail "only $(messages "opcode: WRITE") requests"
	not_busy
	compare_held "$mnt" 1 100
}
test_mapping_taken_away() {
	hold unmap "$mnt/0" 100
	until_true 10 writes_come 100 || fail "only $(messages "opcode: WRITE") requests"
	not_busy
	compare_held "$mnt" 1 100
}

# Also of a mount that was taken away lazily: the daemon ends when the last file is closed.
test_taken_away() {
	exec 7>"$mnt/f"
	hold write "$mnt" 1 1
	fusermount3 -uz "$mnt"
	until_true 10 writes_come 1 || fail "no request"
	let_go
	kill -0 "$daemon" || fail "it ended while a file was open"
	exec 7>&-
	wait_for_daemon
	mount_it
	compare_held "$mnt" 1 1
}

# A mount that nobody writes to is left alone.
test_idle() {
	exec 7<"$mnt/."
	sleep 2.5
	exec 7<&-
	expect 0 "$(messages "opcode: IOCTL")" marks
}

run_tests "$@"
