#!/usr/bin/env bash
# Sockets with names: unix(7).
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

peers=$build/tests/mount/peers

# Two processes talk through a socket whose name is in the mount; the name stays, as a socket, when both have ended.
test_talk() {
	"$peers" socket-talk "$mnt/s"
	expect socket "$(stat -c %F "$mnt/s")"
}

# Nobody listens at a name that is left over, in this mount or the next; the name has to be removed to be used again.
test_left_over() {
	"$peers" socket-talk "$mnt/s"
	for _ in before after; do
		expect_error "connect: ECONNREFUSED" "$peers" socket-connect "$mnt/s"
		expect_error "bind, listen: EADDRINUSE" "$peers" socket-talk "$mnt/s"
		remount_it
	done
	rm "$mnt/s"
	expect_error "connect: ENOENT" "$peers" socket-connect "$mnt/s"
	"$peers" socket-talk "$mnt/s"
}

# Who may not write to the socket cannot connect.
test_permission() {
	need_root
	remount_it -o allow_other
	"$peers" socket-talk "$mnt/s"
	chmod 700 "$mnt/s"
	expect_error "connect: EACCES" setpriv --reuid 12345 --regid 12345 --clear-groups "$peers" socket-connect "$mnt/s"
	chmod 702 "$mnt/s"
	expect_error "connect: ECONNREFUSED" setpriv --reuid 12345 --regid 12345 --clear-groups "$peers" socket-connect "$mnt/s"
}

run_tests "$@"
