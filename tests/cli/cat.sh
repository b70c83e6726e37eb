#!/usr/bin/env bash
# `reel cat` prints contents.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh" || exit

# Expects the contents one after another, nothing between.
test_prints_files_in_order() {
	reel init c
	reel write c a one
	reel write c d/b two
	is "$(reel cat c d/b a d/b)" twoonetwo
}

# Expects one line for what is missing, everything else printed, status 1.
test_goes_on_after_a_missing_file() {
	reel init c
	reel write c a one
	reel write c b two
	fails 1 "reel: cat: no: not in c*" reel cat c a no b
	is "$out" onetwo
}

# Expects status 1 and a line that says so.
test_directory_is_an_error() {
	reel init c
	reel write c d/a x
	fails 1 "reel: cat: d: is a directory*" reel cat c d
	fails 1 "reel: cat: /: is a directory*" reel cat c /
}

# Expects a path that ends in a slash to be no file.
test_file_with_a_slash_at_the_end_is_an_error() {
	reel init c
	reel write c a x
	fails 1 "reel: cat: a/: *" reel cat c a/
	fails 1 "reel: cat: a/.: *" reel cat c a/.
	fails 1 "reel: cat: a/../a: *" reel cat c a/../a
}

# Expects the old name to be gone after mv and rm, though its bytes are still in the container.
test_no_contents_under_a_name_that_is_gone() {
	reel init c
	reel write c a one
	reel mv c a b
	fails 1 "reel: cat: a: not in c*" reel cat c a
	reel rm c b
	fails 1 "reel: cat: b: not in c*" reel cat c b
	fails 1 "reel: cat: a: not in c*" reel cat c a
}

# Expects an error that names the file, and none of the damaged bytes.
test_damaged_bytes_are_not_printed() {
	reel init c
	reel write c a 'some contents'
	reel write c b whole
	flip c "$(extent_of c a)"
	fails 1 "reel: cat: *" reel cat c a
	matches "$err" "*a*"
	is "$out" ""
	is "$(reel cat c b)" whole
}

# Expects status 1 and one line: printing to a full disk is not success.
test_full_disk_behind_standard_output_is_an_error() {
	reel init c
	reel write c a contents
	run 1 bash -c "'$build/reel' cat c a >/dev/full"
	matches "$err" "reel: cat: standard output: No space left on device*"
}

# Expects the container to be safe from output when standard output is closed: the first descriptor that
# is free must not become the container's.
test_closed_standard_output_is_an_error() {
	reel init c
	reel write c a contents
	unchanged c bash -c "'$build/reel' cat c a >&-"
	fails 1 "reel: cat: standard output: *" bash -c "'$build/reel' cat c a >&-"
	unchanged c bash -c "'$build/reel' cat c missing 2>&-"
}

# Expects an error instead of a container with its own contents at its end.
test_container_is_not_its_own_output() {
	reel init c
	reel write c a contents
	unchanged c bash -c "'$build/reel' cat c a >>c"
	fails 1 "reel: cat: c: is also standard*" bash -c "'$build/reel' cat c a >>c"
}

# Expects a reader that goes away to end reel silently, by the signal.
test_reader_that_goes_away_ends_it_silently() {
	reel init c
	head -c 5000000 /dev/zero | reel write c big
	run 141 bash -o pipefail -c "'$build/reel' cat c big | head -c 1 >/dev/null"
	is "$err" ""
}

# writes SIZE PATH...: the sizes of the writes that reel read makes.
writes() {
	ASAN_OPTIONS=detect_leaks=0 strace -qq -o trace -e trace=write,writev "$build/reel" read -b "$1" c "${@:2}" | cat >out
	sed -n 's/^write.* = \([0-9]*\)$/\1/p' trace | tr '\n' ' '
}

# Expects each write but the last of a file to have the size that was asked for.
test_buffer_size_is_that_of_each_write() {
	need_tracing
	reel init c
	head -c 5000 /dev/urandom >data
	reel write c a <data
	is "$(writes 2K a)" "2048 2048 904 "
	cmp out data
	is "$(writes 2500 a)" "2500 2500 "
	is "$(writes 1M a)" "5000 "
	entries c
	reel write c a <data
	is "$(writes 2k a)" "2048 2048 904 "
	cmp out data
}

# Expects each way to write a size to be understood.
test_buffer_size_takes_units() {
	local size
	reel init c
	reel write c a contents
	for size in 1 100 64K 64k 64KB 64KiB 1M 1MiB 1G 1gib 7B; do
		is "$(reel cat -b $size c a)" contents
		is "$(reel cat c a --buffer-size=$size)" contents
	done
}

# Expects status 2 and a line that says what a size is.
test_wrong_buffer_size_is_a_usage_error() {
	local size
	reel init c
	reel write c a contents
	for size in 0 '' -1 +1 1.5M x K 1T 2G 1Kx 1KK 99999999999999999999 0x10 ' 1'; do
		fails 2 "reel: cat: *is no buffer size*" reel cat -b "$size" c a
	done
}

run_tests
