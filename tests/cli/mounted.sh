#!/usr/bin/env bash
# `reel` beside a mount of the same container, and on what only a mount can make.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh" || exit

# Expects the reading commands to see what was committed.
test_reads_beside_a_mount() {
	reel init c
	mount_it c
	mkdir mnt/d
	echo hello >mnt/d/a
	is "$(reel cat c d/a)" hello
	is "$(reel ls -R c)" "/:
d

d:
a"
	is "$(reel stat --json c d/a | jq .size)" 6
	run 0 reel info c
	run 0 reel check c
	echo more >>mnt/d/a
	is "$(reel cat c d/a)" "hello
more"
	unmount_it
	run 0 reel check c
}

# Expects a writing command to fail with a line that says who has it, and to change nothing.
test_does_not_write_beside_a_mount() {
	mkdir dir
	echo new >dir/new
	reel init other
	reel write other a other
	reel init c
	mount_it c
	echo hello >mnt/a
	fails 1 "reel: write: *c*" reel write c a other
	fails 1 "reel: rm: *c*" reel rm c a
	fails 1 "reel: mv: *c*" reel mv c a b
	fails 1 "reel: compact: *c*" reel compact c
	fails 1 "reel: import: *c*" reel import c dir
	fails 1 "reel: move: *c*" reel move c a other
	fails 1 "reel: copy: *c*" reel copy other a c
	fails 1 "reel: init: c*" reel init c
	run 8 "$build/fsck.reelfs" -p c
	is "$(cat mnt/a)" hello
	is "$(ls mnt)" a
	unmount_it
	is "$(reel cat c a)" hello
}

# Expects what reel wrote to be in the mount, with contents, owner and mode.
test_mount_shows_what_reel_wrote() {
	reel init c
	reel write c docs/a.txt hello
	reel write c docs/empty ''
	mount_it c
	is "$(cat mnt/docs/a.txt)" hello
	is "$(stat -c '%s %a %u' mnt/docs/a.txt mnt/docs/empty)" "5 644 $(id -u)
0 644 $(id -u)"
	unmount_it
}

# Expects the target to be read and written through a link, in the middle and at the end of a path.
test_follows_links_inside_the_tree() {
	reel init c
	mount_it c
	mkdir mnt/d mnt/d/e
	echo hello >mnt/d/e/a
	ln -s d/e mnt/dir
	ln -s ../../dir/a mnt/d/e/file
	ln -s new mnt/d/dangling
	unmount_it
	is "$(reel cat c dir/a)" hello
	is "$(reel cat c d/e/file)" hello
	is "$(reel cat c dir/../e/a)" hello
	is "$(reel ls c dir)" "a
file"
	reel write c d/e/file changed
	is "$(reel cat c d/e/a)" changed
	reel write c d/dangling made
	is "$(reel cat c d/new)" made
	reel write c dir/deeper/b x
	is "$(reel ls c d/e/deeper)" b
	run 0 reel check c
}

# Expects an error for a link that leads out of the tree, and for a loop.
test_link_that_leads_nowhere_is_an_error() {
	reel init c
	mount_it c
	ln -s /etc/passwd mnt/out
	ln -s loop mnt/loop
	ln -s gone mnt/broken
	unmount_it
	fails 1 "reel: cat: out: *absolute target*" reel cat c out
	fails 1 "reel: cat: loop: *" reel cat c loop
	fails 1 "reel: cat: broken: not in c*" reel cat c broken
	is "$(reel ls c broken)" broken
}

# Expects the link itself to be shown, moved and removed.
test_link_itself_is_shown_moved_and_removed() {
	reel init c
	mount_it c
	echo hello >mnt/a
	ln -s a mnt/link
	unmount_it
	matches "$(reel ls -l c link)" "lrwxrwxrwx 1 * 1 ??? ?? ??:?? link -> a"
	is "$(reel stat --json c link | jq -c '[.type, .target, .size]')" '["symbolic link","a",1]'
	reel mv c link other
	is "$(reel stat --json c other | jq -r .target)" a
	reel rm c other
	is "$(reel ls c)" a
}

# Expects the type as ls -l shows it, and no contents.
test_shows_fifos() {
	reel init c
	mount_it c
	mkfifo mnt/fifo
	unmount_it
	matches "$(reel ls -l c fifo)" "prw-r--r-- *fifo"
	fails 1 "reel: cat: fifo: is a fifo*" reel cat c fifo
	fails 1 "reel: write: fifo: is a fifo*" reel write c fifo x
	is "$(reel stat --json c fifo | jq -r .type)" fifo
}

# Expects type and numbers as ls -l shows them.
test_shows_devices() {
	need_root
	reel init c
	mount_it c
	mknod mnt/null c 1 3
	unmount_it
	matches "$(reel ls -l c null)" "crw-r--r-- * 1, 3 * null"
	is "$(reel stat --json c null | jq -c '[.device_major, .device_minor]')" "[1,3]"
}

# Expects set-id and sticky bits as ls -l shows them.
test_long_form_shows_special_bits() {
	reel init c
	mount_it c
	touch mnt/a mnt/b
	chmod 4755 mnt/a
	chmod 2644 mnt/b
	mkdir -m 1777 mnt/tmp
	unmount_it
	is "$(reel ls -l c | cut -c 1-10)" "-rwsr-xr-x
-rw-r-Sr--
drwxrwxrwt"
}

# Expects a replaced file to keep its mode, its times of making and its other names.
test_write_keeps_the_inode() {
	reel init c
	mount_it c
	echo old >mnt/a
	chmod 751 mnt/a
	ln mnt/a mnt/b
	unmount_it
	reel write c a new
	is "$(reel cat c b)" new
	is "$(reel stat --json c b | jq -c '[.mode, .links]')" '["0751",2]'
}

# Expects holes to be shown as such, and read as zeros.
test_stat_shows_holes() {
	reel init c
	mount_it c
	truncate -s 1000000 mnt/hole
	printf end >>mnt/hole
	unmount_it
	is "$(reel cat c hole | tr -d '\0')" end
	is "$(reel cat c hole | wc -c)" 1000003
}

# Expects every name that a mount can make to be listed and found.
test_any_name_works() {
	local name byte
	reel init c
	mount_it c
	for byte in $(seq 1 255); do
		[ "$byte" -ne 47 ] || continue
		# shellcheck disable=SC2059 # the format is the byte
		name=$(printf "n\\x$(printf %02x "$byte").")
		printf %s "$byte" >"mnt/$name"
	done
	unmount_it
	for byte in $(seq 1 255); do
		[ "$byte" -ne 47 ] || continue
		# shellcheck disable=SC2059
		name=$(printf "n\\x$(printf %02x "$byte").")
		is "$(reel cat c "$name")" "$byte"
	done
}

# Expects each entry in a tree to be readable by its key, and by its path once mv named it.
test_entry_in_a_tree_has_no_name_until_mv() {
	entries c
	reel write c hello world
	# A file system comes to be with the first change in a mount.
	mount_it c
	touch mnt/file
	unmount_it
	is "$(reel ls c)" "9555e8555c62dcfd
file"
	is "$(reel cat c hello)" world
	is "$(reel cat c 9555e8555c62dcfd)" world
	is "$(reel stat --json c hello | jq .size)" 5
	reel mv c hello docs/hello.txt
	is "$(reel ls -R c)" "/:
docs
file

docs:
hello.txt"
	is "$(reel cat c docs/hello.txt)" world
	run 0 reel check c
}

run_tests
