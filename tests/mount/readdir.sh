#!/usr/bin/env bash
# Reading directories while they change.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

# make_files N: f0 to f(N-1) in $mnt/d.
make_files() {
	local i
	mkdir "$mnt/d"
	for ((i = 0; i < $1; i++)); do
		: >"$mnt/d/f$i"
	done
}

# Every directory lists "." and "..", with the right numbers.
test_dots() {
	mkdir -p "$mnt/a/b"
	expect ". .." "$(in_one_line ls -a "$mnt/a/b")"
	ls -ai1 "$mnt/a/b" >"$scratch/listed"
	grep -Eq "^ *$(stat -c %i "$mnt/a/b") \.$" "$scratch/listed" || fail "wrong number of ."
	grep -Eq "^ *$(stat -c %i "$mnt/a") \.\.$" "$scratch/listed" || fail "wrong number of .."
}

# Each of many names is listed exactly once, with its type, before and after a remount.
test_all_once() {
	make_files 3000
	find "$mnt/d" -type f -printf '%f\n' | sort >"$scratch/got"
	seq -f 'f%.0f' 0 2999 | sort | cmp - "$scratch/got"
	remount_it
	find "$mnt/d" -type f -printf '%f\n' | sort >"$scratch/got"
	seq -f 'f%.0f' 0 2999 | sort | cmp - "$scratch/got"
}

# Names that are removed as they come do not make others be skipped.
test_remove_while_reading() {
	make_files 3000
	expect 3000 "$("$syscall" read-and-remove "$mnt/d")" "names that came"
	expect "" "$(ls "$mnt/d")" "names left"
	rmdir "$mnt/d"
}

# Names that stay come exactly once while others are made and removed.
test_change_while_reading() {
	make_files 2000
	"$syscall" read-and-change "$mnt/d" | sort >"$scratch/got"
	seq -f 'f%.0f' 0 1999 | sort | cmp - "$scratch/got"
}

# A position noted by telldir stands for the same name after others were removed.
test_seek_back() {
	make_files 2000
	expect 2000 "$("$syscall" seek-back "$mnt/d")"
}

# A listing after a change shows the change, however often the directory was listed before.
test_changes_show() {
	make_files 10
	ls "$mnt/d" >/dev/null
	ls "$mnt/d" >/dev/null
	rm "$mnt/d/f3"
	: >"$mnt/d/new"
	mv "$mnt/d/f4" "$mnt/d/moved"
	expect "f0 f1 f2 f5 f6 f7 f8 f9 moved new" "$(in_one_line ls "$mnt/d")"
	expect "f0 f1 f2 f5 f6 f7 f8 f9 moved new" "$(in_one_line stat -c %n "$mnt/d"/* | sed "s|$mnt/d/||g")"
}

# The attributes that come with the names (ls -l) are those of stat.
test_attributes() {
	make_files 200
	printf 12345 >"$mnt/d/f7"
	chmod 640 "$mnt/d/f9"
	remount_it
	ls -l --time-style=full-iso "$mnt/d" >"$scratch/listed"
	remount_it
	stat -c '%A %h' "$mnt/d/f9" >"$scratch/stat"
	grep -q " 5 .* f7$" "$scratch/listed"
	grep -q "^-rw-r-----.* f9$" "$scratch/listed"
}

# A removed directory that is still someone's working directory lists nothing, and takes no new name.
test_removed_directory() {
	mkdir "$mnt/d"
	cd "$mnt/d"
	rmdir "$mnt/d"
	expect "" "$(ls)"
	expect_error "No such file" mkdir x
	cd /
}

run_tests "$@"
