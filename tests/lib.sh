# shellcheck shell=bash
# What every shell test shares: where the build is, how a test fails or is skipped, how a mount is served, and the
# loop that prints TAP. A script defines functions named test_*, each one behaviour, its comment saying what is
# expected, and ends with run_tests. Each function runs in a subshell with "set -e" and ends at its first failure.
# Sourced by tests/cli/lib.sh and tests/mount/lib.sh, which define one_test NAME: a test and what surrounds it.
# The programs are those in $REELFS_BUILD, or in the current folder.
set -uo pipefail

# shellcheck disable=SC2034 # for the tests
source_tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${REELFS_BUILD:-$PWD}
reelfs=$build/reelfs
reel=$build/reel
daemon= # process id of reelfs while it serves a mount

fail() {
	echo "# $*" >&2
	exit 1
}

# skip REASON: ends a test that cannot run on this machine. The reason is shown with it; what can be installed
# is no reason.
skip() {
	echo "$*" >"$skip_reason"
	exit 77
}

need_root() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
}

# need_to COMMAND...: skips unless the command works, which is one that the machine may forbid.
need_to() {
	"$@" >/dev/null 2>&1 || skip "not possible here: $*"
}

need_tracing() {
	need_programs strace
	need_to strace -qq -o /dev/null true
}

# need_programs NAME...: what tools/install-deps installs has to be there.
need_programs() {
	local name
	for name; do
		command -v "$name" >/dev/null || fail "the program $name is missing: run tools/install-deps check"
	done
}

# True in a build with sanitizers, where everything takes several times as long.
sanitized() {
	grep -q '^REEL_CFLAGS.*-fsanitize' "$build/Makefile"
}

# start_daemon LOG MOUNTPOINT ARGUMENT...: runs reelfs with the arguments as a child of this shell, and waits until it
# serves the mount point. False when it ended instead.
start_daemon() {
	local log=$1 mountpoint=$2
	shift 2
	"$reelfs" -f "$@" 2>>"$log" &
	daemon=$!
	until mountpoint -q "$mountpoint"; do
		if ! kill -0 "$daemon" 2>/dev/null; then
			wait "$daemon" || true
			daemon=
			return 1
		fi
		sleep 0.01
	done
}

# daemon_ends LOG: waits for the daemon; its status must be 0.
daemon_ends() {
	local status=0
	wait "$daemon" || status=$?
	daemon=
	[ "$status" -eq 0 ] || fail "reelfs ended with status $status: $(tail -n 20 "$1")"
}

# bail_out REASON: none of the script's tests can run, which counts as a failure.
bail_out() {
	echo "Bail out! $*"
	exit 99
}

need_fuse() {
	[ -c /dev/fuse ] || bail_out "/dev/fuse is missing, so nothing can be mounted: modprobe fuse, or give the container that device"
}

# Runs the script's test_* functions (or those named on the command line) in the order in which they are written;
# to be the script's last command, as its status is the script's.
run_tests() {
	local name number=0 failed=0 status
	local names=("$@")

	for name in "$reelfs" "$reel"; do
		[ -x "$name" ] || bail_out "$name is missing: run make, or set REELFS_BUILD to the folder of a build"
	done
	if [ ${#names[@]} -eq 0 ]; then
		mapfile -t names < <(sed -n 's/^\(test_[a-z0-9_]*\)().*/\1/p' "$0")
	fi
	skip_reason=$(mktemp "${TMPDIR:-/tmp}/reelfs-skip.XXXXXX") || bail_out "there is no room for temporary files"
	echo "1..${#names[@]}"
	for name in "${names[@]}"; do
		number=$((number + 1))
		(one_test "$name")
		status=$?
		if [ $status -eq 0 ]; then
			echo "ok $number - $name"
		elif [ $status -eq 77 ]; then
			echo "ok $number - $name # SKIP $(cat "$skip_reason")"
		else
			echo "not ok $number - $name"
			failed=1
		fi
	done
	rm -f "$skip_reason"
	return $failed
}
