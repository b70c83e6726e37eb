#!/usr/bin/env bash
# The commands that only read never change the container.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh" || exit

# A container with a tree: of 200 transactions, with what replaced and removed files leave.
tree() {
	local i
	reel init "$1"
	for i in 1 2 3; do
		reel write "$1" a "version $i"
		reel write "$1" "d/$i" "file $i"
	done
	head -c 10000 /dev/urandom | reel write "$1" big
	reel rm "$1" d/1
}

# only_read FILE: every reading command, each of which must leave FILE as it is.
only_read() {
	unchanged "$1" reel ls "$1"
	unchanged "$1" reel ls -l -R "$1"
	unchanged "$1" reel cat "$1" a
	unchanged "$1" reel info "$1"
	unchanged "$1" reel stat "$1" a
	unchanged "$1" reel check "$1"
	unchanged "$1" reel keys "$1"
	unchanged "$1" reel copy "$1" a "$1.copy"
	rm -f "$1.copy"
}

# Expects no change in a whole container.
test_whole_container_is_unchanged() {
	tree c
	only_read c
}

# Expects no change wherever the file is cut, and the contents of a, nothing where it was just made, or an error;
# never anything else.
test_cut_container_is_unchanged() {
	local size cut
	tree c
	size=$(stat -c %s c)
	for ((cut = 0; cut < size; cut += size / 40)) do
		head -c "$cut" c >d
		only_read d
		reel cat d a >out 2>/dev/null || continue
		[ ! -s out ] || matches "$(cat out)" "version [123]"
	done
}

# Expects no change, and everything committed to be readable, whatever a crash left at the end.
test_torn_tail_is_unchanged() {
	tree c
	for tail in "head -c 1 /dev/zero" "head -c 12 /dev/zero" "head -c 4096 /dev/zero" "head -c 64 c" "head -c 1000 /dev/urandom"; do
		cp c d
		$tail >>d
		only_read d
		is "$(reel cat d a 2>/dev/null)" "version 3"
	done
}

# Expects no change in what is no container, and status 1 and one line that names it.
test_other_files_are_unchanged() {
	seq 1000 >text
	printf x >byte
	cp /bin/ls binary
	head -c 4096 /dev/zero >zeros
	for file in text byte binary zeros; do
		only_read "$file"
		fails 1 "reel: ls: *$file*" reel ls "$file"
	done
}

# Expects a container in a folder and a file that nobody may write to be read.
test_read_only_file_is_read() {
	tree c
	chmod 400 c
	mkdir f
	mv c f
	chmod 500 f
	is "$(reel cat f/c a)" "version 3"
	run 0 reel check f/c
	chmod 700 f
}

# Expects a command that changes to take the torn tail away, and the container to be whole after it.
test_writing_repairs_the_tail() {
	tree c
	head -c 1000 /dev/urandom >>c
	reel write c b new
	is "$(reel cat c a b)" "version 3new"
	is "$(reel info --json c | jq .torn_bytes)" 0
	run 0 reel check c
}

run_tests
