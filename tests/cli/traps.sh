#!/usr/bin/env bash
# What the command line of simd-r-drive gets wrong, and this one does not, with either kind of container.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh" || exit

kinds=("reel init" entries)

# Expects standard output to be the value, byte for byte, whatever a crash left in the container.
test_read_prints_nothing_but_the_value() {
	for make in "${kinds[@]}"; do
		$make c
		reel write c key value
		head -c 100 /dev/urandom >>c
		is "$(reel read c key 2>/dev/null | od -An -c | tr -d ' ')" value
		rm c
	done
}

# Expects what there is to say on standard error: here that the link before the second entry is broken.
test_warnings_go_to_standard_error() {
	entries c
	for key in first second third; do
		reel write c $key value
	done
	flip c 77 # prev_tail of the second
	run 0 reel read c first
	is "$out" value
	matches "$err" "reel: read: warning: *"
}

# Expects status 1, a line, and no change.
test_delete_of_an_absent_key_is_an_error() {
	for make in "${kinds[@]}"; do
		$make c
		reel write c key value
		reel delete c key
		unchanged c reel delete c key
		fails 1 "reel: delete: key: not in c*" reel delete c key
		fails 1 "reel: delete: no: not in c*" reel delete c no
		rm c
	done
}

# Expects an empty file where there are files, and one line, status 1 and no change where there cannot be one.
test_empty_value_is_a_file_or_an_error() {
	reel init c
	run 0 reel write c key ''
	is "$(reel metadata --json c key | jq .size)" 0
	entries d
	unchanged d reel write d key ''
	fails 1 "reel: write: key: an empty value*" reel write d key ''
}

# Expects status 1, a line, and the key still there, by whatever path the container is named.
test_move_onto_the_same_container_is_an_error() {
	ln -s c link
	for make in "${kinds[@]}"; do
		$make c
		reel write c key value
		for target in c ./c "$PWD/c" link; do
			unchanged c reel move c key "$target"
			fails 1 "reel: move: $target: is the same container*" reel move c key "$target"
		done
		is "$(reel read c key)" value
		rm c
	done
}

# Expects status 1, a line, and the key still there.
test_rename_onto_itself_is_an_error() {
	for make in "${kinds[@]}"; do
		$make c
		reel write c key value
		unchanged c reel rename c key key
		fails 1 "reel: rename: key: is the same *" reel rename c key key
		is "$(reel read c key)" value
		rm c
	done
}

run_tests
