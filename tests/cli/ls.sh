#!/usr/bin/env bash
# `reel ls` lists names.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh" || exit

# on_a_terminal COMMAND...: what it prints when standard output is a terminal.
on_a_terminal() {
	script -qec "$(printf '%q ' "$@")" /dev/null </dev/null | tr -d '\r'
}

# Expects each name on a line, sorted by bytes, those with a leading dot too.
test_lists_the_root() {
	reel init c
	for name in b a .hidden Z dir/x; do
		reel write c "$name" x
	done
	is "$(reel ls c)" ".hidden
Z
a
b
dir"
	is "$(reel ls c /)" "$(reel ls c)"
}

# Expects the names in the directory.
test_lists_a_directory() {
	reel init c
	reel write c d/x 1
	reel write c d/y 2
	is "$(reel ls c d)" "x
y"
	is "$(reel ls c /d/)" "x
y"
}

# Expects the path as it was given.
test_lists_a_file_as_itself() {
	reel init c
	reel write c d/x 1
	is "$(reel ls c d/x)" d/x
}

# Expects each directory's path before its names, in the order of ls -R.
test_lists_recursively() {
	reel init c
	for name in a/1 a/b/2 c 'z z/3'; do
		reel write c "$name" x
	done
	is "$(reel ls -R c)" "/:
a
c
z z

a:
1
b

a/b:
2

z z:
3"
	is "$(reel ls -R c a/b)" "a/b:
2"
}

# Expects the columns of ls -l: mode, links, owner, group, size, time, name.
test_long_form_has_the_columns_of_ls() {
	reel init c
	reel write c docs/a.txt hello
	reel write c b ''
	matches "$(reel ls -l c docs)" "-rw-r--r-- 1 $(id -un) $(id -gn) 5 ??? ?? ??:?? a.txt"
	matches "$(reel ls -l c)" "-rw-r--r-- 1 $(id -un) $(id -gn) *0 ??? ?? ??:?? b
drwxr-xr-x 2 $(id -un) $(id -gn) * ??? ?? ??:?? docs"
	matches "$(reel ls --long c b)" "-rw-r--r-- 1 *b"
}

# Expects numbers to end in the same column.
test_long_form_aligns_columns() {
	reel init c
	reel write c a x
	printf '%01234d' 0 | reel write c b
	matches "$(reel ls -l c)" "*    1 ??? ?? ??:?? a
* 1234 ??? ?? ??:?? b"
}

# Expects options after the arguments to work.
test_options_may_come_last() {
	reel init c
	reel write c a x
	is "$(reel ls c -l)" "$(reel ls -l c)"
}

# Expects status 1 and a line that names what is missing.
test_missing_path_is_an_error() {
	reel init c
	fails 1 "reel: ls: no: not in c*" reel ls c no
	fails 1 "reel: ls: no/no: not in c*" reel ls c no/no
	is "$out" ""
}

# Expects the bytes as they are when the output is no terminal.
test_names_are_raw_in_a_pipe() {
	reel init c
	reel write c $'a\nb\e[1m\xff' x
	is "$(reel ls c | od -An -c)" "$(printf 'a\nb\e[1m\377\n' | od -An -c)"
}

# Expects escapes on a terminal: a name cannot move the cursor.
test_names_are_escaped_on_a_terminal() {
	reel init c
	reel write c $'a\nb\e[1m\xff\\\xc2\x85' x
	is "$(on_a_terminal "$build/reel" ls c)" 'a\nb\033[1m\377\\\302\205'
}

# Expects letters beyond ASCII to stay readable on a terminal.
test_utf8_is_not_escaped_on_a_terminal() {
	reel init c
	reel write c 'grüße-日本-🎞' x
	is "$(on_a_terminal "$build/reel" ls c)" 'grüße-日本-🎞'
}

# Expects one line of message, whatever is in the name.
test_messages_are_one_line() {
	reel init c
	fails 1 'reel: ls: a\\nb: not in c*' reel ls c $'a\nb'
}

# Expects status 1 and one line: a listing that is cut off is not success.
test_full_disk_behind_standard_output_is_an_error() {
	reel init c
	reel write c a x
	fails 1 "reel: ls: standard output: No space left on device*" bash -c "'$build/reel' ls c >/dev/full"
}

# Expects a deep tree to be listed to its end.
test_lists_a_deep_tree() {
	local path
	reel init c
	path=$(printf 'd/%.0s' $(seq 500))
	reel write c "${path}file" x
	is "$(reel ls -R c | grep -c ':$')" 501
	is "$(reel ls c "$path")" file
}

# Expects each name with its path and attributes, below with -R.
test_json_has_paths_and_attributes() {
	reel init c
	reel write c d/a hello
	reel write c b x
	is "$(reel ls --json c | jq -c '[.container, [.names[] | [.path, .type, .size, .mode]]]')" \
		'["c",[["b","regular file",1,"0644"],["d","directory",4096,"0755"]]]'
	is "$(reel ls --json -R c | jq -c '[.names[].path]')" '["b","d","d/a"]'
	is "$(reel ls --json c d | jq -c '[.names[].path]')" '["d/a"]'
	is "$(reel ls --json c b | jq -c '[.names[].path]')" '["b"]'
	is "$(reel ls --json c d/a | jq -r '.names[0].modified')" "$(reel stat --json c d/a | jq -r .modified)"
	fails 1 "reel: ls: no: not in c*" reel ls --json c no
}

# Expects the hash, size and place of each entry.
test_json_of_entries() {
	entries c
	reel write c hello world
	is "$(reel ls --json c | jq -c .)" \
		'{"container":"c","entries":[{"key_hash":"9555e8555c62dcfd","size":5,"payload_offset":0}]}'
	is "$(reel ls --json c hello | jq -c '.entries | length')" 1
}

run_tests
