#!/usr/bin/env bash
# reelfs as the helper of mount(8), under the name mount.fuse.reelfs.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
mount_options=()

# helper ARGUMENT...: what mount(8) would run.
helper() {
	mkdir -p "$scratch/sbin"
	ln -sf "$reelfs" "$scratch/sbin/mount.fuse.reelfs"
	"$scratch/sbin/mount.fuse.reelfs" "$@"
}

# Unmounts, and waits for the daemon by mounting once more.
unmounted() {
	fusermount3 -u "$mnt"
	mount_it
	unmount_it
}

mount_flags() {
	awk -v m="$mnt" '$5 == m { print $6 }' /proc/self/mountinfo
}

# A line of fstab(5) works with everything that mount(8) leaves in its options.
test_fstab_options() {
	"$reel" init "$container"
	helper "$container" "$mnt" -o rw,noauto,user,users,_netdev,nofail,x-systemd.automount,X-mount.mkdir,relatime,comment=x,defaults
	echo works >"$mnt/f"
	unmounted
}

# Options may come before or after the operands, and -n, -v and -t have no effect.
test_letters() {
	"$reel" init "$container"
	helper -n -v "$container" -t fuse.reelfs "$mnt" -o rw
	mountpoint -q "$mnt" || fail "nothing is mounted"
	unmounted
}

# -f checks but does not mount.
test_fake() {
	"$reel" init "$container"
	helper "$container" "$mnt" -f
	! mountpoint -q "$mnt" || fail "something is mounted"
	expect_error "no such file" helper "$container.not" "$mnt" -f
}

# -s ignores unknown options, which are an error otherwise.
test_sloppy() {
	"$reel" init "$container"
	expect_error "unknown option 'bogus'" helper "$container" "$mnt" -o bogus
	helper "$container" "$mnt" -s -o bogus
	unmounted
}

# Remounting changes the flags of the mount and leaves the daemon alone, whatever mount(8) repeats from /proc/mounts.
test_remount() {
	need_root
	mount_it -o create
	echo text >"$mnt/f"
	helper "$container" "$mnt" -o ro,remount,nosuid,nodev,relatime,user_id=0,group_id=0,default_permissions
	expect_error "Read-only" touch "$mnt/g"
	expect text "$(cat "$mnt/f")"
	helper "$container" "$mnt" -o rw,remount,nosuid,nodev,noexec
	touch "$mnt/g"
	mount_flags | grep -q noexec || fail "flags: $(mount_flags)"
}

# with_helper COMMAND...: runs it in a mount name space in which /sbin has the helper on top of what is there.
with_helper() {
	local sbin
	sbin=$(readlink -f /sbin)
	mkdir -p "$scratch/sbin"
	ln -sf "$reelfs" "$scratch/sbin/mount.fuse.reelfs"
	# shellcheck disable=SC2016 # for the inner shell
	unshare -m --propagation private bash -ec 'mount -t overlay overlay -o "lowerdir=$1:$2" "$2"; shift 2; "$@"' - \
		"$scratch/sbin" "$sbin" "$@"
}

# mount(8) and umount(8) themselves.
test_mount_program() {
	need_root
	need_to with_helper true
	"$reel" init "$container"
	# shellcheck disable=SC2016
	with_helper bash -ec 'mount -t fuse.reelfs "$1" "$2"; echo works >"$2/f"; mount -o remount,ro "$2"; ! touch "$2/g" 2>"$3"; umount "$2"' - \
		"$container" "$mnt" "$scratch/error"
	grep -qF Read-only "$scratch/error" || fail "remounting read-only had no effect: $(cat "$scratch/error")"
	mount_it
	expect works "$(cat "$mnt/f")"
}

run_tests "$@"
