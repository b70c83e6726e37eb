#!/usr/bin/env bash
# fsync(2), fdatasync(2), O_SYNC, O_DSYNC, msync(2), sync_file_range(2), syncfs(2): what they promise is in the container when
# they return, so that it is there after a kill of the daemon, although the file was never closed.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
cached=$build/tests/mount/cached
# What was not asked for is not synced meanwhile.
mount_options=(-o "create,sync=3600")

# The daemon has been killed by another process: the dead mount is replaced.
mount_after_kill() {
	wait "$daemon" 2>/dev/null || true
	daemon=
	fusermount3 -uz "$mnt"
	mount_it -o sync=3600
}

# synced_then_killed FILE HOW OFFSET TEXT: after the call the daemon is killed while the file is open.
synced_then_killed() {
	"$cached" synced-then "$@" kill -KILL "$daemon"
	mount_after_kill
}

# kept_by HOW: what is written into a new file, and into one that is there.
kept_by() {
	head -c 100000 /dev/urandom >"$scratch/want"
	cp "$scratch/want" "$mnt/old"
	synced_then_killed "$mnt/new" "$1" 0 'new text'
	expect_contents "$mnt/new" 'new text'
	synced_then_killed "$mnt/old" "$1" 50000 'changed text'
	printf 'changed text' | dd of="$scratch/want" bs=1 seek=50000 conv=notrunc status=none
	cmp "$scratch/want" "$mnt/old"
}

test_fsync() {
	kept_by fsync
}

test_fdatasync() {
	kept_by fdatasync
}

test_o_sync() {
	kept_by O_SYNC
}

test_o_dsync() {
	kept_by O_DSYNC
}

# Stores in a mapping, from msync(MS_SYNC) on.
test_msync() {
	kept_by msync
}

# The same past the page cache.
test_o_sync_direct() {
	kept_by O_SYNC+O_DIRECT
}

# And without the writeback cache.
test_fsync_without_writeback() {
	remount_it -o no_writeback_cache,sync=3600
	kept_by fsync
}

# fsync of a directory: what happened to its names is there.
test_directory() {
	mkdir "$mnt/d"
	touch "$mnt/d/a"
	mv "$mnt/d/a" "$mnt/d/b"
	sync "$mnt/d"
	kill_it
	mount_it
	expect b "$(ls "$mnt/d")"
}

# syncfs(2) hands all that the kernel has cached to the daemon, which commits and syncs it after -o sync=SECONDS.
test_syncfs() {
	remount_it -o sync=1
	cat >"$scratch/script" <<-'EOF'
		for _ in $(seq 600); do
			if grep -aq 'text to find' "$1"; then
				exec kill -KILL "$2"
			fi
			sleep 0.1
		done
		exit 1
	EOF
	"$cached" synced-then "$mnt/f" syncfs 0 'text to find' sh "$scratch/script" "$container" "$daemon"
	mount_after_kill
	expect_contents "$mnt/f" 'text to find'
}

# sync_file_range(2) writes pages out, promises nothing, and harms nothing.
test_sync_file_range() {
	"$cached" synced-then "$mnt/f" sync_file_range 5000 'late text' true
	expect 'late text' "$(tail -c 9 "$mnt/f")"
	expect 5009 "$(stat -c %s "$mnt/f")" size
}

run_tests "$@"
