#!/usr/bin/env bash
# libreel as others get it: installed under a folder of its own, and used through pkg-config by the example program.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh" || exit

flags=$(sed -n "s,^REEL_CFLAGS = .*\(-fsanitize=address[a-z\,]*\).*,\1,p" "$build/Makefile")
stage=$scratch/stage
export PKG_CONFIG_SYSROOT_DIR=$stage

install_library() {
	make -s -C "$build" install-libLTLIBRARIES install-includeHEADERS install-pkgconfigDATA DESTDIR="$stage" \
		>"$scratch/install.log" 2>&1 || fail "make install failed: $(tail -n 5 "$scratch/install.log")"
	pc=$(find "$stage" -name reel.pc)
	PKG_CONFIG_PATH=$(dirname "$pc")
	export PKG_CONFIG_PATH
	libdir=$(dirname "$(find "$stage" -name 'libreel.so')")
}

# compile OUTPUT FLAGS...
compile() {
	local output=$1
	shift
	# shellcheck disable=SC2046,SC2086 # these are lists of flags
	${CC:-cc} -std=c11 -Wall -Wextra -Werror $flags "$source_tree/examples/notes.c" -o "$output" "$@" \
		2>"$scratch/cc.log" || fail "the example does not compile: $(head -n 5 "$scratch/cc.log")"
}

# Puts, gets, lists, drops and tidies notes with the program $1.
use_notes() {
	run 0 "$1" notes.reel put shopping "milk and bread"
	run 0 "$1" notes.reel put birthdays "none this week"
	run 0 "$1" notes.reel put shopping "milk"
	run 0 "$1" notes.reel get shopping
	is "$out" "milk"
	run 0 "$1" notes.reel list
	is "$out" $'shopping\nbirthdays'
	run 0 "$1" notes.reel drop birthdays
	run 1 "$1" notes.reel get birthdays
	run 0 "$1" notes.reel tidy
	matches "$out" "1 notes, * bytes of * saved"
	run 0 "$1" notes.reel get shopping
	is "$out" "milk"
}

# Expects header, shared and static library and pkg-config file, with a version.
test_library_is_installed() {
	install_library
	[ -f "$(find "$stage" -name reel.h)" ] || fail "there is no reel.h"
	[ -f "$libdir/libreel.a" ] || fail "there is no static library"
	matches "$(readlink "$libdir/libreel.so")" "libreel.so.[0-9]*.[0-9]*.[0-9]*"
	matches "$(pkg-config --modversion reel)" "[0-9]*.[0-9]*"
}

# Expects the example to run with the shared library and the installed header only.
test_example_runs_with_the_shared_library() {
	install_library
	# shellcheck disable=SC2046 # these are lists of flags
	compile notes $(pkg-config --cflags --libs reel)
	LD_LIBRARY_PATH=$libdir use_notes ./notes
}

# Expects the same with the static library.
test_example_runs_with_the_static_library() {
	install_library
	# shellcheck disable=SC2046 # these are lists of flags
	compile notes $(pkg-config --cflags reel) "$libdir/libreel.a" -lxxhash -ldeflate -pthread
	use_notes ./notes
}

# Expects the shared library to export the functions of its header and nothing else.
test_exports_are_those_of_the_header() {
	install_library
	# Comments are left out; what is followed by a parenthesis then is a function.
	perl -0pe 's{/\*.*?\*/}{}gs' "$(find "$stage" -name reel.h)" | grep -o '\breel_[a-z0-9_]*(' | tr -d '(' | sort -u >declared
	nm -D --defined-only "$libdir/libreel.so" | awk '$3 ~ /^reel_/ || $2 ~ /[TDBRV]/ { print $3 }' | sort -u >exported
	diff declared exported >difference || fail "declared and exported differ: $(head -n 5 difference | tr '\n' ' ')"
}

run_tests
