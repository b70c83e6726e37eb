#!/usr/bin/env bash
# A part of a container that was written as a whole is told from the whole, whoever wrote it: `reel compact`, `reel check
# --repair`, `reel import` and `reel copy` into a new one.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh" || exit

# folder: some files of different sizes, and a longer one.
folder() {
	local i
	mkdir -p d/sub
	for i in $(seq 40); do head -c $((i * 37)) /dev/urandom >"d/sub/f$i"; done
	head -c 100000 /dev/urandom >d/photo
}

# written_by KIND: makes the container c as a whole.
written_by() {
	rm -f c o
	case $1 in
	compact)
		reel init c
		reel import c d
		reel compact c >/dev/null
		;;
	repair)
		reel init o
		reel import o d
		reel check --repair=c o >/dev/null
		;;
	import) reel import c d ;;
	copy)
		reel init o
		reel import o d
		reel copy o photo c
		;;
	esac
}

# expect_part FILE: it is damage for all who look at it, and stays as it is.
expect_part() {
	unchanged "$1" reel check "$1"
	run 1 reel check "$1"
	matches "$out" "*a copy that is not complete*"
	is "$(reel check --json "$1" | jq .clean)" false
	unchanged "$1" fsck -p "$1"
	run 4 fsck -p "$1"
	unchanged "$1" reel write "$1" new text
	fails 1 "reel: ls: $1: a copy that is not complete*" reel ls "$1"
}

fsck() {
	"$build/fsck.reelfs" "$@"
}

# Expects a part of any length to be refused, also when a byte is missing; and the whole to be clean.
test_part_is_not_taken_for_the_whole() {
	local kind size len
	folder
	for kind in compact repair import copy; do
		written_by $kind
		run 0 reel check c
		size=$(stat -c %s c)
		for len in $((size - 1)) $((size - 30)) $((size / 2)) $((size / 100 + 400)) 420; do
			head -c $len c >part
			expect_part part
			run 1 reel check part
			matches "$out" "*it has $len of $size bytes*"
		done
	done
}

# Expects the end that came later to be cut off as ever, and no more than that.
test_part_with_the_whole_in_it_is_as_after_a_crash() {
	local kind size
	folder
	for kind in compact import; do
		written_by $kind
		size=$(stat -c %s c)
		reel write c later text
		head -c -1 c >part
		run 1 reel check part
		matches "$out" "*are an append that was not finished*"
		run 1 fsck -p part
		matches "$out" "*cut off the * bytes*; what is left is of 20*"
		run 0 fsck -f part
		is "$(reel cat part sub/f1 | sha256sum)" "$(sha256sum <d/sub/f1)"
		head -c $((size - 1)) c >part
		expect_part part
	done
}

# Expects who writes to the first bytes of a container, where it cannot be told from one that was just begun, to hear of it.
test_first_bytes_are_told_of() {
	local size
	folder
	written_by compact
	for size in 268 300 326; do
		head -c $size c >part
		run 0 reel write part new text
		matches "$err" "*part: it has a superblock and no transaction*"
		# Just this once: by now it is a container of its own.
		run 0 reel write part newer text
		is "$err" ""
	done
}

# Expects what an import that was killed leaves to be no container that can be opened, and nothing under the name.
test_killed_import_leaves_nothing_that_looks_whole() {
	local left
	need_tracing
	folder
	ASAN_OPTIONS=detect_leaks=0 strace -fqq -o trace -e trace=pread64 -P "$PWD/d/sub/f30" \
		-e inject=pread64:signal=KILL:when=1 "$build/reel" import c d || true
	[ ! -e c ] || fail "c is there"
	left=$(echo c.new-*)
	run 1 reel check "$left"
	matches "$out" "*its writing was never finished*"
	fails 1 "reel: ls: *its writing was never finished*" reel ls "$left"
}

# Expects a signal to leave nothing at all.
test_stopped_import_makes_no_container() {
	need_tracing
	folder
	ASAN_OPTIONS=detect_leaks=0 strace -fqq -o trace -e trace=pread64 -P "$PWD/d/sub/f30" \
		-e inject=pread64:signal=TERM:when=1 "$build/reel" import c d || true
	grep -q 'killed by SIGTERM' trace || fail "$(tail trace)"
	is "$(echo c*)" "c*"
}

# Expects a part of keys and values that ends within an entry not to be clean. Cut behind one, nothing tells it from what was
# there before the next was written; other programs would see an entry that tells.
test_part_of_keys_and_values() {
	local end len file
	entries k
	for len in 10 1000 100; do head -c $len /dev/urandom | reel write k "key $len"; done
	cp "$source_tree/tests/compat/vectors/v020m-base.bin" old
	reel convert old converted
	for file in k converted; do
		run 0 reel check $file
		end=$(od -An -tu8 -j $(($(stat -c %s $file) - 12)) -N 8 $file | tr -d ' ')
		for len in $(($(stat -c %s $file) - 1)) $((end + 1)); do
			head -c "$len" $file >part
			run 1 reel check part
			is "$(reel check --json part | jq .clean)" false
		done
	done
}

# Expects a wrong bit in the checkpoint to cost nothing, and two of them in a container that has just one checkpoint no contents.
test_damaged_checkpoint_costs_no_file() {
	local size file
	folder
	written_by compact
	size=$(stat -c %s c)
	reel write c new1 one
	reel write c new2 two
	flip c $((size - 200))
	run 1 reel check --repair=o c
	matches "$out" "the checkpoint at offset * it was mended*"
	for file in photo sub/f1 sub/f40; do
		reel cat o "$file" | cmp - "d/$file"
	done
	is "$(reel cat o new1 new2)" onetwo
	is "$(reel check --repair=p --json c | jq '.entries | .whole + .damaged + .lost + .dead == .all and .whole == 43')" true
	run 0 reel check o
}

run_tests
