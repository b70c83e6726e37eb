#!/usr/bin/env bash
# borg(1): backups into the mount and from it are whole, are extracted to the same tree, and read nothing twice.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
# shellcheck source=tests/mount/trees.sh
. "$(dirname "$0")/trees.sh" || exit 1
need_programs borg

export BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes BORG_RELOCATED_REPO_ACCESS_IS_OK=yes LC_ALL=C.UTF-8

run_borg() {
	BORG_BASE_DIR=$scratch/borg borg "$@" >"$scratch/said" 2>&1 || fail "borg $*: $(cat "$scratch/said")"
}

# A tree with times that borg can keep: it cuts them off at 1970 and 2038.
make_tree() {
	make_odd_tree "$1"
	touch -d '1971-01-01 00:00:00.123456789' "$1/old"
	touch -d '2037-12-31 00:00:00.123456789' "$1/one"
}

# backup ARCHIVE FOLDER: prints the regular files that were read, as those seemed new or changed.
backup() {
	(cd "$(dirname "$2")" && BORG_BASE_DIR=$scratch/borg borg create --list --filter=AM --files-cache=ctime,size,inode "::$1" "$(basename "$2")" 2>&1) ||
		fail "borg create $1 ended with status $?"
}

# extract ARCHIVE FOLDER
extract() {
	mkdir "$2"
	(cd "$2" && run_borg extract --sparse "::$1")
}

# A repository in the mount.
test_repository_in_the_mount() {
	export BORG_REPO=$mnt/repository
	make_tree "$scratch/odd"
	run_borg init -e none
	backup one "$scratch/odd" >"$scratch/read"
	echo more >"$scratch/odd/late"
	backup two "$scratch/odd" >"$scratch/read"
	remount_it
	run_borg check --verify-data
	extract two "$scratch/out"
	same_tree "$scratch/odd" "$scratch/out/odd"
	run_borg delete ::one
	run_borg compact
	remount_it
	run_borg check --verify-data
	extract two "$mnt/out"
	remount_it
	same_tree "$scratch/odd" "$mnt/out/odd"
}

# From the mount; the second backup, after a remount, reads no file again.
test_backup_of_the_mount() {
	export BORG_REPO=$scratch/repository
	mkdir "$mnt/tree"
	make_tree "$mnt/tree/odd"
	make_plain_tree "$mnt/tree/plain"
	# borg takes the files that changed last for possibly still changing. After a tick of the kernel's clock, which others may have.
	tick
	touch "$mnt/tree/youngest"
	run_borg init -e none
	[ "$(backup one "$mnt/tree" | wc -l)" -gt 100 ] || fail "the first backup read too few files"
	remount_it
	expect "A tree/youngest" "$(backup two "$mnt/tree" | sed 's/^M /A /')" "files read by the second backup"
	extract two "$scratch/out"
	same_tree "$mnt/tree" "$scratch/out/tree"
}

# All of /usr/include and of the compiler, into a repository in the mount and out of it into the mount.
long_compiler() {
	export BORG_REPO=$mnt/repository
	run_borg init -e none
	run_borg create ::one /usr/include
	run_borg create ::two /usr/include /usr/lib/gcc
	run_borg delete ::one
	run_borg compact
	remount_it
	run_borg check --verify-data
	extract two "$mnt/out"
	remount_it
	same_tree /usr/include "$mnt/out/usr/include"
	same_tree /usr/lib/gcc "$mnt/out/usr/lib/gcc"
}

run_tests "$@"
