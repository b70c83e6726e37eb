#!/usr/bin/env bash
# Expects that a name is any bytes but '/' and NUL, at most 255 of them; that a path may be as long as
# PATH_MAX, and a tree deeper than that; and that all names are there, each with its own contents, after
# a remount.
# shellcheck source=tests/acceptance/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

# repeat CHARACTER COUNT
repeat() {
	local text
	printf -v text '%*s' "$2" ''
	printf '%s' "${text// /$1}"
}

# One name of each byte alone and one of 255 of it; for '.', which alone is a directory, the long one.
byte_names() {
	local code char long
	for ((code = 1; code < 256; code++)); do
		printf -v char '%b' "\\x$(printf %x $code)"
		[ "$char" != / ] || continue
		printf -v long '%*s' 255 ''
		[ "$char" = ' ' ] || long=${long// /"$char"}
		[ "$char" = . ] || names+=("$char")
		names+=("$long")
	done
}

expect_names() {
	local name
	printf '%s\0' "${names[@]}" | sort -z >"$scratch/want"
	find "$mnt/bytes" -mindepth 1 -printf '%f\0' | sort -z | cmp - "$scratch/want" || fail "the names listed are wrong"
	for name in "${names[@]}"; do
		printf '%s' "$name" | cmp -s - "$mnt/bytes/$name" || fail "the contents of $(printf %q "$name") are wrong"
	done
}

# A path of $1 bytes below the mount, made of folders with names of 200 bytes and a file's name.
long_path() {
	local path=$mnt folder
	folder=$(repeat d 200)
	while [ $((${#path} + 1 + 200 + 1)) -lt "$1" ]; do
		path=$path/$folder
	done
	printf '%s/%s' "$path" "$(repeat f $(($1 - ${#path} - 1)))"
}

export LC_ALL=C
start_container
mkdir "$mnt/bytes"
names=()
byte_names
for name in "${names[@]}"; do
	printf '%s' "$name" >"$mnt/bytes/$name" || fail "$(printf %q "$name") could not be made"
done
expect_names
remount
expect_names
pass "${#names[@]} names of all bytes"

(: >"$mnt/$(repeat n 256)") 2>"$scratch/error" && fail "a name of 256 bytes was accepted"
grep -q 'File name too long' "$scratch/error" || fail "a name of 256 bytes: $(cat "$scratch/error")"
pass "a name of 256 bytes is too long"

path=$(long_path 4095)
mkdir -p "${path%/*}"
echo deep >"$path" || fail "a path of 4095 bytes could not be made"
remount
[ "$(cat "$path")" = deep ] || fail "a path of 4095 bytes cannot be read"
unmount_container
[ "$("$reel" cat "$container" "${path#"$mnt"/}")" = deep ] || fail "reel cat of a path of 4095 bytes failed"
mount_container
pass "a path of 4095 bytes"

folder=$(repeat e 255)
(
	cd "$mnt" || exit
	for ((i = 0; i < 40; i++)); do
		mkdir "$folder" && cd "./$folder" || exit
	done
	echo deeper >file
) || fail "a tree 40 folders of 255 bytes deep could not be made"
remount
found=$(cd "$mnt" && for ((i = 0; i < 40; i++)); do cd "./$folder" || exit; done && cat file)
[ "$found" = deeper ] || fail "the tree deeper than PATH_MAX cannot be read"
pass "a tree deeper than PATH_MAX"
stop_container
