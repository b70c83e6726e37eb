#!/usr/bin/env bash
# Files that stay open: what is written to them is in the container after -o sync=SECONDS, whoever asks for it or not,
# so that a kill of the daemon takes back little; and it costs the container about its own bytes.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
mount_options=()
cached=$build/tests/mount/cached

# keep_open FILE: what is written to descriptor 4 goes there, by a process that closes it only at the end. A shell would close
# a duplicate after each command, and with that have everything stored.
keep_open() {
	mkfifo "$scratch/fifo"
	cat <"$scratch/fifo" >"$1" &
	keeper=$!
	exec 4>"$scratch/fifo"
	rm "$scratch/fifo"
}

end_open() {
	exec 4>&-
	kill "$keeper" 2>/dev/null || true
	wait "$keeper" || true
}

# container_has TEXT: waits until the container has it, for 40 seconds at most. The kernel hands over by itself after 35.
container_has() {
	local i
	for ((i = 0; i < 400; i++)); do
		if grep -aqF -- "$1" "$container"; then
			return
		fi
		sleep 0.1
	done
	fail "'$1' did not reach the container"
}

# kill_and_mount: what is seen from here on is what the container had.
kill_and_mount() {
	kill_it
	mount_it
}

# A log that is open all the time: what is in the container is there after a kill, up to the last whole handing over.
log_survives() {
	local i n
	mount_it -o "create,sync=1$1"
	keep_open "$mnt/log"
	for i in 1 2 3; do
		for ((n = 0; n < 1000; n++)); do
			echo "round $i line $n of the log"
		done >&4
		container_has "round $i line 999 of the log"
	done
	kill_and_mount
	end_open
	for i in 1 2 3; do
		for ((n = 0; n < 1000; n++)); do
			echo "round $i line $n of the log"
		done
	done >"$scratch/want"
	cmp "$scratch/want" "$mnt/log" || fail "the log is not what was written"
}

test_log_survives_a_kill() {
	log_survives ""
}

test_log_survives_a_kill_without_writeback() {
	log_survives ,no_writeback_cache
}

# A mapping whose descriptor was closed, while it is still there.
test_mapping_survives_a_kill() {
	mount_it -o create,sync=1
	head -c 100000 /dev/zero >"$mnt/f"
	cat >"$scratch/script" <<-'EOF'
		for _ in $(seq 400); do
			grep -aqF 'text in a mapping' "$1" && exit 0
			sleep 0.1
		done
		exit 1
	EOF
	"$cached" mapped-then "$mnt/f" 50000 'text in a mapping' sh "$scratch/script" "$container" ||
		fail "what was stored in a mapping did not reach the container"
	kill_and_mount
	expect 'text in a mapping' "$(dd if="$mnt/f" bs=1 skip=50000 count=17 status=none)"
	expect 100000 "$(stat -c %s "$mnt/f")" size
}

# A file that is being copied for a long time is there in part, as a prefix, and whole when it is closed.
test_long_copy_survives_in_part() {
	local size
	mount_it -o create,sync=1
	head -c 30000000 /dev/urandom >"$scratch/want"
	printf 'here is the middle' | dd of="$scratch/want" bs=1 seek=15000000 conv=notrunc status=none
	keep_open "$mnt/copy"
	head -c 20000000 "$scratch/want" >&4
	container_has 'here is the middle'
	kill_and_mount
	end_open
	size=$(stat -c %s "$mnt/copy")
	[ "$size" -ge 15000018 ] || fail "the size is $size"
	cmp -n "$size" "$scratch/want" "$mnt/copy" || fail "it is no prefix"
}

# Of 100 kB in ten parts, each stored before the next is written, the container grows by about as much.
test_cost() {
	local i before grown
	mount_it -o create,sync=1
	before=$(stat -c %s "$container")
	keep_open "$mnt/log"
	for ((i = 0; i < 10; i++)); do
		head -c 9980 /dev/urandom >&4
		printf 'end of the part %04d' $i >&4
		container_has "end of the part $(printf %04d $i)"
	done
	grown=$(($(stat -c %s "$container") - before))
	end_open
	# Twice as much at most: how many commits there were depends on the machine.
	[ $grown -lt 200000 ] || fail "100000 bytes cost $grown"
}

run_tests "$@"
