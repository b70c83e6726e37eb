#!/usr/bin/env bash
# A disk that is really full: the writer is told, nothing else is harmed, files can be removed, and writing goes on when
# there is room again.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
mount_options=()
cached=$build/tests/mount/cached

on_small_disk() {
	small_disk 16m
	mount_it -o create
}

# make_files N: small files in $mnt/d.
make_files() {
	local i
	mkdir "$mnt/d"
	for ((i = 0; i < $1; i++)); do
		echo "contents $i" >"$mnt/d/$i"
	done
}

# fill_up [NAME]: makes directories until there is no room, in what is allocated ahead.
fill_up() {
	local i
	for ((i = 0; i < 5000; i++)); do
		mkdir "$mnt/${1:-fill}$i" 2>"$scratch/error" || break
	done
	grep -qF "No space left on device" "$scratch/error" || fail "the disk did not become full: $(cat "$scratch/error")"
}

# write(2), or at the latest fsync(2) or close(2), says ENOSPC; what was there stays, and what follows is told the same.
test_writer_is_told() {
	on_small_disk
	echo kept >"$mnt/kept"
	expect_error "No space left on device" dd if=/dev/zero of="$mnt/big" bs=1M count=30 conv=fsync status=none
	expect_error "No space left on device" dd if=/dev/zero of="$mnt/big2" bs=1M count=30 status=none
	expect_error "No space left on device" cp "$reelfs" /bin/bash "$mnt/big" "$mnt"
	expect kept "$(cat "$mnt/kept")"
	remount_it
	expect kept "$(cat "$mnt/kept")"
}

# nul_bytes FILE: how many NUL bytes a file of 'x' has, which nobody wrote.
nul_bytes() {
	tr -d x <"$1" | wc -c
}

# xs N: so many 'x'.
xs() {
	head -c "$1" /dev/zero | tr '\0' x
}

# far_too_much OPTION: hundreds of times what the disk holds. The writer is told, at the latest when it closes; the file is as
# long as what is stored, and all of that was written; what follows is told the same, and works when there is room.
far_too_much() {
	local size
	small_disk 64m
	mount_it -o "create$1"
	echo kept >"$mnt/kept"
	xs 300000000 2>/dev/null | dd of="$mnt/big" bs=64k iflag=fullblock 2>"$scratch/error" && fail "there was room"
	grep -qF "No space left on device" "$scratch/error" || fail "dd: $(cat "$scratch/error")"
	remount_it -o "fsname=x$1"
	size=$(stat -c %s "$mnt/big")
	[ "$size" -lt 67108864 ] || fail "the size is $size"
	expect 0 "$(nul_bytes "$mnt/big")" "NUL bytes"
	expect kept "$(cat "$mnt/kept")"
	rm "$mnt/big"
	unmount_it
	"$reel" compact "$container" >/dev/null
	mount_it -o "fsname=x$1"
	xs 1000000 >"$mnt/again"
	expect 1000000 "$(stat -c %s "$mnt/again")"
}

test_far_too_much() {
	far_too_much ""
}

test_far_too_much_without_writeback() {
	far_too_much ,no_writeback_cache
}

# Two writers at once: what each of them has in the end it has written, from its start.
test_two_writers() {
	local first i
	small_disk 64m
	mount_it -o create
	xs 200000000 2>/dev/null | dd of="$mnt/1" bs=1M iflag=fullblock 2>"$scratch/error1" &
	first=$!
	xs 200000000 2>/dev/null | dd of="$mnt/2" bs=64k iflag=fullblock 2>"$scratch/error2" && fail "there was room"
	! wait $first || fail "there was room"
	remount_it
	for i in 1 2; do
		grep -qF "No space left on device" "$scratch/error$i" || fail "dd: $(cat "$scratch/error$i")"
		[ ! -s "$mnt/$i" ] || expect 0 "$(nul_bytes "$mnt/$i")" "NUL bytes"
	done
}

# A file that became too long for the disk does not get a gap when somebody goes on with it.
test_appending_after_refusal() {
	small_disk 64m
	mount_it -o create
	xs 200000000 2>/dev/null | dd of="$mnt/log" bs=4k iflag=fullblock 2>/dev/null && fail "there was room"
	# More behind it, while the kernel may take it for longer than it is: refused or stored, but never behind a gap.
	xs 5000 2>/dev/null >>"$mnt/log" || true
	remount_it
	expect 0 "$(nul_bytes "$mnt/log")" "NUL bytes"
}

# What write(2) and close(2) have said is stored is so, although other programs fill the disk between.
test_room_is_promised() {
	on_small_disk
	cat >"$scratch/script" <<-'EOF'
		dd if=/dev/zero of="$1" bs=64k status=none 2>/dev/null
		exit 0
	EOF
	"$cached" synced-then "$mnt/f" sync_file_range 3000000 'at the end' sh "$scratch/script" "$scratch/disk/ballast" ||
		fail "what had been taken in was refused"
	expect 'at the end' "$(tail -c 10 "$mnt/f")"
	kill_it
	mount_it
	expect 'at the end' "$(tail -c 10 "$mnt/f")"
}

# Files of other programs, not the mount, fill the disk: what is open can be written again when they are gone.
test_writing_goes_on() {
	on_small_disk
	exec 3>"$mnt/log"
	echo one >&3
	sync "$mnt/log"
	fill_disk
	fill_up
	expect_error "No space left on device" dd if=/dev/urandom of="$mnt/log" oflag=append conv=notrunc,fsync bs=300k count=1 status=none
	rm "$scratch/disk/ballast"
	truncate -s 4 "$mnt/log"
	dd if=/dev/zero of="$mnt/log" oflag=append conv=notrunc,fsync bs=100k count=1 status=none
	exec 3>&-
	expect $((4 + 102400)) "$(stat -c %s "$mnt/log")"
	kill_it
	mount_it
	expect $((4 + 102400)) "$(stat -c %s "$mnt/log")"
}

# rm, rm -r and truncate work on a full disk, and are there after a kill.
test_removing_works() {
	on_small_disk
	make_files 100
	echo long >"$mnt/long"
	fill_disk
	fill_up
	rm "$mnt"/d/[1-9]*
	truncate -s 1 "$mnt/long"
	: >"$mnt/d/0"
	rm -r "$mnt/fill0" "$mnt/d"
	kill_it
	mount_it
	[ ! -e "$mnt/d" ] || fail "what was removed is back"
	expect 1 "$(stat -c %s "$mnt/long")"
	expect_error "No space left on device" mkdir "$mnt/more"
	rm "$scratch/disk/ballast"
	mkdir "$mnt/more"
}

# The log says once that the disk is full, and what to do; again after there was room.
test_message() {
	on_small_disk
	make_files 3
	fill_disk
	fill_up
	! mkdir "$mnt/one" "$mnt/two" 2>/dev/null || fail "there was room"
	expect 1 "$(messages "the disk is full. Files can still be removed")" "messages"
	rm "$scratch/disk/ballast"
	mkdir "$mnt/one"
	fill_disk
	fill_up again
	expect 2 "$(messages "the disk is full. Files can still be removed")" "messages"
}

# So it does where a file was too large for the disk, and not again for each file that follows, whether it fits in or not.
test_message_to_writers() {
	local i
	on_small_disk
	for i in 1 2 3; do
		! dd if=/dev/zero of="$mnt/big" bs=1M count=30 conv=fsync status=none 2>/dev/null || fail "there was room"
		echo "fits in" >"$mnt/$i"
	done
	expect 1 "$(messages "the disk is full. Files can still be removed")" "messages"
}

# A mount that begins on a full disk can be read and ended.
test_mounted_when_full() {
	on_small_disk
	make_files 3
	unmount_it
	fill_disk
	mount_it
	expect "contents 2" "$(cat "$mnt/d/2")"
	rm "$mnt/d/1" 2>"$scratch/error" || grep -qF "No space left on device" "$scratch/error" ||
		fail "neither removed nor ENOSPC: $(cat "$scratch/error")"
	unmount_it
}

# Compacting needs room for the new container: it says so, leaves the old one as it was, and nothing beside it.
test_compacting_without_room() {
	on_small_disk
	dd if=/dev/urandom of="$mnt/f" bs=1M count=6 status=none
	unmount_it
	fill_disk
	cp "$container" "$scratch/before"
	expect_error "No space left on device" "$reel" compact "$container"
	cmp "$container" "$scratch/before" || fail "the container was changed"
	expect "ballast c.reel" "$(in_one_line ls "$scratch/disk")"
}

run_tests "$@"
