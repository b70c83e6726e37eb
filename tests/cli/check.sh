#!/usr/bin/env bash
# `reel check` finds damage.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh" || exit

# Expects status 0 and one line that sums up.
test_whole_container_is_clean() {
	reel init c
	reel write c d/a hello
	run 0 reel check c
	matches "$out" "c: clean: * entries, $(stat -c %s c) bytes checked"
	is "$err" ""
}

# Expects status 1, a line for the fault that names the file, and a last line that sums up.
test_damaged_contents_are_a_fault() {
	reel init c
	reel write c d/a hello
	reel write c b whole
	flip c "$(extent_of c d/a)"
	run 1 reel check c
	matches "$out" "*d/a*"
	matches "$(tail -n 1 <<<"$out")" "c: * fault* found in *"
}

# hash_ranges FILE: where the trailers of its entries have the hashes of keys, as offsets of their first bytes.
hash_ranges() {
	local end
	end=$(stat -c %s "$1")
	while [ "$end" -gt 0 ]; do
		echo $((end - 20))
		end=$(od -An -tu8 -j $((end - 12)) -N 8 "$1")
	done
}

# Expects a fault, whichever byte is damaged; or at the end, where damage and an append that a crash cut off
# look the same, the note about that. What keys are hashed from is not stored, so that nothing tells a damaged
# hash of a removed file's key from another key: those are left out.
test_no_damaged_byte_goes_unnoticed() {
	local offset size start skip
	reel init c
	reel write c a hello
	reel write c b/c world
	reel rm c a
	size=$(stat -c %s c)
	mapfile -t starts < <(hash_ranges c)
	for ((offset = 0; offset < size; offset += 13)); do
		skip=
		for start in "${starts[@]}"; do
			[ $offset -lt "$start" ] || [ $offset -ge $((start + 8)) ] || skip=1
		done
		[ -z "$skip" ] || continue
		cp c d
		flip d $offset
		unchanged d reel check d
		! reel check d >out 2>&1 || grep -q '^note: ' out || fail "byte $offset of $size was changed, and check said: $(cat out)"
	done
}

# Expects status 1 to mean at least one fault in the JSON object too.
test_json_lists_the_faults() {
	reel init c
	reel write c a hello
	is "$(reel check --json c | jq -c '[.clean, .faults]')" "[true,[]]"
	flip c "$(extent_of c a)"
	run 1 reel check --json c
	is "$(jq -c '[.clean, (.faults | length > 0)]' <<<"$out")" "[false,true]"
}

# Expects status 1, as it may be a copy that has lost more: what follows the last whole entry is told, and stays.
test_torn_tail_is_not_clean() {
	reel init c
	reel write c a hello
	head -c 100 /dev/urandom >>c
	unchanged c reel check c
	run 1 reel check c
	matches "$out" "the last 100 bytes, after offset *, are an append that was not finished: *
c: 1 fault found in *"
	is "$(reel check --json c | jq -c '[.clean, .torn_bytes, (.faults | length)]')" "[false,100,1]"
	entries d
	reel write d a hello
	printf x >>d
	run 1 reel check d
	is "$(reel check --json d | jq -c '[.clean, .torn_bytes]')" "[false,1]"
}

# Expects status 0 whatever is appended while the check goes on, and has not ended when it does.
test_appends_during_a_check() {
	local i check
	reel init c
	mount_it c
	head -c 100M /dev/urandom >mnt/large
	for ((i = 0; i < 20; i++)); do
		sync mnt/large
		reel check c >out &
		check=$!
		sleep "0.0$((RANDOM % 6))1"
		echo "$i" >mnt/small
		wait $check || fail "$(cat out)"
	done
	unmount_it
}

# Expects status 0 and a note while a writer is there: it may be adding them just now.
test_torn_tail_beside_a_writer_is_under_way() {
	reel init c
	mount_it c
	printf x >>c
	run 0 reel check c
	matches "$out" "note: the container is in use, and the last 1 bytes *
c: clean: *"
	is "$(reel check --json c | jq -c '[.clean, .in_use, .torn_bytes]')" "[true,true,1]"
	unmount_it || true
}

# Expects number and time of the newest transaction, clean or not.
test_tells_of_when_the_container_is() {
	local before after
	reel init c
	before=$(date -u +%Y-%m-%dT%H:%M:%S)
	reel write c a hello
	after=$(date -u +%Y-%m-%dT%H:%M:%S.999999999Z)
	run 0 reel check c
	matches "$out" "c: clean: transaction 6 of 20??-??-?? *, * entries, * bytes checked"
	is "$(reel check --json c | jq .sequence)" 6
	is "$(reel check --json c | jq --arg a "$before" --arg b "$after" '.time >= $a and .time <= $b')" true
	flip c "$(extent_of c a)"
	is "$(reel check --json c | jq -c '[.clean, .sequence]')" "[false,6]"
	entries d
	is "$(reel check --json d | jq -c '[.sequence, .time]')" "[null,null]"
}

# Expects status 2: nothing was checked.
test_what_cannot_be_checked_has_status_2() {
	seq 1000 >text
	mkdir folder
	for name in text folder missing; do
		fails 2 "reel: check: *$name*" reel check "$name"
		is "$out" ""
	done
	seq 1000 | cmp - text
}

# Expects a fault to be one line although the file's name has two.
test_fault_is_one_line() {
	local lines
	reel init c
	reel write c a hello
	flip c "$(extent_of c a)"
	run 1 reel check c
	lines=$(wc -l <"$scratch/out")
	reel init d
	reel write d $'a\na' hello
	flip d "$(extent_of d $'a\na')"
	run 1 reel check d
	is "$(wc -l <"$scratch/out")" "$lines"
}

run_tests
