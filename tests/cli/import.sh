#!/usr/bin/env bash
# `reel import`: a directory of the system into a container.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh" || exit

# A folder with everything that a folder can hold and any user can make.
folder() {
	mkdir -p src/sub/deep src/empty
	echo one >src/a
	echo two >src/sub/deep/b
	: >src/zero
	printf '\0' >src/nul
	printf 'x' >src/$'odd \n\xff name'
	ln src/a src/sub/hard
	ln -s ../a src/sub/link
	ln -s /nowhere src/dangling
	mkfifo src/fifo
	truncate -s 5M src/hole
	printf data | dd of=src/hole bs=1 seek=3000000 conv=notrunc status=none
	chmod 1750 src/empty
	chmod 640 src/sub/deep/b
	touch -d '1999-12-31 23:59:59.5' src/a
	touch -hd '2000-01-01' src/dangling
	touch -d '2001-02-03' src/sub/deep src/empty
	chmod 700 src
}

# Expects every type, mode, owner, time, link and byte to be there.
test_tree_is_that_of_the_folder() {
	local path
	folder
	reel init c
	run 0 reel import c src
	is "$out$err" ""
	run 0 reel check c
	(cd src && find . -printf '%P\0') >paths
	while IFS= read -r -d '' path; do
		is "$(reel stat --json c "$path" | jq -r '"\(.mode) \(.uid) \(.gid) \(.modified)"')" \
			"$(printf %04d "$(stat -c %a "src/$path")") $(stat -c '%u %g' "src/$path") $(
				date -u -d "@$(stat -c %.9Y "src/$path")" +%Y-%m-%dT%H:%M:%S.%NZ)"
		if [ -f "src/$path" ] && [ ! -L "src/$path" ]; then
			reel cat c "$path" | cmp - "src/$path"
		fi
	done <paths
	is "$(reel ls -R --json c | jq '.names | length')" $(($(tr -dc '\0' <paths | wc -c) - 1))
}

# bury NAME LEVELS: what is in src is then so many directories of that name further down.
bury() {
	local i
	for ((i = 0; i < $2; i++)); do
		mkdir above
		mv src "above/$1"
		mv above src
	done
}

# Expects a folder whose paths are longer than any that the kernel takes, or fts(3), to be imported: contents, attributes, links.
test_paths_longer_than_the_kernel_takes() {
	local name path
	name=$(printf 'n%.0s' {1..255})
	mkdir src src/empty
	echo contents >"src/$name"
	ln "src/$name" src/other
	ln -s target src/link
	mkfifo src/fifo
	chmod 700 src/empty
	touch -d 2001-02-03 src/empty
	bury "$name" 280
	path=$(printf "$name/%.0s" {1..280})
	reel init c
	run 0 reel import c src
	is "$out$err" ""
	is "$(reel cat c "$path$name")" contents
	is "$(reel ls c "$path" | tr '\n' ' ')" "empty fifo link $name other "
	is "$(reel stat --json c "${path}other" | jq .links)" 2
	is "$(reel stat --json c "${path}empty" | jq -r .mode)" 0700
	matches "$(reel stat --json c "${path}empty" | jq -r .modified)" "2001-02-03*"
	run 0 reel import c src
	is "$out$err" ""
	run 0 reel check c
}

# Expects containers in a working directory whose own path is longer than the kernel takes to be made, written, compacted.
test_works_in_a_directory_that_has_no_path() {
	local name i
	name=$(printf 'n%.0s' {1..250})
	mkdir -p src/from
	echo text >src/from/a
	bury "$name" 20
	cd src
	for ((i = 0; i < 20; i++)); do cd "./$name" 2>/dev/null; done
	run 0 reel init c
	run 0 reel write c b words
	run 0 reel import c from
	run 0 reel import new from
	run 0 reel compact c
	is "$(reel ls c | tr '\n' ' ')" "a b "
	is "$(reel ls new)" a
}

# Expects a line that says what could not be imported far down, and the rest to be there.
test_deep_trouble_is_told() {
	local path
	mkdir -p src/x
	echo b >src/y
	bury directory 700
	path=$(printf 'directory/%.0s' {1..700})
	reel init c
	reel write c "${path}x" file
	run 1 reel import c src
	matches "$err" "*is a directory, and /directory*"
	is "$(reel cat c "${path}y")" b
}

# Expects names of one file to be names of one inode.
test_hard_links_stay_hard_links() {
	folder
	reel init c
	reel import c src
	is "$(reel stat --json c a | jq -c '[.inode, .links]')" "$(reel stat --json c sub/hard | jq -c '[.inode, 2]')"
}

# Expects links to have their targets, also those that lead nowhere.
test_symbolic_links_are_not_followed() {
	folder
	reel init c
	reel import c src
	is "$(reel stat --json c dangling | jq -c '[.type, .target]')" '["symbolic link","/nowhere"]'
	is "$(reel stat --json c sub/link | jq -r .target)" ../a
}

# Expects fifos to be such.
test_fifos_are_fifos() {
	folder
	reel init c
	reel import c src
	is "$(reel stat --json c fifo | jq -r .type)" fifo
}

# Expects device nodes with their numbers, and owners that are others.
test_devices_and_owners_are_kept() {
	need_root
	mkdir src
	mknod src/device c 1 3
	echo x >src/a
	chown 12:34 src/a
	chown -h 56:78 src/device
	reel init c
	run 0 reel import c src
	is "$(reel stat --json c device | jq -c '[.type, .device_major, .device_minor, .uid, .gid]')" \
		'["character device",1,3,56,78]'
	is "$(reel stat --json c a | jq -c '[.uid, .gid]')" '[12,34]'
}

# Expects holes to take no room in the container.
test_holes_stay_holes() {
	folder
	reel init c
	reel import c src
	[ "$(stat -c %s c)" -lt 1000000 ] || fail "the container has $(stat -c %s c) bytes"
}

# Expects extended attributes, seen through a mount.
test_extended_attributes_are_kept() {
	mkdir src
	: >src/a
	need_programs setfattr getfattr
	need_to setfattr -n user.name -v value src/a
	reel init c
	run 0 reel import c src
	mount_it c
	is "$(getfattr --only-values -n user.name mnt/a)" value
	unmount_it
}

# Expects the same tree after a second import, one that is whole, and other names in it to stay.
test_importing_again_changes_nothing() {
	local before
	folder
	reel init c
	reel import c src
	reel write c other contents
	before=$(reel ls -R --json c | jq -c '[.names[] | del(.accessed, .changed, .made)]')
	run 0 reel import c src
	# The inode of a file with several names is a new one.
	is "$(reel ls -R --json c | jq -c '[.names[] | select(.links < 2 or .type == "directory") | [.path, .size, .mode, .modified]]')" \
		"$(jq -c '[.[] | select(.links < 2 or .type == "directory") | [.path, .size, .mode, .modified]]' <<<"$before")"
	is "$(reel stat --json c a | jq .links)" 2
	is "$(reel cat c other)" contents
	run 0 reel check c
}

# Expects new contents for names that exist, but not through another name of the old file.
test_files_are_replaced() {
	mkdir src old
	echo old >old/a
	ln old/a old/b
	reel init c
	reel import c old
	echo new >src/a
	run 0 reel import c src
	is "$(reel cat c a b)" "new
old"
}

# Expects a line for each that cannot be replaced, status 1, and everything else imported.
test_directory_and_file_do_not_replace_each_other() {
	mkdir -p src/file
	echo x >src/file/inside
	echo y >src/folder
	echo z >src/last
	reel init c
	reel write c file contents
	reel write c folder/inside contents
	run 1 reel import c src
	is "$err" "reel: import: src/file: is a directory, and /file in the container is a regular file (not imported)
reel: import: src/folder: is a regular file, and /folder in the container is a directory (not imported)"
	is "$(reel cat c file folder/inside last)" "contentscontentsz"
}

# Expects nothing to be written through a symbolic link that the container has where the folder has a directory.
test_links_in_the_container_are_not_followed() {
	mkdir -p first/real src/link
	ln -s real first/link
	echo x >src/link/inside
	reel init c
	reel import c first
	run 1 reel import c src
	is "$(reel ls c real)" ""
}

# Expects a line with what cannot be read, status 1, and everything else.
test_what_cannot_be_read_is_named() {
	need_root
	mkdir -p src/closed
	echo x >src/a
	echo y >src/b
	chmod 0 src/a src/closed
	chmod 755 .
	chmod 711 "$scratch"
	: >c
	chown -R 65534 src c
	need_to setpriv --reuid 65534 --clear-groups test -x "$build/reel"
	run 1 setpriv --reuid 65534 --clear-groups "$build/reel" import c src
	matches "$err" "*reel: import: src/a: Permission denied*"
	matches "$err" "*reel: import: src/closed: Permission denied*"
	is "$(reel cat c b)" y
}

# Expects each regular file as an entry under its path, hard links as two.
test_entries_have_paths_as_keys() {
	mkdir -p src/sub
	echo one >src/a
	echo two >src/sub/b
	ln src/a src/sub/hard
	entries c
	run 0 reel import c src
	is "$(reel cat c a sub/b sub/hard)" "one
two
one"
	is "$(reel ls c | wc -l)" 3
	run 0 reel check c
}

# Expects one line for each thing that no entry can hold, status 1, and everything else.
test_what_no_entry_can_hold_is_named() {
	mkdir -p src/empty
	: >src/zero
	printf '\0' >src/nul
	ln -s a src/link
	mkfifo src/fifo
	echo x >src/a
	entries c
	run 1 reel import c src
	is "$(cut -d , -f 1 <<<"$err")" "reel: import: src/empty: is an empty directory
reel: import: src/fifo: is a fifo
reel: import: src/link: is a symbolic link
reel: import: src/nul: is empty or a single NUL byte
reel: import: src/zero: is empty or a single NUL byte"
	is "$(reel cat c a)" x
	is "$(reel ls c | wc -l)" 1
}

# Expects a container that lies in the folder to be left out, with a line.
test_container_is_not_imported_into_itself() {
	mkdir src
	echo x >src/a
	for make in "reel init" entries; do
		$make src/c
		fails 1 "reel: import: src/c: is the container itself*" reel import src/c src
		is "$(reel cat src/c a)" x
		fails 1 "reel: cat: c: not in src/c*" reel cat src/c c
		rm src/c
	done
}

# Expects paths of any depth, a relative container and a folder that is a link.
test_deep_folders_are_imported() {
	local i path=src
	for ((i = 0; i < 60; i++)); do
		path+=/$(printf 'n%.0s' {1..100})
	done
	mkdir -p src
	(cd src && for ((i = 0; i < 60; i++)); do mkdir "$(printf 'n%.0s' {1..100})" && cd "$_" || exit; done && echo bottom >a)
	ln -s src link
	reel init c
	run 0 reel import c link/
	is "$(reel cat c "${path#src/}/a")" bottom
	run 0 reel check c
}

# Expects status 1 and a line; no change.
test_wrong_folders_are_errors() {
	reel init c
	: >file
	unchanged c reel import c no
	fails 1 "reel: import: no: No such file or directory*" reel import c no
	fails 1 "reel: import: file: is not a directory*" reel import c file
	mkdir src
	fails 1 "reel: import: no/c: no such directory*" reel import no/c src
	[ ! -e no ] || fail "it was made"
}

# Expects a new container where there is none, and nothing beside it.
test_missing_container_is_made() {
	mkdir src f
	echo text >src/a
	run 0 reel import f/c src
	is "$(reel cat f/c a)" text
	run 0 reel check f/c
	is "$(ls -A f)" c
}

# Expects a signal to end it by that signal, with whole files in a whole container, and none of a part.
test_signal_leaves_whole_files() {
	need_tracing
	mkdir src
	for name in a b c; do
		head -c 1000000 /dev/urandom >src/$name
	done
	reel init c
	ASAN_OPTIONS=detect_leaks=0 strace -fqq -o trace -e trace=pread64 -P "$PWD/src/b" \
		-e inject=pread64:signal=TERM:when=2 "$build/reel" import c src || true
	grep -q 'killed by SIGTERM' trace || fail "$(tail trace)"
	is "$(reel ls c)" a
	reel cat c a | cmp - src/a
	run 0 reel check c
}

run_tests
