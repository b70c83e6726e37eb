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
		# It has a deletion, which could be a value.
		[ $generation = v019d ] || is "$err" ""
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

# Nothing tells a container of 0.1.0-alpha, for which one NUL byte is a value, from one of 0.1.0-alpha2, for which it is a
# deletion. Expects it to be taken for a deletion, and a line that counts the keys and names the option.
test_one_nul_byte_is_a_deletion_and_told() {
	cp "$vectors/v019-nul1.bin" old
	run 0 reel convert old new
	matches "$err" "reel: convert: old: the newest entry of 2 keys is one NUL byte*--nul=value*"
	is "$(reel keys new | sort)" "$(printf '%s\n' 54a7d9dde88eadb0 e6c632b61e964e1f)"
	run 0 reel convert --nul=deletion old same
	cmp new same
}

# Expects such values to be files, which can be one NUL byte, beside the entries that the format can hold.
test_one_nul_byte_is_a_file_when_asked() {
	cp "$vectors/v019-nul1.bin" old
	run 0 reel convert --nul=value old new
	matches "$err" "reel: convert: old: the value of 2 keys is one NUL byte*"
	is "$(reel ls new | tr '\n' ' ')" "54a7d9dde88eadb0 cbaa0f6724ae8b0a dac7aa6c458a90ae e6c632b61e964e1f "
	is "$(reel cat new dac7aa6c458a90ae | od -An -tx1)" " 00"
	is "$(reel cat new a)" live
	run 0 reel check new
	is "$(echo *)" "new old"
	fails 1 "reel: convert: new: exists already*" reel convert --nul=value old new
}

# Expects the option to change nothing where there is no such value, and another word to be wrong usage.
test_nul_matters_to_the_oldest_format_alone() {
	cp "$vectors/v020-nul1.bin" old
	run 0 reel convert --nul=value old new
	is "$err" ""
	run 0 reel convert old same
	cmp new same
	fails 2 "reel: convert: --nul=maybe: it is 'value' or 'deletion'" reel convert --nul=maybe old other
}

# Expects a signal to end it by that signal and to leave nothing behind.
test_signal_makes_no_file() {
	mkdir f
	cp "$vectors/v020m-base.bin" f/old
	interrupted "$build/reel" convert f/old f/new
	is "$(ls -A f)" old
}

run_tests
