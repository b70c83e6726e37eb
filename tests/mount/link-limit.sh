#!/usr/bin/env bash
# link(2): how many names a file can have, which are as many as on ext4.
# The test named long_* runs when it is named on the command line (tools/soak).
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

many=$build/tests/mount/many

# A file takes 65,000 names, and gets no further one: EMLINK. All are there in the next mount; when one is
# removed there is room for one; a rename, which keeps the count, needs none.
test_65000_names() {
	echo contents >"$mnt/f"
	mkdir "$mnt/d"
	expect "64999 EMLINK" "$("$many" link "$mnt/f" "$mnt/d")"
	expect 65000 "$(stat -c %h "$mnt/f")"
	remount_it
	expect "65000 contents" "$(stat -c %h "$mnt/d/64999") $(cat "$mnt/d/12345")"
	expect 64999 "$(find "$mnt/d" -inum "$(stat -c %i "$mnt/f")" | wc -l)"
	expect_error "Too many links" ln "$mnt/f" "$mnt/g"
	mv "$mnt/d/2" "$mnt/moved"
	rm "$mnt/f"
	ln "$mnt/d/1" "$mnt/g"
	expect_error "Too many links" ln "$mnt/d/1" "$mnt/f"
	rm -r "$mnt/d" "$mnt/moved"
	remount_it
	expect "1 contents" "$(stat -c %h "$mnt/g") $(cat "$mnt/g")"
}

# Directories in a directory are not limited so: it counts a link for each.
long_66000_directories() {
	mkdir "$mnt/d"
	(cd "$mnt/d" && seq 66000 | xargs mkdir)
	expect 66002 "$(stat -c %h "$mnt/d")"
	remount_it
	expect 66002 "$(stat -c %h "$mnt/d")"
}

run_tests "$@"
