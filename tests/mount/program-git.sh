#!/usr/bin/env bash
# git(1): a repository in the mount works, stays whole, and needs no refresh after a remount.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
# shellcheck source=tests/mount/trees.sh
. "$(dirname "$0")/trees.sh" || exit 1
need_programs git

export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_TERMINAL_PROMPT=0
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b

in_clone() {
	git -C "$mnt/clone" "$@"
}

# make_origin COMMITS: a repository outside the mount with that many commits, a branch and a tag.
make_origin() {
	local i origin=$scratch/origin
	git init -q -b main "$origin"
	make_plain_tree "$origin/linux"
	git -C "$origin" add .
	git -C "$origin" commit -qm first
	for ((i = 1; i < $1; i++)); do
		seq "$i" 500 >"$origin/linux/new$((i % 7)).h"
		git -C "$origin" add .
		git -C "$origin" commit -qm "commit $i"
	done
	git -C "$origin" tag -a -m tagged v1
	git -C "$origin" branch old HEAD~2
}

whole() {
	in_clone fsck --full --strict >"$scratch/fsck" 2>&1 || fail "git fsck: $(head -n 5 "$scratch/fsck")"
}

clean() {
	expect "" "$(in_clone status --porcelain)" "git status"
}

# A clone is whole and clean. After a remount the index still knows every file by its inode and times, so that
# git diff-files, which reads no contents, names none.
test_clone() {
	make_origin 5
	git clone -q --no-hardlinks "$scratch/origin" "$mnt/clone"
	clean
	remount_it
	expect "" "$(in_clone diff-files --name-only)" "files that seem to have changed"
	clean
	whole
	diff -r -x .git "$scratch/origin" "$mnt/clone" || fail "the work tree is not that of the origin"
}

# Commits, branches, a merge, a rebase, a stash and a second work tree leave what they say.
test_work() {
	make_origin 4
	git clone -q "$scratch/origin" "$mnt/clone"
	in_clone checkout -q -b topic origin/old
	echo topic >>"$mnt/clone/linux/fs.h"
	in_clone commit -qam topic
	in_clone checkout -q main
	in_clone merge -q --no-edit topic
	grep -qx topic "$mnt/clone/linux/fs.h" || fail "the merge lost a line"
	in_clone rebase -q main topic
	echo stashed >>"$mnt/clone/linux/kd.h"
	in_clone stash -q
	clean
	remount_it
	clean
	in_clone stash pop -q
	expect " M linux/kd.h" "$(in_clone status --porcelain)"
	in_clone worktree add -q "$mnt/second" old
	in_clone mv linux/can linux/could
	in_clone commit -qam moved
	remount_it
	clean
	expect "" "$(git -C "$mnt/second" status --porcelain)"
	whole
	in_clone push -q origin topic
	git -C "$scratch/origin" fsck --strict >"$scratch/fsck" 2>&1 || fail "the origin after a push: $(cat "$scratch/fsck")"
}

# Garbage collection keeps every commit, and a clone of the clone is whole.
test_gc() {
	local commits
	make_origin 12
	git clone -q --no-hardlinks "$scratch/origin" "$mnt/clone"
	echo more >>"$mnt/clone/linux/fs.h"
	in_clone commit -qam more
	commits=$(in_clone rev-list --all)
	in_clone gc -q --aggressive --prune=now
	expect "$commits" "$(in_clone rev-list --all)"
	remount_it
	whole
	expect "$commits" "$(in_clone rev-list --all)"
	git clone -q "$mnt/clone" "$mnt/again"
	git clone -q --no-local "$mnt/clone" "$scratch/out"
	git -C "$scratch/out" fsck --full --strict >"$scratch/fsck" 2>&1 || fail "a clone of the clone: $(cat "$scratch/fsck")"
	same_contents "$mnt/clone/linux" "$mnt/again/linux"
}

# Killed after a commit has returned, the commit is there and the repository is whole.
test_commit_survives_a_kill() {
	local commit
	make_origin 3
	git clone -q "$scratch/origin" "$mnt/clone"
	echo more >>"$mnt/clone/linux/fs.h"
	in_clone commit -qam more
	commit=$(in_clone rev-parse HEAD)
	kill_it
	mount_it
	expect "$commit" "$(in_clone rev-parse HEAD)"
	clean
	whole
}

# All of /usr/include in one repository, which is repacked in many ways.
long_include() {
	git init -q -b main "$mnt/clone"
	cp -a /usr/include "$mnt/clone/"
	in_clone add .
	in_clone commit -qm first
	in_clone repack -qadf --window=50
	in_clone gc -q --prune=now
	in_clone multi-pack-index write
	in_clone commit-graph write --reachable
	remount_it
	whole
	clean
	in_clone rm -rq include
	in_clone commit -qm emptied
	expect .git "$(ls -A "$mnt/clone")"
	in_clone checkout -q HEAD~1
	remount_it
	same_contents /usr/include "$mnt/clone/include"
}

run_tests "$@"
