#!/usr/bin/env bash
# `reel info` shows what a container holds.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh" || exit

# Expects numbers that agree with what was written.
test_counts_files_and_bytes() {
	reel init c
	reel write c a hello
	reel write c d/b 'hello world'
	is "$(reel info --json c | jq -c '[.file_system, .directories, .regular_files, .bytes_in_files]')" "[true,2,2,16]"
}

# Expects the size of the file, and no torn bytes.
test_size_is_that_of_the_file() {
	reel init c
	reel write c a hello
	is "$(reel info --json c | jq -c '[.size, .torn_bytes]')" "[$(stat -c %s c),0]"
}

# Expects one valid JSON object with the container's name, whatever bytes are in it.
test_json_holds_any_name() {
	local name=$'c"\\\n\xff.reel'
	reel init "$name"
	reel info --json "$name" >out
	grep -qF '"container": "c\"\\\u000a\udcff.reel"' out
	jq -e 'type == "object"' out
}

# Expects the same numbers in both forms.
test_text_has_the_same_numbers() {
	local key
	reel init c
	reel write c a hello
	for key in entries tombstones sequence directories id; do
		matches "$(reel info c)" "*"$'\n'"$key *$(reel info --json c | jq -r ".$key")*"
	done
}

# Expects entries of one NUL byte to be counted where they may be values or deletions, and what is asked for to be counted so.
test_counts_entries_of_one_nul_byte_in_the_oldest_format() {
	cp "$source_tree/tests/compat/vectors/v019-nul1.bin" old
	is "$(reel info --json old | jq -c '[.nul_entries, .nul_keys, .live_entries, .tombstones]')" "[2,2,2,2]"
	is "$(reel info --json --nul=value old | jq -c '[.nul_entries, .nul_keys, .live_entries, .tombstones]')" "[2,2,4,0]"
	matches "$(reel info old)" "*one NUL byte     2 entries, the newest of 2 keys: taken for deletions*(--nul=value)*"
	is "$(reel cat --nul=value old fresh | od -An -tx1)" " 00"
	is "$(reel keys --nul=value old | wc -l)" 4
	reel init c
	is "$(reel info --json c | jq -c '[.nul_entries, .nul_keys]')" "[0,0]"
}

# Expects sizes in bytes, and in binary units when they are large.
test_text_has_human_sizes() {
	reel init c
	head -c 3145728 /dev/zero | reel write c a
	matches "$(reel info c)" "*bytes in files   3145728 (3.0 MiB)*"
}

# Expects the sequence to grow with each change, and the id to stay.
test_sequence_grows() {
	local before
	reel init c
	before=$(reel info --json c | jq -r .id)
	for i in 1 2 3; do
		reel info --json c | jq .sequence >>sequences
		reel write c a "$i"
	done
	sort -nu sequences | cmp - sequences
	is "$(reel info --json c | jq -r .id)" "$before"
}

# Expects a container that a command changed to be clean.
test_clean_after_a_command() {
	reel init c
	is "$(reel info --json c | jq .clean)" true
	reel write c a x
	is "$(reel info --json c | jq .clean)" true
}

# Expects superseded and removed contents to count, live ones not: what is left is a page or two.
test_saving_is_what_no_file_needs() {
	reel init c
	head -c 1000000 /dev/urandom | reel write c a
	head -c 500000 /dev/urandom | reel write c b
	[ "$(reel info --json c | jq .estimated_saving)" -lt 10000 ] || fail "$(reel info c)"
	reel write c a short
	[ "$(reel info --json c | jq .estimated_saving)" -ge 1000000 ] || fail "$(reel info c)"
	reel rm c b
	[ "$(reel info --json c | jq .estimated_saving)" -ge 1500000 ] || fail "$(reel info c)"
}

# Expects contents of which a part was changed through a mount to count as long as the file uses the rest.
test_saving_leaves_contents_that_are_used_in_part() {
	reel init c
	head -c 1000000 /dev/urandom | reel write c a
	mount_it c
	printf changed | dd of=mnt/a bs=1 seek=500000 conv=notrunc status=none
	unmount_it
	[ "$(reel info --json c | jq .estimated_saving)" -lt 10000 ] || fail "$(reel info c)"
}

# Expects the estimate to be what compaction then frees, but for pads.
test_saving_is_what_compaction_frees() {
	local saving before freed
	reel init c
	for i in 1 2 3 4 5 6 7 8 9; do
		head -c "${i}0000" /dev/urandom | reel write c "d/$((i / 2))"
	done
	reel rm c d/1
	saving=$(reel info --json c | jq .estimated_saving)
	before=$(stat -c %s c)
	reel compact c
	freed=$((before - $(stat -c %s c)))
	[[ $((freed - saving)) -ge -1000 && $((freed - saving)) -le 1000 ]] || fail "said $saving, freed $freed"
}

# Expects the bytes after the last whole entry to be counted, and to stay.
test_torn_bytes_are_counted() {
	reel init c
	reel write c a hello
	head -c 100 /dev/urandom >>c
	unchanged c reel info c
	is "$(reel info --json c 2>/dev/null | jq .torn_bytes)" 100
}

# Expects status 1 and a line with what to do.
test_missing_container_is_an_error() {
	fails 1 "reel: info: no.reel: *reel init*" reel info no.reel
}

# Expects status 1, the line, and the file as it was.
test_what_is_no_container_is_refused() {
	seq 1000 >text
	cp /bin/ls binary
	mkdir folder
	for name in text binary folder; do
		fails 1 "reel: info: *$name*" reel info "$name"
		is "$out" ""
	done
	seq 1000 | cmp - text
	cmp /bin/ls binary
}

run_tests
