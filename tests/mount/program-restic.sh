#!/usr/bin/env bash
# restic(1): backups into the mount and from it are whole, are restored to the same tree, and store nothing twice.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
# shellcheck source=tests/mount/trees.sh
. "$(dirname "$0")/trees.sh" || exit 1
need_programs restic jq

export RESTIC_PASSWORD=secret RESTIC_PROGRESS_FPS=0

run_restic() {
	RESTIC_CACHE_DIR=$scratch/cache restic -q "$@" >"$scratch/said" 2>&1 || fail "restic $*: $(cat "$scratch/said")"
}

# changes: what the last backup found to differ.
backup() {
	RESTIC_CACHE_DIR=$scratch/cache restic backup --json "$1" >"$scratch/said" 2>&1 || fail "restic backup: $(cat "$scratch/said")"
	jq -c 'select(.message_type == "summary") | [.files_new, .files_changed, .dirs_new, .dirs_changed]' "$scratch/said"
}

# A repository in the mount.
test_repository_in_the_mount() {
	export RESTIC_REPOSITORY=$mnt/repository
	make_odd_tree "$scratch/odd"
	run_restic init
	backup "$scratch/odd" >"$scratch/first"
	echo more >"$scratch/odd/late"
	backup "$scratch/odd" >"$scratch/second"
	remount_it
	run_restic check --read-data
	run_restic restore latest --target "$scratch/out"
	same_tree "$scratch/odd" "$scratch/out/$scratch/odd"
	run_restic forget --keep-last 1 --prune
	remount_it
	run_restic check --read-data
	expect 1 "$(RESTIC_CACHE_DIR=$scratch/cache restic snapshots --json | jq length)" snapshots
}

# From the mount and restored into it; the second backup, after a remount, reads no file again.
test_backup_of_the_mount() {
	export RESTIC_REPOSITORY=$scratch/repository
	make_odd_tree "$mnt/tree/odd"
	make_plain_tree "$mnt/tree/plain"
	run_restic init
	backup "$mnt/tree" >"$scratch/first"
	remount_it
	expect '[0,0]' "$(backup "$mnt/tree" | jq -c '.[0:2]')" "files new and changed in the second backup"
	run_restic restore latest --target "$mnt/restored" --verify
	remount_it
	same_tree "$mnt/tree" "$mnt/restored$mnt/tree"
}

# All of /usr/include and of the compiler, into a repository in the mount and out of it into the mount.
long_compiler() {
	export RESTIC_REPOSITORY=$mnt/repository
	run_restic init
	backup /usr/include >"$scratch/first"
	run_restic backup /usr/include /usr/lib/gcc
	remount_it
	run_restic check --read-data
	run_restic restore latest --target "$mnt/restored"
	remount_it
	same_tree /usr/include "$mnt/restored/usr/include"
	same_tree /usr/lib/gcc "$mnt/restored/usr/lib/gcc"
}

run_tests "$@"
