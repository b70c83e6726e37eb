#!/usr/bin/env bash
# fcntl(2) with F_SETLK, F_SETLKW, F_GETLK and their F_OFD_ forms: locks of ranges between processes and descriptors.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

peers=$build/tests/mount/peers

# on_a_new_file NAME: what peers.c says of it.
on_a_new_file() {
	: >"$mnt/f"
	"$peers" "$1" "$mnt/f"
}

# A lock keeps other processes out of its range alone, who can ask whose it is; parts of it can be given up.
test_ranges() {
	on_a_new_file posix-ranges
}

# Several processes can lock for reading at once, and then none for writing.
test_shared() {
	on_a_new_file posix-shared
}

# A process's locks end when it closes any descriptor of the file, and are not inherited.
test_close() {
	on_a_new_file posix-close
}

# F_SETLKW waits for another process to unlock.
test_wait() {
	on_a_new_file posix-wait
}

# Two processes that would wait for each other for ever: one is told EDEADLK.
test_deadlock() {
	on_a_new_file posix-deadlock
}

# Locks of open file descriptions are the descriptor's, not the process's.
test_ofd() {
	on_a_new_file ofd-locks
}

# A child has the locks of the open file descriptions that it inherits.
test_ofd_inherited() {
	on_a_new_file ofd-inherited
}

run_tests "$@"
