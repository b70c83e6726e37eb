#!/usr/bin/env bash
# Expects that one directory holds many files, each with its own contents, lists each name once, and
# that all this is so again after a remount and after half of them are removed.
# usage: manyfiles.sh [COUNT]     (default 5000)
# shellcheck source=tests/acceptance/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

count=${1:-5000}

# expect_files FIRST STEP: the directory holds the files FIRST, FIRST + STEP, ... and nothing else.
expect_files() {
	seq "$1" "$2" "$count" >"$scratch/want"
	find "$mnt/many" -mindepth 1 -printf '%f\n' | sort -n | cmp - "$scratch/want" || fail "the names listed are wrong"
	(cd "$mnt/many" && seq "$1" "$2" "$count" | xargs cat) | cmp - "$scratch/want" || fail "the contents are wrong"
}

start_container
mkdir "$mnt/many"
began=$SECONDS
for ((i = 1; i <= count; i++)); do
	echo "$i" >"$mnt/many/$i" || fail "file $i could not be written"
done
echo "$count files made in $((SECONDS - began)) s"
expect_files 1 1
remount
expect_files 1 1
pass "$count files in one directory"

(cd "$mnt/many" && seq 2 2 "$count" | xargs rm) || fail "rm failed"
expect_files 1 2
remount
expect_files 1 2
pass "half of them removed"

rm -r "$mnt/many" || fail "rm -r failed"
remount
[ -z "$(ls -A "$mnt")" ] || fail "something is left after rm -r"
stop_container
pass "all of them removed"
