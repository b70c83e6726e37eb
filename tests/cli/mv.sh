#!/usr/bin/env bash
# `reel mv` renames.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh" || exit

# Expects the contents, the inode and the attributes under the new name, and the old name gone.
test_renames_a_file() {
	local before
	reel init c
	reel write c a contents
	before=$(reel stat --json c a | jq -c '[.inode, .mode, .modified, .extents]')
	run 0 reel mv c a b
	is "$out$err" ""
	is "$(reel ls c)" b
	is "$(reel cat c b)" contents
	is "$(reel stat --json c b | jq -c '[.inode, .mode, .modified, .extents]')" "$before"
	run 0 reel check c
}

# Expects everything below to be there under the new path.
test_renames_a_directory() {
	reel init c
	reel write c d/x/y contents
	reel mv c d e
	is "$(reel ls c)" e
	is "$(reel cat c e/x/y)" contents
}

# Expects the directories on the way to be made.
test_makes_missing_directories() {
	reel init c
	reel write c a contents
	reel mv c a new/deep/b
	is "$(reel cat c new/deep/b)" contents
	is "$(reel ls c)" new
}

# Expects the new file in the place of the old one.
test_replaces_a_file() {
	reel init c
	reel write c a one
	reel write c b two
	reel mv c a b
	is "$(reel ls c)" b
	is "$(reel cat c b)" one
	run 0 reel check c
}

# Expects status 1 and both as they were.
test_file_does_not_replace_a_directory() {
	reel init c
	reel write c a one
	reel write c d/x two
	fails 1 "reel: mv: d: is a directory*" reel mv c a d
	is "$(reel cat c a d/x)" onetwo
}

# Expects status 1 and both as they were.
test_directory_does_not_replace_a_file() {
	reel init c
	reel write c a one
	reel write c d/x two
	fails 1 "reel: mv: a: is not a directory*" reel mv c d a
	is "$(reel cat c a d/x)" onetwo
}

# Expects an empty directory to be replaced by a directory, one with names in it to stay.
test_directory_replaces_only_an_empty_one() {
	reel init c
	reel write c d/x one
	reel write c full/y two
	reel write c empty/z three
	reel rm c empty/z
	fails 1 "reel: mv: full: *not empty*" reel mv c d full
	run 0 reel mv c d empty
	is "$(reel cat c empty/x full/y)" onetwo
	is "$(reel ls c)" "empty
full"
}

# Expects status 1 and the tree as it was: no directory that was made for the attempt is left.
test_directory_does_not_move_into_itself() {
	reel init c
	reel write c d/x one
	fails 1 "reel: mv: d/new/deep: is inside d*" reel mv c d d/new/deep
	is "$(reel ls -R c)" "/:
d

d:
x"
}

# Expects an error instead of a success that did nothing.
test_move_onto_itself_is_an_error() {
	reel init c
	reel write c a one
	fails 1 "reel: mv: a: is the same file*" reel mv c a /a
	is "$(reel cat c a)" one
}

# Expects status 1, a line that names it, and no directory made for the new name.
test_missing_file_is_an_error() {
	reel init c
	fails 1 "reel: mv: no: not in c*" reel mv c no new/b
	is "$(reel ls c)" ""
}

# Expects the root to stay where it is.
test_root_is_not_moved() {
	reel init c
	reel write c a one
	fails 1 "reel: mv: /: the root*" reel mv c / b
	fails 1 "reel: mv: /: the root*" reel mv c a /
	is "$(reel ls c)" a
}

run_tests
