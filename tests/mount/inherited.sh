#!/usr/bin/env bash
# What the daemon has of the process that started it: I1 to I4 in docs/DESIGN.md.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
# shellcheck source=tests/mount/users.sh
. "$(dirname "$0")/users.sh" || exit 1
# shellcheck source=tests/mount/background.sh
. "$(dirname "$0")/background.sh" || exit 1
mount_options=()
started=$build/tests/mount/started

# can_write: what is written to the mount is in the container after it has ended.
can_write() {
	echo "written" >"$mnt/f" || fail "cannot write"
	take_off
	if [ -n "$daemon" ]; then
		wait_for_daemon
	else
		gone
	fi
	expect written "$("$reel" cat "$container" f)"
	expect 0 "$(grep -caF "reelfs: " "$container" || true)" "messages in the container"
	rm "$container"
}

# without LIST COMMAND...: with these of the descriptors 0, 1 and 2 closed.
without() {
	local list=$1
	shift
	(
		case $list in *0*) exec 0<&- ;; esac
		case $list in *1*) exec 1>&- ;; esac
		case $list in *2*) exec 2>&- ;; esac
		exec timeout 20 "$@"
	)
}

# mounted: waits until the daemon in the foreground serves the mount.
mounted() {
	until mountpoint -q "$mnt"; do
		kill -0 "$daemon" 2>/dev/null || fail "it ended"
		sleep 0.01
	done
}

# status FIELD PROCESS: of /proc/PROCESS/status.
status() {
	awk -v field="$1:" '$1 == field { print $2 }' "/proc/$2/status"
}

# ignored PID: its mask of ignored signals, but for 32 and 33, the C library's own: programs that posix_spawn(3) starts have them so.
ignored() {
	printf '%016x' $((16#$(status SigIgn "$1") & ~16#180000000))
}

# Whichever of the first three descriptors are closed, the mount is made, the command returns, and files can be written.
test_standard_descriptors_closed() {
	local list
	for list in 0 1 2 01 02 12 012; do
		in_background without $list "$reelfs" -o create "$container" "$mnt"
		can_write
	done
}

# So it is in the foreground.
test_standard_descriptors_closed_in_the_foreground() {
	local list
	for list in 0 2 12 012; do
		without $list "$reelfs" -f -o create "$container" "$mnt" &
		daemon=$!
		mounted
		can_write
	done
}

# With descriptors 0 to 2 of any kind, none of them is kept.
test_standard_descriptors_of_any_kind() {
	local process fd
	in_background "$reelfs" -o create "$container" "$mnt" </dev/full >/dev/full 2>/dev/full
	can_write
	in_background "$reelfs" -o create "$container" "$mnt" <"$0" >"$scratch/out" 2> >(true)
	for process in "$server" "$watcher"; do
		for fd in 0 1 2; do
			expect /dev/null "$(readlink "/proc/$process/fd/$fd")" "descriptor $fd"
		done
	done
	can_write
}

# A message to a pipe that nobody reads any more does not end the start.
test_message_into_a_closed_pipe() {
	in_background bash -c 'ulimit -f 100000; exec "$@" 2> >(exec 2>&-; exec sleep 0)' - \
		sh -c 'sleep 0.3; exec "$@"' - "$reelfs" -o create "$container" "$mnt"
	can_write
}

# A pipe that the caller reads ends when the command returns, whatever number it has.
test_pipes_end() {
	mkfifo "$scratch/pipe"
	timeout 20 cat "$scratch/pipe" >/dev/null &
	local reader=$!
	in_background "$reelfs" -o create "$container" "$mnt" 9>"$scratch/pipe" >/dev/null
	wait $reader || fail "the pipe is still open"
	end_background
	[ -z "$(timeout 20 "$reelfs" "$container" "$mnt" 2>&1 | cat)" ] || fail "it said something"
	end_background 2>/dev/null
}

# A lock that the caller has is let go of: flock(1).
test_lock_of_the_caller() {
	in_background flock "$scratch/lock" "$reelfs" -o create "$container" "$mnt"
	flock -n "$scratch/lock" true || fail "the lock is held"
	end_background
	flock "$scratch/lock" "$reelfs" -f "$container" "$mnt" &
	daemon=$!
	mounted
	# flock(1) itself has it, but nobody whom it has started.
	expect 1 "$(find /proc/[0-9]*/fd -lname "$scratch/lock" 2>/dev/null | wc -l)" "processes with the file"
	unmount_it
}

# Both processes have nothing open but what they have opened.
test_all_descriptors() {
	local process strange
	exec 20<"$0" 200<"$0" 1000<"$0"
	in_background "$reelfs" -o create "$container" "$mnt"
	for process in "$server" "$watcher"; do
		strange=$(find "/proc/$process/fd" -type l -printf '%l\n' |
			grep -vxE "/dev/null|/dev/fuse|/|socket:.*|pipe:.*|$container|$scratch|/proc/[0-9]*/mountinfo" || true)
		expect "" "$strange" "descriptors"
		expect 0 "$(find "/proc/$process/fd" -name '[0-9][0-9]*' | wc -l)" "numbers above 9"
	done
	end_background
}

# A container that is named by a descriptor is mounted, and the descriptor is not kept.
test_container_by_descriptor() {
	"$reel" init "$container"
	exec 9<>"$container"
	in_background "$reelfs" /dev/fd/9 "$mnt"
	exec 9<&-
	expect 1 "$(find "/proc/$server/fd" -lname "$container" | wc -l)" "descriptors of the container"
	can_write
}

# Signals that the caller ignores or blocks are neither ignored nor blocked, and SIGTERM ends the mount.
test_signals() {
	local how
	for how in "env --ignore-signal" "$started blocked"; do
		# shellcheck disable=SC2086 # it is words
		in_background $how "$reelfs" -o create "$container" "$mnt"
		expect 0000000000000000 "$(ignored "$server")" "ignored by the daemon"
		expect 0000000000004003 "$(status SigBlk "$server")" "blocked by the daemon"
		expect 0000000000000000 "$(ignored "$watcher")" "ignored by the keeper"
		expect 0000000000000000 "$(status SigBlk "$watcher")" "blocked by the keeper"
		kill -TERM "$server"
		gone
		! mountpoint -q "$mnt" || fail "still mounted"
	done
}

# An alarm of the caller's does not end a mount in the foreground.
test_alarm() {
	"$started" alarm 1 "$reelfs" -f -o create "$container" "$mnt" &
	daemon=$!
	mounted
	sleep 1.2
	can_write
}

# What is named by a relative path is found, and the folder is not kept.
test_working_directory() {
	local process
	need_root
	mkdir "$scratch/place"
	mount -t tmpfs tmpfs "$scratch/place" 2>/dev/null || skip "no tmpfs can be mounted here"
	"$reel" init "$container"
	printf torn >>"$container"
	cd "$scratch/place"
	in_background "$reelfs" -o keep_torn=torn "$container" "$mnt"
	expect torn "$(cat torn)"
	cd /
	umount "$scratch/place" || fail "the folder is kept"
	end_background
	mount -t tmpfs tmpfs "$scratch/place"
	cd "$scratch/place"
	mount_it
	cd /
	umount "$scratch/place" || fail "the folder is kept in the foreground"
}

# The caller's umask is for the container alone: what is made beside it later is private, and can be read by its owner.
test_umask() {
	(umask 277 && in_background "$reelfs" -o create "$container" "$mnt" && echo "$server $watcher" >"$scratch/processes")
	read -r server watcher <"$scratch/processes"
	expect 400 "$(stat -c %a "$container")" "mode of the container"
	expect 0077 "$(status Umask "$server")" "umask of the daemon"
	expect 0077 "$(status Umask "$watcher")" "umask of the keeper"
	end_background
}

# soft NAME PROCESS
soft() {
	awk -v name="Max $1 " 'index($0, name) == 1 { print substr($0, 27, 20) + 0 }' "/proc/$2/limits"
}

# Soft limits of the caller do not hold, but for the one on core dumps. A small stack is no small stack for threads.
test_soft_limits() {
	(
		ulimit -S -c 0 -f 100 -n 20 -t 100 -s 200
		sanitized || ulimit -S -v 10000000 -d 10000000 # it would not even start
		in_background "$reelfs" -o create "$container" "$mnt"
		echo "$server $watcher" >"$scratch/processes"
	)
	read -r server watcher <"$scratch/processes"
	expect "$(ulimit -H -n)" "$(soft "open files" "$server")" "open files"
	expect 0 "$(soft "core file size" "$server")" "core file size"
	expect 8388608 "$(soft "stack size" "$server")" "stack size"
	for name in "file size" "cpu time" "address space" "data size"; do
		grep -q "^Max $name *unlimited" "/proc/$server/limits" || fail "$name is limited: $(cat "/proc/$server/limits")"
	done
	head -c 20000000 /dev/urandom >"$scratch/big"
	cp "$scratch/big" "$mnt/big"
	cmp "$scratch/big" "$mnt/big" || fail "wrong contents"
	end_background
}

# Hard limits that a mount will run into are told at the start.
test_hard_limits_are_told() {
	(
		ulimit -f 100000
		ulimit -t 1000
		ulimit -n 100
		"$reelfs" -o create "$container" "$mnt" 2>"$scratch/said"
	)
	grep -q "no file may be longer than 102400000 bytes" "$scratch/said" || fail "said: $(cat "$scratch/said")"
	grep -q "killed when it has used the processor for 1000 seconds" "$scratch/said" || fail "said: $(cat "$scratch/said")"
	grep -q "no more than 100 files can be open" "$scratch/said" || fail "said: $(cat "$scratch/said")"
	in_background true
	end_background
}

# The daemon and the keeper have a session and a process group of their own, without a terminal: what is sent to the caller's
# does not reach them.
test_process_group() {
	local process
	in_background script -qec "$reelfs -o create $container $mnt" /dev/null >/dev/null
	for process in "$server" "$watcher"; do
		read -r _ _ _ _ group session terminal _ <"/proc/$process/stat"
		expect "$process $process 0" "$group $session $terminal" "group, session and terminal"
	done
	end_background
	setsid --wait bash -c '"$@"; trap "" TERM; kill -TERM -$$' - "$reelfs" "$container" "$mnt"
	in_background true
	echo alive >"$mnt/f"
	end_background
}

# As the helper of mount(8), too, in an environment that has getopt(3) end at the first operand.
test_mount_helper() {
	ln -s "$reelfs" "$scratch/mount.fuse.reelfs"
	in_background without 012 env POSIXLY_CORRECT=1 "$scratch/mount.fuse.reelfs" "$container" "$mnt" -o create
	can_write
}

# Where fusermount3 cannot become root a user is told why.
test_no_new_privileges() {
	need_root
	cp "$reelfs" "$reel" "$scratch/"
	chown "$alice" "$mnt"
	mkdir "$scratch/home"
	chown "$alice" "$scratch/home"
	as "$alice" "$scratch/reel" init "$scratch/home/c.reel"
	expect_error "no_new_privs" as "$alice" setpriv --no-new-privs "$scratch/reelfs" "$scratch/home/c.reel" "$mnt"
}

make_users
run_tests "$@"
