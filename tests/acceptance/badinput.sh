#!/usr/bin/env bash
# Whatever is given as CONTAINER gets a clear answer: what is no container is refused with a message that
# names it, and nothing is ever changed in it; a container cut anywhere gives back a prefix of its history.
# The cuts are at random places: set SEED to the number printed to have the same ones again.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh" || exit 1

mount_options=()
RANDOM=${SEED:=$$}

# fingerprint FILE: changes when the contents, the size, the mode or the time of modification do.
fingerprint() {
	stat -c '%s %y %a' "$1"
	[ ! -f "$1" ] || sha256sum "$1"
}

# answers FILE COMMAND...: runs a command that must neither change FILE nor crash. Its status is in $status,
# what it said in $scratch/said.
answers() {
	local file=$1 before
	shift
	before=$(fingerprint "$file")
	status=0
	timeout 60 "$@" >"$scratch/said" 2>&1 </dev/null || status=$?
	[ $status -lt 124 ] || fail "$* ended with status $status: $(tail -n 5 "$scratch/said")"
	expect "$before" "$(fingerprint "$file")" "$file after $*"
}

# refuses FILE COMMAND...: as answers(), and the command must fail with a short message that names FILE.
refuses() {
	answers "$@"
	[ "$status" -ne 0 ] || fail "'${*:2}' accepted $1"
	grep -qF -- "$1" "$scratch/said" || fail "'${*:2}' does not name $1: $(cat "$scratch/said")"
	[ "$(wc -l <"$scratch/said")" -le 2 ] || fail "'${*:2}' has no short answer: $(cat "$scratch/said")"
}

# refused_by_everything FILE: no program takes it for a container.
refused_by_everything() {
	local command
	for command in ls info check 'cat a' 'stat a' 'write a b' 'rm a' 'mv a b' init; do
		# shellcheck disable=SC2086 # words
		set -- "$1" $command
		refuses "$1" "$reel" "$2" "$1" "${@:3}"
	done
	refuses "$1" "$reelfs" -f "$1" "$mnt"
	refuses "$1" "$reelfs" -f -o ro "$1" "$mnt"
	refuses "$1" "$reelfs" -f -o create "$1" "$mnt"
}

test_text_file() {
	printf 'Dear diary,\n%s\n' "$(seq 1000)" >"$scratch/text"
	refused_by_everything "$scratch/text"
}

test_short_text_file() {
	printf 'short' >"$scratch/short"
	refused_by_everything "$scratch/short"
}

test_program() {
	cp /bin/ls "$scratch/ls"
	refused_by_everything "$scratch/ls"
}

test_random_bytes() {
	head -c 100000 /dev/urandom >"$scratch/random"
	refused_by_everything "$scratch/random"
}

test_zeros() {
	head -c 4096 /dev/zero >"$scratch/zeros"
	refused_by_everything "$scratch/zeros"
}

test_directory() {
	mkdir "$scratch/directory"
	refused_by_everything "$scratch/directory"
}

# An empty file is an empty container: nothing to list, nothing wrong, nothing to read.
test_empty_file() {
	local empty=$scratch/empty
	: >"$empty"
	answers "$empty" "$reel" ls "$empty"
	expect 0 "$status" "status of reel ls"
	answers "$empty" "$reel" check "$empty"
	expect 0 "$status" "status of reel check"
	answers "$empty" "$reel" cat "$empty" a
	[ "$status" -ne 0 ] || fail "reel cat found a file in an empty container"
	refuses "$empty" "$reel" init "$empty"
}

# A container that is not there is named, and not made.
test_absent_container() {
	local absent=$scratch/absent
	expect_error "$absent" "$reel" ls "$absent"
	expect_error "$absent" "$reelfs" -f "$absent" "$mnt"
	[ ! -e "$absent" ] || fail "$absent was made"
}

test_absent_mount_point() {
	"$reel" init "$container"
	expect_error "$scratch/absent" "$reelfs" -f "$container" "$scratch/absent"
}

test_unknown_option() {
	"$reel" init "$container"
	expect_error no_such_option "$reelfs" -f -o no_such_option "$container" "$mnt"
}

# Mounted over itself a container could never be reached again.
test_container_inside_its_mount_point() {
	"$reel" init "$mnt/inside.reel"
	expect_error "$mnt/inside.reel" timeout 60 "$reelfs" -f "$mnt/inside.reel" "$mnt"
}

# expect_prefix: the files in $mnt are 1, 2, ..., as written by test_cuts. The last may still be without its
# contents.
expect_prefix() {
	local i count
	count=$(find "$mnt" -mindepth 1 -type f | wc -l)
	for ((i = 1; i <= count; i++)); do
		cmp -s "$mnt/$i" <(seq $i $((i * 40))) || { [ $i -eq "$count" ] && [ -f "$mnt/$i" ] && [ ! -s "$mnt/$i" ]; } ||
			fail "cut at $place: file $i of $count is wrong"
	done
}

# mount_cut [OPTION...]: mounts and looks at the files. False when reelfs refused, which must leave the container as
# it is and name it.
mount_cut() {
	local before
	before=$(fingerprint "$container")
	: >"$scratch/log"
	if try_mount "$@"; then
		expect_prefix
		[ "$*" = "-o ro" ] || echo new >"$mnt/new"
		unmount_it
		[ "$*" != "-o ro" ] || expect "$before" "$(fingerprint "$container")" "container after mounting it read-only"
		return 0
	fi
	expect "$before" "$(fingerprint "$container")" "container after it was refused"
	grep -qF -- "$container" "$scratch/log" || fail "cut at $place: refused without naming it: $(cat "$scratch/log")"
	return 1
}

# cut_at PLACE: a copy of $scratch/whole that ends there.
cut_at() {
	local place=$1 command
	head -c "$place" "$scratch/whole" >"$container"
	for command in ls info check 'cat 1' 'stat 1'; do
		# shellcheck disable=SC2086 # words
		set -- $command
		answers "$container" "$reel" "$1" "$container" "${@:2}"
	done
	mount_cut -o ro || true
	if mount_cut; then
		"$reel" check "$container" >"$scratch/said" 2>&1 || fail "cut at $place: $(cat "$scratch/said")"
		expect new "$("$reel" cat "$container" new)" "file written after recovery"
	fi
}

# A container cut at 50 places, most of them random: read-only commands change nothing, and a mount gives back
# files 1 to n for some n.
test_cuts() {
	local i size
	"$reel" init "$container"
	mount_it
	for ((i = 1; i <= 40; i++)); do
		seq $i $((i * 40)) >"$mnt/$i"
	done
	unmount_it
	cp "$container" "$scratch/whole"
	size=$(stat -c %s "$container")
	echo "# SEED=$SEED"
	for i in 1 2 20 21 63 64 65 $((size - 21)) $((size - 20)) $((size - 1)); do
		cut_at "$i"
	done
	for ((i = 0; i < 40; i++)); do
		cut_at $(((RANDOM << 15 | RANDOM) % size))
	done
	rm "$container"
}

run_tests "$@"
