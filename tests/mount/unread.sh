#!/usr/bin/env bash
# Nobody reads what the daemon says, or it would say the same again and again: L1 and L2 in docs/DESIGN.md.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
# shellcheck source=tests/mount/background.sh
. "$(dirname "$0")/background.sh" || exit 1
mount_options=()
started=$build/tests/mount/started

# damaged_files COUNT: a container with files 1 to COUNT, none of which can be read. $scratch/whole is the same without damage.
damaged_files() {
	local i
	mkdir "$scratch/files"
	for ((i = 1; i <= $1; i++)); do
		echo "to be damaged $i" >"$scratch/files/$i"
	done
	"$reel" init "$container"
	"$reel" import "$container" "$scratch/files"
	cp "$container" "$scratch/whole"
	LC_ALL=C sed -i 's/to be damaged/was  damaged /g' "$container"
}

restore() {
	mv "$scratch/whole" "$container"
}

# full_pipe: descriptor 5 is a pipe that takes no byte more.
full_pipe() {
	mkfifo "$scratch/pipe"
	exec 5<>"$scratch/pipe"
	dd if=/dev/zero of="$scratch/pipe" bs=512 oflag=nonblock status=none 2>/dev/null || true
}

# read_pipe: from now on somebody reads it, into $scratch/read.
read_pipe() {
	tr -d '\0' <"$scratch/pipe" >"$scratch/read" 5>&- &
	reader=$!
}

# into_pipe ARGUMENT...: reelfs in the foreground, with the pipe as standard error.
into_pipe() {
	"$reelfs" "$@" 2>&5 5>&- &
	daemon=$!
	until mountpoint -q "$mnt"; do
		kill -0 "$daemon" 2>/dev/null || fail "it ended"
		sleep 0.01
	done
}

# still_serves: the mount answers, to several processes at once.
still_serves() {
	local i
	for i in 1 2 3 4; do
		timeout 20 cat "$mnt/$i" >/dev/null 2>"$scratch/error" && fail "damaged contents were read"
		grep -qF "Input/output error" "$scratch/error" || fail "no answer: $(cat "$scratch/error")"
	done
	timeout 20 sh -c "echo text >'$mnt/new' && cat '$mnt/new'" >/dev/null || fail "no answer"
}

# With a full pipe as standard error the mount goes on; who reads it later finds everything.
test_full_pipe() {
	damaged_files 4
	full_pipe
	into_pipe -f "$container" "$mnt"
	still_serves
	read_pipe
	take_off
	wait_for_daemon
	exec 5>&-
	wait $reader
	for i in 1 2 3 4; do
		grep -q "^reelfs: $container: contents of /$i are damaged" "$scratch/read" || fail "nothing is said of $i"
	done
	restore
}

# Nor does a message of the start keep the mount from being made in the background.
test_full_pipe_at_the_start() {
	damaged_files 4
	printf torn >>"$container"
	full_pipe
	timeout 60 "$reelfs" "$container" "$mnt" 2>&5 5>&- || fail "no mount: status $?"
	exec 5>&-
	still_serves
	take_off
	timeout 60 flock "$container" true || fail "the daemon has not ended"
	restore
}

# Nor does it keep the mount from ending, for more than a moment.
test_full_pipe_at_the_end() {
	damaged_files 4
	full_pipe
	into_pipe -f "$container" "$mnt"
	still_serves
	take_off
	SECONDS=0
	wait_for_daemon
	[ $SECONDS -lt 20 ] || fail "it took $SECONDS seconds"
	exec 5>&-
	restore
}

# With -d there is much to say: what does not fit is dropped, its number is told in its place, and what matters is not dropped.
test_debugging_into_a_full_pipe() {
	damaged_files 4
	full_pipe
	into_pipe -d "$container" "$mnt"
	for _ in $(seq 100); do
		timeout 20 mkdir "$mnt"/{a..z} || fail "no answer"
		timeout 20 rmdir "$mnt"/{a..z} || fail "no answer"
	done
	still_serves
	read_pipe
	take_off
	wait_for_daemon
	exec 5>&-
	wait $reader
	grep -qE '^reelfs: [0-9]+ messages are missing here' "$scratch/read" || fail "nothing is said to be missing"
	grep -qF "contents of /4 are damaged" "$scratch/read" || fail "an error was dropped"
	restore
}

# A file that is read in a loop is told three times, and at the end how often that came again.
test_repeated() {
	damaged_files 2
	mount_it
	for _ in $(seq 300); do
		timeout 20 cat "$mnt/1" "$mnt/2" 2>/dev/null && fail "damaged contents were read"
	done
	unmount_it
	# The kernel asks twice when a page cannot be read.
	for i in 1 2; do
		expect 3 "$(messages "reelfs: $container: contents of /$i are damaged")" "lines of $i"
		expect 1 "$(grep -cE "repeated (29.|[3-9]..) times in [0-9]+ s: $container: contents of /$i are damaged" "$scratch/log")" "counts of $i"
	done
	restore
}

# Of very many that are damaged, a number is told, and how many more there were.
test_many_different() {
	damaged_files 300
	mount_it
	cat "$mnt"/* 2>/dev/null >/dev/null && fail "damaged contents were read"
	unmount_it
	expect 256 "$(grep -o "contents of /[0-9]*" "$scratch/log" | sort -u | wc -l)" "files that are told"
	expect 1 "$(grep -cE "(44|88) more messages were not told" "$scratch/log")" "counts"
	restore
}

# Standard error that is full, closed or does not block ends nothing, and the last of these has all lines.
test_other_kinds_of_standard_error() {
	damaged_files 4
	into_pipe -f "$container" "$mnt" 5>/dev/full
	still_serves
	unmount_it
	mkfifo "$scratch/pipe"
	exec 5<>"$scratch/pipe"
	read_pipe
	"$started" nonblocking "$reelfs" -f "$container" "$mnt" 2>&5 5>&- &
	daemon=$!
	until mountpoint -q "$mnt"; do
		kill -0 "$daemon" 2>/dev/null || fail "it ended"
		sleep 0.01
	done
	still_serves
	unmount_it
	exec 5>&-
	wait $reader
	expect 4 "$(grep -o "^reelfs: $container: contents of /[0-9]*" "$scratch/read" | sort -u | wc -l)" "files that are told"
	restore
}

# own_dev: in this script's own mount namespace, /dev is a new one, so that the log daemon of the machine is left alone.
own_dev() {
	local node
	mkdir "$scratch/dev"
	mount -t tmpfs -o dev,mode=755 dev "$scratch/dev" 2>/dev/null || skip "no tmpfs can be mounted here"
	for node in null zero full random urandom fuse; do
		: >"$scratch/dev/$node"
		mount --bind "/dev/$node" "$scratch/dev/$node" || skip "no device can be bound here"
	done
	ln -s /proc/self/fd "$scratch/dev/fd"
	mount --rbind "$scratch/dev" /dev
}

# In the background a log daemon that has stopped does not hold up the mount, nor its end; once it reads, it gets everything.
stopped_log_daemon() {
	need_root
	damaged_files 4
	own_dev
	"$started" log /dev/log >"$scratch/logged" &
	log_daemon=$!
	until grep -q full "$scratch/logged"; do
		kill -0 $log_daemon || fail "no log daemon"
		sleep 0.01
	done
	in_background "$reelfs" "$container" "$mnt"
	still_serves
}

test_log_daemon_that_has_stopped() {
	stopped_log_daemon
	kill -USR1 $log_daemon
	wait $log_daemon
	for i in 1 2 3 4; do
		grep -q "reelfs.*]: $container: contents of /$i are damaged" "$scratch/logged" || fail "nothing is said of $i"
	done
	end_background
	umount -R /dev
	restore
}

test_log_daemon_that_does_not_come_back() {
	stopped_log_daemon
	end_background
	kill $log_daemon
	wait $log_daemon || true
	umount -R /dev
	restore
}

# In a mount namespace of its own; copies of other tests' mounts would keep their daemons from ending.
if [ "$(id -u)" -eq 0 ] && [ -z "${REELFS_OWN_NAMESPACE:-}" ]; then
	REELFS_OWN_NAMESPACE=1 exec unshare --mount bash "$0" "$@"
fi
[ "$(id -u)" -ne 0 ] || umount --lazy --all --types fuse.reelfs
run_tests "$@"
