#!/usr/bin/env bash
# How much memory the daemon takes (-o memory=, and the limits of control groups).
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
# shellcheck source=tests/mount/holding.sh
. "$(dirname "$0")/holding.sh" || exit 1
mount_options=()

many=$build/tests/mount/many
group=
opened=()

# What the daemon has for itself, in KiB.
own_memory() {
	awk '/^RssAnon:/ { print $2 }' "/proc/$daemon/status"
}

need_counted_memory() {
	! sanitized || skip "the allocator of the sanitizers counts nothing, and takes much itself"
}

# write_at_once FILES MIB: so many files of that size, all open at the same time.
write_at_once() {
	local i pids=()
	for ((i = 0; i < $1; i++)); do
		head -c "$2M" /dev/zero >"$mnt/at-once$i" &
		pids+=($!)
	done
	wait "${pids[@]}"
}

# open_and_write FILES MIB: the same by this shell, which keeps them open until close_all.
open_and_write() {
	local i fd
	for ((i = 0; i < $1; i++)); do
		exec {fd}>"$mnt/open$i"
		opened+=("$fd")
		head -c "$2M" /dev/zero >&"$fd"
	done
}

close_all() {
	local fd
	for fd in "${opened[@]}"; do
		exec {fd}>&-
	done
}

# What is written to open files goes to disk when it would take more than its part of the memory.
test_unwritten_data_keeps_to_the_limit() {
	need_counted_memory
	mount_it -o create,memory=64M,no_writeback_cache,sync=0
	open_and_write 30 2
	[ "$(own_memory)" -lt 24000 ] || fail "the daemon has $(own_memory) KiB"
	close_all
}

# When no more files can be open there is more room in memory: what was taken in is not lost for want of a descriptor.
test_no_descriptors_for_unwritten_data() {
	mount_it -o create,no_writeback_cache,sync=0
	prlimit --pid "$daemon" --nofile=64:64
	hold write "$mnt" 200 120
	let_go
	compare_held "$mnt" 200 120
}

# Pieces of files count as well: copies of a file of very many are refused in time, and what there is can be mounted again.
test_pieces_of_files_keep_to_the_limit() {
	local i copies=0
	need_counted_memory
	mount_it -o create,memory=16M
	perl -e 'for (1 .. 20000) { sysseek STDOUT, $_ * 8192, 0; syswrite STDOUT, "x" }' >"$mnt/scattered"
	for ((i = 0; i < 40; i++)); do
		cp "$mnt/scattered" "$mnt/copy$i" 2>"$scratch/error" || break
		copies=$((copies + 1))
	done
	grep -q "Cannot allocate memory" "$scratch/error" || fail "$copies copies, and: $(cat "$scratch/error")"
	grep -q "no more files, names and pieces of files" "$scratch/log" || fail "$(tail -n 3 "$scratch/log")"
	rm "$mnt/copy0"
	remount_it -o memory=16M
	cmp "$mnt/scattered" "$mnt/copy1"
}

# What a burst of writing took is given back when it is over.
test_memory_of_a_burst_is_given_back() {
	local i
	need_counted_memory
	mount_it -o create,no_writeback_cache,sync=1
	write_at_once 24 3
	for ((i = 0; i < 300 && $(own_memory) > 16000; i++)); do
		sleep 0.1
	done
	[ "$(own_memory)" -le 16000 ] || fail "the daemon has $(own_memory) KiB"
}

# When the files that there are take the memory, making more is refused, with a message; removing some helps, and the
# container can be mounted with the same limit.
test_more_files_than_fit_are_refused() {
	local n
	need_counted_memory
	mount_it -o create,memory=16M
	mkdir "$mnt/d"
	expect_error "openat: ENOMEM" "$many" make "$mnt/d" 100000
	expect 1 "$(messages "of the 16 MiB of memory are used, most of them for the")" messages
	n=$(find "$mnt/d" -type f | wc -l)
	[ "$n" -gt 5000 ] || fail "only $n files"
	echo text >"$mnt/d/1"
	expect_error "Cannot allocate memory" mkdir "$mnt/e"
	remount_it -o memory=16M
	expect "$n" "$(find "$mnt/d" -type f | wc -l)" files
	[ "$(messages "files and directories take")" -eq 1 ] || fail "it is not told: $(cat "$scratch/log")"
	expect text "$(cat "$mnt/d/1")"
	find "$mnt/d" -type f -name '*[1-5]' -delete
	mkdir "$mnt/e"
}

# A container with more files than fit is not mounted, and why is told with numbers.
test_more_files_than_can_be_loaded_are_told() {
	need_counted_memory
	mount_it -o create
	mkdir "$mnt/d"
	"$many" make "$mnt/d" 400 >/dev/null
	setfattr -n user.large -v "$(head -c 50000 /dev/zero | tr '\0' x)" "$mnt"/d/*
	unmount_it
	if try_mount -o memory=16M; then
		fail "20 MB were loaded in 16 MiB"
	fi
	grep -q "not enough memory: the first [0-9]* of its files and directories take 1[4-6] MiB.*of the 16 MiB" "$scratch/log" ||
		fail "$(cat "$scratch/log")"
}

# Expects a size that makes no sense to be refused.
test_sizes() {
	local size
	for size in 1 15M 16MB x '' -1 99999999999T; do
		! try_mount -o "create,memory=$size" || fail "memory=$size was accepted"
		grep -qF "memory=$size': a size of at least 16M must follow" "$scratch/log" || fail "$(cat "$scratch/log")"
		: >"$scratch/log"
	done
	mount_it -o create,memory=1g
}

# make_group BYTES: a control group with that limit, if one can be made here.
make_group() {
	local top
	need_root
	for top in /sys/fs/cgroup/memory /sys/fs/cgroup; do
		group=$top/reelfs-test-$$
		mkdir "$group" 2>/dev/null || continue
		if echo "$1" >"$group/memory.limit_in_bytes" 2>/dev/null || echo "$1" >"$group/memory.max" 2>/dev/null; then
			# Or else the limit is one on what is not swapped out.
			[ ! -e "$group/memory.swap.max" ] || echo 0 >"$group/memory.swap.max"
			return 0
		fi
		rmdir "$group"
	done
	skip "no control group with a limit of memory can be made here"
}

# The limit of the control group is kept without being told: the daemon is not killed by many writers at once.
test_limit_of_the_control_group() {
	need_counted_memory
	make_group $((40 << 20))
	# shellcheck disable=SC2064 # the name of now
	trap "clean_up; rmdir '$group'" EXIT
	(
		echo "$BASHPID" >"$group/cgroup.procs"
		exec "$reelfs" -f -o create "$container" "$mnt" 2>"$scratch/log"
	) &
	daemon=$!
	until mountpoint -q "$mnt"; do
		kill -0 "$daemon" 2>/dev/null || fail "$(cat "$scratch/log")"
		sleep 0.01
	done
	write_at_once 60 4
	"$many" make "$mnt" 3000 >/dev/null
	kill -0 "$daemon" 2>/dev/null || fail "the daemon was killed"
	cmp "$mnt/at-once59" <(head -c 4M /dev/zero)
	unmount_it
}

run_tests "$@"
