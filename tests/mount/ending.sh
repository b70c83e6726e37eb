#!/usr/bin/env bash
# A mount that is ended, or killed, while programs have files open in it, or after it was moved, covered, mounted elsewhere,
# or taken away: what was written is stored, and no other mount is touched.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
# shellcheck source=tests/mount/holding.sh
. "$(dirname "$0")/holding.sh" || exit 1

# ended_by_term STATUS
ended_by_term() {
	local status=0
	kill -TERM "$daemon"
	wait "$daemon" || status=$?
	daemon=
	[ "$status" -eq "$1" ] || fail "the daemon ended with status $status, not $1: $(tail -n 5 "$scratch/log")"
}

# Whether anything of the container is mounted in this namespace.
no_mount_left() {
	! grep -qF " fuse.reelfs $container " /proc/self/mountinfo || fail "left: $(grep -F "$container" /proc/self/mountinfo)"
}

said() {
	grep -qF -- "$1" "$scratch/log" || fail "'$1' is not in: $(cat "$scratch/log")"
}

# What the files held open had when the daemon ended is there.
stored() {
	let_go
	mount_it
	compare_held "$@"
}

# own_area: from here on the mount and its container are on a disk of their own, where mounts can be moved.
own_area() {
	need_root
	unmount_it
	small_disk 64m
	mount --make-private "$scratch/disk"
	mkdir -p "$scratch/disk/parent/mnt"
	mnt=$scratch/disk/parent/mnt
	mount_it -o create
}

# Everything that was written to open files is stored, however many requests the kernel makes of it.
test_open_files() {
	hold write "$mnt" 5 500
	ended_by_term 0
	no_mount_left
	stored "$mnt" 5 500
}

# So it is with -o clone_fd, and with a single thread.
test_open_files_clone_fd() {
	remount_it -o clone_fd
	hold write "$mnt" 3 300
	ended_by_term 0
	stored "$mnt" 3 300
}
test_open_files_one_thread() {
	remount_it -s
	hold write "$mnt" 3 300
	ended_by_term 0
	stored "$mnt" 3 300
}

# What was written through a mapping is stored, whether the mapping is still there or not.
test_mapping() {
	hold map "$mnt/0" 300
	ended_by_term 0
	stored "$mnt" 1 300
}
test_mapping_taken_away() {
	hold unmap "$mnt/0" 300
	ended_by_term 0
	stored "$mnt" 1 300
}

# A program that writes on and on does not keep it from ending.
test_writer_without_end() {
	"$held" on "$mnt/log" 2>/dev/null &
	holder=$!
	until_true 10 test -s "$mnt/log" || fail "nothing was written"
	ended_by_term 0
	no_mount_left
	kill -KILL "$holder"
	wait "$holder" || true
}

# Without the possibility to clone a mount the end is the same.
test_no_clone() {
	need_tracing
	unmount_it
	# shellcheck disable=SC2317 # try_mount calls it
	without_clones() {
		export ASAN_OPTIONS=detect_leaks=0 # which is not possible under strace
		exec strace -D -f -qq -o /dev/null -e trace=open_tree -e inject=open_tree:error=ENOSYS -- "$build/reelfs" "$@"
	}
	reelfs=without_clones mount_it
	hold write "$mnt" 5 500
	ended_by_term 0
	no_mount_left
	stored "$mnt" 5 500
}

# A signal that comes while it is being mounted ends it, too, and leaves nothing behind.
test_while_it_is_mounted() {
	need_tracing
	need_root
	unmount_it
	# shellcheck disable=SC2317 # try_mount calls it
	slow_to_mount() {
		export ASAN_OPTIONS=detect_leaks=0 # which is not possible under strace
		exec strace -D -f -qq -o /dev/null -e trace=mount -e inject=mount:delay_exit=1000000 -- "$build/reelfs" "$@"
	}
	# It is in the list before it answers.
	# shellcheck disable=SC2317 # try_mount calls it
	mountpoint() {
		grep -qF " $mnt " /proc/self/mountinfo
	}
	reelfs=slow_to_mount mount_it
	ended_by_term 0
	no_mount_left
}

# What is mounted over it stays. The mount beneath cannot be taken away without it, which is said.
test_covered() {
	need_root
	hold write "$mnt" 5 500
	mount -t tmpfs over "$mnt"
	touch "$mnt/of another"
	ended_by_term 1
	[ -e "$mnt/of another" ] || fail "the other mount was taken away"
	said "$mnt: not unmounted: another mount (tmpfs) covers it"
	umount "$mnt"
	fusermount3 -uz "$mnt"
	stored "$mnt" 5 500
}

# So does what is mounted inside it.
test_mounted_inside() {
	need_root
	hold write "$mnt" 5 500
	mkdir "$mnt/d"
	mount -t tmpfs inside "$mnt/d"
	touch "$mnt/d/of another"
	ended_by_term 1
	said "$mnt: not unmounted: $mnt/d (tmpfs) is mounted inside it"
	grep -qF " $mnt/d " /proc/self/mountinfo || fail "the other mount was taken away"
	umount -l "$mnt"
	stored "$mnt" 5 500
}

# It is unmounted from where it was moved to; what was mounted at its old place stays.
test_moved() {
	own_area
	hold write "$mnt" 5 500
	mkdir "$scratch/disk/new"
	mount --move "$mnt" "$scratch/disk/new"
	mount -t tmpfs other "$mnt"
	touch "$mnt/of another"
	ended_by_term 0
	no_mount_left
	said "unmounted from $scratch/disk/new"
	[ -e "$mnt/of another" ] || fail "the other mount was taken away"
	umount "$mnt"
	stored "$mnt" 5 500
}

# A folder above it that has another name now makes no difference.
test_parent_renamed() {
	own_area
	hold write "$mnt" 5 500
	mv "$scratch/disk/parent" "$scratch/disk/renamed"
	ended_by_term 0
	no_mount_left
	mv "$scratch/disk/renamed" "$scratch/disk/parent"
	stored "$mnt" 5 500
}

# Where a folder above it is covered, what its path leads to now stays, and it is told that the mount was left.
test_parent_covered() {
	own_area
	hold write "$mnt" 5 500
	mount -t tmpfs over "$scratch/disk/parent"
	mkdir "$mnt"
	mount -t tmpfs other "$mnt"
	touch "$mnt/of another"
	ended_by_term 1
	[ -e "$mnt/of another" ] || fail "the other mount was taken away"
	said "$mnt: not unmounted: something else is mounted over a folder above it"
	umount "$mnt" "$scratch/disk/parent"
	fusermount3 -uz "$mnt"
	stored "$mnt" 5 500
}

# A part of it that is mounted elsewhere, too, is unmounted with it.
test_bind_mount() {
	need_root
	mkdir "$mnt/d" "$scratch/loop"
	mount --bind "$mnt/d" "$scratch/loop"
	hold write "$scratch/loop" 5 500
	ended_by_term 0
	no_mount_left
	said "unmounted from $scratch/loop"
	stored "$mnt/d" 5 500
}

# As long as a bind mount is there, the file system lives on.
test_bind_mount_outlives() {
	need_root
	mkdir "$scratch/loop"
	mount --bind "$mnt" "$scratch/loop"
	fusermount3 -u "$mnt"
	hold write "$scratch/loop" 5 500
	ended_by_term 0
	no_mount_left
	stored "$mnt" 5 500
}

# Taken away lazily while files are open: they are stored, and what is mounted there now stays.
test_taken_away() {
	need_root
	hold write "$mnt" 5 500
	umount -l "$mnt"
	mount -t tmpfs other "$mnt"
	touch "$mnt/of another"
	ended_by_term 0
	[ -e "$mnt/of another" ] || fail "the other mount was taken away"
	umount "$mnt"
	stored "$mnt" 5 500
}

# A program behind it has the mounts as they are now for itself.
other_namespace=(unshare --mount --propagation private)

# Mounted in another namespace alone, it lives on, and what is written there is stored.
test_other_namespace() {
	need_root
	need_to "${other_namespace[@]}" true
	holding_as=("${other_namespace[@]}")
	hold write "$mnt" 5 500
	fusermount3 -u "$mnt"
	ended_by_term 0
	said "still mounted in another mount namespace, that of process $holder"
	stored "$mnt" 5 500
}

# So is what somebody begins to write there later.
test_other_namespace_later() {
	local other
	need_root
	need_to "${other_namespace[@]}" true
	"${other_namespace[@]}" sleep 100 &
	other=$!
	until_true 10 grep -qs sleep "/proc/$other/comm" || fail "the namespace is not set up"
	fusermount3 -u "$mnt"
	sleep 0.5
	kill -0 "$daemon" || fail "the daemon has ended"
	holding_as=(nsenter --mount --target "$other" --)
	hold write "$mnt" 5 500
	ended_by_term 0
	kill "$other"
	stored "$mnt" 5 500
}

# When the other namespace has gone, so has the mount.
test_other_namespace_ends() {
	local other
	need_root
	need_to "${other_namespace[@]}" true
	"${other_namespace[@]}" sleep 100 &
	other=$!
	until_true 10 grep -qs sleep "/proc/$other/comm" || fail "the namespace is not set up"
	fusermount3 -u "$mnt"
	kill "$other"
	wait_for_daemon
}

# A mount in another namespace cannot be taken away from here, which is said.
test_other_namespace_is_told() {
	local other
	need_root
	need_to "${other_namespace[@]}" true
	"${other_namespace[@]}" sleep 100 &
	other=$!
	until_true 10 grep -qs sleep "/proc/$other/comm" || fail "the namespace is not set up"
	ended_by_term 0
	kill "$other"
	no_mount_left
	said "still mounted in another mount namespace, that of process $other"
}

# The mount is never busy for the daemon's own sake, and the container is free as soon as it has ended.
test_never_busy() {
	local i
	unmount_it
	for ((i = 0; i < 20; i++)); do
		mount_it -o sync=1
		echo "$i" >"$mnt/f"
		fusermount3 -u "$mnt" || fail "round $i"
		wait_for_daemon
	done
}

# What does not fit the disk is told, and the status says so.
test_full_disk() {
	unmount_it
	small_disk 4m
	mount_it -o create
	hold write "$mnt" 4 500
	ended_by_term 1
	let_go
	mount_it
}

# What was refused long ago, and whose writer was told so, is no reason to say that anything is missing.
test_after_a_refusal() {
	unmount_it
	small_disk 16m
	mount_it -o create
	echo >"$mnt/large"
	head -c 8000000 /dev/urandom >"$scratch/large"
	fill_disk
	expect_error "No space left on device" cp "$scratch/large" "$mnt/large"
	rm "$scratch/disk/ballast" "$mnt/large"
	hold write "$mnt" 3 300
	ended_by_term 0
	expect 0 "$(messages "could not be stored")" messages
	expect 0 "$(messages "did not hand over")" messages
	stored "$mnt" 3 300
}

# gone PROCESS: it has ended; whoever it belongs to now may not have heard of it.
gone() {
	! grep -q '^State:.[^ZX]' "/proc/$1/status" 2>/dev/null
}

# Killed while its mount is waited for in the kernel, the daemon is gone at once, and its container free.
test_killed_while_waited_for() {
	local keeper tracer
	need_tracing
	remount_it -o sync=0
	keeper=$(keeper)
	hold write "$mnt" 5 500
	strace -f -qq -o /dev/null -e trace=writev -e inject=writev:delay_enter=300000 -p "$daemon" 2>/dev/null &
	tracer=$!
	until_true 10 grep -q "^TracerPid:.[1-9]" "/proc/$daemon/status" || fail "it cannot be traced"
	kill -TERM "$daemon"
	until_true 20 grep -q '^State:.D' "/proc/$keeper/status" || fail "nobody waits"
	kill -KILL "$daemon"
	wait "$daemon" || true
	daemon=
	until_true 10 gone "$keeper" || fail "the keeper is still there: $(cat "/proc/$keeper/stack")"
	wait "$tracer" || true
	fusermount3 -uz "$mnt"
	let_go
	mount_it -o lock_wait=1
}

# Without its keeper the daemon goes on, says so, and ends as before.
test_keeper_killed() {
	remount_it -o sync=1
	hold write "$mnt" 1 10
	kill -KILL "$(keeper)"
	until_true 10 grep -q "the process reelfs-keeper .* was ended" "$scratch/log" || fail "nothing was said"
	let_go
	echo text >"$mnt/f"
	unmount_it
	mount_it
	expect text "$(cat "$mnt/f")"
}

# `umount -f` of a bind mount cuts the connection of all mounts of the file system. What the kernel had not handed over is lost:
# the daemon says so, with status 1, and stores what it had, closed and synced files first of all.
test_forced_unmount_of_a_bind_mount() {
	local status=0
	need_root
	remount_it -o sync=0
	mkdir "$scratch/bind"
	mount --bind "$mnt" "$scratch/bind"
	echo closed >"$mnt/closed"
	hold write "$mnt" 2 50
	umount -f "$scratch/bind"
	wait "$daemon" || status=$?
	daemon=
	expect 1 $status "status of the daemon"
	said "the connection to the kernel was cut (umount -f, of a bind mount too, does so) while 2 files were open for writing"
	expect_error "Transport endpoint is not connected" ls "$mnt"
	let_go
	fusermount3 -uz "$mnt"
	mount_it
	expect_contents "$mnt/closed" $'closed\n'
}

# So is it with `umount -f` of the mount itself, once nothing is open: then nothing is lost, and nothing said.
test_forced_unmount_of_an_idle_mount() {
	need_root
	echo closed >"$mnt/closed"
	umount -f "$mnt"
	wait_for_daemon
	! grep -qF "was cut" "$scratch/log" || fail "$(cat "$scratch/log")"
	mount_it
	expect_contents "$mnt/closed" $'closed\n'
}

# When the keeper is stopped the mount goes on, and ends when it is unmounted: the daemon lets it go on.
test_stopped_keeper() {
	kill -STOP "$(keeper)"
	echo text >"$mnt/f"
	take_off
	until_true 20 gone "$daemon" || fail "the daemon has not ended"
	wait_for_daemon
}

run_tests "$@"
