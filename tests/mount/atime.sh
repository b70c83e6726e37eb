#!/usr/bin/env bash
# Access times: which reads set them, and when they are stored.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

old=1577836800.000000000

# A file, a link and a directory with a file in it, last accessed long before they were changed; none of them in
# the kernel's caches. The options are those of the mount.
make_old() {
	echo contents >"$mnt/f"
	ln -s f "$mnt/l"
	mkdir "$mnt/d"
	: >"$mnt/d/x"
	touch -h -a -d '2020-01-01 UTC' "$mnt/f" "$mnt/l" "$mnt/d"
	remount_it "$@"
}

read_all() {
	cat "$mnt/f" >"$scratch/out"
	readlink "$mnt/l" >>"$scratch/out"
	ls "$mnt/d" >>"$scratch/out"
	expect "contents f x" "$(in_one_line cat "$scratch/out")"
}

atimes() {
	in_one_line stat -c %.9X "$mnt/f" "$mnt/l" "$mnt/d"
}

# expect_set PATH: its access time is of now.
expect_set() {
	[ "$(stat -c %X "$1")" -ge $((EPOCHSECONDS - 60)) ] || fail "the access time of $1 is $(stat -c %x "$1")"
}

# The first read after a change sets the time, and stat shows it at once; another read does not change it again.
test_first_read() {
	local after
	make_old
	read_all
	for path in f l d; do
		expect_set "$mnt/$path"
	done
	after=$(atimes)
	remount_it
	expect "$after" "$(atimes)" "after a remount"
	tick
	read_all
	expect "$after" "$(atimes)" "after another read"
}

# A time that is after that of the last change stays.
test_read_after_a_read() {
	local before
	make_old
	touch -h -a -d '+1 hour' "$mnt/f" "$mnt/l" "$mnt/d"
	before=$(atimes)
	remount_it
	read_all
	expect "$before" "$(atimes)"
}

# With strictatime each read sets it.
test_strictatime() {
	local path
	make_old
	touch -h -a -d '+1 hour' "$mnt/f" "$mnt/l" "$mnt/d"
	remount_it -o strictatime
	read_all
	for path in f l d; do
		[ "$(stat -c %X "$mnt/$path")" -le $((EPOCHSECONDS + 60)) ] || fail "$path kept its access time"
	done
}

# With noatime no read does, and a mount that was only read leaves the container as it was.
test_noatime() {
	make_old -o noatime
	cp "$container" "$scratch/before"
	read_all
	expect "$old $old $old" "$(atimes)"
	unmount_it
	cmp "$scratch/before" "$container"
}

# With nodiratime no read of a directory does.
test_nodiratime() {
	make_old -o nodiratime
	read_all
	expect_set "$mnt/f"
	expect "$old" "$(stat -c %.9X "$mnt/d")"
}

# Nor in a mount that is read only.
test_read_only() {
	make_old -o ro
	cp "$container" "$scratch/before"
	read_all
	expect "$old $old $old" "$(atimes)"
	unmount_it
	cmp "$scratch/before" "$container"
}

# Nor through a descriptor with O_NOATIME.
test_o_noatime() {
	make_old
	dd if="$mnt/f" iflag=noatime of="$scratch/out" status=none
	expect_contents "$scratch/out" $'contents\n'
	expect "$old" "$(stat -c %.9X "$mnt/f")"
}

# Nor does a write.
test_write() {
	make_old
	echo more >>"$mnt/f"
	expect "$old" "$(stat -c %.9X "$mnt/f")"
	remount_it
	expect "$old" "$(stat -c %.9X "$mnt/f")"
}

# Reading writes nothing into the container before the end of the mount, when the times are stored.
test_stored_at_the_end() {
	local after
	make_old
	cp "$container" "$scratch/before"
	read_all
	after=$(atimes)
	cmp "$scratch/before" "$container"
	remount_it
	expect "$after" "$(atimes)"
}

# An fsync of a file stores its time; the kill of the daemon takes back those that are not stored, and nothing else.
test_kill() {
	make_old
	read_all
	echo new >"$mnt/new"
	sync "$mnt/f"
	kill_it
	mount_it
	expect_set "$mnt/f"
	expect new "$(cat "$mnt/new")"
	echo newer >"$mnt/g"
	touch -a -d '2020-01-01 UTC' "$mnt/f"
	remount_it
	cat "$mnt/f" >"$scratch/out"
	expect_set "$mnt/f"
	kill_it
	mount_it
	expect "$old" "$(stat -c %.9X "$mnt/f")"
	expect newer "$(cat "$mnt/g")"
}

# A time that was set by hand after a read stays as it was set.
test_set_after_a_read() {
	make_old
	read_all
	touch -h -a -d '2020-01-01 UTC' "$mnt/f" "$mnt/l" "$mnt/d"
	expect "$old $old $old" "$(atimes)"
	remount_it
	expect "$old $old $old" "$(atimes)"
}

run_tests "$@"
