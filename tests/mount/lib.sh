# shellcheck shell=bash
# What the tests of single system calls on a mount share. A script defines functions named test_*, each
# one behaviour, its comment saying what is expected, and ends with run_tests.
#
# Every function runs in a subshell with "set -e", in which a new container is mounted: $mnt is the mount, $container the
# file, $scratch a folder for anything else, $daemon the process that serves the mount. When the
# function returns, the file system is unmounted; the daemon must end with status 0, and "reel check" must
# find no fault. The programs are those in $REELFS_BUILD, or in the current folder.
set -uo pipefail

build=${REELFS_BUILD:-$PWD}
reelfs=$build/reelfs
reel=$build/reel
syscall=$build/tests/mount/syscall
# Options of the mount that each test starts with; a script may change them before run_tests.
mount_options=(-o create)

fail() {
	echo "  $*" >&2
	exit 1
}

# expect WANTED GOT WHAT
expect() {
	[ "$1" = "$2" ] || fail "${3:-value}: expected '$1', got '$2'"
}

# expect_error TEXT COMMAND...: the command fails, and its standard error has TEXT in it. Its standard
# error stays in $scratch/error.
expect_error() {
	local text=$1
	shift
	if "$@" 2>"$scratch/error"; then
		fail "expected '$text' from: $*; it succeeded"
	fi
	grep -qF -- "$text" "$scratch/error" || fail "expected '$text' from: $*; got: $(cat "$scratch/error")"
}

# in_one_line COMMAND...: its output with spaces for newlines.
in_one_line() {
	"$@" | tr '\n' ' ' | sed 's/ $//'
}

# expect_contents FILE TEXT
expect_contents() {
	printf '%s' "$2" | cmp -- - "$1" || fail "wrong contents of $1"
}

# try_mount [OPTION...]: mounts; the daemon is a child of this shell. False when reelfs refuses.
try_mount() {
	"$reelfs" -f "$@" "$container" "$mnt" 2>>"$scratch/log" &
	daemon=$!
	until mountpoint -q "$mnt"; do
		if ! kill -0 "$daemon" 2>/dev/null; then
			wait "$daemon" || true
			daemon=
			return 1
		fi
		sleep 0.01
	done
}

mount_it() {
	try_mount "$@" || fail "reelfs could not mount: $(tail -n 5 "$scratch/log")"
}

# Waits for the daemon; its status must be 0.
wait_for_daemon() {
	local status=0
	wait "$daemon" || status=$?
	daemon=
	[ "$status" -eq 0 ] || fail "the daemon ended with status $status: $(tail -n 20 "$scratch/log")"
}

unmount_it() {
	fusermount3 -u "$mnt" || fail "cannot unmount"
	wait_for_daemon
}

# remount_it [OPTION...]: what is not on disk or in the container is gone afterwards, the kernel's caches too.
remount_it() {
	unmount_it
	mount_it "$@"
}

# Ends the daemon without warning and takes the dead mount away.
kill_it() {
	kill -KILL "$daemon"
	wait "$daemon" 2>/dev/null || true
	daemon=
	fusermount3 -uz "$mnt" || fail "cannot take the dead mount away"
}

clean_up() {
	set +e
	if [ -n "$daemon" ]; then
		kill -KILL "$daemon" 2>/dev/null
		wait "$daemon" 2>/dev/null
	fi
	while mountpoint -q "$mnt" 2>/dev/null || ! stat "$mnt" >/dev/null 2>&1; do
		umount -l "$mnt" 2>/dev/null || fusermount3 -uz "$mnt" 2>/dev/null || break
	done
	rm -rf "$scratch"
}

need_root() {
	if [ "$(id -u)" -ne 0 ]; then
		echo "  needs root" >&2
		exit 77
	fi
}

# The body of one test, in a subshell of its own.
run_one() {
	scratch=$(mktemp -d "${TMPDIR:-/tmp}/reelfs-mount.XXXXXX") || exit 1
	chmod 755 "$scratch"
	container=$scratch/c.reel
	mnt=$scratch/mnt
	daemon=
	trap clean_up EXIT
	trap 'exit 1' INT TERM HUP
	mkdir "$mnt" || exit 1
	set -e
	if [ ${#mount_options[@]} -gt 0 ]; then
		mount_it "${mount_options[@]}"
	fi
	"$1"
	cd /
	if [ -n "$daemon" ]; then
		unmount_it
	fi
	if [ -s "$container" ]; then
		"$reel" check "$container" >"$scratch/check" 2>&1 || fail "reel check: $(cat "$scratch/check")"
	fi
}

# Runs the script's test_* functions (or those named on the command line) in the order in which they are written;
# to be the script's last command, as its status is the script's.
run_tests() {
	local name number=0 failed=0 status
	local names=("$@")

	if [ ! -c /dev/fuse ]; then
		echo "Bail out! /dev/fuse is missing, so nothing can be mounted: modprobe fuse, or give the container that device"
		exit 99
	fi
	if [ ! -x "$reelfs" ] || [ ! -x "$reel" ] || [ ! -x "$syscall" ]; then
		echo "Bail out! reelfs, reel or tests/mount/syscall is not in $build: run make, or set REELFS_BUILD"
		exit 99
	fi
	if [ ${#names[@]} -eq 0 ]; then
		mapfile -t names < <(sed -n 's/^\(test_[a-z0-9_]*\)().*/\1/p' "$0")
	fi
	echo "1..${#names[@]}"
	for name in "${names[@]}"; do
		number=$((number + 1))
		(run_one "$name")
		status=$?
		if [ $status -eq 0 ]; then
			echo "ok $number - $name"
		elif [ $status -eq 77 ]; then
			echo "ok $number - $name # SKIP"
		else
			echo "not ok $number - $name"
			failed=$((failed + 1))
		fi
	done
	[ $failed -eq 0 ]
}
