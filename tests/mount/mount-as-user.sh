#!/usr/bin/env bash
# A user without any privilege mounts a container, through fusermount3, and uses it.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
# shellcheck source=tests/mount/users.sh
. "$(dirname "$0")/users.sh" || exit 1
# shellcheck source=tests/mount/holding.sh
. "$(dirname "$0")/holding.sh" || exit 1
# shellcheck source=tests/mount/machine.sh
. "$(dirname "$0")/machine.sh" || exit 1
mount_options=()

# mount_as_alice [OPTION...]: $mnt belongs to her. The programs may be where she cannot reach them.
mount_as_alice() {
	need_root
	cp "$reelfs" "$reel" "$scratch/"
	mkdir -p "$scratch/home"
	chown "$alice" "$mnt" "$scratch/home"
	container=$scratch/home/c.reel
	# shellcheck disable=SC2317 # try_mount calls it
	as_alice_reelfs() {
		exec setpriv --reuid "$alice" --regid "$alice" --init-groups -- "$scratch/reelfs" "$@"
	}
	reelfs=as_alice_reelfs
	mount_it -o create "$@"
}

unmount_as_alice() {
	as "$alice" fusermount3 -u "$mnt"
	wait_for_daemon
}

# Root cannot look into it, so what it asks is the list of mounts.
mountpoint() {
	findmnt -n "${@: -1}" >/dev/null
}

# Files, directories, links and attributes work, and are there after a remount.
test_use() {
	mount_as_alice
	as "$alice" sh -e -c "cd '$mnt'; mkdir d; echo text >d/f; ln d/f g; ln -s g l; mkfifo p; chmod 640 g; setfattr -n user.x -v y g"
	as "$alice" setfacl -m "u:$bob:r" "$mnt/d/f"
	unmount_as_alice
	mount_it
	expect text "$(as "$alice" cat "$mnt/l")"
	expect "$alice $alice 640 2" "$(as "$alice" stat -c '%U %G %a %h' "$mnt/g")"
	expect y "$(as "$alice" getfattr --only-values --absolute-names -n user.x "$mnt/g")"
	as "$alice" getfacl -pc "$mnt/g" | grep -q "^user:$bob:r--$" || fail "the ACL is gone"
	as "$alice" rm -r "$mnt/d" "$mnt/p"
	expect 'g l' "$(as "$alice" ls "$mnt" | in_one_line cat)"
	unmount_as_alice
}

# Nobody else can look into it, root included; it is mounted nosuid and nodev.
test_private() {
	mount_as_alice
	expect_error "Permission denied" as "$bob" ls "$mnt"
	expect_error "Permission denied" ls "$mnt"
	findmnt -no OPTIONS "$mnt" >"$scratch/options"
	grep -q nosuid "$scratch/options" || fail "options: $(cat "$scratch/options")"
	grep -q nodev "$scratch/options" || fail "options: $(cat "$scratch/options")"
	unmount_as_alice
}

# alice_holds ARGUMENT...: as hold, by her.
alice_holds() {
	cp "$held" "$scratch/"
	held=$scratch/held
	holding_as=(setpriv --reuid "$alice" --regid "$alice" --init-groups --)
	hold "$@"
}

# What is written to files that stay open is handed over meanwhile, and the mount is not busy for it.
test_hand_over() {
	mount_as_alice -d -o sync=1
	alice_holds write "$mnt" 1 50
	until_true 10 writes_come 50 || fail "$(messages "opcode: WRITE") requests"
	let_go
	unmount_as_alice
}

# At the end all of it is stored, and nothing is left mounted, or what was mounted over it is.
test_term() {
	mount_as_alice
	alice_holds write "$mnt" 5 500
	kill -TERM "$daemon"
	wait_for_daemon
	! mountpoint "$mnt" || fail "still mounted"
	let_go
	mount_it
	as "$alice" "$held" compare "$mnt" 5 500
	unmount_as_alice
}
test_term_covered() {
	local status=0
	mount_as_alice
	alice_holds write "$mnt" 5 500
	mount -t tmpfs over "$mnt"
	kill -TERM "$daemon"
	wait "$daemon" || status=$?
	daemon=
	expect 1 $status status
	umount "$mnt"
	as "$alice" fusermount3 -uz "$mnt"
	let_go
	mount_it
	as "$alice" "$held" compare "$mnt" 5 500
	unmount_as_alice
}

# With auto_unmount nothing is left of the mount when the daemon was killed, also when files of it are open.
gone() {
	! mountpoint "$mnt"
}
killed() {
	kill -KILL "$@"
	wait "$daemon" 2>/dev/null || true
	daemon=
	until_true 20 gone || fail "still mounted"
}
test_auto_unmount() {
	mount_as_alice -o auto_unmount
	alice_holds write "$mnt" 1 5
	killed "$daemon"
	let_go
	mount_it -o auto_unmount
	killed "$daemon"
	mount_it
	unmount_as_alice
}

# So is nothing when all that is called after reelfs, or has its container in the command line, was killed.
test_auto_unmount_when_all_are_killed() {
	local pids
	mount_as_alice -o auto_unmount
	mapfile -t pids < <(pgrep -f "$container"; pgrep -P "$daemon" reelfs)
	[ ${#pids[@]} -gt 0 ] || fail "no process has the container in its command line"
	killed "${pids[@]}"
	mount_it
	unmount_as_alice
}

# Root's goes as well, wherever it was moved to.
test_auto_unmount_as_root() {
	need_root
	mount_it -o create,auto_unmount
	mkdir "$scratch/moved"
	mount --move "$mnt" "$scratch/moved"
	mnt=$scratch/moved
	killed "$daemon"
	mount_it
}

# Without it the mount stays, as fusermount3 -u has to take it away.
test_no_auto_unmount() {
	local keeper
	mount_as_alice
	keeper=$(keeper)
	kill -KILL "$daemon"
	wait "$daemon" 2>/dev/null || true
	daemon=
	until_true 20 eval "! kill -0 $keeper 2>/dev/null" || fail "the keeper goes on"
	mountpoint "$mnt" || fail "it was unmounted"
	as "$alice" fusermount3 -u "$mnt"
}

# Root cannot look into it, and all the same is told that it cannot be made writable.
test_remount_by_root() {
	mount_as_alice
	unmount_as_alice
	mount_it -o ro
	ln -s "$scratch/reelfs" "$scratch/mount.fuse.reelfs"
	expect_error "mount it again without ro" "$scratch/mount.fuse.reelfs" "$container" "$mnt" -o rw,remount,nosuid,nodev
	unmount_as_alice
}

# What root alone may do fails there: devices, files of others, trusted attributes.
test_no_privileges() {
	mount_as_alice
	as "$alice" touch "$mnt/f"
	expect_error "Operation not permitted" as "$alice" mknod "$mnt/null" c 1 3
	expect_error "Operation not permitted" as "$alice" chown "$bob" "$mnt/f"
	expect_error "Operation not permitted" as "$alice" setfattr -n trusted.x -v y "$mnt/f"
	unmount_as_alice
}

# A container that the user may only read is refused with the option that helps, and can be read with it.
test_container_of_another_user() {
	mount_as_alice
	as "$alice" touch "$mnt/f"
	unmount_as_alice
	chown root "$container"
	chmod 644 "$container"
	! try_mount || fail "it was mounted"
	grep -q "may not be written to (Permission denied).*-o ro" "$scratch/log" || fail "got: $(cat "$scratch/log")"
	mount_it -o ro
	expect f "$(as "$alice" ls "$mnt")"
	unmount_as_alice
}

# Without user_allow_other in /etc/fuse.conf such a mount cannot be opened to others.
test_allow_other_is_refused() {
	! grep -q '^ *user_allow_other' /etc/fuse.conf 2>/dev/null || skip "/etc/fuse.conf has user_allow_other"
	mount_as_alice
	unmount_as_alice
	if try_mount -o allow_other; then
		fail "allow_other was not refused"
	fi
	grep -q user_allow_other "$scratch/log" || fail "the message does not say why: $(cat "$scratch/log")"
}

# What a close could not store is taken back here too, of files that the user may not write as well: what is seen is what a
# remount shows.
test_taken_back() {
	local seen
	small_disk 8m
	ln -s disk "$scratch/home"
	mount_as_alice
	head -c 300000 /dev/urandom >"$scratch/new"
	chmod 644 "$scratch/new"
	cat >"$scratch/script" <<-'END'
		cd "$1" && exec 3>a 4>b 5>c && chmod 444 b && chmod 000 c || exit 2
		dd if=/dev/zero of="$2/ballast" bs=64k status=none
		cat "$3" >&3
		cat "$3" >&4
		cat "$3" >&5
	END
	as "$alice" sh "$scratch/script" "$mnt" "$scratch/home" "$scratch/new" 2>"$scratch/error" || true
	seen=$(as "$alice" sh -c "cd '$mnt' && stat -c '%n %s %b %a' a b c && md5sum a b")
	[[ $seen == "a 0 0 644"*"b 0 0 444"*"c 0 0 0"* ]] || fail "there was room: $seen"
	unmount_as_alice
	mount_it
	expect "$seen" "$(as "$alice" sh -c "cd '$mnt' && stat -c '%n %s %b %a' a b c && md5sum a b")" "what a remount shows"
	unmount_as_alice
}

# A fusermount3 that does not end does not keep the daemon: it says what is left, and gives the program what it needs alone.
test_fusermount_that_hangs() {
	local status=0 i
	need_root
	mkdir "$scratch/bin"
	cat >"$scratch/bin/fusermount3" <<-EOF
		#!/bin/sh
		grep -E 'Sig(Ign|Blk)' /proc/self/status >"$scratch/home/state"
		find /proc/self/fd -lname '*fuse*' -o -lname "$scratch/home/c.reel" >>"$scratch/home/state"
		exec sleep 60
	EOF
	chmod +x "$scratch/bin/fusermount3"
	PATH=$scratch/bin:$PATH mount_as_alice
	kill -TERM "$daemon"
	for ((i = 0; i < 400; i++)); do
		kill -0 "$daemon" 2>/dev/null || break
		sleep 0.1
	done
	! kill -0 "$daemon" 2>/dev/null || fail "the daemon waits for it"
	wait "$daemon" || status=$?
	daemon=
	expect 1 "$status" status
	expect 1 "$(messages "cannot be unmounted: Connection timed out")" messages
	# The C library's posix_spawn(3) ignores its own two signals, 32 and 33.
	expect "SigBlk: 0000000000000000 SigIgn: 0000000000000000" \
		"$(tr '\t' ' ' <"$scratch/home/state" | sed 's/000000180000000$/000000000000000/' | in_one_line cat)" state
	fusermount3 -u "$mnt"
}

own_machine "$@"
make_users
run_tests "$@"
