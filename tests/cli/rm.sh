#!/usr/bin/env bash
# `reel rm` removes names.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh" || exit

# Expects the names to be gone, the others to stay.
test_removes_files() {
	reel init c
	for name in a b d/c; do
		reel write c "$name" x
	done
	run 0 reel rm c a d/c
	is "$out$err" ""
	is "$(reel ls -R c)" "/:
b
d

d:"
	run 0 reel check c
}

# Expects one line for what is missing, everything else removed, status 1.
test_goes_on_after_a_missing_file() {
	reel init c
	reel write c a x
	reel write c b x
	fails 1 "reel: rm: no: not in c*" reel rm c a no b
	is "$(reel ls c)" ""
}

# Expects status 1 and the directory as it was, with or without something in it.
test_directory_needs_r() {
	reel init c
	reel write c d/a x
	fails 1 "reel: rm: d: is a directory*" reel rm c d
	is "$(reel ls c d)" a
	reel rm c d/a
	fails 1 "reel: rm: d: is a directory*" reel rm c d
	is "$(reel ls c)" d
}

# Expects the directory and all that is in it to be gone, and nothing else.
test_r_removes_trees() {
	reel init c
	for name in d/a d/b/c/e d/b/f keep/me; do
		reel write c "$name" x
	done
	run 0 reel rm -r c d
	is "$(reel ls -R c)" "/:
keep

keep:
me"
	run 0 reel check c
}

# Expects -r to remove files just the same.
test_r_removes_files_too() {
	reel init c
	reel write c a x
	run 0 reel rm -r c a
	is "$(reel ls c)" ""
}

# Expects a deep tree to go.
test_r_removes_a_deep_tree() {
	reel init c
	reel write c "$(printf 'd/%.0s' $(seq 500))file" x
	run 0 reel rm -r c d
	is "$(reel ls c)" ""
}

# Expects the root to be refused, in any spelling.
test_root_is_never_removed() {
	reel init c
	reel write c d/a x
	fails 1 "reel: rm: /: the root*" reel rm -r c /
	fails 1 "reel: rm: d/..: the root*" reel rm -r c d/..
	is "$(reel ls -R c)" "/:
d

d:
a"
}

# Expects the name to be free again.
test_name_can_be_used_again() {
	reel init c
	reel write c a one
	reel rm c a
	reel write c a two
	is "$(reel cat c a)" two
}

run_tests
