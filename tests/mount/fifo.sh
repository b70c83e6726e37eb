#!/usr/bin/env bash
# Named pipes: fifo(7).
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

# What one process writes another reads, in order, and the reader sees the end when the last writer closes.
test_pass_on() {
	mkfifo "$mnt/p"
	head -c 1000000 /dev/urandom >"$scratch/data"
	cat "$mnt/p" >"$scratch/read" &
	cat "$scratch/data" >"$mnt/p"
	wait $!
	cmp "$scratch/data" "$scratch/read"
	expect "fifo 0" "$(stat -c '%F %s' "$mnt/p")" "a fifo keeps nothing"
}

# The next mount has the fifo and its mode, and it works there.
test_after_remount() {
	mkfifo -m 640 "$mnt/p"
	remount_it
	expect "fifo 640" "$(stat -c '%F %a' "$mnt/p")"
	cat "$mnt/p" >"$scratch/read" &
	echo text >"$mnt/p"
	wait $!
	expect text "$(cat "$scratch/read")"
}

# A pipe that is open stays one under a new name, and without a name.
test_renamed_and_removed() {
	mkfifo "$mnt/p"
	exec 3<>"$mnt/p"
	echo first >&3
	mv "$mnt/p" "$mnt/q"
	echo second >"$mnt/q"
	rm "$mnt/q"
	echo third >&3
	expect "first second third" "$(head -n 3 <&3 | in_one_line cat)"
	exec 3>&-
}

# Nobody reads: open for writing with O_NONBLOCK gives ENXIO.
test_no_reader() {
	mkfifo "$mnt/p"
	expect_error "No such device or address" dd if=/dev/null of="$mnt/p" oflag=nonblock status=none
}

# Two names of one fifo are one pipe.
test_hard_link() {
	mkfifo "$mnt/p"
	ln "$mnt/p" "$mnt/q"
	cat "$mnt/p" >"$scratch/read" &
	echo text >"$mnt/q"
	wait $!
	expect text "$(cat "$scratch/read")"
}

run_tests "$@"
