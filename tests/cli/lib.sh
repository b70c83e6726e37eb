# shellcheck shell=bash
# What the tests of `reel` share, beyond tests/lib.sh. Each test runs in an empty folder of its own, and what it
# prints is shown only if it fails.
# Never leaves anything behind.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" || exit 1

scratch=$(mktemp -d "${TMPDIR:-/tmp}/reel-cli.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM HUP
umask 022
export TZ=UTC LC_ALL=C.UTF-8

reel() {
	"$build/reel" "$@"
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

# interrupted COMMAND...: SIGINT comes with its first write into a file; it must end by that.
interrupted() {
	need_tracing
	ASAN_OPTIONS=detect_leaks=0 strace -fqq -o "$scratch/trace" -e trace=pwritev,pwritev2,pwrite64 \
		-e inject=pwritev,pwritev2,pwrite64:signal=INT:when=1 "$@" || true
	grep -q 'killed by SIGINT' "$scratch/trace" || fail "$(tail "$scratch/trace")"
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
	need_fuse
	mkdir -p mnt
	: >"$scratch/daemon"
	start_daemon "$scratch/daemon" mnt "$1" mnt || fail "reelfs ended: $(cat "$scratch/daemon")"
}

# Ends the mount; the daemon must end without an error.
unmount_it() {
	umount mnt
	daemon_ends "$scratch/daemon"
}

one_test() {
	local status
	mkdir "$scratch/$1"
	(
		set -e
		cd "$scratch/$1"
		"$1"
	) >"$scratch/log" 2>&1
	status=$?
	[ $status -eq 0 ] || sed 's/^\([^#]\)/# \1/' "$scratch/log"
	! mountpoint -q "$scratch/$1/mnt" || umount -l "$scratch/$1/mnt"
	rm -rf "${scratch:?}/$1"
	exit $status
}
