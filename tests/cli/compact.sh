#!/usr/bin/env bash
# `reel compact` makes a container smaller.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh" || exit

# Expects the tree as it was, less than 10,000 bytes more than the contents, and both sizes told.
test_drops_what_no_file_needs() {
	local before
	reel init c
	for _ in 1 2 3; do
		head -c 100000 /dev/urandom | reel write c d/a
		head -c 100000 /dev/urandom | reel write c b
	done
	reel write c removed x
	reel rm c removed
	reel cat c d/a b >contents
	before=$(stat -c %s c)
	reel ls -R --json c | jq -c '[.names[] | del(.accessed)]' >names
	run 0 reel compact c
	matches "$out" "size before      $before *
size after       $(stat -c %s c) *"
	is "$err" ""
	[ "$(stat -c %s c)" -lt 210000 ] || fail "$(reel info c)"
	reel cat c d/a b | cmp - contents
	is "$(reel ls -R --json c | jq -c '[.names[] | del(.accessed)]')" "$(cat names)"
	run 0 reel check c
}

# Expects the live entries with their keys, and nothing else, not even tombstones.
test_drops_superseded_entries() {
	local before
	entries c
	for value in one two three; do
		reel write c a $value
		reel write c b $value
		reel write c gone $value
	done
	reel rm c gone
	before=$(stat -c %s c)
	run 0 reel compact --json c
	is "$(jq -c '[.container, .before, .after]' <<<"$out")" "[\"c\",$before,$(stat -c %s c)]"
	is "$(reel info --json c | jq -c '[.file_system, .entries, .live_entries, .tombstones]')" "[false,2,2,0]"
	is "$(reel cat c a b)" threethree
	fails 1 "reel: cat: gone: not in c*" reel cat c gone
	run 0 reel check c
}

# Expects the estimate of `reel info` to be what goes.
test_frees_what_info_says_of_entries() {
	local saving before
	entries c
	for value in one two three; do
		reel write c a $value
		reel write c b "another $value"
	done
	saving=$(reel info --json c | jq .estimated_saving)
	before=$(stat -c %s c)
	reel compact c
	is $((before - $(stat -c %s c))) "$saving"
	is "$(reel info --json c | jq .estimated_saving)" 0
}

# Expects mode and owner of the old file, a symbolic link to stay one, and nothing left beside it.
test_file_keeps_its_mode_and_its_link() {
	local make
	mkdir f
	for make in "reel init" entries; do
		$make f/c
		reel write f/c a one
		reel write f/c a two
		chmod 640 f/c
		ln -sf f/c link
		run 0 reel compact link
		[ -L link ]
		is "$(stat -c %a f/c)" 640
		is "$(reel cat f/c a)" two
		is "$(ls -A f)" c
		rm f/c
	done
}

# Expects status 1, a line, and the container as it was: damage is not hidden by a copy with a good checksum.
test_damage_is_not_compacted() {
	mkdir f
	reel init f/c
	reel write f/c a 'some contents'
	reel write f/c b x
	flip f/c "$(extent_of f/c a)"
	unchanged f/c reel compact f/c
	fails 1 "reel: compact: *" reel compact f/c
	entries f/d
	reel write f/d hello world
	reel write f/d other x
	flip f/d 0
	unchanged f/d reel compact f/d
	fails 1 "reel: compact: *" reel compact f/d
	is "$(ls -A f)" "c
d"
}

# Expects both kinds of empty container to stay what they are.
test_empty_containers_are_compacted() {
	reel init c
	run 0 reel compact c
	is "$(reel info --json c | jq .file_system)" true
	entries d
	run 0 reel compact d
	is "$(reel info --json d | jq -c '[.file_system, .size]')" "[false,0]"
}

# Expects status 1, one line, and the file as it was.
test_what_is_no_container_is_refused() {
	seq 1000 >text
	unchanged text reel compact text
	fails 1 "reel: compact: *text*" reel compact text
	fails 1 "reel: compact: no: *" reel compact no
	[ ! -e no ]
	cp "$source_tree/tests/compat/vectors/v020m-base.bin" old
	unchanged old reel compact old
	fails 1 "reel: compact: *old*reel convert*" reel compact old
}

# Expects a container that is mounted to be refused, with the holder's process id.
test_mounted_container_is_refused() {
	reel init c
	reel write c a x
	mount_it c
	fails 1 "reel: compact: *$daemon*" reel compact c
	is "$(cat mnt/a)" x
	unmount_it
}

# Expects --output to leave the container as it is, with a file system and without, mounted or not, and to replace nothing.
test_output() {
	local name
	reel init tree
	entries keys
	for name in tree keys; do
		head -c 100000 /dev/urandom | reel write $name a
		reel write $name a text
		unchanged $name reel compact --output=small.$name $name
		is "$(reel cat small.$name a)" text
		[ "$(stat -c %s small.$name)" -lt 10000 ]
		fails 1 "reel: compact: small.$name: exists already*" reel compact --output=small.$name $name
	done
	mount_it tree
	reel compact --output=mounted tree >out
	unmount_it
	is "$(reel cat mounted a)" text
}

# Expects other names to be told of: they keep the old file.
test_hard_links_are_told() {
	reel init c
	ln c other
	reel compact c >out 2>error
	grep -q "other names (hard links) keep the old file" error
}

# Expects a file that is a mount point, and one in a folder that takes no files, to be refused with the way that works.
test_name_that_cannot_be_taken() {
	need_root
	need_to unshare -m true
	mkdir f
	reel init c
	touch f/c
	unshare -m --propagation private bash -ec "
		mount --bind c c
		'$build/reel' compact c >out 2>error && exit 1
		grep -qF 'the file itself is a mount point' error
		umount c
		chmod 755 f"
	chmod 777 .
	mv c f/c
	chmod 666 f/c
	chmod 555 f
	fails 1 "reel: compact: *made in its folder*--output=NEW*" setpriv --reuid=12345 --clear-groups "$build/reel" compact f/c
}

# Expects what chattr(1) forbids to be told as that.
test_protected_file() {
	need_root
	need_programs chattr
	reel init c
	chattr +a c 2>/dev/null || skip "chattr +a cannot be had here"
	reel compact c 2>appending || true
	chattr -a c
	chattr +i c
	reel write c a text 2>changing || true
	chattr -i c
	matches "$(cat appending)" "reel: compact: *chattr +a*"
	matches "$(cat changing)" "reel: write: *chattr +i*"
	reel write c a text
}

# Expects the limit on the size of files to be an error, the container as it was and nothing left beside it.
test_file_limit_changes_nothing() {
	mkdir f
	reel init f/c
	head -c 1000000 /dev/urandom | reel write f/c a
	unchanged f/c bash -c "ulimit -f 500; '$build/reel' compact f/c"
	fails 1 "reel: compact: *File too large*" bash -c "ulimit -f 500; '$build/reel' compact f/c"
	is "$(ls -A f)" c
}

# Expects a signal to end it by that signal, the container as it was and nothing left beside it, with a file system
# and without.
test_signal_changes_nothing() {
	local name sum
	mkdir f
	reel init f/tree
	entries f/keys
	for name in 1 2 3 4; do
		head -c 10000000 /dev/urandom >data
		reel write f/keys $name <data
		reel write f/tree $name <data
	done
	for name in keys tree; do
		sum=$(sha256sum <f/$name)
		interrupted "$build/reel" compact f/$name
		is "$(sha256sum <f/$name)" "$sum"
	done
	is "$(echo f/*)" "f/keys f/tree"
}

run_tests
