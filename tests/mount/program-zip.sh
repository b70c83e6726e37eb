#!/usr/bin/env bash
# zip(1) and unzip(1): archives in the mount, of the mount, and unpacked into it.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
# shellcheck source=tests/mount/trees.sh
. "$(dirname "$0")/trees.sh" || exit 1
need_programs zip unzip

# pack ARCHIVE OPTION...: of the folder plain in the current folder.
pack() {
	zip -q -r -y "$@" plain || fail "zip $* ended with status $?"
}

# Unpacked it is the tree that was packed, in all that an archive keeps.
test_there_and_back() {
	make_plain_tree "$mnt/plain"
	ln -s fs.h "$mnt/plain/link"
	touch -hd 2020-02-02 "$mnt/plain/link" "$mnt/plain"
	chmod 600 "$mnt/plain/fs.h"
	cd "$mnt"
	pack "$mnt/in.zip"
	pack "$scratch/out.zip"
	cd /
	remount_it
	unzip -qt "$mnt/in.zip" || fail "the archive in the mount is broken"
	mkdir "$mnt/a" "$scratch/b"
	unzip -q "$scratch/out.zip" -d "$mnt/a"
	unzip -q "$mnt/in.zip" -d "$scratch/b"
	touch -hd 2020-02-02 "$mnt/a/plain/link" "$scratch/b/plain/link"
	remount_it
	same_tree "$mnt/plain" "$mnt/a/plain"
	same_tree "$mnt/plain" "$scratch/b/plain"
}

# An archive in the mount is changed: a file freshened, one added, one removed.
test_update() {
	make_plain_tree "$mnt/plain"
	cd "$mnt"
	pack "$mnt/f.zip"
	echo changed >plain/fs.h
	echo new >plain/new
	rm plain/kd.h
	pack "$mnt/f.zip" -FS
	zip -q -d "$mnt/f.zip" plain/stat.h
	cd /
	remount_it
	unzip -qt "$mnt/f.zip" || fail "the archive is broken"
	unzip -q "$mnt/f.zip" -d "$scratch/out"
	rm "$mnt/plain/stat.h"
	same_contents "$mnt/plain" "$scratch/out/plain"
}

run_tests "$@"
