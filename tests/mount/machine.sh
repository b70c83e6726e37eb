# shellcheck shell=bash disable=SC2154 # lib.sh sets what is used here
# A mount namespace for tests of how the machine starts reelfs: its /sbin, /usr/local/bin, /etc/fstab and /dev/fuse can be other
# ones there, and nothing of that is left when the script has ended. To be sourced after lib.sh; a script calls own_machine
# first, and its tests begin with need_machine.

# Where /dev/fuse is root's alone it becomes everybody's, as it is where udev makes it.
open_device() {
	local nodes
	[ "$(stat -c %a /dev/fuse)" != 666 ] || return 0
	nodes=$(mktemp -d)
	if ! mount -t tmpfs -o dev nodes "$nodes" || ! mknod -m 666 "$nodes/fuse" c 10 229 ||
		! mount --bind "$nodes/fuse" /dev/fuse; then
		bail_out "/dev/fuse is not for every user, and this cannot be changed here; see the message above"
	fi
	umount -l "$nodes"
	rmdir "$nodes"
}

# own_machine ARGUMENT...: those of the script, which runs in the namespace from then on.
own_machine() {
	[ "$(id -u)" -eq 0 ] || return 0
	if [ -z "${REELFS_OWN_NAMESPACE:-}" ]; then
		REELFS_OWN_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$@"
	fi
	# The copies of other tests' mounts would keep their daemons from ending.
	umount --lazy --all --types fuse.reelfs
	open_device
}

# What an earlier test has covered is uncovered.
need_machine() {
	need_root
	umount /etc/fstab 2>/dev/null || true
	while [ "$(findmnt -rn -o SOURCE --mountpoint "$(readlink -f /sbin)" | tail -n 1)" = over ]; do umount -l /sbin; done
	while [ "$(findmnt -rn -o SOURCE --mountpoint /usr/local/bin | tail -n 1)" = over ]; do umount -l /usr/local/bin; done
	mkdir -p "$scratch/machine"
	need_to cover "$scratch/machine"
	umount "$scratch/machine"
}

# cover FOLDER [NAME FILE]...: the folder of this namespace gets copies of the files under these names, beside what is in
# it; with the file "-" the name is gone there.
cover() {
	local folder over
	folder=$(readlink -f "$1")
	shift
	over=$(mktemp -d "$scratch/over.XXXXXX")
	chmod 755 "$over"
	while [ $# -gt 0 ]; do
		if [ "$2" = - ]; then
			mknod "$over/$1" c 0 0
		else
			cp -a "$2" "$over/$1"
		fi
		shift 2
	done
	mount -t overlay -o "lowerdir=$over:$folder" over "$folder"
}

# install_reelfs: as under /usr/local, with nothing in /sbin. install_helper: with that.
install_reelfs() {
	cover /usr/local/bin reelfs "$reelfs"
	cover /sbin mount.fuse.reelfs -
}
install_helper() {
	ln -s /usr/local/bin/reelfs "$scratch/helper"
	cover /sbin mount.fuse.reelfs "$scratch/helper"
}

# fstab LINE...: the machine's.
fstab() {
	printf '%s\n' "$@" >"$scratch/fstab"
	! mountpoint -q /etc/fstab || umount /etc/fstab
	[ -e /etc/fstab ] || skip "there is no /etc/fstab to cover"
	mount --bind "$scratch/fstab" /etc/fstab
}
