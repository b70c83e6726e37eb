#!/usr/bin/env bash
# What the kernel caches of a file is right at every moment, while another process has it open too: that its bytes wait
# in the cache makes no hole of them.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
cached=$build/tests/mount/cached
holder=

# hold FILE HOW SIZE OFFSET: another process, no relative of those that look, fills a range and has the file open.
hold() {
	"$cached" held "$mnt/$1" "$2" "$3" "$4" "$scratch/ready" &
	holder=$!
	until [ -e "$scratch/ready" ]; do
		kill -0 "$holder" || fail "no holder"
		sleep 0.01
	done
}

let_go() {
	rm "$scratch/ready"
	wait "$holder"
}

blocks() {
	stat -c %b "$mnt/$1"
}

# packed FILE: tar, cp and rsync, told to look for holes, take what is there.
packed() {
	need_programs tar rsync
	rm -rf "$scratch/out"
	mkdir "$scratch/out"
	[ "$(blocks "$1")" -gt 0 ] || fail "no blocks"
	tar -cSf "$scratch/tar" -C "$mnt" "$1"
	tar -xf "$scratch/tar" -C "$scratch/out"
	cmp "$mnt/$1" "$scratch/out/$1"
	cp --sparse=auto "$mnt/$1" "$scratch/out/auto"
	cmp "$mnt/$1" "$scratch/out/auto"
	cp --sparse=always "$mnt/$1" "$scratch/out/always"
	cmp "$mnt/$1" "$scratch/out/always"
	rsync -S "$mnt/$1" "$scratch/out/rsync"
	cmp "$mnt/$1" "$scratch/out/rsync"
	[ "$(tr -d '\0' <"$scratch/out/$1" | wc -c)" -eq "$2" ] || fail "not $2 bytes written"
}

# A new file.
test_new() {
	hold f write 300000 0
	packed f 300000
	let_go
}

# An empty one, whose attributes the kernel has for good, is written to.
test_was_empty() {
	: >"$mnt/f"
	expect 0 "$(blocks f)" blocks
	hold f write 300000 0
	packed f 300000
	let_go
}

# One that is a hole from end to end.
test_was_a_hole() {
	truncate -s 1M "$mnt/f"
	expect 0 "$(blocks f)" blocks
	hold f write 5000 500000
	packed f 5000
	let_go
}

# Stores in a mapping.
test_mapped() {
	truncate -s 1M "$mnt/f"
	expect 0 "$(blocks f)" blocks
	hold f map 5000 500000
	packed f 5000
	let_go
}

# Room that was allocated, and bytes written into it.
test_allocated() {
	fallocate -l 1M "$mnt/f"
	expect 0 "$(blocks f)" blocks
	hold f allocate 2000000 0
	[ "$(blocks f)" -gt 0 ] || fail "no blocks"
	let_go
	hold f write 5000 500000
	packed f 5000
	let_go
}

# Opened, not yet written to, looked at, then written to.
test_looked_at_before() {
	hold f write 0 0
	stat "$mnt/f" >"$scratch/before"
	find "$mnt" -ls >"$scratch/before"
	"$cached" held "$mnt/f" write 300000 0 "$scratch/second" &
	until [ -e "$scratch/second" ]; do
		sleep 0.01
	done
	packed f 300000
	rm "$scratch/second"
	wait $!
	let_go
}

# The same without the writeback cache.
test_without_writeback() {
	local name
	for name in new was_empty was_a_hole mapped allocated looked_at_before; do
		remount_it -o no_writeback_cache
		"test_$name"
		rm "$mnt/f"
	done
}

# When the last writer has closed, what stat(1), du(1), ls(1) and find(1) tell is exact at once.
test_exact_after_close() {
	hold f write 300000 0
	blocks f >"$scratch/before"
	let_go
	expect 586 "$(blocks f)" 'blocks'
	expect 293K "$(du -h --apparent-size "$mnt/f" | cut -f 1)" du
	expect 293 "$(du -k "$mnt/f" | cut -f 1)" du
	expect 586 "$(find "$mnt/f" -printf %b)" find
	: >>"$mnt/f"
	expect 586 "$(blocks f)" 'blocks'
}

# While it is open they are when its bytes have come here, a second later at most.
test_exact_after_sync() {
	local tries=0
	hold f write 300000 0
	blocks f >"$scratch/before"
	sync "$mnt/f"
	until [ "$(blocks f)" = 586 ]; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || fail "$(blocks f) blocks"
		sleep 0.05
	done
	let_go
}

# Through a loop device: blocks of all that the disk image was given.
test_loop_device() {
	local device tries=0
	need_root
	truncate -s 32M "$mnt/image"
	device=$(losetup -f --show "$mnt/image" 2>/dev/null) || skip "no loop device here"
	[ "$(blocks image)" -lt 100 ] || fail "$(blocks image) blocks"
	dd if=/dev/urandom of="$device" bs=1M count=20 conv=fsync status=none
	until [ "$(blocks image)" -ge 40960 ]; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || break
		sleep 0.05
	done
	losetup -d "$device"
	[ $tries -lt 200 ] || fail "$(blocks image) blocks"
}

run_tests "$@"
