#!/usr/bin/env bash
# What a close could not store is taken back for everybody: what is read, and every attribute, is what a remount shows.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
cached=$build/tests/mount/cached
mount_options=()

# A disk of 16 MiB with the files "old" and "other" in the mount.
with_old_files() {
	small_disk 16m
	mount_it -o create "$@"
	head -c 500000 /dev/urandom >"$scratch/old"
	head -c 2000000 /dev/urandom >"$scratch/new"
	head -c 30000000 /dev/urandom >"$scratch/large"
	cp "$scratch/old" "$mnt/old"
	cp "$scratch/old" "$mnt/other"
}

no_room() {
	expect_error "No space left on device" "$@"
}

# What can be seen of the files, but for access times.
seen() {
	(
		cd "$mnt"
		stat -c '%n %s %b %Y %Z %h %f' -- *
		md5sum -- *
	)
}

# as_after_remount [OPTION...]: what is seen now is what a remount shows.
as_after_remount() {
	seen >"$scratch/seen"
	remount_it "$@"
	seen | diff "$scratch/seen" - || fail "a remount shows something else"
}

# cp onto a file, of what does not fit on the disk any more; then it has what it had.
test_overwritten() {
	with_old_files
	fill_disk
	no_room dd if="$scratch/new" of="$mnt/old" bs=64k conv=notrunc status=none
	cmp "$scratch/old" "$mnt/old"
	expect 500000 "$(stat -c %s "$mnt/old")" size
	expect 977 "$(stat -c %b "$mnt/old")" blocks
	as_after_remount
}

# not_new FILE: it has not what could not be written.
not_new() {
	! cmp "$scratch/new" "$mnt/$1" 2>"$scratch/error" || fail "there was no room for it"
}

# With O_TRUNC, which has room, the file may be empty.
test_replaced() {
	with_old_files
	fill_disk
	no_room cp "$scratch/new" "$mnt/old"
	not_new old
	as_after_remount
}

# A new file, and one that is appended to.
test_new_and_longer() {
	with_old_files
	fill_disk
	no_room cp "$scratch/new" "$mnt/new"
	no_room dd if="$scratch/new" of="$mnt/old" bs=64k oflag=append conv=notrunc status=none
	cmp "$scratch/old" "$mnt/old"
	not_new new
	as_after_remount
}

# More than the disk could ever hold, so that the kernel has pages that were never taken here.
test_larger_than_the_disk() {
	with_old_files
	no_room cp "$scratch/large" "$mnt/new"
	! cmp "$scratch/large" "$mnt/new" 2>"$scratch/error" || fail "there was no room for it"
	no_room dd if="$scratch/large" of="$mnt/old" bs=64k conv=notrunc status=none
	as_after_remount
}

# A process that has the file open to read, and one that has it mapped, see the same; so does one that has opened it
# while it was written.
test_seen_by_readers() {
	with_old_files
	exec 4<"$mnt/old"
	"$cached" mapped-read "$mnt/old" 500000 "$scratch/ready" "$scratch/mapped" &
	until [ -e "$scratch/ready" ]; do sleep 0.01; done
	fill_disk
	no_room dd if="$scratch/new" of="$mnt/old" bs=64k conv=notrunc status=none
	cmp "$scratch/old" "$mnt/old"
	cmp "$scratch/old" - <&4
	rm "$scratch/ready"
	wait $!
	cmp "$scratch/old" "$scratch/mapped"
	exec 4<&-
	as_after_remount
}

# A file that has another name by then, or none.
test_renamed_and_removed() {
	with_old_files
	exec 4<>"$mnt/old" 6<"$mnt/other"
	exec 5<>"$mnt/other"
	fill_disk
	dd if="$scratch/new" bs=64k status=none >&4 2>"$scratch/error" || true
	dd if="$scratch/new" bs=64k status=none >&5 2>"$scratch/error" || true
	mv "$mnt/old" "$mnt/renamed"
	rm "$mnt/other"
	exec 4>&- 5>&-
	cmp "$scratch/old" "$mnt/renamed"
	cmp "$scratch/old" - <&6
	exec 6<&-
	as_after_remount
	exec 4<>"$mnt/renamed"
	dd if="$scratch/new" bs=64k status=none >&4 2>"$scratch/error" || true
	rm "$mnt/renamed"
	exec 4>&-
	expect 0 "$(messages "programs that look")" messages
}

# When there is room again, the file can be written.
test_written_again() {
	with_old_files
	fill_disk
	no_room cp "$scratch/new" "$mnt/old"
	rm "$scratch/disk/ballast"
	cp "$scratch/new" "$mnt/old"
	cmp "$scratch/new" "$mnt/old"
	as_after_remount
}

# Another descriptor, for writing, that stays open: what waits here is stored when there is room again, and seen all the time.
test_kept_for_another_writer() {
	with_old_files
	exec 4<>"$mnt/old"
	printf text | dd of="$mnt/old" bs=4 conv=notrunc oflag=direct status=none
	fill_disk
	no_room dd if="$scratch/new" of="$mnt/old" bs=64k seek=10 conv=notrunc status=none
	expect text "$(head -c 4 "$mnt/old")"
	rm "$scratch/disk/ballast"
	exec 4>&-
	expect text "$(head -c 4 "$mnt/old")"
	as_after_remount
}

# fsync(2) and msync(2) that fail, and the close after them.
test_after_failed_sync() {
	with_old_files
	fill_disk
	no_room dd if="$scratch/new" of="$mnt/old" bs=64k conv=notrunc,fsync status=none
	cmp "$scratch/old" "$mnt/old"
	cp "$scratch/old" "$scratch/then"
	# Four bytes may find room; then they are there.
	if "$cached" synced-then "$mnt/other" msync 100000 text true 2>"$scratch/error"; then
		printf text | dd of="$scratch/then" bs=1 seek=100000 conv=notrunc status=none
	fi
	cmp "$scratch/then" "$mnt/other"
	as_after_remount
}

# Wherever the mount is by now.
test_moved() {
	small_disk 16m
	mount --make-private "$scratch/disk"
	mkdir -p "$scratch/disk/parent/mnt"
	mnt=$scratch/disk/parent/mnt
	mount_it -o create
	echo old >"$mnt/old"
	mv "$scratch/disk/parent" "$scratch/disk/elsewhere"
	mnt=$scratch/disk/elsewhere/mnt
	head -c 2000000 /dev/urandom >"$scratch/new"
	fill_disk
	no_room cp "$scratch/new" "$mnt/old"
	not_new old
	as_after_remount
}

# One worker serves everything.
test_one_worker() {
	with_old_files -o max_threads=1
	fill_disk
	no_room cp "$scratch/new" "$mnt/old"
	not_new old
	as_after_remount -o max_threads=1
}

# The same without the writeback cache.
test_without_writeback() {
	with_old_files -o no_writeback_cache
	fill_disk
	no_room cp "$scratch/new" "$mnt/old"
	not_new old
	# Each write(2) is told for itself: those that found room are there, as on a plain disk.
	no_room dd if="$scratch/new" of="$mnt/other" bs=64k oflag=append conv=notrunc status=none
	cat "$scratch/old" "$scratch/new" >"$scratch/both"
	head -c "$(stat -c %s "$mnt/other")" "$scratch/both" | cmp - "$mnt/other"
	as_after_remount -o no_writeback_cache
}

run_tests "$@"
