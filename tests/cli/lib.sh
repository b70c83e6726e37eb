# shellcheck shell=bash
# What the tests of `reel` share. A test is a function test_*, whose name says the behaviour and whose
# comment the expectation; run_tests runs all of them, each in a shell and an empty folder of its
# own, and prints TAP. A test ends at its first failure.
# Relies on the program ./reel of the build in which it is run. Never leaves anything behind.
set -uo pipefail

build=$(pwd)
# shellcheck disable=SC2034 # for the tests
source_tree=$(cd "${srcdir:-.}" && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/reel-cli.XXXXXX")
daemon= # process id of a mount, which a test that failed may leave
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM HUP
umask 022
export TZ=UTC LC_ALL=C.UTF-8

reel() {
	"$build/reel" "$@"
}

fail() {
	echo "# $*"
	exit 1
}

# is ACTUAL EXPECTED
is() {
	[ "$1" = "$2" ] || fail "got '$1', expected '$2'"
}

# matches ACTUAL PATTERN: a pattern of the shell.
matches() {
	# shellcheck disable=SC2053 # it is a pattern
	[[ $1 == $2 ]] || fail "got '$1', expected something like '$2'"
}

# run STATUS COMMAND...: the command must end with that status. What it printed is in $out and $err.
run() {
	local expected=$1 status=0
	shift
	"$@" >"$scratch/out" 2>"$scratch/err" || status=$?
	# shellcheck disable=SC2034 # for the tests
	out=$(tr -d '\0' <"$scratch/out")
	err=$(tr -d '\0' <"$scratch/err")
	[ "$status" -eq "$expected" ] || fail "'$*' ended with status $status, expected $expected; it said: $err"
}

# fails STATUS PATTERN COMMAND...: as run; standard error must be one line like the pattern.
fails() {
	local pattern=$2
	run "$1" "${@:3}"
	[ "$(wc -l <"$scratch/err")" -eq 1 ] || fail "'${*:3}' did not say one line: $err"
	matches "$err" "$pattern"
}

# unchanged FILE COMMAND...: the command, whatever its status, must leave the file as it is.
unchanged() {
	local file=$1 before after
	before=$(stat -c '%s %y' "$file" && sha256sum <"$file")
	shift
	"$@" >"$scratch/out" 2>"$scratch/err" </dev/null || [ $? -lt 124 ] || fail "'$*' crashed: $(cat "$scratch/err")"
	after=$(stat -c '%s %y' "$file" && sha256sum <"$file")
	is "$after" "$before"
}

# A container without a file system: other programs begin with an empty file.
entries() {
	: >"$1"
}

# extent_of CONTAINER PATH: where in the container the file's first extent begins.
extent_of() {
	reel stat --json "$1" "$2" | jq -e '.extents[0].container_offset'
}

# flip FILE OFFSET: changes one bit.
flip() {
	local byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	# shellcheck disable=SC2059 # the format is the byte
	printf "\\x$(printf %02x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# mount_it CONTAINER: mounts it on the folder mnt.
mount_it() {
	mkdir -p mnt
	"$build/reelfs" -f "$1" mnt >"$scratch/daemon" 2>&1 &
	daemon=$!
	until mountpoint -q mnt; do
		kill -0 "$daemon" 2>/dev/null || fail "reelfs ended: $(cat "$scratch/daemon")"
		sleep 0.02
	done
}

# Ends the mount; the daemon must end without an error.
unmount_it() {
	local status=0
	umount mnt
	wait "$daemon" || status=$?
	[ $status -eq 0 ] || fail "reelfs ended with status $status: $(cat "$scratch/daemon")"
}

run_tests() {
	local tests=() name n=0 failed=0 status
	mapfile -t tests < <(sed -n 's/^\(test_[a-z0-9_]*\)().*/\1/p' "$0")
	echo "1..${#tests[@]}"
	for name in "${tests[@]}"; do
		n=$((n + 1))
		mkdir "$scratch/$n"
		(
			set -e
			cd "$scratch/$n"
			"$name"
		) >"$scratch/log" 2>&1
		status=$?
		if [ $status -eq 0 ]; then
			echo "ok $n - ${name#test_}"
		else
			sed 's/^\([^#]\)/# \1/' "$scratch/log"
			echo "not ok $n - ${name#test_}"
			failed=1
		fi
		! mountpoint -q "$scratch/$n/mnt" || umount -l "$scratch/$n/mnt"
		rm -rf "${scratch:?}/$n"
	done
	return $failed
}
