#!/usr/bin/env bash
# `reel stat` shows everything about one file.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh" || exit

# Expects type, size, mode, owner and links.
test_shows_attributes() {
	reel init c
	reel write c docs/a.txt hello
	run 0 reel stat c docs/a.txt
	matches "$out" "path *docs/a.txt
type *regular file
size * 5
mode * 0644 -rw-r--r--
owner * $(id -u) $(id -un)
group * $(id -g) $(id -gn)
links * 1
inode *[0-9]*
accessed *
modified * 20??-??-?? ??:??:??.????????? +0000
changed *"
}

# Expects one valid JSON object.
test_json_has_attributes() {
	reel init c
	reel write c docs/a.txt hello
	is "$(reel stat --json c docs/a.txt | jq -c '[.path, .type, .size, .mode, .uid, .gid, .links]')" \
		"[\"docs/a.txt\",\"regular file\",5,\"0644\",$(id -u),$(id -g),1]"
	matches "$(reel stat --json c docs/a.txt | jq -r .modified)" "20??-??-??T??:??:??.?????????Z"
}

# Expects each extent to lead to the file's bytes in the container.
test_extents_lead_to_the_bytes() {
	local offset
	reel init c
	reel write c a hello
	offset=$(extent_of c a)
	is "$(tail -c "+$((offset + 1))" c | head -c 5)" hello
	is "$(reel stat --json c a | jq -c '.extents[0] | [.file_offset, .length]')" "[0,5]"
}

# Expects the checksum to be the CRC-32 of the contents (of hello: 3610a686).
test_checksum_is_the_crc32_of_the_contents() {
	reel init c
	reel write c a hello
	is "$(reel stat --json c a | jq -r '.extents[0].crc32')" 3610a686
}

# Expects it to say whether the contents agree with their checksums.
test_tells_whether_contents_are_valid() {
	reel init c
	reel write c a hello
	reel write c b world
	is "$(reel stat --json c a | jq .valid)" true
	matches "$(reel stat c a)" "*
contents * valid
*"
	flip c "$(extent_of c a)"
	run 0 reel stat --json c a
	is "$(jq .valid <<<"$out")" false
	is "$err" ""
	matches "$(reel stat c a)" "*
contents * WRONG: damaged
*"
}

# Expects a directory to have no extents.
test_directory_has_no_extents() {
	reel init c
	reel write c d/a x
	is "$(reel stat --json c d | jq -c '[.type, .links, .extents]')" '["directory",2,[]]'
	is "$(reel stat --json c / | jq -c '[.type, .inode]')" '["directory",1]'
}

# Expects status 1 and a line that names what is missing.
test_missing_path_is_an_error() {
	reel init c
	fails 1 "reel: stat: no: not in c*" reel stat c no
	fails 1 "reel: stat: no: not in c*" reel stat --json c no
	is "$out" ""
}

run_tests
