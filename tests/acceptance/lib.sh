# shellcheck shell=bash
# What the acceptance scripts share: a scratch folder, a container mounted in it, and the words for
# passing and failing. Everything is made below $scratch, which goes when the script ends.
# The scripts run in a build directory, as make check runs them.
set -uo pipefail

top_build=$(pwd)
reelfs=$top_build/reelfs
reel=$top_build/reel
if [ ! -x "$reelfs" ] || [ ! -x "$reel" ]; then
	echo "FAILED: $top_build is not a build directory: there is no reelfs or no reel in it" >&2
	exit 1
fi
scratch=$(mktemp -d "${TMPDIR:-/tmp}/reelfs-acceptance.XXXXXX") || exit 1
container=$scratch/c.reel
mnt=$scratch/mnt
daemon= # process id of the mounted file system

pass() {
	echo "ok: $*"
}

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

clean_up() {
	local status=$?
	trap - EXIT
	if [ -n "$daemon" ]; then
		kill -KILL "$daemon" 2>/dev/null
		wait "$daemon" 2>/dev/null
		umount -l "$mnt" 2>/dev/null || fusermount3 -uz "$mnt" 2>/dev/null
	fi
	if [ $status -ne 0 ] && [ -s "$scratch/daemon.log" ]; then
		echo "the daemon said:" >&2
		tail -n 40 "$scratch/daemon.log" >&2
	fi
	chmod -R u+rwX "$scratch" 2>/dev/null
	rm -rf "$scratch"
	exit "$status"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# try_mount [OPTION...]: mounts $container on $mnt, the daemon a child of this shell. False when reelfs
# refuses; what it said is in $scratch/daemon.log.
# shellcheck disable=SC2119,SC2120 # most scripts mount without options
try_mount() {
	"$reelfs" -f "$@" "$container" "$mnt" >>"$scratch/daemon.log" 2>&1 &
	daemon=$!
	until mountpoint -q "$mnt"; do
		if ! kill -0 "$daemon" 2>/dev/null; then
			wait "$daemon"
			local status=$?
			daemon=
			[ $status -lt 124 ] || fail "reelfs ended with status $status"
			return 1
		fi
		sleep 0.02
	done
}

# shellcheck disable=SC2119 # see try_mount
mount_container() {
	try_mount || fail "reelfs could not mount the container"
}

# Unmounts and waits until the daemon has ended, which must be without an error.
unmount_container() {
	local status
	fusermount3 -u "$mnt" || fail "unmounting failed"
	wait "$daemon"
	status=$?
	daemon=
	[ $status -eq 0 ] || fail "the daemon ended with status $status"
}

remount() {
	unmount_container
	mount_container
}

start_container() {
	mkdir -p "$mnt"
	"$reel" init "$container" || fail "reel init failed"
	mount_container
}

# Unmounts; the container must be without faults.
stop_container() {
	unmount_container
	"$reel" check "$container" || fail "reel check found faults"
}
