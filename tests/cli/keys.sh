#!/usr/bin/env bash
# `reel` on containers of other simd-r-drive programs, which hold entries by key and no file system.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh" || exit

hello_hash=9555e8555c62dcfd # XXH3-64 of "hello"

# one_entry FILE: the container that simd-r-drive 0.15 and later write for hello -> world.
one_entry() {
	printf 'world\xfd\xdc\x62\x5c\x55\xe8\x55\x95\0\0\0\0\0\0\0\0\x43\x11\x77\x3a' >"$1"
}

# Expects the value under its key.
test_cat_reads_by_key() {
	one_entry c
	is "$(reel cat c hello)" world
	fails 1 "reel: cat: /hello: not in c*" reel cat c /hello
}

# Expects the value under its hash, as ls shows it.
test_cat_reads_by_hash() {
	one_entry c
	is "$(reel cat c "$(reel ls c)")" world
}

# Expects the bytes of the format: what reel writes is what simd-r-drive writes.
test_write_makes_the_same_bytes() {
	entries c
	one_entry d
	run 0 reel write c hello world
	cmp c d
}

# Expects no file system to come into being by any command.
test_container_stays_without_a_file_system() {
	entries c
	reel write c a one
	reel write c b < <(echo two)
	reel mv c a d
	reel rm c b
	is "$(reel info --json c | jq -c '[.file_system, .entries, .live_entries, .tombstones]')" "[false,5,1,2]"
	run 0 reel check c
}

# Expects the newest value; keys are not paths.
test_write_appends() {
	entries c
	reel write c /a//b one
	reel write c a/b two
	reel write c /a//b three
	is "$(reel cat c /a//b a/b)" threetwo
}

# Expects standard input of any size, streamed.
test_write_takes_standard_input() {
	entries c
	head -c 5000000 /dev/urandom >data
	reel write c key <data
	reel cat c key | cmp - data
	run 0 reel check c
}

# Expects status 1, a line that says why, and the file as it was: the format cannot hold them.
test_empty_value_and_one_nul_are_refused() {
	one_entry c
	unchanged c reel write c key ''
	fails 1 "reel: write: key: an empty value*" reel write c key ''
	fails 1 "reel: write: key: an empty value*" reel write c key </dev/null
	fails 1 "reel: write: key: an empty value*" reel write c key < <(printf '\0')
	one_entry d
	cmp c d
}

# Expects values of zero bytes longer than one to work.
test_longer_zeros_are_a_value() {
	entries c
	reel write c zeros < <(printf '\0\0')
	is "$(reel cat c zeros | od -An -tx1)" " 00 00"
}

# Expects the file as it was when standard input cannot be read.
test_read_error_changes_nothing() {
	one_entry c
	fails 1 "reel: write: standard input: *" reel write c key <.
	one_entry d
	cmp c d
}

# Expects the hashes, newest first, deleted ones left out.
test_ls_lists_hashes_newest_first() {
	one_entry c
	reel write c other x
	is "$(reel ls c | tail -n 1)" $hello_hash
	is "$(reel ls c | wc -l)" 2
	reel rm c other
	is "$(reel ls c)" $hello_hash
	matches "$(reel ls -l c)" "$hello_hash * 5 * 0"
	is "$(reel ls c hello)" $hello_hash
	fails 1 "reel: ls: no: not in c*" reel ls c no
}

# Expects a tombstone, and the key to be gone.
test_rm_deletes() {
	one_entry c
	run 0 reel rm c hello
	fails 1 "reel: cat: hello: not in c*" reel cat c hello
	is "$(stat -c %s c)" 46
	one_entry c
	reel rm c $hello_hash
	is "$(reel ls c)" ""
}

# Expects status 1, a line, and the file as it was.
test_rm_of_an_absent_key_is_an_error() {
	one_entry c
	unchanged c reel rm c no
	fails 1 "reel: rm: no: not in c*" reel rm c no
}

# Expects the value under the new key only.
test_mv_moves() {
	one_entry c
	run 0 reel mv c hello bye
	is "$(reel cat c bye)" world
	fails 1 "reel: cat: hello: not in c*" reel cat c hello
	reel mv c "$(reel ls c)" again
	is "$(reel cat c again)" world
}

# Expects an error, and the value to stay: a copy and a tombstone under one key would delete it.
test_mv_onto_itself_is_an_error() {
	one_entry c
	unchanged c reel mv c hello hello
	fails 1 "reel: mv: hello: is the same entry*" reel mv c hello hello
	fails 1 "reel: mv: $hello_hash: is the same entry*" reel mv c $hello_hash hello
	is "$(reel cat c hello)" world
}

# Expects status 1 and the file as it was.
test_mv_of_an_absent_key_is_an_error() {
	one_entry c
	unchanged c reel mv c no bye
	fails 1 "reel: mv: no: not in c*" reel mv c no bye
}

# Expects an error, and no new entry: a copy would give the damaged value a good checksum.
test_mv_does_not_copy_damage() {
	one_entry c
	reel write c other x
	flip c 0
	unchanged c reel mv c hello bye
	fails 1 "reel: mv: *damaged*" reel mv c hello bye
}

# Expects an error and no output.
test_cat_does_not_print_damage() {
	one_entry c
	reel write c other x
	flip c 0
	fails 1 "reel: cat: hello: *damaged*" reel cat c hello
	is "$out" ""
	is "$(reel cat c other)" x
}

# Expects size, place, hash and checksum, and that the value agrees with it.
test_stat_shows_the_entry() {
	one_entry c
	is "$(reel stat --json c hello | jq -c '[.key_hash, .size, .total_size, .payload_offset, .payload_end, .entry_end, .crc32, .valid]')" \
		"[\"$hello_hash\",5,25,0,5,25,\"3a771143\",true]"
	matches "$(reel stat c hello)" "*key hash * $hello_hash
size * 5
total size * 25
payload * from 0 to 5
entry * from 0 to 25
checksum * 3a771143 (valid)"
	reel write c other x
	flip c 0
	is "$(reel stat --json c hello | jq .valid)" false
}

# Expects the fault, and status 1.
test_check_finds_a_damaged_value() {
	one_entry c
	reel write c other x
	run 0 reel check c
	flip c 0
	run 1 reel check c
	matches "$(tail -n 1 <<<"$out")" "c: * fault* found in 2 entries, *"
}

# Expects a fault, and a warning from the commands that read: what lies behind a broken link is out of reach.
test_check_finds_a_broken_link() {
	one_entry c
	reel write c second x
	reel write c third x
	flip c 73 # prev_tail of the second
	run 1 reel check c
	matches "$out" "*damaged*
c: 1 fault found in 1 entries, 25 bytes"
	run 0 reel cat c hello
	is "$out" world
	matches "$err" "reel: cat: warning: c: *damaged*"
}

# Expects an empty file to be an empty container.
test_empty_file_is_an_empty_container() {
	entries c
	for command in ls info check; do
		run 0 reel $command c
	done
	fails 1 "reel: cat: key: not in c*" reel cat c key
	[ ! -s c ]
}

# Expects the values in containers of every older generation, and a refusal to write that leaves them alone.
test_older_generations_are_read_and_not_written() {
	local generation vectors=$source_tree/tests/compat/vectors
	for generation in v019 v020m v16a; do
		cp "$vectors/$generation-base.bin" c
		is "$(reel cat c t5 | od -An -v -tx1 | tr -d ' \n')" \
			"$(jq -r '.entries[] | select(.key_hex == "7435").payload_hex' "$vectors/$generation-base.json")"
		is "$(reel ls c | wc -l)" "$(jq .live_count "$vectors/$generation-base.json")"
		run 0 reel info c
		run 0 reel check c
		unchanged c reel write c key value
		fails 1 "reel: write: *older format*" reel write c key value
		fails 1 "reel: rm: *older format*reel convert*" reel rm c t5
	done
}

run_tests
