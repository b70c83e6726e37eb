#!/usr/bin/env bash
# What the daemon says.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

# A file's name in a message neither ends the line nor reaches a terminal as a command, whoever made up the name.
test_names_are_printable() {
	local name=$'a\nreelfs: forged\e[2J\u009b31m' offset
	echo contents >"$mnt/$name"
	unmount_it
	offset=$("$reel" stat --json "$container" "$name" | jq '.extents[0].container_offset')
	cp "$container" "$scratch/whole"
	printf X | dd of="$container" bs=1 seek="$offset" conv=notrunc status=none
	mount_it
	expect_error "Input/output error" cat "$mnt/$name"
	unmount_it
	grep -q 'a?reelfs: forged?\[2J??31m' "$scratch/log" || fail "the name is not in: $(cat -v "$scratch/log")"
	expect 0 "$(tr -d '\n' <"$scratch/log" | LC_ALL=C tr -cd '\0-\37\177-\377' | wc -c)" "control characters"
	mv "$scratch/whole" "$container"
}

run_tests "$@"
