#!/usr/bin/env bash
# `reel write` makes and replaces files.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh" || exit

# Expects a file with exactly the argument's bytes.
test_writes_an_argument() {
	reel init c
	run 0 reel write c a.txt hello
	is "$out$err" ""
	is "$(reel cat c a.txt)" hello
	is "$(reel stat --json c a.txt | jq .size)" 5
}

# Expects all bytes of standard input, whatever they are.
test_writes_standard_input() {
	reel init c
	head -c 3000000 /dev/urandom >data
	reel write c a <data
	reel cat c a | cmp - data
	run 0 reel check c
}

# Expects memory to stay bounded whatever the size of the input: 600 MB within 400 MB. What it needed is read
# while it waits for the input's end.
test_streams_in_bounded_memory() {
	local pid peak
	reel init c
	mkfifo input
	"$build/reel" write c big <input &
	pid=$!
	exec 9>input
	head -c 600000000 /dev/zero >&9
	peak=$(awk '/^VmHWM:/ { print $2 }' "/proc/$pid/status")
	exec 9>&-
	wait "$pid"
	[ "$peak" -lt 400000 ] || fail "it needed $peak kB"
	is "$(reel stat --json c big | jq .size)" 600000000
	is "$(reel cat c big | tr -d '\0' | wc -c)" 0
}

# Expects every size around the borders of blocks and pages.
test_writes_every_size() {
	local size
	reel init c
	for size in 0 1 2 63 64 65 4095 4096 4097 262143 262144 262145 1048577; do
		head -c "$size" /dev/urandom >data
		reel write c "$size" <data
		reel cat c "$size" | cmp - data || fail "size $size"
	done
	run 0 reel check c
}

# Expects an empty file and one of a single NUL byte, which the format cannot hold as entries.
test_writes_empty_and_one_nul() {
	reel init c
	reel write c empty ''
	reel write c nul < <(printf '\0')
	is "$(reel stat --json c empty | jq .size)" 0
	is "$(reel cat c empty | wc -c)" 0
	is "$(reel cat c nul | od -An -tx1)" " 00"
	run 0 reel check c
}

# Expects the new contents only, also when they are shorter.
test_replaces_contents() {
	reel init c
	reel write c a 'a long first version'
	reel write c a short
	is "$(reel cat c a)" short
	reel write c a ''
	is "$(reel cat c a)" ""
	reel write c a 'longer again'
	is "$(reel cat c a)" 'longer again'
	run 0 reel check c
}

# Expects the directories on the way to be made with what the umask leaves of 0777.
test_makes_missing_directories() {
	reel init c
	(umask 027 && reel write c docs/deep/a.txt hello)
	is "$(reel stat --json c docs | jq -r '.type + .mode')" directory0750
	is "$(reel stat --json c docs/deep | jq -r '.type + .mode')" directory0750
	is "$(reel cat c docs/deep/a.txt)" hello
}

# Expects the caller as owner and what the umask leaves of 0666.
test_new_file_is_the_callers() {
	reel init c
	(umask 027 && reel write c a x)
	is "$(reel stat --json c a | jq -c '[.uid, .gid, .mode]')" "[$(id -u),$(id -g),\"0640\"]"
}

# Expects a path to mean the same with and without a slash in front, doubled, and with dots in it.
test_path_may_begin_with_a_slash() {
	reel init c
	reel write c /docs/a one
	reel write c docs//./a two
	is "$(reel ls -R c)" "/:
docs

docs:
a"
	is "$(reel cat c /docs/../docs/a)" two
}

# Expects the file's contents to be an entry under its path, for other programs.
test_contents_are_an_entry_under_the_path() {
	reel init c
	reel write c hello world
	is "$(reel stat --json c hello | jq -r '.extents[0].key_hash')" 9555e8555c62dcfd
}

# Expects a value to be able to begin with a dash.
test_value_may_begin_with_a_dash() {
	reel init c
	reel write c a -l
	is "$(reel cat c a)" -l
	reel write -- c -b --help
	is "$(reel cat c -- -b)" --help
}

# Expects status 1, and the directory as it was.
test_directory_is_not_replaced() {
	reel init c
	reel write c d/a x
	fails 1 "reel: write: d: is a directory*" reel write c d value
	fails 1 "reel: write: d/: is a directory*" reel write c d/ value
	fails 1 "reel: write: new/: is a directory*" reel write c new/ value
	fails 1 "reel: write: /: is a directory*" reel write c / value
	is "$(reel ls c)" d
	is "$(reel ls c d)" a
}

# Expects status 1: a file has nothing below it. No directory is left.
test_file_on_the_way_is_an_error() {
	reel init c
	reel write c a x
	fails 1 "reel: write: a/b: *" reel write c a/b value
	fails 1 "reel: write: a/b/c: *" reel write c a/b/c value
	is "$(reel ls -R c)" "/:
a"
}

# Expects a name of 255 bytes to work, and one of 256 to be an error that leaves nothing.
test_name_has_at_most_255_bytes() {
	local name
	reel init c
	name=$(printf '%0255d' 0)
	reel write c "$name" x
	is "$(reel ls c)" "$name"
	fails 1 "reel: write: d/${name}0: *" reel write c "d/${name}0" x
	is "$(reel ls c)" "$name"
}

# Expects what was there when standard input cannot be read: a directory gives EISDIR.
test_read_error_changes_nothing() {
	reel init c
	reel write c a old
	fails 1 "reel: write: standard input: *" reel write c a <.
	fails 1 "reel: write: standard input: *" reel write c new/b <.
	is "$(reel ls c)" a
	is "$(reel cat c a)" old
	run 0 reel check c
}

# Expects a closed standard input to be an error, not an empty file.
test_closed_standard_input_changes_nothing() {
	reel init c
	reel write c a old
	fails 1 "reel: write: standard input: *" reel write c a <&-
	is "$(reel cat c a)" old
}

# begin_write PATH: starts `reel write c PATH`, and returns when it has read a part of its input. Its process
# is $pid; its input goes on from descriptor 9.
begin_write() {
	mkfifo input
	"$build/reel" write c "$1" <input &
	pid=$!
	exec 9>input
	head -c 1000000 /dev/zero >&9 # more than a pipe holds
}

# end_write SIGNAL: sends the signal, which must end it.
end_write() {
	local status=0
	kill "-$1" "$pid"
	wait "$pid" 2>/dev/null || status=$?
	exec 9>&-
	is "$status" $((128 + $(kill -l "$1")))
}

# Expects the old contents when reel is killed before its input ends, and that it can be written again.
test_kill_keeps_old_contents() {
	reel init c
	reel write c a old
	begin_write a
	end_write KILL
	is "$(reel cat c a)" old
	reel write c a new
	is "$(reel cat c a)" new
	run 0 reel check c
}

# Expects a signal that can be caught to leave the tree as it was: no empty file, no directory for it.
test_signal_leaves_the_tree_as_it_was() {
	reel init c
	reel write c a old
	begin_write new/dir/b
	end_write TERM
	is "$(reel ls -R c)" "/:
a"
	rm input
	begin_write a
	end_write TERM
	is "$(reel cat c a)" old
	run 0 reel check c
}

# Expects a signal to leave no entry, nor a torn tail, in a container without a file system.
test_signal_leaves_no_entry() {
	entries c
	reel write c a old
	cp c before
	begin_write b
	end_write TERM
	cmp c before
}

# Expects an error instead of a container that grows under its own reader.
test_container_is_not_its_own_input() {
	reel init c
	# shellcheck disable=SC2094 # the point of the test
	fails 1 "reel: write: c: is also standard input*" reel write c a <c
	is "$(reel ls c)" ""
}

# Expects status 1 and a line that says how to make one; none is made.
test_missing_container_is_an_error() {
	fails 1 "reel: write: no.reel: *" reel write no.reel a x
	is "$(ls)" ""
}

# Expects the limit on the size of files to be an error that leaves what was there.
test_file_limit_changes_nothing() {
	reel init c
	reel write c a old
	head -c 4000000 /dev/urandom >data
	fails 1 "reel: write: *the limit on the size of files is reached*" bash -c "ulimit -f 2000; '$build/reel' write c a <data"
	is "$(reel cat c a)" old
	run 0 reel check c
}

# Expects all directories of a path that are missing, however many, and those that it only passes through.
test_missing_directories_are_made() {
	local deep
	deep=$(printf 'd/%.0s' {1..4000})
	reel init c
	reel write c "$deep/file" one
	reel write c "$deep/../new/.hidden/./x/../y/file" two
	is "$(reel cat c "$deep/file")" one
	is "$(reel cat c "$deep/../new/.hidden/y/file")" two
	is "$(reel ls c "$deep/../new/.hidden" | xargs)" "x y"
	is "$(reel ls c "$deep/.." | xargs)" "d new"
	reel check c
}

run_tests
