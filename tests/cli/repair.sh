#!/usr/bin/env bash
# `reel check --repair` copies what is whole of a damaged container into a new one.
. "${srcdir:-.}/tests/cli/lib.sh" || exit

# names CONTAINER: the paths in it, on one line.
names() {
	reel ls -R --json "$1" | jq -r '[.names[].path] | sort | join(" ")'
}

# Expects status 0, one line that says where what is whole is, and the same tree.
test_whole_container_is_copied() {
	reel init c
	reel write c d/a hello
	reel write c b whole
	run 0 reel check --repair=o c
	matches "$out" "o: has what is whole of c (*)
whole            4
entries          2: 2 whole, 0 damaged, 0 lost, 0 dead"
	is "$err" ""
	is "$(reel ls -R --json o | jq -c '[.names[] | del(.accessed)]')" "$(reel ls -R --json c | jq -c '[.names[] | del(.accessed)]')"
	run 0 reel check o
}

# Expects status 1, a line that names the file, and the others whole. The damaged container stays as it is.
test_file_without_a_whole_byte_is_left_out() {
	reel init c
	reel write c d/a hello
	reel write c b whole
	flip c "$(extent_of c d/a)"
	unchanged c reel check --repair=first c
	run 1 reel check --repair=o c
	matches "$out" "/d/a: nothing of its contents (5 bytes) is whole: left out
o: has what is whole of c*left out         1*"
	is "$(reel cat o b)" whole
	is "$(names o)" "b d"
	run 0 reel check o
}

# Expects the whole blocks under NAME.damaged, and zero bytes for the one that is not.
test_file_with_a_damaged_block_is_kept_in_part() {
	reel init c
	head -c 200000 /dev/urandom >data
	reel write c f <data
	flip c $(($(extent_of c f) + 65536))
	run 1 reel check --repair=o c
	matches "$out" "/f: 65536 of its 200000 bytes are damaged, from byte 65536 on: kept as /f.damaged with zero bytes in their place*"
	head -c 65536 /dev/zero | dd of=data bs=65536 seek=1 conv=notrunc status=none
	reel cat o f.damaged | cmp - data
	run 0 reel check o
}

# Expects all files although neither the superblock nor the newest checkpoint is there.
test_superblock_and_checkpoint_are_replaced() {
	reel init c
	reel write c d/a hello
	reel write c b whole
	dd if=/dev/urandom of=c bs=1 count=248 conv=notrunc status=none
	flip c $(($(stat -c %s c) - 40))
	run 1 reel check --repair=o c
	matches "$out" "the superblock is lost:*"
	is "$(reel cat o b d/a)" wholehello
	run 0 reel check o
}

# Expects what was in the part that is left, and a line about the torn bytes.
test_lost_tail_costs_what_was_in_it() {
	local size
	reel init c
	reel write c a hello
	size=$(stat -c %s c)
	reel write c b whole
	truncate -s $((size + 70)) c
	run 1 reel check --repair=o c
	matches "$out" "70 bytes outside of all whole transactions are no whole entries: left out*"
	is "$(reel cat o a)" hello
	run 0 reel check o
}

# Expects a key whose newest value is damaged to have none: not its older one.
test_whole_values_of_a_container_without_a_file_system_are_copied() {
	entries c
	reel write c a first
	reel write c b value
	reel write c a second
	reel write c c third
	flip c 128
	run 1 reel check --repair=o c
	matches "$out" "the value at offset 128 (6 bytes, key hash *) is damaged: left out
o: has what is whole of c*whole            2*left out         1*"
	is "$(reel cat o b c)" valuethird
	fails 1 "reel: cat: a: *" reel cat o a
}

# Expects an object with each line and the counts.
test_json() {
	reel init c
	reel write c a hello
	reel write c b whole
	flip c "$(extent_of c a)"
	run 1 reel check --json --repair=o c
	is "$(jq -c '[.container, .repaired, (.faults | length), .whole, .damaged, .lost, .found]' <<<"$out")" '["c","o",1,2,0,1,0]'
}

# Expects status 2 and nothing changed: OUT is never an existing file, and a text is not made a container.
test_refusals() {
	reel init c
	echo mine >o
	fails 2 "reel: check: o: exists already*" reel check --repair=o c
	is "$(cat o)" mine
	fails 2 "reel: check: c: is the damaged container itself*" reel check --repair=c c
	seq 1000 >text
	fails 2 "reel: check: text: nothing in it could be recognised*" reel check --repair=p text
	fails 2 "reel: check: *missing*" reel check --repair=p missing
	fails 2 "reel: check: nodir/p: no such directory (make it first)" reel check --repair=nodir/p c
	fails 2 "reel: check: option '--repair' needs the name of a new file*" reel check --repair= c
	[ ! -e p ] || fail "p was made"
}

# Expects a signal to end it by that signal and to leave nothing behind, with a file system and without.
test_signal_makes_no_file() {
	local name
	mkdir f
	reel init f/tree
	entries f/keys
	for name in 1 2; do
		reel write f/keys $name value
		head -c 10000000 /dev/urandom | reel write f/tree $name
	done
	for name in keys tree; do
		interrupted "$build/reel" check --repair=f/out f/$name
	done
	is "$(echo f/*)" "f/keys f/tree"
}

# Expects status 2 with the process that has it mounted, and the mount to go on.
test_mounted_container_is_not_repaired() {
	reel init c
	mount_it c
	echo text >mnt/f
	fails 2 "reel: check: c: process $daemon has the container open*" reel check --repair=o c
	is "$(cat mnt/f)" text
	unmount_it
	[ ! -e o ] || fail "o was made"
}

run_tests
