#!/usr/bin/env bash
# `reel init` makes an empty container.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh" || exit

# Expects no output, and a container with an empty root.
test_makes_an_empty_tree() {
	run 0 reel init c
	is "$out$err" ""
	run 0 reel ls c
	is "$out" ""
	is "$(reel info --json c | jq -c '[.file_system, .directories, .regular_files]')" "[true,1,0]"
	run 0 reel check c
}

# Expects a file that only its owner can use.
test_makes_a_file_for_its_owner_only() {
	reel init c
	is "$(stat -c %a c)" 600
}

# Expects the root directory to be the caller's, and others to be able to look into it.
test_root_directory_is_the_callers() {
	reel init c
	is "$(reel stat --json c / | jq -c '[.uid, .gid, .mode]')" "[$(id -u),$(id -g),\"0755\"]"
}

# Expects status 1 and the file as it was.
test_leaves_a_file_that_exists() {
	echo text >c
	fails 1 "reel: init: c: exists*" reel init c
	is "$(cat c)" text
}

# Expects status 1 for an empty file too.
test_leaves_an_empty_file_that_exists() {
	: >c
	fails 1 "reel: init: c: exists*" reel init c
	[ ! -s c ]
}

# Expects status 1 and a line with the path.
test_missing_directory_is_an_error() {
	fails 1 "reel: init: no/c: *" reel init no/c
}

# Expects two containers to differ: each has an identity of its own.
test_every_container_has_its_own_id() {
	reel init c
	reel init d
	[ "$(reel info --json c | jq .id)" != "$(reel info --json d | jq .id)" ]
}

run_tests
