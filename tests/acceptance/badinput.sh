#!/usr/bin/env bash
# Expects a clear answer to whatever is given as CONTAINER: what is no container is refused with a
# message that names it, nothing is ever changed in it, and a container cut anywhere gives back a prefix of
# its history. Cuts are at random places: the seed is printed, and taken from the first argument.
# usage: badinput.sh [SEED]
# shellcheck source=tests/acceptance/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

RANDOM=${1:-$$}
echo "seed ${1:-$$}"
mkdir "$mnt"

# fingerprint FILE: changes when the contents, the size or the time of modification do.
fingerprint() {
	stat -c '%s %Y %y %a' "$1"
	[ ! -f "$1" ] || sha256sum "$1"
}

# answers FILE COMMAND...: runs a command that must not change FILE, nor crash. Leaves its exit status in
# $status and what it said in $scratch/said.
answers() {
	local file=$1 before
	shift
	before=$(fingerprint "$file")
	"$@" >"$scratch/said" 2>&1 </dev/null
	status=$?
	[ $status -lt 124 ] || fail "$* on $file ended with status $status: $(tail -n 5 "$scratch/said")"
	[ "$(fingerprint "$file")" = "$before" ] || fail "$* changed $file"
}

# refuses FILE COMMAND...: as answers(), and the command must fail with a message that names FILE.
refuses() {
	answers "$@"
	[ $status -ne 0 ] || fail "'${*:2}' accepted $1"
	grep -qF "$1" "$scratch/said" || fail "'${*:2}' does not name $1: $(cat "$scratch/said")"
	[ "$(wc -l <"$scratch/said")" -le 3 ] || fail "'${*:2}' has no short answer: $(cat "$scratch/said")"
}

not_containers() {
	local file
	printf 'Dear diary,\n%s\n' "$(seq 1000)" >"$scratch/text"
	printf 'short' >"$scratch/short"
	cp /bin/ls "$scratch/ls"
	head -c 100000 /dev/urandom >"$scratch/random"
	head -c 4096 /dev/zero >"$scratch/zeros"
	mkdir "$scratch/directory"
	for file in text short ls random zeros directory; do
		file=$scratch/$file
		refuses "$file" "$reel" ls "$file"
		refuses "$file" "$reel" cat "$file" a
		refuses "$file" "$reel" info "$file"
		refuses "$file" "$reel" stat "$file" a
		refuses "$file" "$reel" check "$file"
		refuses "$file" "$reel" write "$file" a b
		refuses "$file" "$reel" rm "$file" a
		refuses "$file" "$reel" mv "$file" a b
		refuses "$file" "$reel" init "$file"
		refuses "$file" timeout 60 "$reelfs" -f "$file" "$mnt"
		refuses "$file" timeout 60 "$reelfs" -f -o ro "$file" "$mnt"
		pass "${file##*/}: refused and unchanged"
	done
}

empty_file() {
	: >"$scratch/empty"
	answers "$scratch/empty" "$reel" ls "$scratch/empty"
	[ $status -eq 0 ] || fail "reel ls of an empty file failed: $(cat "$scratch/said")"
	answers "$scratch/empty" "$reel" check "$scratch/empty"
	[ $status -eq 0 ] || fail "reel check of an empty file failed: $(cat "$scratch/said")"
	refuses "$scratch/empty" "$reel" cat "$scratch/empty" a
	refuses "$scratch/empty" "$reel" init "$scratch/empty"
	pass "an empty file is an empty container"
}

absent_things() {
	local absent=$scratch/absent
	"$reel" ls "$absent" >"$scratch/said" 2>&1 && fail "reel ls accepted a container that is not there"
	grep -qF "$absent" "$scratch/said" || fail "reel ls does not name $absent: $(cat "$scratch/said")"
	"$reelfs" -f "$absent" "$mnt" >"$scratch/said" 2>&1 && fail "reelfs mounted a container that is not there"
	grep -qF "$absent" "$scratch/said" || fail "reelfs does not name $absent: $(cat "$scratch/said")"
	[ ! -e "$absent" ] || fail "$absent was made"
	"$reelfs" -f "$container" "$absent" >"$scratch/said" 2>&1 && fail "reelfs mounted on a folder that is not there"
	grep -qF "$absent" "$scratch/said" || fail "reelfs does not name $absent: $(cat "$scratch/said")"
	"$reelfs" -f -o no_such_option "$container" "$mnt" >"$scratch/said" 2>&1 && fail "an unknown option was accepted"
	grep -q no_such_option "$scratch/said" || fail "reelfs does not name the unknown option: $(cat "$scratch/said")"
	cp "$container" "$mnt/inside.reel"
	"$reelfs" -f "$mnt/inside.reel" "$mnt" >"$scratch/said" 2>&1 && fail "a container inside its own mount point was mounted"
	grep -qF "$mnt/inside.reel" "$scratch/said" || fail "reelfs does not name it: $(cat "$scratch/said")"
	rm "$mnt/inside.reel"
	pass "absent containers and mount points, an unknown option, a container inside its mount point: refused"
}

# Whether the files 1, 2, ... in $mnt are a prefix of those that were written, each with its contents.
expect_prefix() {
	local i=1 count
	count=$(find "$mnt" -mindepth 1 -type f | wc -l)
	for ((i = 1; i <= count; i++)); do
		# The last one may have been made and not yet written.
		[ "$(cat "$mnt/$i" 2>&1)" = "$(seq $i $((i * 40)))" ] || { [ $i -eq "$count" ] && [ -f "$mnt/$i" ] && [ ! -s "$mnt/$i" ]; } ||
			fail "cut at $1: file $i of $count is wrong"
	done
}

# cut_at PLACE: reads, mounts read-only and mounts a copy of the container that ends there.
cut_at() {
	local whole=$container
	head -c "$1" "$whole" >"$scratch/cut"
	for command in ls info check "cat 1" "stat 1"; do
		# shellcheck disable=SC2086
		set -- "$1" $command
		answers "$scratch/cut" "$reel" "$2" "$scratch/cut" "${@:3}"
	done
	container=$scratch/cut
	local before
	: >"$scratch/daemon.log"
	before=$(fingerprint "$scratch/cut")
	if try_mount -o ro; then
		expect_prefix "$1"
		unmount_container
		[ "$(fingerprint "$scratch/cut")" = "$before" ] || fail "cut at $1: mounting read-only changed it"
	else
		[ "$(fingerprint "$scratch/cut")" = "$before" ] || fail "cut at $1: refused, and changed all the same"
	fi
	before=$(fingerprint "$scratch/cut")
	if try_mount; then
		expect_prefix "$1"
		echo new >"$mnt/new" || fail "cut at $1: nothing can be written"
		unmount_container
		"$reel" check "$container" >/dev/null || fail "cut at $1: faults after recovery"
		[ "$("$reel" cat "$container" new)" = new ] || fail "cut at $1: what was written after recovery is lost"
	else
		refused=$((refused + 1))
		[ "$(fingerprint "$scratch/cut")" = "$before" ] || fail "cut at $1: refused, and changed all the same"
		grep -qF "$scratch/cut" "$scratch/daemon.log" || fail "cut at $1: refused without naming it"
	fi
	container=$whole
}

cuts() {
	local i size place refused=0
	mount_container
	for ((i = 1; i <= 40; i++)); do
		seq $i $((i * 40)) >"$mnt/$i"
	done
	unmount_container
	size=$(stat -c %s "$container")
	for ((i = 0; i < 40; i++)); do
		place=$(((RANDOM << 15 | RANDOM) % size))
		cut_at $place
	done
	for place in 1 2 20 21 63 64 65 $((size - 1)) $((size - 20)) $((size - 21)); do
		cut_at $place
	done
	pass "50 cuts of a container of $size bytes, $refused of them refused and unchanged"
}

"$reel" init "$container" || fail "reel init failed"
not_containers
empty_file
absent_things
cuts
