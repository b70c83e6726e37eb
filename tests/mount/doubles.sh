#!/usr/bin/env bash
# Two of something: mounts of one container, mounts on one place, files under one name, a mount inside a mount.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

# start_many OPTION...: six mounts of the container at once, on $scratch/1 to 6; their processes are in ${many[@]}.
start_many() {
	local i
	many=()
	for i in 1 2 3 4 5 6; do
		mkdir "$scratch/$i"
	done
	for i in 1 2 3 4 5 6; do
		"$reelfs" -f "$@" "$container" "$scratch/$i" 2>"$scratch/log.$i" &
		many+=($!)
	done
}

# one_serves: five of them end with status 1; the other is mounted, and $mnt and $daemon are its.
one_serves() {
	local i left status
	while :; do
		left=()
		for i in "${!many[@]}"; do
			! kill -0 "${many[i]}" 2>/dev/null || left+=("$i")
		done
		[ ${#left[@]} -gt 1 ] || break
		sleep 0.01
	done
	expect 1 ${#left[@]} "mounts that serve"
	mnt=$scratch/$((left[0] + 1))
	daemon=${many[left[0]]}
	until mountpoint -q "$mnt"; do
		kill -0 "$daemon" 2>/dev/null || fail "no mount serves: $(cat "$scratch"/log.*)"
		sleep 0.01
	done
	for i in "${!many[@]}"; do
		status=0
		[ "$i" -eq "${left[0]}" ] || wait "${many[i]}" || status=$?
		[ "$i" -eq "${left[0]}" ] || expect 1 $status "status of mount $((i + 1))"
	done
}

# Of mounts that begin at the same time one serves, and the others are refused.
test_one_of_many_serves() {
	echo one >"$mnt/f"
	unmount_it
	start_many -o lock_wait=0
	one_serves
	echo two >>"$mnt/f"
	expect_contents "$mnt/f" $'one\ntwo\n'
}

# Of mounts that all find no container one makes it, and none undoes what another has made.
test_one_of_many_creates() {
	unmount_it
	rm "$container"
	start_many -o create,lock_wait=0
	one_serves
	echo one >"$mnt/f"
	remount_it
	expect_contents "$mnt/f" $'one\n'
}

# A mount that comes while a command is writing waits until it has finished, and is refused where it may not wait.
test_beside_a_command_that_writes() {
	local writer
	unmount_it
	mkfifo "$scratch/pipe"
	"$reel" write "$container" f <"$scratch/pipe" &
	writer=$!
	exec 3>"$scratch/pipe"
	until grep -q "FLOCK .* WRITE $writer " /proc/locks; do
		kill -0 $writer || fail "the command ended"
		sleep 0.01
	done
	expect_error "process $writer has the container open for writing" timeout 20 "$reelfs" -f -o lock_wait=0 "$container" "$mnt"
	"$reelfs" -f -o lock_wait=100 "$container" "$mnt" 2>"$scratch/log" 3>&- &
	daemon=$!
	printf written >&3
	exec 3>&-
	wait $writer
	until mountpoint -q "$mnt"; do
		kill -0 "$daemon" || fail "refused: $(cat "$scratch/log")"
		sleep 0.01
	done
	expect_contents "$mnt/f" written
}

# A second container mounted over the first hides it, and gives it back.
test_two_containers_on_one_mount_point() {
	local first=$container below=$daemon
	echo first >"$mnt/f"
	container=$scratch/second.reel
	"$reelfs" -o create "$container" "$mnt"
	[ ! -e "$mnt/f" ] || fail "the first container's file is in the second"
	echo second >"$mnt/f"
	fusermount3 -u "$mnt"
	expect_contents "$mnt/f" $'first\n'
	daemon=$below
	unmount_it
	mount_it
	expect_contents "$mnt/f" $'second\n'
	unmount_it
	container=$first
}

# Another file moved over a mounted container is not written to. The mount works on, says what has happened, and the
# command that it names saves what is in it.
test_container_replaced() {
	local command
	unmount_it
	mount_it -o sync=1
	echo mounted >"$mnt/f"
	"$reel" init "$scratch/other.reel"
	"$reel" write "$scratch/other.reel" other 'the other'
	sha256sum <"$scratch/other.reel" >"$scratch/before"
	mv "$scratch/other.reel" "$container"
	echo more >>"$mnt/f"
	until grep -q "another file was moved over it" "$scratch/log"; do
		kill -0 "$daemon" || fail "the daemon has ended"
		sleep 0.05
	done
	expect_contents "$mnt/f" $'mounted\nmore\n'
	command=$(sed -n "s|.*before unmounting: \\(cp /proc/.*\\) COPY.*|\\1|p" "$scratch/log")
	$command "$scratch/saved.reel"
	unmount_failed
	grep -q "what was in it is gone" "$scratch/log" || fail "the end was not told"
	sha256sum <"$container" | cmp - "$scratch/before"
	expect "the other" "$("$reel" cat "$container" other)"
	expect $'mounted\nmore' "$("$reel" cat "$scratch/saved.reel" f)"
}

# The file that was moved over a mounted container is one of its own: it can be mounted for writing meanwhile.
test_both_files_of_one_name_work() {
	local first=$mnt below=$daemon
	echo old >"$mnt/f"
	"$reel" init "$scratch/other.reel"
	mv "$scratch/other.reel" "$container"
	mnt=$scratch/new
	mkdir "$mnt"
	mount_it
	echo new >"$mnt/f"
	expect_contents "$first/f" $'old\n'
	unmount_it
	mnt=$first
	daemon=$below
	unmount_failed
	expect new "$("$reel" cat "$container" f)"
}

# A container that was removed works on until it is unmounted, and none of it is left behind.
test_container_removed() {
	echo one >"$mnt/f"
	rm "$container"
	echo two >>"$mnt/f"
	expect_contents "$mnt/f" $'one\ntwo\n'
	unmount_failed
	grep -q "what was in it is gone" "$scratch/log" || fail "the end was not told: $(cat "$scratch/log")"
	expect 0 "$(find "$scratch" -name '*.reel*' | wc -l)" "files left"
}

# A copy that cp makes beside the mount is a container with all that was there when it began, and a torn end at worst.
test_copied_while_written() {
	local i writer
	echo before >"$mnt/before"
	while :; do
		for i in 1 2 3 4 5 6 7 8; do
			head -c 100000 /dev/zero >"$mnt/$i"
		done
	done &
	writer=$!
	for i in 1 2 3 4 5; do
		cp "$container" "$scratch/copy.$i"
	done
	kill $writer
	wait $writer 2>/dev/null || true
	for i in 1 2 3 4 5; do
		"$reel" check "$scratch/copy.$i" >"$scratch/check" ||
			grep -qz "an append that was not finished.*: 1 fault found" "$scratch/check" ||
			fail "copy $i: $(cat "$scratch/check")"
		expect before "$("$reel" cat "$scratch/copy.$i" before)"
	done
}

# A container inside another mount works like any, and keeps the outer mount busy.
test_container_in_a_mount() {
	local outer=$mnt below=$daemon first=$container
	head -c 20000000 /dev/urandom >"$scratch/data"
	container=$mnt/inner.reel
	mnt=$scratch/inner
	mkdir "$mnt"
	mount_it -o create
	cp "$scratch/data" "$mnt/data"
	sync "$mnt/data"
	cmp "$scratch/data" "$mnt/data"
	expect_error busy fusermount3 -u "$outer"
	remount_it
	cmp "$scratch/data" "$mnt/data"
	unmount_it
	"$reel" check "$container" >"$scratch/check" || fail "$(cat "$scratch/check")"
	mnt=$outer daemon=$below container=$first
}

# When the outer daemon is killed, the inner mount gives errors and ends in order; what was synced in it is there
# when both are mounted again.
test_outer_mount_dies() {
	local outer=$mnt below=$daemon first=$container
	head -c 20000000 /dev/urandom >"$scratch/data"
	container=$mnt/inner.reel
	mnt=$scratch/inner
	mkdir "$mnt"
	mount_it -o create
	cp "$scratch/data" "$mnt/data"
	sync "$mnt/data"
	kill -KILL "$below"
	wait "$below" 2>/dev/null || true
	expect_error "" cp "$scratch/data" "$mnt/more"
	cat "$mnt/data" >/dev/null 2>&1 || true
	ls "$mnt" >/dev/null || fail "the inner daemon has ended, too"
	fusermount3 -u "$mnt"
	wait "$daemon" || true
	expect_error "fusermount3 -u" timeout 20 "$reelfs" -f "$container" "$mnt"
	fusermount3 -u "$outer"
	mnt=$outer container=$first
	mount_it
	below=$daemon
	container=$outer/inner.reel mnt=$scratch/inner
	mount_it
	cmp "$scratch/data" "$mnt/data"
	unmount_it
	mnt=$outer daemon=$below container=$first
}

# A mount point that the container lies in is refused under whatever path it is reached.
test_inside_its_mount_point_by_a_bind() {
	need_root
	need_to unshare -m true
	unmount_it
	mkdir "$scratch/a" "$scratch/b" "$scratch/a/deep"
	mv "$container" "$scratch/a/deep/c.reel"
	# shellcheck disable=SC2016 # for the other shell
	unshare -m bash -c '
		mount --bind "$1/a" "$1/b"
		timeout 20 "$2" -f "$1/b/deep/c.reel" "$1/a" 2>"$1/error"
		[ $? -eq 1 ]
	' - "$scratch" "$reelfs"
	grep -q "inside its own mount point" "$scratch/error" || fail "got: $(cat "$scratch/error")"
}

run_tests "$@"
