#!/usr/bin/env bash
# How a mount ends.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

# ended_by SIGNAL: the daemon ends with status 0, the mount is gone, and what was written is there.
ended_by() {
	echo closed >"$mnt/closed"
	kill "-$1" "$daemon"
	wait_for_daemon
	! mountpoint -q "$mnt" || fail "still mounted"
	mount_it
	expect closed "$(cat "$mnt/closed")"
}

# SIGTERM, SIGINT and SIGHUP unmount and close the container in order.
test_term() {
	ended_by TERM
}
test_int() {
	ended_by INT
}
test_hup() {
	ended_by HUP
}

# Bytes written to a file that is still open are stored, too, wherever the kernel had them.
test_term_with_an_open_file() {
	exec 4>"$mnt/f"
	echo unclosed >&4
	kill -TERM "$daemon"
	wait_for_daemon
	exec 4>&- || true
	! mountpoint -q "$mnt" || fail "still mounted"
	mount_it
	expect unclosed "$(cat "$mnt/f")"
}

# A mount that is in use is not unmounted, and works on.
test_busy() {
	exec 3>"$mnt/f"
	fusermount3 -u "$mnt" 2>/dev/null && fail "a busy mount was unmounted"
	echo works >&3
	exec 3>&-
	expect works "$(cat "$mnt/f")"
}

# Unmounted lazily while a file is open, it ends when the file is closed, with everything in it.
test_lazy_unmount() {
	exec 3>"$mnt/f"
	fusermount3 -uz "$mnt"
	echo late >&3
	kill -0 "$daemon" || fail "the daemon ended while a file was open"
	exec 3>&-
	wait_for_daemon
	mount_it
	expect late "$(cat "$mnt/f")"
}

# Killed, the daemon takes nothing along that close(2) or a call that changes names has returned for.
test_kill() {
	local i
	for ((i = 0; i < 100; i++)); do
		echo "$i" >"$mnt/f$i"
	done
	mkdir "$mnt/d"
	mv "$mnt/f7" "$mnt/d/seven"
	rm "$mnt/f8"
	ln "$mnt/f9" "$mnt/nine"
	chmod 640 "$mnt/f10"
	kill_it
	mount_it
	expect 100 "$(find "$mnt" -type f | wc -l)" files
	expect 7 "$(cat "$mnt/d/seven")"
	expect 9 "$(cat "$mnt/nine")"
	expect 640 "$(stat -c %a "$mnt/f10")"
	for ((i = 11; i < 100; i++)); do
		expect "$i" "$(cat "$mnt/f$i")"
	done
}

# Killed, it keeps what fsync(2) has returned for in a file that is still open.
test_kill_after_fsync() {
	exec 3>"$mnt/f"
	echo synced >&3
	sync "$mnt/f"
	kill_it
	exec 3>&- || true
	mount_it
	expect synced "$(cat "$mnt/f")"
}

# A container that is given another name while mounted keeps the changes.
test_container_renamed() {
	echo one >"$mnt/f"
	mv "$container" "$scratch/renamed.reel"
	echo two >>"$mnt/f"
	unmount_it
	container=$scratch/renamed.reel
	mount_it
	expect_contents "$mnt/f" $'one\ntwo\n'
}

run_tests "$@"
