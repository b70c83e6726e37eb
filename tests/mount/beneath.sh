#!/usr/bin/env bash
# What the file system beneath may lack, and where files go that lie beside the container elsewhere. The file system is that of
# tests/mount/passing.c, with a switch for each lack; read-only folders are bind mounts, in a name space of their own.
set -u
if [ -z "${BENEATH_IN_NAME_SPACE:-}" ] && unshare -m true 2>/dev/null; then
	BENEATH_IN_NAME_SPACE=1 exec unshare -m --propagation private "$0" "$@"
fi
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
mount_options=()
passing=$build/tests/mount/passing

# What lib.sh does at the end of a test, once nothing is mounted in the folder beneath.
eval "rest_of_$(declare -f clean_up)"
clean_up() {
	local m
	set +e
	for m in "$mnt" "$scratch/other" "$scratch/under"; do
		umount -R -l "$m" 2>/dev/null || fusermount3 -uz "$m" 2>/dev/null
	done
	rest_of_clean_up
}

# beneath [OPTION...]: the container lies in such a file system.
beneath() {
	mkdir "$scratch/folder" "$scratch/under"
	"$passing" "$scratch/folder" "$scratch/under" timeout=0 "$@" 2>>"$scratch/served" &
	serves=$!
	until mountpoint -q "$scratch/under"; do
		kill -0 "$serves" || fail "$(cat "$scratch/served")"
		sleep 0.01
	done
	container=$scratch/under/c.reel
}

# What a test leaves is looked at where it is: the file system beneath is gone by then.
finish() {
	container=$scratch/folder/c.reel
}

# read_only_folder: the container can be written to, and its folder cannot.
read_only_folder() {
	need_root
	need_to unshare -m true
	mkdir "$scratch/under"
	"$reel" init "$scratch/c.reel"
	touch "$scratch/under/c.reel"
	mount --bind "$scratch/under" "$scratch/under"
	mount --bind "$scratch/c.reel" "$scratch/under/c.reel"
	mount -o remount,ro,bind "$scratch/under"
	container=$scratch/under/c.reel
}

# works: all that is done with containers works with this one, and leaves no other file.
works() {
	local i
	# More than is buffered in memory.
	head -c 18000000 /dev/urandom >"$scratch/data"
	mount_it -o create
	cp "$scratch/data" "$mnt/data"
	for i in 1 2 3 4 5 6 7 8 9; do
		echo "file $i" >"$mnt/$i"
		# Reading what has just been appended finds no older page.
		sync "$mnt/$i"
		expect "file $i" "$(dd if="$mnt/$i" iflag=direct bs=4096 2>/dev/null)"
	done
	remount_it
	cmp "$scratch/data" "$mnt/data"
	expect "$(printf 'file %d\n' 1 2 3 4 5 6 7 8 9)" "$(cat "$mnt"/[1-9])"
	kill_it
	mount_it
	rm "$mnt/9"
	unmount_it
	"$reel" compact "$container" >"$scratch/out" 2>&1 || fail "$(cat "$scratch/out")"
	"$reel" check --repair="$scratch/under/repaired" "$container" >"$scratch/out" 2>&1 || fail "$(cat "$scratch/out")"
	mkdir "$scratch/tree"
	"$reel" import "$scratch/under/imported" "$scratch/tree" >"$scratch/out" || fail "$(cat "$scratch/out")"
	mount_it
	cmp "$scratch/data" "$mnt/data"
	expect "$(printf 'file %d\n' 1 2 3 4 5 6 7 8)" "$(cat "$mnt"/[1-9])"
	unmount_it
	expect "c.reel imported repaired" "$(cd "$scratch/folder" && in_one_line ls -A)" "files in the folder"
	finish
}

# No file can be mapped MAP_SHARED, as with direct_io.
test_no_shared_mappings() {
	beneath direct
	works
}

# A rename that must not replace anything is unknown, and so are hard links.
test_no_rename_without_replacing() {
	beneath norename
	works
}

# No owners and modes, numbers of inodes that are others after a while, times of two seconds, no sync of folders: as in vfat.
test_no_attributes() {
	beneath norename flat noino coarse nodirsync
	works
}

# How much is free is not told.
test_no_free_space_told() {
	beneath nostatfs
	works
}

# A name that is taken in the last moment is not replaced, and what was made does not stay.
test_name_that_is_taken() {
	beneath norename
	echo other >"$scratch/under/c.reel"
	expect_error "exists already" "$reel" init "$container"
	expect other "$(cat "$container")"
	expect c.reel "$(ls -A "$scratch/folder")"
	rm "$container"
}

# Without locks nothing would keep a second writer away: it is told what to do.
test_no_locks() {
	beneath nolocks
	expect_error "has no locks" "$reel" init "$container"
	expect "" "$(ls -A "$scratch/folder")" "what is left"
}

# The largest file that there can be: the writer is told, what was stored stays, and the mount goes on.
test_largest_file() {
	beneath largest=4000000
	mount_it -o create
	head -c 3000000 /dev/urandom >"$scratch/data"
	cp "$scratch/data" "$mnt/one"
	expect_error "File too large" cp "$scratch/data" "$mnt/two"
	rm "$mnt/two"
	echo more >"$mnt/three"
	remount_it
	cmp "$scratch/data" "$mnt/one"
	expect more "$(cat "$mnt/three")"
	unmount_it
	finish
}

# In a folder that takes no files, a file larger than what is buffered in memory can be written all the same.
test_read_only_folder() {
	read_only_folder
	head -c 40000000 /dev/urandom >"$scratch/data"
	mkdir "$scratch/tmp"
	export TMPDIR=$scratch/tmp
	mount_it
	cp "$scratch/data" "$mnt/data"
	expect "" "$(ls -A "$scratch/tmp")" "names in the other folder"
	expect 1 "$(messages "goes to $scratch/tmp")" "messages"
	remount_it
	cmp "$scratch/data" "$mnt/data"
}

# One that the mount covers is what was there before: a write that went into the mount would wait for itself.
test_other_folder_in_the_mount() {
	local copy i
	read_only_folder
	head -c 20000000 /dev/urandom >"$scratch/data"
	export TMPDIR=$mnt
	mount_it
	cp "$scratch/data" "$mnt/data" &
	copy=$!
	for ((i = 0; i < 600; i++)); do
		kill -0 $copy 2>/dev/null || break
		sleep 0.1
	done
	if [ "$i" -eq 600 ]; then
		kill_it
		fail "the write does not end"
	fi
	wait $copy
	expect "data" "$(ls -A "$mnt")" "names in the mount"
	remount_it
	cmp "$scratch/data" "$mnt/data"
}

# Where that other folder is full, it is said which one it is, and an old file keeps its contents.
test_read_only_folder_and_no_room_elsewhere() {
	read_only_folder
	mkdir "$scratch/tmp"
	mount -t tmpfs -o size=1m none "$scratch/tmp"
	export TMPDIR=$scratch/tmp
	head -c 20000000 /dev/urandom >"$scratch/data"
	mount_it
	echo old >"$mnt/file"
	sync "$mnt/file"
	expect_error "No space left" dd if="$scratch/data" of="$mnt/file" bs=1M conv=notrunc,fsync
	expect 1 "$(messages "no more room in $scratch/tmp")" "messages"
	echo small >"$mnt/small"
	remount_it
	expect small "$(cat "$mnt/small")"
	unmount_it
	umount "$scratch/tmp"
}

# --- the end of one mount and the beginning of the next -----------------------------------------------------------------

# storing [OPTION...]: the file system was unmounted, and its daemon cannot end: $first.
storing() {
	beneath "$@"
	mount_it -o create,sync=0
	echo text >"$mnt/file"
	touch "$scratch/under.slow"
	take_off
	first=$daemon
	daemon=
	local tries=0
	until [ "$(cat "/proc/$first/comm")" = reelfs-storing ]; do
		tries=$((tries + 1))
		[ $tries -lt 1000 ] || fail "the daemon does not say that it stores"
		sleep 0.01
	done
}

# Who comes next waits for the end, however long that takes, and says for whom.
test_storing_is_waited_for() {
	storing
	"$reel" write "$container" next text 2>"$scratch/error" &
	until grep -qF "process $first (reelfs) still stores" "$scratch/error"; do
		kill -0 $! || fail "it did not wait: $(cat "$scratch/error")"
		sleep 0.05
	done
	rm "$scratch/under.slow"
	wait $! || fail "$(cat "$scratch/error")"
	wait "$first"
	expect "file next" "$("$reel" ls "$container" | tr '\n' ' ' | sed 's/ $//')"
	finish
}

# A limit that was asked for is one, and nobody is advised to end a daemon that stores.
test_storing_and_a_limit() {
	storing
	expect_error "Do not end it" timeout 20 "$reelfs" -f -o lock_wait=0 "$container" "$mnt"
	rm "$scratch/under.slow"
	wait "$first"
	finish
}

# So it is where a server keeps the lock, of which the kernel knows nothing.
test_storing_with_a_server_s_lock() {
	storing locks
	expect_error "Do not end it" timeout 20 "$reelfs" -f -o lock_wait=0 "$container" "$mnt"
	rm "$scratch/under.slow"
	wait "$first"
	finish
}

# Who looks at the container meanwhile, maybe to copy it, is told.
test_storing_is_told() {
	local command
	"$reel" init "$container"
	cp "$(command -v flock)" "$scratch/reelfs-storing"
	"$scratch/reelfs-storing" -o "$container" sleep 20 &
	first=$!
	until grep -q "FLOCK .* $first " /proc/locks; do
		sleep 0.01
	done
	for command in info check; do
		"$reel" $command "$container" >"$scratch/out" 2>&1 || fail "$(cat "$scratch/out")"
		grep -qF "process $first, a reelfs that was unmounted, still stores" "$scratch/out" || fail "$(cat "$scratch/out")"
	done
	kill "$first"
}

# A mount that lives on in another mount namespace is told with the way there.
test_mounted_in_another_namespace() {
	local inside
	need_root
	need_to unshare -m true
	mount_it -o create
	unshare -m --propagation private sleep 1000 &
	inside=$!
	until [ "$(readlink "/proc/$inside/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ]; do
		sleep 0.01
	done
	take_off
	expect_error "another mount namespace, that of process $inside" \
		timeout 20 "$reelfs" -f -o lock_wait=0 "$container" "$mnt"
	nsenter -m -t "$inside" umount "$mnt"
	wait_for_daemon
	kill "$inside"
}

run_tests "$@"
