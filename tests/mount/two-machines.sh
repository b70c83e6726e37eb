#!/usr/bin/env bash
# A container in a file system that other machines have too: tests/mount/passing.c, two mounts of which over one folder are
# two machines, each of which believes for 5 seconds what it was told of a file.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
mount_options=()
passing=$build/tests/mount/passing

# What lib.sh does at the end of a test, once nothing is mounted in the machines.
eval "rest_of_$(declare -f clean_up)"
clean_up() {
	local m
	set +e
	for m in "$mnt" "$scratch/mnt" "$scratch/mnt2" "$scratch/A" "$scratch/B"; do
		fusermount3 -uz "$m" 2>/dev/null
	done
	rest_of_clean_up
}

# machines [OPTION...]: two of them, $scratch/A and $scratch/B; the processes that serve them are $serves_A and $serves_B.
machines() {
	mkdir "$scratch/server" "$scratch/A" "$scratch/B" "$scratch/mnt2"
	"$passing" "$scratch/server" "$scratch/A" "$@" 2>>"$scratch/served" &
	serves_A=$!
	"$passing" "$scratch/server" "$scratch/B" "$@" 2>>"$scratch/served" &
	serves_B=$!
	until mountpoint -q "$scratch/A" && mountpoint -q "$scratch/B"; do
		kill -0 "$serves_A" || fail "$(cat "$scratch/served")"
		kill -0 "$serves_B" || fail "$(cat "$scratch/served")"
		sleep 0.01
	done
	on A
}

# on MACHINE: what follows uses the container there.
on() {
	container=$scratch/$1/c.reel
}

# aside: what follows is another mount; back: it is the first one again.
aside() {
	first=$daemon
	daemon=
	mnt=$scratch/mnt2
}
back() {
	mnt=$scratch/mnt
	daemon=$first
}

# What a test leaves in the folder is looked at there: the container is whole, whatever was beside it.
finish() {
	container=$scratch/server/c.reel
}

# save FILE: its name as contents, on stable storage. And a tick of the clock: within one an append is not looked out for
# before it is made, only afterwards, and then lies behind what another program has put there.
save() {
	echo "$1" >"$mnt/$1"
	sync "$mnt/$1"
	tick
}

# saved FILE...: they are all there.
saved() {
	local f
	for f; do
		expect "$f" "$(cat "$mnt/$f")" "contents of $f"
	done
}

# The container goes from machine to machine as soon as it is unmounted, and nothing that was synced is lost.
handover() {
	local i m=A files=()
	machines "$@"
	mount_it -o create
	unmount_it
	for i in 1 2 3 4 5 6 7 8; do
		[ $m = A ] && m=B || m=A
		on $m
		mount_it
		saved "${files[@]}"
		save "file$i"
		files+=("file$i")
		unmount_it
	done
	finish
	mount_it
	saved "${files[@]}"
}
test_handover() {
	handover
}
test_handover_with_locks() {
	handover locks
}
test_handover_with_cached_contents() {
	handover cache
}

# The same with the command.
test_handover_of_commands() {
	local i m=A
	machines cache
	"$reel" init "$container"
	for i in 1 2 3 4 5 6 7 8; do
		[ $m = A ] && m=B || m=A
		on $m
		"$reel" write "$container" "file$i" "text$i" 2>"$scratch/error" || fail "$(cat "$scratch/error")"
		"$reel" check "$container" >"$scratch/check" || fail "$(cat "$scratch/check")"
		expect "$i" "$("$reel" ls "$container" | wc -l)" "files"
	done
	finish
}

# Compaction on one machine puts another file in place: the other machine goes on with that, and not with the one that it
# still knows under the name.
test_handover_of_a_compacted_container() {
	local i
	machines cache
	mount_it -o create
	save one
	unmount_it
	for i in 1 2 3; do
		on B
		mount_it
		saved one
		save "b$i"
		unmount_it
		on A
		"$reel" compact "$container" >"$scratch/compact" 2>&1 || fail "$(cat "$scratch/compact")"
		on B
		expect "b$i" "$("$reel" cat "$container" "b$i")"
		mount_it
		saved "b$i"
		save "c$i"
		unmount_it
		on A
	done
	finish
	mount_it
	saved one b1 b2 b3 c1 c2 c3
}

# Bytes that another program has appended stay, nothing more is written, and this is said; what was committed is readable.
foreign_bytes() {
	local outside=$1 size
	mount_it -o create
	save one
	size=$(stat -c %s "$scratch/server/c.reel")
	head -c 3000 /dev/urandom >"$scratch/theirs"
	cat "$scratch/theirs" >>"$outside"
	expect_error "Input/output error" mkdir "$mnt/two"
	expect_error "Read-only file system" mkdir "$mnt/three"
	saved one
	expect 1 "$(messages "another program has written to the container: the file has 3000 bytes behind offset $size,")" messages
	expect 1 "$(messages "bytes that are no entries")" messages
	unmount_failed
	cmp "$scratch/theirs" "$container.foreign-$size" || fail "they were not saved"
	tail -c +$((size + 1)) "$scratch/server/c.reel" | cmp - "$scratch/theirs" || fail "the other program's bytes are lost"
	head -c "$size" "$scratch/server/c.reel" >"$scratch/server/ours"
	mv "$scratch/server/ours" "$scratch/server/c.reel"
	container=$scratch/server/c.reel
	mount_it
	saved one
}
test_appended_on_the_same_machine() {
	mkdir "$scratch/server"
	container=$scratch/server/c.reel
	foreign_bytes "$container"
}
test_appended_on_another_machine() {
	machines
	on B
	foreign_bytes "$scratch/A/c.reel"
}

# They are saved when they are seen: a daemon that is killed then has done it, and the next one may cut them off.
test_appended_and_then_killed() {
	local size
	container=$scratch/c.reel
	mount_it -o create
	save one
	size=$(stat -c %s "$container")
	head -c 3000 /dev/urandom >"$scratch/theirs"
	cat "$scratch/theirs" >>"$container"
	expect_error "Input/output error" mkdir "$mnt/two"
	kill_it
	mount_it
	saved one
	cmp "$scratch/theirs" "$container.foreign-$size"
}

# What could not be saved then, as the disk was full, is saved at the end.
test_appended_on_a_full_disk() {
	local size
	small_disk 1m
	mount_it -o create
	save one
	size=$(stat -c %s "$container")
	head -c 3000 /dev/urandom >"$scratch/theirs"
	cat "$scratch/theirs" >>"$container"
	fill_disk
	expect_error "Input/output error" mkdir "$mnt/two"
	expect 1 "$(messages "could not be saved")" messages
	rm "$scratch/disk/ballast"
	unmount_failed
	cmp "$scratch/theirs" "$container.foreign-$size"
	truncate -s "$size" "$container"
}

# Nor are they written over by a writer that never pauses, whenever they come.
test_appended_beside_a_busy_writer() {
	local i writer
	container=$scratch/c.reel
	mount_it -o create
	for ((i = 0; i < 5000; i++)); do
		echo text >"$mnt/f$i" || break
	done 2>/dev/null &
	writer=$!
	until [ -e "$mnt/f50" ]; do sleep 0.01; done
	printf 'appended from outside' >>"$container"
	wait $writer || true
	expect 1 "$(grep -caF 'appended from outside' "$container")" "appended strings that are left"
	expect 1 "$(messages "another program has written to the container")" messages
	unmount_failed
	rm "$container"
}

# Who writes to a file hears of it from fsync(2); nothing is cut when the mount ends.
test_appended_before_a_sync() {
	local size
	container=$scratch/c.reel
	mount_it -o create
	save one
	printf 'appended from outside' >>"$container"
	size=$(stat -c %s "$container")
	expect_error "Input/output error" dd if=/dev/zero of="$mnt/one" bs=1k count=1 seek=1 conv=notrunc,fsync status=none
	unmount_failed
	expect "$size" "$(stat -c %s "$container")" "length of the container"
	expect 'appended from outside' "$(tail -c 21 "$container")"
	truncate -s -21 "$container"
	mount_it
	saved one
}

# Space that is kept allocated past the end is not given back by cutting off what another program has put there.
test_appended_before_the_end() {
	container=$scratch/c.reel
	mount_it -o create
	save one
	printf 'appended from outside' >>"$container"
	unmount_failed
	expect 'appended from outside' "$(tail -c 21 "$container")"
	truncate -s -21 "$container"
	mount_it
	saved one
}

# Another file's bytes in the same place, as long as before, are found by the last trailer.
test_overwritten_by_another_container() {
	local size
	container=$scratch/c.reel
	mount_it -o create
	save one
	size=$(stat -c %s "$container")
	dd if=/dev/urandom of="$container" bs="$size" count=1 conv=notrunc status=none
	sha256sum <"$container" >"$scratch/before"
	expect_error "Input/output error" mkdir "$mnt/two"
	expect 1 "$(messages "another program has written over the container")" messages
	unmount_failed
	expect 0 "$(messages "of the disk or server")" "messages that blame the disk"
	sha256sum <"$container" | cmp - "$scratch/before" || fail "the other program's bytes were changed"
	rm "$container"
}

# Two mounts at once, where the lock does not reach from one machine to the other: what the second has written stays.
test_written_on_another_machine_without_a_lock() {
	machines
	on B
	mount_it -o create
	save one
	on A
	"$reel" write "$container" theirs 'of the other' 2>"$scratch/error" || fail "$(cat "$scratch/error")"
	expect_error "Input/output error" mkdir "$mnt/two"
	saved one
	expect 1 "$(messages "transactions of another reelfs")" messages
	unmount_failed
	finish
	mount_it
	saved one
	expect "of the other" "$(cat "$mnt/theirs")"
}

# A server that was started again has lost the lock; another machine has written meanwhile, and nothing of it is lost.
test_a_lost_lock_that_another_machine_got() {
	machines locks
	on B
	mount_it -o create
	save one
	kill -USR1 $serves_B
	on A
	aside
	mount_it
	saved one
	save two
	unmount_it
	back
	expect_error "Input/output error" mkdir "$mnt/three"
	unmount_failed
	finish
	mount_it
	saved one two
}

# While that other machine still has it, this is said.
test_a_lost_lock_that_another_machine_has() {
	machines locks
	on B
	mount_it -o create
	save one
	kill -USR1 $serves_B
	on A
	aside
	mount_it
	second=$daemon
	back
	sleep 1.1
	expect_error "Input/output error" mkdir "$mnt/three"
	expect 1 "$(messages "another program has the lock on the container")" messages
	unmount_failed
	on A
	mnt=$scratch/mnt2 daemon=$second
	unmount_it
	finish
}

# A lost lock that nobody has got is taken again: nothing is lost, and other machines are refused again.
test_a_lost_lock_is_taken_again() {
	machines locks
	on B
	mount_it -o create
	save one
	kill -USR1 $serves_B
	sleep 1.1
	save two
	on A
	expect_error "on another machine" timeout 20 "$reelfs" -f -o lock_wait=0 "$container" "$scratch/mnt2"
	on B
	unmount_it
	finish
	mount_it
	saved one two
}

# A container that is moved over on another machine while it is mounted: the log says so, and the new file is not touched.
test_replaced_on_another_machine() {
	machines locks
	on B
	mount_it -o create,sync=1
	save one
	"$reel" init "$scratch/A/other.reel"
	sha256sum <"$scratch/A/other.reel" >"$scratch/before"
	mv "$scratch/A/other.reel" "$scratch/A/c.reel"
	until [ "$(messages "another file was moved over it")" -ge 1 ]; do
		kill -0 "$daemon" || fail "the daemon has ended"
		sleep 0.05
	done
	saved one
	expect_error "Input/output error" mkdir "$mnt/two"
	unmount_failed
	sha256sum <"$scratch/server/c.reel" | cmp - "$scratch/before" || fail "the other file was changed"
	finish
}

# A lock that is only this machine's is told of once; one that the server keeps is not.
test_a_lock_of_this_machine_is_told_once() {
	machines
	mount_it -o create
	expect 1 "$(messages "keeps locks to this machine")" messages
	expect 1 "$(messages "$container: its file system keeps locks to this machine")" "messages with the name"
	unmount_it
	finish
}
test_a_lock_of_the_server_is_not_told() {
	machines locks
	mount_it -o create
	expect 0 "$(messages "keeps locks to this machine")" messages
	unmount_it
	finish
}

# A file system that cannot sync is told of, and the container is not opened for writing.
test_a_file_system_that_cannot_sync() {
	machines nosync
	"$reel" init "$scratch/server/c.reel"
	expect_error "cannot be synced" timeout 20 "$reelfs" -f "$container" "$mnt"
	mount_it -o ro
	unmount_it
	finish
}

# failing_reads MACHINE [FROM TO [all]], working_reads MACHINE: from now on contents cannot be read there, or these bytes, or
# nothing any more once these were asked for; and can again.
failing_reads() {
	echo "${*:2}" >"$scratch/new.fail"
	mv "$scratch/new.fail" "$scratch/$1.fail"
}
working_reads() {
	rm "$scratch/$1.fail"
}

# Files that nobody could read while the server was away can be read when it is back, in the same mount; what they
# gave meanwhile was an error of reading, and no damage.
test_reads_fail_for_a_while() {
	local i
	machines
	mount_it -o create
	for i in 1 2 3 4 5 6 7 8 9 10; do
		head -c 200000 /dev/urandom >"$scratch/f$i"
		cp "$scratch/f$i" "$mnt/f$i"
	done
	remount_it
	cmp "$scratch/f1" "$mnt/f1"
	unmount_it
	on B
	mount_it
	cmp "$scratch/f1" "$mnt/f1"
	failing_reads B
	for i in 2 3 4 5 6 7 8 9 10; do
		expect_error "Input/output error" cat "$mnt/f$i" >"$scratch/read"
		expect_error "Input/output error" cat "$mnt/f$i" >"$scratch/read"
	done
	working_reads B
	for i in 1 2 3 4 5 6 7 8 9 10; do
		cmp "$scratch/f$i" "$mnt/f$i"
	done
	expect 1 "$(messages "reading the container failed at offset")" messages
	expect 0 "$(messages "damaged")" "messages of damage"
	save more
	unmount_it
	finish
	mount_it
	saved more
}

# A change of a file of which a part cannot be read fails, and can be made when it can be read again.
test_a_change_of_what_cannot_be_read() {
	machines
	mount_it -o create
	head -c 200000 /dev/urandom >"$scratch/f"
	cp "$scratch/f" "$mnt/f"
	unmount_it
	on B
	mount_it
	failing_reads B
	expect_error "Input/output error" dd if=/dev/zero of="$mnt/f" bs=1k count=150 conv=notrunc,fsync status=none
	working_reads B
	dd if=/dev/zero of="$mnt/f" bs=1k count=150 conv=notrunc,fsync status=none
	dd if=/dev/zero of="$scratch/f" bs=1k count=150 conv=notrunc status=none
	cmp "$scratch/f" "$mnt/f"
	unmount_it
	finish
}

# A container of which the end cannot be read is not opened for writing: what is zeros for the moment is not torn.
test_opening_while_reads_fail() {
	machines
	mount_it -o create
	head -c 200000 /dev/urandom >"$scratch/f"
	cp "$scratch/f" "$mnt/f"
	save one
	kill_it
	sha256sum <"$scratch/server/c.reel" >"$scratch/before"
	on B
	failing_reads B
	expect_error "reading the container failed at offset" timeout 20 "$reelfs" -f "$container" "$mnt"
	! grep -q "damaged" "$scratch/error" || fail "it is called damaged: $(cat "$scratch/error")"
	sha256sum <"$scratch/server/c.reel" | cmp - "$scratch/before"
	working_reads B
	mount_it
	cmp "$scratch/f" "$mnt/f"
	saved one
	unmount_it
	finish
}

# So is a container without a file system: its keys are not taken for gone, and are there when it can be read again.
test_keys_while_reads_fail() {
	local i
	machines
	for i in 1 2 3 4 5; do
		head -c 20000 /dev/urandom >"$scratch/k$i"
	done
	: >"$scratch/server/c.reel"
	for i in 1 2 3 4 5; do
		"$reel" write "$scratch/server/c.reel" "k$i" <"$scratch/k$i"
	done
	on B
	failing_reads B
	for i in 1 2 3 4 5; do
		expect_error "reading the container failed" "$reel" cat "$container" "k$i" >"$scratch/read"
	done
	expect_error "reading the container failed" "$reel" rm "$container" k1
	working_reads B
	for i in 1 2 3 4 5; do
		"$reel" cat "$container" "k$i" 2>"$scratch/error" | cmp - "$scratch/k$i"
	done
	finish
}

# The check tells what it could not read from damage.
test_checking_while_reads_fail() {
	machines
	mount_it -o create
	head -c 200000 /dev/urandom >"$scratch/f"
	cp "$scratch/f" "$mnt/f"
	save one
	unmount_it
	on B
	"$reel" check "$container" >"$scratch/check" || fail "$(cat "$scratch/check")"
	on A
	failing_reads A
	! "$reel" check "$container" >"$scratch/check" 2>&1 || fail "it found nothing"
	grep -q "reading the container failed" "$scratch/check" || fail "$(cat "$scratch/check")"
	working_reads A
	"$reel" check "$container" >"$scratch/check" || fail "$(cat "$scratch/check")"
	finish
}

# many_files: a container with some, on B where it has not been read yet.
many_files() {
	local i
	machines
	mount_it -o create
	for ((i = 0; i < 40; i++)); do
		head -c 60000 /dev/urandom >"$mnt/f$i"
	done
	unmount_it
	on B
}

# ends_with STATUS COMMAND...: its output, both kinds, is in $scratch/out.
ends_with() {
	local status=0 wanted=$1
	shift
	timeout 60 "$@" >"$scratch/out" 2>&1 || status=$?
	expect "$wanted" "$status" "status of $* ($(head -n 3 "$scratch/out"))"
}

# A check that cannot read some contents stops, and says so: nothing is called damaged.
test_a_check_that_cannot_read_finds_no_damage() {
	many_files
	failing_reads B 1000000 1500000 all
	ends_with 2 "$reel" check "$container"
	expect 1 "$(grep -c "reading the container failed" "$scratch/out")" "messages of reading"
	! grep -q damaged "$scratch/out" || fail "$(head -n 3 "$scratch/out")"
	ends_with 8 "$build/fsck.reelfs" -fn "$container"
	working_reads B
	ends_with 0 "$reel" check "$container"
	finish
}

# A repair during which a server goes away makes nothing.
test_a_repair_that_cannot_read_makes_no_file() {
	local range
	many_files
	for range in "" "1000000 1500000 all"; do
		# shellcheck disable=SC2086
		failing_reads B $range
		ends_with 2 "$reel" check --repair="$scratch/new" "$container"
		expect 1 "$(grep -c "^reel: check: $container: reading the container failed" "$scratch/out")" "messages of reading"
		[ ! -e "$scratch/new" ] || fail "it made a file"
		working_reads B
	done
	ends_with 0 "$reel" check --repair="$scratch/new" "$container"
	finish
}

# Of a disk with bad sectors it makes what can be read.
test_a_repair_beside_bad_sectors() {
	many_files
	failing_reads B 1000000 1000512
	ends_with 1 "$reel" check --repair="$scratch/new" "$container"
	working_reads B
	"$reel" ls "$scratch/new" >"$scratch/names"
	expect 39 "$(wc -l <"$scratch/names")" "files"
	finish
}

run_tests "$@"
