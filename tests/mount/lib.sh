# shellcheck shell=bash
# What the tests on a mount share, beyond tests/lib.sh. Each test gets a new container, mounted: $mnt is the mount,
# $container the file, $scratch a folder for anything else, $daemon the process that serves the mount. When the
# test returns, the file system is unmounted; the daemon must end with status 0, and "reel check" must
# find no fault.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" || exit 1

syscall=$build/tests/mount/syscall
# Options of the mount that each test starts with; a script may change them before run_tests.
mount_options=(-o create)

need_fuse
[ -x "$syscall" ] || bail_out "$syscall is missing: run make, or set REELFS_BUILD to the folder of a build"

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

# tick: the clock of times has moved on; what happens now has later times than what happened before.
tick() {
	"$syscall" tick
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
	start_daemon "$scratch/log" "$mnt" "$@" "$container" "$mnt"
}

mount_it() {
	try_mount "$@" || fail "reelfs could not mount: $(tail -n 5 "$scratch/log")"
}

# Waits for the daemon; its status must be 0.
wait_for_daemon() {
	daemon_ends "$scratch/log"
}

# Programs that look at every mount of the machine (df, lsof) can keep this one busy for a moment.
take_off() {
	local tries=0
	until fusermount3 -u "$mnt" 2>"$scratch/umount"; do
		tries=$((tries + 1))
		if [ $tries -gt 300 ] || ! grep -q busy "$scratch/umount"; then
			fail "cannot unmount: $(cat "$scratch/umount")"
		fi
		sleep 0.1
	done
}

unmount_it() {
	take_off
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

# small_disk SIZE: an empty disk (a tmpfs) of that size at $scratch/disk, for the container.
small_disk() {
	need_root
	mkdir "$scratch/disk"
	mount -t tmpfs -o "size=$1" tmpfs "$scratch/disk" 2>/dev/null || skip "no tmpfs can be mounted here"
	container=$scratch/disk/c.reel
}

# fill_disk: leaves no room on the small disk; rm "$scratch/disk/ballast" gives it back.
fill_disk() {
	dd if=/dev/zero of="$scratch/disk/ballast" bs=64k 2>/dev/null || true
}

# messages TEXT: how many lines of the daemon's log have it.
messages() {
	grep -cF -- "$1" "$scratch/log" || true
}

# unmount_failed: unmounts after a failure of the disk, which the daemon's status has to tell.
unmount_failed() {
	local status=0
	take_off
	wait "$daemon" || status=$?
	daemon=
	expect 1 $status "status of a daemon that could not write everything"
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
	# What else the test has mounted, a dead one included.
	awk -v under="$scratch/" 'index($5, under) == 1 { print $5 }' /proc/self/mountinfo | tac | while read -r place; do
		umount -l "$place" 2>/dev/null || fusermount3 -uz "$place"
	done
	rm -rf "$scratch"
}

one_test() {
	scratch=$(mktemp -d "${TMPDIR:-/tmp}/reelfs-mount.XXXXXX") || exit 1
	chmod 755 "$scratch"
	container=$scratch/c.reel
	mnt=$scratch/mnt
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
