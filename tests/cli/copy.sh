#!/usr/bin/env bash
# `reel copy` and `reel move`: a file or an entry into another container.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh" || exit

# Expects the contents in both containers.
test_copies_a_file() {
	reel init c
	reel init d
	reel write c x/a contents
	run 0 reel copy c x/a d
	is "$out$err" ""
	is "$(reel cat d x/a)" contents
	is "$(reel cat c x/a)" contents
	run 0 reel check d
}

# Expects the file in the second container only.
test_moves_a_file() {
	reel init c
	reel init d
	reel write c x/a contents
	run 0 reel move c x/a d
	is "$(reel cat d x/a)" contents
	is "$(reel ls c x)" ""
	run 0 reel check c
	run 0 reel check d
}

# Expects the entry, under its key, in both.
test_copies_an_entry() {
	entries c
	entries d
	reel write c hello world
	run 0 reel copy c hello d
	cmp c d
}

# Expects the entry in the second container, and its tombstone in the first.
test_moves_an_entry() {
	entries c
	entries d
	reel write c hello world
	run 0 reel move c hello d
	is "$(reel cat d hello)" world
	fails 1 "reel: cat: hello: not in c*" reel cat c hello
}

# Expects an entry that is named by its hash to keep its key.
test_entry_named_by_its_hash_keeps_its_key() {
	entries c
	entries d
	reel write c hello world
	run 0 reel copy c "$(reel ls c)" d
	is "$(reel cat d hello)" world
}

# Expects the value as the contents of a file, and a file's contents as a value under its path.
test_copies_between_both_kinds() {
	entries c
	reel init d
	entries e
	reel write c some/key value
	run 0 reel copy c some/key d
	is "$(reel cat d some/key)" value
	run 0 reel copy d /some/key e
	cmp c e
}

# Expects status 1, a line that says why, and no change: an entry cannot hold them.
test_what_is_no_entry_is_not_copied_into_entries() {
	reel init c
	entries d
	reel write c empty ''
	reel write c nul < <(printf '\0')
	fails 1 "reel: copy: empty: an empty value*" reel copy c empty d
	fails 1 "reel: copy: nul: an empty value*" reel copy c nul d
	fails 1 "reel: move: nul: an empty value*" reel move c nul d
	[ ! -s d ]
	is "$(reel ls c)" "empty
nul"
}

# Expects mode, owner, times and extended attributes of the original.
test_copy_has_the_attributes() {
	need_root
	mkdir src
	echo contents >src/a
	chown 12:34 src/a
	chmod 4751 src/a
	touch -d '2001-02-03 04:05:06.789' src/a
	reel init c
	reel init d
	reel import c src
	run 0 reel copy c a d
	is "$(reel stat --json d a | jq -c '[.mode, .uid, .gid, .modified]')" \
		"$(reel stat --json c a | jq -c '[.mode, .uid, .gid, .modified]')"
	is "$(reel stat --json d a | jq -r '.mode + .modified')" "47512001-02-03T04:05:06.789000000Z"
}

# Expects holes to take no room in the copy, and the bytes to be the same.
test_copy_has_the_holes() {
	mkdir src
	truncate -s 20M src/a
	printf data | dd of=src/a bs=1 seek=10000000 conv=notrunc status=none
	reel init c
	reel init d
	reel import c src
	run 0 reel copy c a d
	reel cat d a | cmp - src/a
	[ "$(stat -c %s d)" -lt 1000000 ] || fail "the copy takes $(stat -c %s d) bytes"
}

# Expects a symbolic link to be copied itself.
test_symbolic_link_is_copied_itself() {
	mkdir src
	ln -s nowhere src/link
	reel init c
	reel init d
	reel import c src
	run 0 reel copy c link d
	is "$(reel stat --json d link | jq -c '[.type, .target]')" '["symbolic link","nowhere"]'
	entries e
	fails 1 "reel: copy: link: is a symbolic link, which e cannot hold*" reel copy c link e
}

# Expects what the target has under the name to be replaced, in a file that has no other names its inode stays.
test_replaces_what_is_there() {
	reel init c
	reel init d
	reel write c a new
	reel write d a 'something old'
	run 0 reel copy c a d
	is "$(reel cat d a)" new
	run 0 reel check d
}

# Expects a directory at either side to be an error, and both containers as they were.
test_directories_are_not_copied() {
	reel init c
	reel init d
	reel write c d/a x
	reel write c e x
	reel write d e/a x
	unchanged c reel copy c d d
	fails 1 "reel: copy: d: is a directory*" reel copy c d d
	fails 1 "reel: copy: e: is a directory*" reel copy c e d
	is "$(reel ls d)" e
}

# Expects a container of the same kind to be made where there is none.
test_missing_target_is_made() {
	reel init c
	reel write c a x
	run 0 reel copy c a d
	is "$(reel info --json d | jq .file_system)" true
	is "$(reel cat d a)" x
	entries e
	reel write e hello world
	run 0 reel move e hello f
	is "$(reel info --json f | jq .file_system)" false
	is "$(stat -c %a d f)" "600
600"
}

# Expects no new container when there is nothing to copy.
test_failure_makes_no_target() {
	reel init c
	entries e
	fails 1 "reel: copy: no: not in c*" reel copy c no d
	fails 1 "reel: move: no: not in e*" reel move e no d
	is "$(echo *)" "c e"
}

# Expects status 1 and the container as it was, by whatever path it is named.
test_same_container_is_an_error() {
	reel init c
	reel write c a x
	ln -s c link
	ln c hard
	for target in c ./c "$PWD/c" link hard; do
		unchanged c reel move c a "$target"
		fails 1 "reel: copy: $target: is the same container as c*" reel copy c a "$target"
		fails 1 "reel: move: $target: is the same container as c*" reel move c a "$target"
	done
	is "$(reel cat c a)" x
}

# Expects an error, nothing in the target and the original where it was: a copy would make the damage valid.
test_damage_is_not_copied() {
	reel init c
	reel write c a 'some contents'
	reel write c b x
	flip c "$(extent_of c a)"
	reel init d
	fails 1 "reel: move: *a*" reel move c a d
	is "$(reel ls d)" ""
	is "$(reel ls c)" "a
b"
	entries e
	reel write e hello world
	reel write e other x
	flip e 0
	entries f
	fails 1 "reel: move: hello: *damaged*" reel move e hello f
	[ ! -s f ]
}

# Expects what the target had to stay when the original turns out to be damaged.
test_damage_replaces_nothing() {
	reel init c
	reel write c a 'some contents'
	reel write c b x
	flip c "$(extent_of c a)"
	reel init d
	reel write d a old
	fails 1 "reel: copy: *a*" reel copy c a d
	is "$(reel cat d a)" old
	mkdir src
	echo old >src/a
	ln src/a src/b
	reel init e
	reel import e src
	fails 1 "reel: copy: *a*" reel copy c a e
	is "$(reel stat --json e a | jq .links)" 2
}

# Expects other names of what is replaced to keep it.
test_other_names_keep_what_is_replaced() {
	mkdir src
	echo old >src/a
	ln src/a src/b
	reel init d
	reel import d src
	reel init c
	reel write c a new
	run 0 reel copy c a d
	is "$(reel cat d a)" new
	is "$(reel cat d b)" old
	run 0 reel check d
}

run_tests
