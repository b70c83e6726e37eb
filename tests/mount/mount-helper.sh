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

# What a read-only mount shows as writable would not be: it is refused, with what to do, as root's and as a user's mount.
test_remount_of_a_container_open_for_reading() {
	need_root
	"$reel" init "$container"
	mount_it -o ro
	expect_error "mount it again without ro" helper "$container" "$mnt" -o rw,remount,nosuid,nodev
	mount_flags | grep -q '^ro,' || fail "flags: $(mount_flags)"
	helper "$container" "$mnt" -o ro,remount,nosuid,nodev,noexec
	mount_flags | grep -q '^ro,.*noexec' || fail "flags: $(mount_flags)"
}
test_remount_after_a_fault() {
	local status=0
	need_root
	mount_it -o create
	echo "of another program" >>"$container"
	expect_error "" touch "$mnt/f"
	helper "$container" "$mnt" -o ro,remount,nosuid,nodev
	expect_error "run 'reel check'" helper "$container" "$mnt" -o rw,remount,nosuid,nodev
	mount_flags | grep -q '^ro,' || fail "flags: $(mount_flags)"
	take_off
	wait "$daemon" || status=$?
	daemon=
	expect 1 $status "status of the daemon"
	rm "$container"
}

# As long as a file is open for writing it cannot be made read-only, which the message says.
test_remount_while_written_to() {
	need_root
	mount_it -o create
	exec 3>"$mnt/f"
	expect_error "open for writing" helper "$container" "$mnt" -o ro,remount,nosuid,nodev
	exec 3>&-
	until helper "$container" "$mnt" -o ro,remount,nosuid,nodev 2>"$scratch/error"; do
		grep -q "open for writing" "$scratch/error" || fail "got: $(cat "$scratch/error")"
	done
}

# Nothing is taken off but by allow_suid and allow_dev, and what these have given stays.
test_remount_and_set_id() {
	need_root
	mount_it -o create
	helper "$container" "$mnt" -o rw,remount
	mount_flags | grep -q nosuid,nodev || fail "flags: $(mount_flags)"
	expect_error "remount,suid,allow_suid,dev,allow_dev" helper "$container" "$mnt" -o rw,remount,relatime,user_id=0,group_id=0
	helper "$container" "$mnt" -o rw,remount,allow_suid,allow_dev
	! mount_flags | grep -q 'nosuid\|nodev' || fail "flags: $(mount_flags)"
	helper "$container" "$mnt" -o ro,remount,relatime,user_id=0,group_id=0
	! mount_flags | grep -q 'nosuid\|nodev' || fail "flags: $(mount_flags)"
	helper "$container" "$mnt" -o rw,remount,nosuid,allow_suid
	mount_flags | grep -q nosuid || fail "flags: $(mount_flags)"
	! mount_flags | grep -q nodev || fail "flags: $(mount_flags)"
}

# Where nothing of it is mounted, or the daemon has gone, that is said.
test_remount_of_nothing() {
	need_root
	"$reel" init "$container"
	expect_error "nothing of reelfs is mounted" helper "$container" "$mnt" -o rw,remount
	mount_it
	kill -KILL "$daemon"
	wait "$daemon" 2>/dev/null || true
	daemon=
	expect_error "fusermount3 -u" helper "$container" "$mnt" -o rw,remount
	fusermount3 -u "$mnt"
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
	with_helper bash -ec 'mount -t fuse.reelfs "$1" "$2"; echo works >"$2/f"; mount -o remount,ro "$2"; ! touch "$2/g" 2>"$3"
		mount -o remount,rw "$2"; touch "$2/h"; ! mount -o remount,suid "$2" 2>"$3.suid"; mount -o remount,suid,allow_suid "$2"
		findmnt -n -o OPTIONS "$2" >"$3.flags"; umount "$2"
		mount -t fuse.reelfs -o ro "$1" "$2"; ! mount -o remount,rw "$2" 2>"$3.rw"; umount "$2"' - \
		"$container" "$mnt" "$scratch/error"
	grep -qF Read-only "$scratch/error" || fail "remounting read-only had no effect: $(cat "$scratch/error")"
	grep -qF remount,suid,allow_suid "$scratch/error.suid" || fail "got: $(cat "$scratch/error.suid")"
	grep -q '^rw,nodev' "$scratch/error.flags" || fail "flags: $(cat "$scratch/error.flags")"
	grep -qF "again without ro" "$scratch/error.rw" || fail "got: $(cat "$scratch/error.rw")"
	mount_it
	expect works "$(cat "$mnt/f")"
}

run_tests "$@"
