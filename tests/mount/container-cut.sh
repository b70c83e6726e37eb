#!/usr/bin/env bash
# Another program cuts or damages the container under a running mount: EIO to whoever needs what is gone, and to nobody
# else; never wrong bytes, never a dead daemon. The reads are direct ones: what the kernel has cached stays readable.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

direct_read() {
	dd if="$1" bs=64k iflag=direct status=none
}

same_as() {
	direct_read "$1" | cmp - "$2" || fail "wrong contents of $1"
}

eio() {
	expect_error "Input/output error" direct_read "$1" >"$scratch/read"
}

# Files a, b and c of 200,000 bytes in the container, one after the other, b's contents at $b_at.
make_files() {
	local f
	for f in a b c; do
		head -c 200000 /dev/urandom >"$scratch/$f"
		cp "$scratch/$f" "$mnt/$f"
		if [ $f = a ]; then
			sync "$mnt/a"
			b_at=$(stat -c %s "$container")
		fi
	done
	sync "$mnt/c"
}

# The daemon still serves, a is readable, and b and c are not.
only_a_is_left() {
	same_as "$mnt/a" "$scratch/a"
	eio "$mnt/b"
	eio "$mnt/c"
	same_as "$mnt/a" "$scratch/a"
	kill -0 "$daemon" || fail "the daemon is dead"
}

finish_cut() {
	expect 1 "$(messages "the file was cut by another program")" "messages"
	unmount_failed
	rm "$container"
}

# Files that were never read before.
test_cut_before_reading() {
	make_files
	truncate -s $((b_at + 100000)) "$container"
	only_a_is_left
	finish_cut
}

# Files whose checksums were found right before.
test_cut_after_reading() {
	make_files
	same_as "$mnt/b" "$scratch/b"
	same_as "$mnt/c" "$scratch/c"
	truncate -s $((b_at + 100000)) "$container"
	only_a_is_left
	finish_cut
}

# In the middle of a page, whose rest then reads as zeros without a fault.
test_cut_within_a_page() {
	make_files
	same_as "$mnt/c" "$scratch/c"
	truncate -s $(($(stat -c %s "$container") - 1500)) "$container"
	eio "$mnt/c"
	same_as "$mnt/b" "$scratch/b"
	finish_cut
}

# To nothing at all.
test_cut_to_nothing() {
	make_files
	truncate -s 0 "$container"
	eio "$mnt/a"
	eio "$mnt/b"
	finish_cut
}

# Who writes gets EIO, and nothing is written behind the gap; names and attributes can be looked at all the same.
test_writing_after_a_cut() {
	make_files
	truncate -s "$b_at" "$container"
	expect_error "Input/output error" mkdir "$mnt/d"
	expect_error "Read-only file system" mkdir "$mnt/d"
	expect_error "Read-only file system" touch "$mnt/e"
	expect "$b_at" "$(stat -c %s "$container")" "length of the container"
	expect "a b c" "$(in_one_line ls "$mnt")"
	expect 200000 "$(stat -c %s "$mnt/b")"
	only_a_is_left
	finish_cut
}

# A program that has unwritten data then hears of it from close(2), or from fsync(2).
test_closing_after_a_cut() {
	make_files
	expect_error "close: EIO" "$syscall" close-after-cut "$mnt/open" "$container" "$b_at"
	finish_cut
}
test_syncing_after_a_cut() {
	make_files
	exec 3>"$mnt/open"
	echo text >&3
	truncate -s "$b_at" "$container"
	expect_error "fsync: EIO" "$syscall" fsync-fd 3
	exec 3>&- || true
	finish_cut
}

# A change of a file that is written whole again does not turn what is gone into good zeros.
test_rewriting_after_a_cut() {
	make_files
	same_as "$mnt/c" "$scratch/c"
	exec 3<>"$mnt/c"
	truncate -s $(($(stat -c %s "$container") - 1500)) "$container"
	dd if=/dev/zero of="$mnt/c" bs=1k count=150 conv=notrunc status=none 2>"$scratch/error" &&
		fail "the change was made"
	exec 3>&- || true
	eio "$mnt/c" || true
	finish_cut
}

# Bytes of b are changed in the container: b cannot be read, whether it was read before or not.
damage_b() {
	printf 'damage' | dd of="$container" bs=1 seek=$((b_at + 70000)) conv=notrunc status=none
	# The daemon looks at the container's time once a tick of the clock.
	tick
}
finish_damaged() {
	eio "$mnt/b"
	same_as "$mnt/a" "$scratch/a"
	same_as "$mnt/c" "$scratch/c"
	grep -q 'contents of /b are damaged at offset' "$scratch/log" || fail "no message: $(cat "$scratch/log")"
	echo more >"$mnt/d"
	remount_it
	expect more "$(cat "$mnt/d")"
	eio "$mnt/b"
	unmount_it
	! "$reel" check "$container" >"$scratch/check" 2>&1 || fail "reel check found nothing"
	grep -q "^/b: " "$scratch/check" || fail "reel check does not name the file: $(cat "$scratch/check")"
	rm "$container"
}
test_damaged_before_reading() {
	make_files
	damage_b
	finish_damaged
}
test_damaged_after_reading() {
	make_files
	same_as "$mnt/b" "$scratch/b"
	damage_b
	finish_damaged
}

# Readers and writers at work while the container is cut: errors, and a daemon that ends by itself.
test_cut_at_work() {
	local pid pids=() i
	make_files
	for i in 1 2 3; do
		(while direct_read "$mnt/b" >/dev/null 2>&1; do :; done) &
		pids+=($!)
		(while echo text 2>/dev/null >"$mnt/new$i"; do :; done) 2>/dev/null &
		pids+=($!)
	done
	sleep 0.3
	truncate -s $((b_at + 100000)) "$container"
	for pid in "${pids[@]}"; do
		wait "$pid" || true
	done
	only_a_is_left
	finish_cut
}

run_tests "$@"
