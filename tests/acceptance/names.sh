#!/usr/bin/env bash
# A name is any bytes but '/' and NUL, at most 255 of them; a path may be as long as PATH_MAX, and a tree
# deeper than that.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh" || exit 1

export LC_ALL=C

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
	local name got
	printf '%s\0' "${names[@]}" | sort -z >"$scratch/want"
	find "$mnt" -mindepth 1 -printf '%f\0' | sort -z | cmp - "$scratch/want" || fail "the names listed are wrong"
	for name in "${names[@]}"; do
		IFS= read -r -d '' got <"$mnt/$name" || true # there is no NUL to end at
		[ "$got" = "$name" ] || fail "the contents of $(printf %q "$name") are wrong"
	done
}

# Each byte makes a name of 1 and one of 255; each file has its own contents after a remount.
test_every_byte() {
	local names=() name
	byte_names
	for name in "${names[@]}"; do
		printf '%s' "$name" >"$mnt/$name"
	done
	expect_names
	remount_it
	expect_names
}

# A name of 256 bytes is refused.
test_256_bytes() {
	expect_error 'File name too long' touch "$mnt/$(repeat n 256)"
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

# A path of 4095 bytes, the most that a system call takes, works in the mount and in reel.
test_longest_path() {
	local path
	path=$(long_path 4095)
	mkdir -p "${path%/*}"
	echo deep >"$path"
	remount_it
	expect deep "$(cat "$path")" contents
	unmount_it
	expect deep "$("$reel" cat "$container" "${path#"$mnt"/}")" "reel cat"
}

# A tree of 40 folders with names of 255 bytes is deeper than any path; a process that walks gets there.
test_deeper_than_paths() {
	local folder i
	folder=$(repeat e 255)
	(
		cd "$mnt"
		for ((i = 0; i < 40; i++)); do
			mkdir "$folder"
			cd "./$folder"
		done
		echo deeper >file
	)
	remount_it
	(
		cd "$mnt"
		for ((i = 0; i < 40; i++)); do
			cd "./$folder"
		done
		expect deeper "$(cat file)" contents
	)
}

run_tests "$@"
