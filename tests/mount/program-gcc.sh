#!/usr/bin/env bash
# gcc and make: this project is configured and built inside the mount, and what was built there runs.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

# The make that runs the tests says things to a make below it that are not for this one.
unset MAKEFLAGS MFLAGS MAKELEVEL srcdir

# The sources without what was built from them.
copy_sources() {
	mkdir "$mnt/source" "$mnt/build"
	tar -C "$source_tree" --exclude=./build --exclude=./.git --exclude=./tests/compat/vectors -cf - . | tar -C "$mnt/source" -xf -
}

# build_here PROGRAM...
build_here() {
	make -s -j"$(nproc)" -C "$mnt/build" "$@" >"$scratch/make.log" 2>&1 || fail "make $*: $(tail -n 20 "$scratch/make.log")"
}

configure_here() {
	(cd "$mnt/build" && ../source/configure --quiet) >"$scratch/configure.log" 2>&1 ||
		fail "configure: $(tail -n 20 "$scratch/configure.log")"
}

# expect_up_to_date PROGRAM...: make has nothing to compile, as every file is younger than those that it was made of.
expect_up_to_date() {
	build_here "$@"
	! grep -E '^ +(CC|AR|CCLD) ' "$scratch/make.log" || fail "make built more of $* again"
}

# What was built in the mount works, and is up to date, also after a remount. A changed source is built again.
test_build() {
	! sanitized || skip "the plain build runs it"
	copy_sources
	configure_here
	build_here libreel.la
	expect_up_to_date libreel.la
	remount_it
	expect_up_to_date libreel.la
	touch "$mnt/source/src/store/write.c"
	build_here libreel.la
	grep -q " CC .*write" "$scratch/make.log" || fail "make does not see a source that was touched"
	cc -o "$mnt/notes" -I"$mnt/source/src/store" "$mnt/source/examples/notes.c" "$mnt/build/.libs/libreel.a" -lxxhash -ldeflate -pthread
	"$mnt/notes" "$mnt/notes.reel" put name value
	expect value "$("$mnt/notes" "$mnt/notes.reel" get name)" "answer of the program that was built"
}

# All of it, with its unit tests, which run there too.
long_build_and_test() {
	copy_sources
	configure_here
	build_here all
	remount_it
	expect_up_to_date all
	"$mnt/build/reelfs" -V >/dev/null
	cp -r "$source_tree/tests/compat/vectors" "$mnt/source/tests/compat/"
	(cd "$mnt/build" && TMPDIR=$mnt make -s -j"$(nproc)" check TESTS="$(cd "$source_tree" && echo tests/unit/store/test_*.c | sed 's/\.c//g')") \
		>"$scratch/make.log" 2>&1 || fail "make check: $(tail -n 20 "$scratch/make.log")"
}

run_tests "$@"
