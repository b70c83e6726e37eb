#!/usr/bin/env bash
# One directory holds many files, each with its own contents, and lists each name once.
# The tests named long_* run when they are named on the command line (tools/soak).
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh" || exit 1

# expect_files FIRST STEP LAST: the directory holds the files FIRST, FIRST + STEP, ... and nothing else.
expect_files() {
	seq "$@" >"$scratch/want"
	find "$mnt/many" -mindepth 1 -printf '%f\n' | sort -n | cmp - "$scratch/want" || fail "the names listed are wrong"
	(cd "$mnt/many" && seq "$@" | xargs cat) | cmp - "$scratch/want" || fail "the contents are wrong"
}

# many_files COUNT: made, listed, half of them removed, all of them removed, each with a remount after it.
many_files() {
	local count=$1 i
	mkdir "$mnt/many"
	for ((i = 1; i <= count; i++)); do
		echo "$i" >"$mnt/many/$i"
	done
	expect_files 1 1 "$count"
	remount_it
	expect_files 1 1 "$count"
	(cd "$mnt/many" && seq 2 2 "$count" | xargs rm)
	expect_files 1 2 "$count"
	remount_it
	expect_files 1 2 "$count"
	rm -r "$mnt/many"
	remount_it
	expect "" "$(ls -A "$mnt")" "what is left after rm -r"
}

test_3000_files() {
	many_files 3000
}

long_200000_files() {
	many_files 200000
}

run_tests "$@"
