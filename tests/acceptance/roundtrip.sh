#!/usr/bin/env bash
# A tree copied into the mount is the same tree after unmounting and mounting again: names, contents,
# modes, owners, times to the nanosecond, link targets, hard-link groups, extended attributes.
# The tests named long_* run when they are named on the command line (tools/soak).
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh" || exit 1

# A tree with one of everything that a tree can hold.
make_odd_tree() {
	local tree=$1
	mkdir -p "$tree/empty" "$tree/deep/er/est"
	: >"$tree/zero"
	printf '\0' >"$tree/nul"
	printf 'one\n' >"$tree/one"
	ln "$tree/one" "$tree/one.hard"
	ln "$tree/one" "$tree/deep/er/one.hard"
	ln -s one "$tree/one.symbolic"
	ln -s "$(printf '%01000d' 0)" "$tree/long.symbolic"
	ln "$tree/nul" "$tree/deep/nul.hard"
	printf 'text' >"$tree/$(printf 'line\nbreak \303\244 \377')"
	mkfifo "$tree/fifo"
	truncate -s 10M "$tree/sparse"
	printf 'end' >>"$tree/sparse"
	printf 'old' >"$tree/old"
	touch -d '1969-12-31 23:59:58.123456789 UTC' "$tree/old"
	touch -d '2106-02-07 06:28:17.999999999 UTC' "$tree/one"
	touch -h -d '2001-09-09 01:46:40.000000001 UTC' "$tree/one.symbolic"
	printf 'secret' >"$tree/mode000"
	chmod 000 "$tree/mode000"
	chmod 1777 "$tree/empty"
	setfattr -n user.note -v 'kept' "$tree/one"
	setfattr -n user.note -v 'kept too' "$tree/deep"
	if [ "$(id -u)" -eq 0 ]; then
		mknod "$tree/null" c 1 3
		chown 12345:54321 "$tree/old" "$tree/deep/er"
		chown -h 1:2 "$tree/one.symbolic"
		printf 'set-id' >"$tree/setid"
		chmod 6755 "$tree/setid"
	fi
	touch -d '2020-02-02 02:02:02.020202020 UTC' "$tree/deep/er" "$tree/deep" "$tree"
}

# describe TREE: one line for each name with all that must survive; hard links by the group's first name.
# With times_of_files_only=1 not the times of folders, links and the like: rsync 3.5.0 sets none of those,
# on no file system.
times_of_files_only=0
describe() {
	(
		cd "$1" || exit
		find . -printf '%P\001%y\001%m\001%U:%G\001%T@\001%l\001%n\001%i\001%s\0' | LC_ALL=C sort -z |
			awk -v RS='\0' -F'\001' -v files_only="$times_of_files_only" '{
				size = $2 == "d" ? "-" : $9
				links = $2 == "d" ? "-" : $7
				if (files_only && $2 != "f") $5 = "-"
				if (!($8 in first)) first[$8] = $1
				printf "%s|%s|%s|%s|%s|%s|%s|%s|%s\n", $1, $2, $3, $4, $5, $6, links, size, first[$8]
			}'
		find . -type c -exec stat -c '%n %t:%T' {} + | LC_ALL=C sort
		getfattr -h -R -P -d -m '^user\.' . 2>/dev/null | awk -v RS= -v FS='\n' -v OFS='|' '{ $1 = $1; print }' | LC_ALL=C sort
	)
}

# same_tree A B: fails unless they are.
same_tree() {
	describe "$1" >"$scratch/a.tree"
	describe "$2" >"$scratch/b.tree"
	diff "$scratch/a.tree" "$scratch/b.tree" >"$scratch/tree.diff" ||
		fail "$2 differs from $1 in attributes:"$'\n'"$(head -n 20 "$scratch/tree.diff")"
	(cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) >"$scratch/a.sums"
	(cd "$2" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) >"$scratch/b.sums"
	diff "$scratch/a.sums" "$scratch/b.sums" >"$scratch/sums.diff" ||
		fail "$2 differs from $1 in contents:"$'\n'"$(head -n 20 "$scratch/sums.diff")"
}

# copies NAME SOURCE COMMAND...: the command makes $mnt/NAME; it is compared before and after a remount.
copies() {
	local name=$1 source=$2
	shift 2
	"$@" || fail "$* failed"
	same_tree "$source" "$mnt/$name"
	remount_it
	same_tree "$source" "$mnt/$name"
}

copy_with_tar() {
	mkdir "$2"
	tar -C "$1" --xattrs --xattrs-include='user.*' -cf - . |
		tar -C "$2" --xattrs --xattrs-include='user.*' --warning=no-timestamp -xpf -
}

# copy_with_each_tool SOURCE
copy_with_each_tool() {
	copies cp "$1" cp -a "$1" "$mnt/cp"
	copies tar "$1" copy_with_tar "$1" "$mnt/tar"
	times_of_files_only=1
	copies rsync "$1" rsync -aHX "$1/" "$mnt/rsync"
}

# cp -a, tar and rsync copy a tree with one of everything.
test_one_of_everything() {
	make_odd_tree "$scratch/odd"
	copy_with_each_tool "$scratch/odd"
}

# cp -a, tar and rsync copy some hundreds of files.
test_include_linux() {
	cp -a /usr/include/linux "$scratch/linux"
	copy_with_each_tool "$scratch/linux"
}

# cp -a, tar and rsync copy all of /usr/include.
long_include() {
	cp -a /usr/include "$scratch/include"
	copy_with_each_tool "$scratch/include"
}

# A local repository cloned into the mount has no faults, and can be worked in.
test_git() {
	local origin=$scratch/origin
	export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
	git init -q -b main "$origin"
	cp -r /usr/include/linux "$origin/"
	git -C "$origin" add .
	git -C "$origin" commit -qm one
	git clone -q --no-hardlinks "$origin" "$mnt/clone"
	remount_it
	git -C "$mnt/clone" fsck --strict || fail "git fsck found faults"
	[ -z "$(git -C "$mnt/clone" status --porcelain)" ] || fail "git status: the clone is not clean"
	echo more >>"$mnt/clone/linux/fs.h"
	git -C "$mnt/clone" commit -qam two
	git -C "$mnt/clone" gc -q
	remount_it
	git -C "$mnt/clone" fsck --strict || fail "git fsck found faults after commit and gc"
}

# This project builds inside the mount, and the program built there runs.
long_compile() {
	unset MAKEFLAGS MFLAGS MAKELEVEL srcdir
	make -s -C "$build" distdir distdir="$scratch/source" >"$scratch/distdir.log" 2>&1 ||
		fail "make distdir failed: $(tail -n 3 "$scratch/distdir.log")"
	cp -a "$scratch/source" "$mnt/source"
	(cd "$mnt/source" && ./configure --quiet && make -s -j"$(nproc)") >"$scratch/compile.log" 2>&1 ||
		fail "the build inside the mount failed: $(tail -n 20 "$scratch/compile.log")"
	remount_it
	"$mnt/source/reelfs" -V >/dev/null || fail "the program built inside the mount does not run"
}

run_tests "$@"
