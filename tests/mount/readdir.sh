#!/usr/bin/env bash
# Reading directories while they change.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

readings=$build/tests/mount/readings
handles=$build/tests/mount/handles

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

# steps STEP...: what readings of $mnt/d tell (readings.c), in one line.
steps() {
	in_one_line "$readings" steps "$mnt/d" "$@"
}

# Who gives each name that comes another one is done after the last (generic/736 of xfstests), whatever it reads with.
test_renaming_walk_ends() {
	make_files 5
	expect 5 "$("$readings" rename-each "$mnt/d" 100)" "names that came"
	ls "$mnt/d" >/dev/null
	expect 5 "$("$readings" rename-each "$mnt/d" 100)" "names that came from what the kernel had cached"
	expect 5 "$("$readings" stateless "$mnt/d" 100)" "names that came to a descriptor for each"
	expect "f0... f1... f2... f3... f4..." "$(in_one_line ls "$mnt/d")"
}

# So are the loops of a few programs.
test_programs_renaming_ends() {
	make_files 5
	cd "$mnt/d"
	if command -v perl >/dev/null; then
		# shellcheck disable=SC2016 # perl's variables
		perl -e 'opendir(D, "."); while (defined($f = readdir D)) { next if $f =~ /^[.]/; rename $f, "$f.p"; exit 1 if ++$n > 5 }'
	fi
	if command -v python3 >/dev/null; then
		python3 -c 'import os
for n, e in enumerate(os.scandir(".")): assert n < 5; os.rename(e.name, e.name + ".s")'
	fi
	find . -type f -exec mv {} {}.f \;
	expect 5 "$(find . -name 'f?*.f' | wc -l)" "files that find has renamed once"
	mkdir sub
	mv f* sub/
	expect "sub" "$(ls)"
	cd /
}

# Files that are made during a walk do not make it longer, and come when it is set back to the start.
test_making_walk_ends() {
	make_files 3
	expect "f0 f1 f2 - f0 f1 f2 new1 new2" "$(steps "open 0" "read 0 1" "sh touch $mnt/d/new1" "read 0 1" \
		"sh touch $mnt/d/new2" "read 0 9" "read 0 9" "rewind 0" "read 0 9")"
}

# A descriptor that is set back sees what there is by then; another one goes on with what there was when it began.
test_second_descriptor() {
	make_files 4
	expect "f0 f0 f0 f1 f2 f3 new f1 f2 f3 -" "$(steps "open 0" "read 0 1" "open 1" "read 1 1" "sh touch $mnt/d/new" \
		"rewind 1" "read 1 9" "read 0 9" "read 0 1")"
}

# A descriptor that was opened before others were listed, and read after, has its own end.
test_end_is_its_own() {
	make_files 3
	expect "f0 f1 f2 new f0 f1 f2 new -" "$(steps "open 0" "open 1" "sh touch $mnt/d/new" "read 1 9" "read 0 2" \
		"sh touch $mnt/d/newer; ls $mnt/d >/dev/null" "read 0 9" "read 0 1")"
}

# What the kernel has kept of a reading that was given up does not come to a later one, however that goes.
test_half_a_reading_is_not_kept() {
	make_files 300
	"$readings" steps "$mnt/d" "open 0" "read 0 1" "tell 0" "read 0 99" "sh rm $mnt/d/f1" "rewind 0" "read 0 999" "read 0 1" \
		"seek 0 0" "read 0 1" >"$scratch/names"
	expect "- f2" "$(tail -n 2 "$scratch/names" | in_one_line cat)" "the end, and what comes for the removed name"
	expect 299 "$(sed -n 3p "$scratch/names" | wc -w)" "names of a whole reading"
}

# Nor does what a reading before has had cached come to a descriptor that begins in the middle.
test_beginning_in_the_middle() {
	make_files 6
	expect "f0 f1 f2 f3 f5 new" "$(steps "open 0" "read 0 2" "tell 0" "close 0" "sh ls $mnt/d >/dev/null" \
		"sh cd $mnt/d && rm f4 && touch new" "open 1" "seek 1 0" "read 1 9")"
}

# A file keeps its place when it gets another name, so it comes once; a name that has come does not come again.
test_renamed_come_once() {
	make_files 5
	expect "f0 later f2 f3 f4 -" "$(steps "open 0" "read 0 1" "sh cd $mnt/d && mv f1 later && mv f0 earlier" "read 0 9" "read 0 9")"
	rm -r "$mnt/d"
	make_files 5
	expect "f0 f1 f2 f3 -" "$(steps "open 0" "read 0 1" "sh cd $mnt/d && rm f0 && mv f4 f0" "read 0 9" "read 0 9")"
	rm -r "$mnt/d"
	make_files 5
	expect "f0 f1 f2 f3 f4 -" "$(steps "open 0" "read 0 1" "sh cd $mnt/d && mv f1 x && mv x f1" "read 0 9" "read 0 9")"
}

# Positions of one descriptor mean the same to another, to one that is opened by a handle, and after a remount.
test_positions_are_the_names() {
	local handle
	make_files 20
	mv "$mnt/d/f6" "$mnt/d/renamed"
	handle=$("$handles" save "$mnt/d")
	expect "f0 f1 f2 f3 f4 f5 renamed f7" "$(steps "open 0" "read 0 6" "tell 0" "open 1" "seek 1 0" "sh rm $mnt/d/f5" "read 1 2")"
	remount_it
	expect "renamed f7" "$(steps "open 0" "seek-to 0 8" "read 0 2")"
	expect "- - -" "$(steps "open 0" "seek-to 0 9223372036854775807" "read 0 1" "seek-to 0 4611686018427387904" "read 0 1" \
		"seek-to 0 23" "read 0 1")"
	"$handles" show "$mnt" "$handle" >/dev/null
}

# rm -rf of a directory that is being read removes everything, and the reading ends.
test_removing_all_while_reading() {
	make_files 2000
	expect "f0 f1 -" "$(steps "open 0" "read 0 2" "sh cd $mnt/d && rm -rf f* && cd .. && ls -d d >/dev/null" "read 0 9")"
	rmdir "$mnt/d"
}

# Names are right at once after each change while others look them up and read the directory at the same time.
test_lookups_beside_changes() {
	mkdir "$mnt/d"
	timeout 60 "$readings" beside "$mnt/d" 400
	expect "" "$(ls "$mnt/d")" "names left"
	rmdir "$mnt/d"
}

# Random changes between the names of several readings, against the model of what may come (readings.h).
test_model() {
	local seed
	mkdir "$mnt/d"
	for seed in 1 2 3 4 5 6; do
		"$readings" model "$mnt/d" $seed 2500 2>"$scratch/model" || fail "seed $seed: $(tail -n 40 "$scratch/model")"
	done
}

run_tests "$@"
