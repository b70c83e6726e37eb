#!/usr/bin/env bash
# `reel convert`: containers of older generations of the format as one of the newest.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh" || exit

vectors=$source_tree/tests/compat/vectors

# Expects every live entry with its key and value, in a container that can be written; the old one as it was.
test_converts_every_generation() {
	local generation hash
	for generation in v019 v019d v020 v020m v16a v64a; do
		cp "$vectors/$generation-base.bin" old
		run 0 reel convert old new
		matches "$out" "entries          $(jq .live_count "$vectors/$generation-base.json")
size before      $(stat -c %s old)*
size after       $(stat -c %s new)*"
		is "$err" ""
		cmp old "$vectors/$generation-base.bin"
		is "$(reel info --json new | jq -c '[.generation, .tombstones]')" "[64,0]"
		run 0 reel check new
		is "$(reel keys new)" "$(reel keys old)"
		while read -r hash; do
			cmp <(reel cat old "$hash") <(reel cat new "$hash") || fail "$generation $hash"
		done < <(reel keys old)
		run 0 reel write new key value
		rm new
	done
}

# Expects status 1, a line, and what is there to stay.
test_new_container_must_not_exist() {
	cp "$vectors/v020m-base.bin" old
	echo text >new
	unchanged new reel convert old new
	fails 1 "reel: convert: new: exists already*" reel convert old new
	fails 1 "reel: convert: old: exists already*" reel convert old old
	cmp old "$vectors/v020m-base.bin"
}

# Expects a link that leads nowhere to stay: it is there, too.
test_new_container_does_not_replace_a_link() {
	cp "$vectors/v020m-base.bin" old
	ln -s nowhere new
	fails 1 "reel: convert: new: exists already*" reel convert old new
	is "$(echo *) $(readlink new)" "new old nowhere"
}

# Expects status 1, a line that names what is wrong, and no new file.
test_what_cannot_be_converted_makes_no_file() {
	seq 1000 >text
	fails 1 "reel: convert: text: *" reel convert text new
	fails 1 "reel: convert: no: *" reel convert no new
	cp "$vectors/v020-flip-payload.bin" damaged
	fails 1 "reel: convert: damaged: *" reel convert damaged new
	cp "$vectors/v020m-base.bin" old
	fails 1 "reel: convert: *no/new: *" reel convert old no/new
	reel init tree
	fails 1 "reel: convert: tree: it holds a file system and has the newest format already: cp *" reel convert tree new
	is "$(echo *)" "damaged old text tree"
}

# Expects a signal to end it by that signal and to leave nothing behind.
test_signal_makes_no_file() {
	mkdir f
	cp "$vectors/v020m-base.bin" f/old
	interrupted "$build/reel" convert f/old f/new
	is "$(ls -A f)" old
}

run_tests
