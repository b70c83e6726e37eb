#!/usr/bin/env bash
# stress-ng(1): its stressors of file systems, all beside each other, get no wrong answer and leave nothing behind.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
need_programs stress-ng

# What goes to other file systems than this one (procfs, binderfs, a tmpfs of its own), or needs what ext4 alone has. io and
# fanotify open those of all mounts: other tests beside this one could not unmount, and their errors would be seen here.
elsewhere=bind-mount,binderfs,procfs,fiemap,verity,ioprio,eventfd,io,fanotify
sizes=(--hdd-bytes 4M --iomix-bytes 4M --fallocate-bytes 32M --sync-file-bytes 4M --readahead-bytes 4M
	--revio-bytes 8M --seek-size 8M)

# stress OPTION...: the file system is put to stress, and no check of stress-ng's own fails.
stress() {
	mkdir "$mnt/stress"
	stress-ng --temp-path "$mnt/stress" --verify "$@" >"$scratch/said" 2>&1 || fail "stress-ng $*: $(grep -v metrc "$scratch/said")"
	! grep -E 'fail:|error:' "$scratch/said" || fail "stress-ng $* found the above"
	expect "" "$(ls -A "$mnt/stress")" "what stress-ng left"
	remount_it
	expect "" "$(ls -A "$mnt/stress")" "what is left after a remount"
}

# Those of the class "filesystem".
test_filesystem() {
	stress --class filesystem --all 1 --exclude $elsewhere --timeout 4 "${sizes[@]}"
}

# Those that read and write in other ways: asynchronously, by mappings, from one descriptor to another. io-uring is not
# among them: in the stress-ng of Debian 12 it fails on ext4 too, as it asks for a file that it has not made.
test_io() {
	stress --aio 1 --aiol 1 --readahead 1 --revio 1 --seek 1 --mmap 1 --mmap-file --mmap-bytes 4M \
		--sendfile 1 --sendfile-size 4M --splice 1 --tee 1 --timeout 3 "${sizes[@]}"
}

# Each alone, with its own sizes, by several processes.
long_one_by_one() {
	stress --class filesystem --sequential 4 --exclude $elsewhere --timeout 10
	rmdir "$mnt/stress"
	stress --class io --sequential 4 --exclude rawdev,io-uring --timeout 10
}

run_tests "$@"
