#!/usr/bin/env bash
# A mount that the caller has made, and that reelfs only serves: the mount point is /dev/fd/N.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
# shellcheck source=tests/mount/users.sh
. "$(dirname "$0")/users.sh" || exit 1
# shellcheck source=tests/mount/machine.sh
. "$(dirname "$0")/machine.sh" || exit 1
# shellcheck source=tests/mount/holding.sh
. "$(dirname "$0")/holding.sh" || exit 1
mount_options=()
caller=$build/tests/mount/caller
nosuid_nodev=6 # MS_NOSUID and MS_NODEV

# serve [FLAGS [OPTIONS [ARGUMENT...]]]: mounts with these, and serves it in the foreground.
serve() {
	local flags=${1:-$nosuid_nodev} options=${2:-,allow_other}
	[ -s "$container" ] || "$reel" init "$container"
	"$caller" "$mnt" "$flags" "$options" "$reelfs" -f "${@:3}" "$container" /dev/fd/7 2>>"$scratch/log" &
	daemon=$!
	until mountpoint -q "$mnt" && ls "$mnt" >/dev/null 2>&1; do
		kill -0 "$daemon" 2>/dev/null || fail "it was not served: $(cat "$scratch/log")"
		sleep 0.01
	done
}

# What is written is stored, and the end of the mount is the end of the daemon.
test_use() {
	need_machine
	serve
	echo text >"$mnt/f"
	expect "caller fuse.caller" "$(findmnt -n -o SOURCE,FSTYPE "$mnt" | tr -s ' ')"
	unmount_it
	serve
	expect text "$(cat "$mnt/f")"
}

# In the background the program returns when the mount works.
test_background() {
	need_machine
	"$reel" init "$container"
	"$caller" "$mnt" $nosuid_nodev "" "$reelfs" "$container" /dev/fd/7
	echo text >"$mnt/f"
	umount "$mnt"
	serve
	expect text "$(cat "$mnt/f")"
}

# A user without privileges mounts in a user namespace, as whose root the files are then.
test_user_namespace() {
	need_machine
	need_to as "$alice" unshare -Urm true
	cp "$reelfs" "$reel" "$caller" "$scratch/"
	mkdir "$scratch/home"
	chown "$alice" "$mnt" "$scratch/home"
	# shellcheck disable=SC2016 # for the inner shell
	as "$alice" unshare -Urm sh -ec 'cd "$1"; ./reel init home/c.reel; ./caller mnt 6 "" ./reelfs -o sync=1 home/c.reel /dev/fd/7
		echo text >mnt/f; chmod 4755 mnt/f; umount mnt' - "$scratch"
	container=$scratch/home/c.reel
	serve
	expect "text 4755 root" "$(cat "$mnt/f") $(stat -c '%a %U' "$mnt/f")"
}

# A signal stores what is in open files, and unmounts.
test_term() {
	need_machine
	serve
	hold write "$mnt" 3 100
	kill -TERM "$daemon"
	wait_for_daemon
	! mountpoint -q "$mnt" || fail "still mounted"
	let_go
	serve
	"$held" compare "$mnt" 3 100
}

# What is no descriptor of a mount is refused in one line.
refused() {
	local text=$1
	shift
	expect_error "$text" "$@"
	expect 1 "$(wc -l <"$scratch/error")" "lines ($(cat "$scratch/error"))"
}
test_no_mount() {
	need_machine
	"$reel" init "$container"
	refused "no such descriptor" "$reelfs" "$container" /dev/fd/77
	refused "no such descriptor" "$reelfs" "$container" /dev/fd/0
	refused "not a descriptor of /dev/fuse" "$reelfs" "$container" /dev/fd/9 9</dev/null
	refused "nothing is mounted with this descriptor" "$caller" - 0 "" "$reelfs" "$container" /dev/fd/7
}

# Where nothing can be served the caller is told, and who uses the mount gets an error, also while the caller keeps the descriptor.
test_not_served() {
	need_machine
	expect_error "has to be unmounted by the caller" "$caller" "$mnt" 6 "" "$reelfs" "$scratch/none" /dev/fd/7
	umount "$mnt"
	echo text >"$scratch/text"
	# shellcheck disable=SC2016 # for the inner shell
	expect_error "refused" "$caller" "$mnt" 6 "" /bin/bash -c '! "$1" "$2" /dev/fd/7 2>/dev/null && timeout 20 stat -f "$3"' - \
		"$reelfs" "$scratch/text" "$mnt"
	umount "$mnt"
}

# A container inside the mount could only be waited for.
test_inside() {
	need_machine
	: >"$mnt/c.reel"
	expect_error "inside its own mount point" timeout 20 "$caller" "$mnt" 6 "" "$reelfs" "$mnt/c.reel" /dev/fd/7
	umount "$mnt"
	cd "$mnt"
	expect_error "inside its own mount point" timeout 20 "$caller" "$mnt" 6 "" "$reelfs" "$mnt/c.reel" /dev/fd/7
	umount "$mnt"
}

# Permissions are checked, whatever the caller's options and the daemon's are.
test_permissions() {
	local options
	need_machine
	for options in -osync=5 -onoxattr; do
		serve $nosuid_nodev ,allow_other "$options"
		rm -rf "${mnt:?}"/*
		mkdir -m 700 "$mnt/d"
		touch "$mnt/d/f"
		echo secret >"$mnt/f"
		chmod 600 "$mnt/f"
		chmod 755 "$mnt"
		expect_error "Permission denied" as "$bob" cat "$mnt/f"
		expect_error "Permission denied" as "$bob" ls "$mnt/d/f"
		expect_error "Permission denied" as "$bob" touch "$mnt/g"
		expect "d f" "$(as "$bob" ls "$mnt" | in_one_line cat)"
		unmount_it
	done
}

# with_effects: a container with a set-id program, one with a capability, and a device. effects: what they do, as bob.
with_effects() {
	mount_it -o create
	cp /usr/bin/id "$mnt/id"
	cp /usr/bin/id "$mnt/shared"
	chmod 4755 "$mnt/id"
	chmod 4777 "$mnt/shared"
	cp /bin/true "$mnt/capable"
	setcap cap_net_raw+ep "$mnt/capable"
	mknod -m 666 "$mnt/null" c 1 3
	unmount_it
}
effects() {
	local device=closed
	if as "$bob" dd if="$mnt/null" of=/dev/null status=none 2>/dev/null; then device=open; fi
	echo "$(as "$bob" "$mnt/id" -u) $device"
}

# Root's mount is made nosuid and nodev, unless they are asked for.
test_made_nosuid() {
	need_machine
	with_effects
	serve 0
	findmnt -n -o OPTIONS "$mnt" | grep -q nosuid,nodev || fail "flags: $(findmnt -n -o OPTIONS "$mnt")"
	expect "$(id -u "$bob") closed" "$(effects)"
	unmount_it
	serve 0 ,allow_other -o allow_suid,allow_dev
	expect "0 open" "$(effects)"
}

# What a copy of the mount would keep the effect of is hidden in all of them, of what the mount was without; shared: its peer.
test_copies() {
	local flags shown top=$scratch/shared
	need_machine
	with_effects
	mkdir "$top"
	mount -t tmpfs none "$top"
	mount --make-shared "$top"
	mkdir "$top/mnt" "$scratch/peer"
	mount --bind "$top" "$scratch/peer"
	while read -r flags shown; do
		mnt=$top/mnt
		serve "$flags"
		mnt=$scratch/peer/mnt
		expect "$(id -u "$bob") closed" "$(effects)" "flags $flags"
		expect "$shown" "$(stat -c %a "$mnt/id") $(stat -c %Hr:%Lr "$mnt/null")" "flags $flags"
		mnt=$top/mnt
		unmount_it
	done <<-END
		0 755 0:0
		2 4755 0:0
		4 755 1:3
		6 4755 1:3
	END
	grep -q "known to have been nodev from the start" "$scratch/log" || fail "got: $(cat "$scratch/log")"
	umount "$scratch/peer" "$top"
	mnt=$scratch/mnt
	mount_it # as the harness expects
}

# A mount that has got the flags itself may have a copy without them.
test_copy_without_flags() {
	need_machine
	with_effects
	mkdir "$scratch/copy"
	export COPY=$scratch/copy
	serve 0
	expect "$(id -u "$bob") closed" "$(mnt=$scratch/copy effects)"
	umount "$scratch/copy"
}

# drop OPTIONS: as root through fuse3's helper, which mounts and gives up all rights before it runs reelfs.
drop() {
	mount.fuse3 "reelfs#$container" "$mnt" -o "allow_other,drop_privileges$1" 2>"$scratch/error" ||
		fail "drop_privileges$1: $(cat "$scratch/error")"
}

# Where the flags cannot be changed, what they would take the effect from is not shown, nor lost, but for set-id bits of what somebody
# else changes.
test_drop_privileges() {
	need_machine
	with_effects
	install_reelfs
	drop ""
	grep -q "mount it nosuid,nodev" "$scratch/error" || fail "got: $(cat "$scratch/error")"
	expect "$(id -u "$bob") closed" "$(effects)"
	expect "755 777 0:0" "$(stat -c %a "$mnt/id" "$mnt/shared" | in_one_line cat) $(stat -c %Hr:%Lr "$mnt/null")"
	expect "" "$(getcap "$mnt/capable")"
	# shellcheck disable=SC2016
	as "$bob" sh -ec 'echo x >>"$1"' - "$mnt/shared"
	umount "$mnt"
	drop ,nosuid,nodev
	expect "4755 777 1:3" "$(stat -c %a "$mnt/id" "$mnt/shared" | in_one_line cat) $(stat -c %Hr:%Lr "$mnt/null")"
	expect "$(id -u "$bob") closed" "$(effects)"
	umount "$mnt"
	drop ,allow_suid,allow_dev
	expect "0 open" "$(effects)"
	umount "$mnt"
	mount_it
}

own_machine "$@"
make_users
run_tests "$@"
