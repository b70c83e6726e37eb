#!/usr/bin/env bash
# The ways in which a mount is started on a machine: reelfs itself, mount(8) with its own helper and with fuse3's, fstab(5), as
# root and as a user. Whichever it is, set-id programs and devices have no effect unless root asks for them in words that nothing
# gives unasked.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
# shellcheck source=tests/mount/users.sh
. "$(dirname "$0")/users.sh" || exit 1
# shellcheck source=tests/mount/machine.sh
. "$(dirname "$0")/machine.sh" || exit 1
mount_options=()

# make_container: with a set-id program of root and a device node.
make_container() {
	need_machine
	mount_it -o create
	cp /usr/bin/id "$mnt/id"
	chmod 4755 "$mnt/id"
	mknod "$mnt/null" c 1 3
	unmount_it
}

# "LEVEL DEVICE": whom the set-id program takes itself for, and whether the device opens.
effects() {
	local id device=closed
	id=$(as "$bob" "$mnt/id" -u)
	[ "$id" = 0 ] || [ "$id" = "$(id -u "$bob")" ] || fail "the program cannot run: $id"
	if dd if="$mnt/null" of=/dev/null status=none 2>/dev/null; then device=open; fi
	[ "$id" = 0 ] && echo "root $device" || echo "user $device"
}

# expect_effects WANTED COMMAND...: of the mount that the command makes, which is taken away then.
expect_effects() {
	local wanted=$1
	shift
	"$@" 2>"$scratch/error" || fail "$*: $(cat "$scratch/error")"
	mountpoint -q "$mnt" || fail "$*: nothing is mounted: $(cat "$scratch/error")"
	expect "$wanted" "$(effects)" "what works after $*"
	expect "fuse.reelfs $container" "$(findmnt -n -o FSTYPE,SOURCE --mountpoint "$mnt" | tr -s ' ')" "type and source after $*"
	umount "$mnt" || fail "cannot unmount after $*"
}

# each_way WANTED OPTION [FSTAB-OPTION]: by every way.
each_way() {
	local wanted=$1 o=allow_other$2 f=allow_other$2${3:-}
	expect_effects "$wanted" "$reelfs" -o "$o" "$container" "$mnt"
	fstab "$container $mnt fuse.reelfs $f 0 0"
	expect_effects "$wanted" mount -t fuse.reelfs -o "$o" "$container" "$mnt"
	expect_effects "$wanted" mount "$mnt"
	expect_effects "$wanted" mount -a
	fstab "reelfs#$container $mnt fuse $f 0 0"
	expect_effects "$wanted" mount -t fuse -o "$o" "reelfs#$container" "$mnt"
	expect_effects "$wanted" mount.fuse3 "reelfs#$container" "$mnt" -o "$o"
	expect_effects "$wanted" mount "$mnt"
}

# Without a word about them, and with those that fuse3's helper gives, they have no effect.
test_untrusted_with_the_helper_of_fuse3() {
	make_container
	install_reelfs
	each_way "user closed" ""
	each_way "user closed" ",suid,dev" ",user,exec,suid,dev"
}
test_untrusted_with_the_helper() {
	make_container
	install_reelfs
	install_helper
	each_way "user closed" ""
	each_way "user closed" ",suid,dev" ",users,exec,suid,dev"
}

# Asked for in their own words they have it, each for itself.
test_trusted_with_the_helper_of_fuse3() {
	make_container
	install_reelfs
	each_way "root open" ",allow_suid,allow_dev"
	expect_effects "root closed" mount -t fuse.reelfs -o allow_other,allow_suid "$container" "$mnt"
}
test_trusted_with_the_helper() {
	make_container
	install_reelfs
	install_helper
	each_way "root open" ",allow_suid,allow_dev"
	expect_effects "user open" mount -t fuse.reelfs -o allow_other,allow_dev "$container" "$mnt"
}

# Sources and mount points with odd characters come through whole, and a second `mount -a` leaves them.
escaped() {
	printf %s "$1" | sed 's/\\/\\134/g; s/ /\\040/g'
}
test_odd_names() {
	local name
	make_container
	install_reelfs
	install_helper
	cp "$container" "$scratch/kept.reel"
	for name in "a, b" 'a#b\c' "ü=ä'\"\$(x)"; do
		container=$scratch/$name.reel
		mnt=$scratch/$name
		mkdir "$mnt"
		cp "$scratch/kept.reel" "$container"
		fstab "$(escaped "$container") $(escaped "$mnt") fuse.reelfs allow_other 0 0"
		expect_effects "user closed" mount "$mnt"
		mount -a
		expect_effects "user closed" mount -a
		fstab "$(escaped "reelfs#$container") $(escaped "$mnt") fuse allow_other 0 0"
		expect_effects "user closed" mount "$mnt"
	done
	(cd "$scratch" && mount -t fuse.reelfs kept.reel mnt && umount kept.reel)
}

# Everything that fstab(5) may say besides is taken; what nobody knows is named.
test_options_of_fstab() {
	make_container
	install_reelfs
	install_helper
	fstab "$container $mnt fuse.reelfs allow_other,ro,noatime,nodiratime,lazytime,auto,nofail,_netdev,comment=x,x-systemd.automount,X-mount.mkdir,sync,dirsync,owner,nouser,exec 0 0"
	expect_effects "user closed" mount -a
	fstab "$container $mnt fuse.reelfs allow_other,uid=0 0 0"
	expect_error "unknown option 'uid=0'" mount "$mnt"
}

# They hold beside an option for which libfuse leaves the mounting to fusermount3.
test_trusted_with_auto_unmount() {
	make_container
	expect_effects "root open" "$reelfs" -o allow_other,allow_suid,allow_dev,auto_unmount "$container" "$mnt"
	expect_effects "user closed" "$reelfs" -o allow_other,auto_unmount "$container" "$mnt"
}

# The words for less prevail, in whatever order they come.
test_against() {
	make_container
	expect_effects "user closed" "$reelfs" -o allow_other,nosuid,allow_suid,allow_dev,nodev "$container" "$mnt"
	expect_effects "user open" "$reelfs" -o allow_other,allow_suid,allow_dev,nosuid "$container" "$mnt"
}

# Who asks in the words of other file systems is told which to use.
test_usual_words() {
	make_container
	"$reelfs" -o suid "$container" "$mnt" 2>"$scratch/error"
	grep -q "'suid' and 'dev' have no effect.*-o allow_suid" "$scratch/error" || fail "got: $(cat "$scratch/error")"
	expect 1 "$(wc -l <"$scratch/error")" lines
	umount "$mnt"
}

# alices FSTAB-OPTIONS: her container and mount point, and the line for it.
alices() {
	make_container
	install_reelfs
	chown "$alice" "$container" "$mnt"
	chmod 755 "$scratch"
	fstab "$container $mnt fuse.reelfs $1 0 0"
}

# A user never gets either. Who mounts by a line of fstab gets what that says otherwise, and may unmount.
test_user() {
	alices user,exec,noauto,suid,dev,allow_suid,allow_dev
	expect_error "only root" as "$alice" mount "$mnt"
	! mountpoint -q "$mnt" || fail "something is mounted"
	fstab "$container $mnt fuse.reelfs user,exec,noauto 0 0"
	as "$alice" mount "$mnt"
	expect "$(id -u "$alice")" "$(as "$alice" "$mnt/id" -u)"
	findmnt -n -o OPTIONS "$mnt" | grep -q nosuid,nodev || fail "flags: $(findmnt -n -o OPTIONS "$mnt")"
	as "$alice" umount "$mnt"
}
test_user_directly() {
	alices noauto
	expect_error "only root" as "$alice" reelfs -o allow_dev "$container" "$mnt"
	as "$alice" reelfs -o suid,dev "$container" "$mnt"
	expect "$(id -u "$alice")" "$(as "$alice" "$mnt/id" -u)"
	as "$alice" fusermount3 -u "$mnt"
}

own_machine "$@"
make_users
run_tests "$@"
