#!/usr/bin/env bash
# `reel keys` lists the key hashes of all live entries.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh" || exit

# Expects a line for each live entry, the newest first; XXH3-64 of "hello" is 9555e8555c62dcfd.
test_lists_live_entries() {
	entries c
	reel write c hello world
	reel write c other x
	reel write c gone x
	reel rm c gone
	is "$(reel keys c | wc -l)" 2
	is "$(reel keys c | tail -n 1)" 9555e8555c62dcfd
	is "$(reel cat c "$(reel keys c | head -n 1)")" x
}

# Expects the same hashes in an array.
test_json_has_the_same_hashes() {
	entries c
	is "$(reel keys --json c | jq -c .)" '{"container":"c","keys":[]}'
	reel write c hello world
	reel write c other x
	is "$(reel keys --json c | jq -r '.keys[]')" "$(reel keys c)"
}

# Expects the contents of files among the entries beneath a file system: the key is the path.
test_contents_of_files_are_entries() {
	reel init c
	reel write c hello world
	matches "$(reel keys c)" "*9555e8555c62dcfd*"
	is "$(reel keys c | wc -l)" "$(reel info --json c | jq .live_entries)"
}

run_tests
