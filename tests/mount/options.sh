#!/usr/bin/env bash
# The command line: what is accepted, what is refused, and what the user is told.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
mount_options=()

# refused TEXT ARGUMENT...: reelfs ends with status 1 and one line on standard error that has TEXT in it.
refused() {
	local text=$1 status=0
	shift
	timeout 20 "$reelfs" "$@" >"$scratch/out" 2>"$scratch/error" || status=$?
	expect 1 $status "exit status of reelfs $*"
	expect 1 "$(wc -l <"$scratch/error")" "lines on standard error ($(cat "$scratch/error"))"
	grep -qF -- "$text" "$scratch/error" || fail "expected '$text', got: $(cat "$scratch/error")"
	expect 0 "$(wc -c <"$scratch/out")" "bytes on standard output"
	! mountpoint -q "$mnt" || fail "something is mounted"
}

# Unmounts what runs in the background, and waits for its end: another mount works when the container is free.
unmounted() {
	fusermount3 -u "$mnt"
	mount_it
	unmount_it
}

# The flags of the mount.
mount_flags() {
	awk -v m="$mnt" '$5 == m { print $6 }' /proc/self/mountinfo
}

# Help and versions go to standard output, with status 0.
test_help_and_version() {
	local option
	for option in -h --help; do
		"$reelfs" $option 2>&1 >"$scratch/out" | cmp - /dev/null
		grep -q '^Usage: reelfs' "$scratch/out"
	done
	for option in -V --version; do
		"$reelfs" $option 2>&1 >"$scratch/out" | cmp - /dev/null
		grep -Eq '^reelfs [0-9.]+, libfuse 3\.[0-9]+' "$scratch/out"
	done
}

# Every option that --help names is in the manual page, and is known.
test_help_is_complete() {
	local option
	"$reelfs" --help | sed -n 's/^    -o \([a-z_]*\).*/\1/p' | grep -v '^noexec' >"$scratch/options"
	[ "$(wc -l <"$scratch/options")" -gt 8 ] || fail "too few options in --help"
	while read -r option; do
		grep -q "Cm $option" "$(dirname "$0")/../../docs/man/reelfs.1" || [ "$option" = debug ] || fail "$option is not in the manual page"
	done <"$scratch/options"
}

# Wrong options are named, and nothing is mounted or made.
test_wrong_options() {
	refused "unknown option 'bogus'" -o bogus,create "$container" "$mnt"
	refused "unknown option '-Z'" -Z "$container" "$mnt"
	refused "unknown option '--bogus'" --bogus "$container" "$mnt"
	refused "option 'sync=often'" -o create,sync=often "$container" "$mnt"
	refused "option 'lock_wait=-1'" -o create,lock_wait=-1 "$container" "$mnt"
	refused "option 'lock_wait=5x'" -o create,lock_wait=5x "$container" "$mnt"
	refused "exclude each other" -o create,ro "$container" "$mnt"
	refused "'allow_other' and 'allow_root' exclude each other" -o create,allow_other,allow_root "$container" "$mnt"
	refused "a whole number from 1 to 1000" -o create,max_threads=0 "$container" "$mnt"
	refused "a whole number from 1 to 1000" -o create,max_threads=1001 "$container" "$mnt"
	refused "one argument too many" -o create "$container" "$mnt" extra
	refused "mount point is missing" -o create "$container"
	refused "container is missing"
	[ ! -e "$container" ] || fail "a container was made"
}

# Without a container the user is told how to make one.
test_no_container() {
	refused "reel init $container" "$container" "$mnt"
	refused "-o create" "$container" "$mnt"
	refused "no/where" -o create "$scratch/no/where/c.reel" "$mnt"
	[ ! -e "$container" ] || fail "a container was made"
}

# With -o create it is made, private to the user; an existing one is used as it is.
test_create() {
	mount_it -o create
	: >"$mnt/f"
	unmount_it
	expect 600 "$(stat -c %a "$container")" "mode of the container"
	mount_it -o create
	expect f "$(ls "$mnt")"
}

# Things that are no containers are refused, and not a byte of them changes.
test_not_a_container() {
	mkdir "$scratch/dir"
	refused "is a directory" "$scratch/dir" "$mnt"
	mkfifo "$scratch/fifo"
	refused "not a regular file" "$scratch/fifo" "$mnt"
	echo "just a text, and not a container" >"$scratch/text"
	cp "$scratch/text" "$scratch/want"
	refused "$scratch/text" "$scratch/text" "$mnt"
	cmp "$scratch/text" "$scratch/want"
	cp /bin/ls "$scratch/ls"
	refused "$scratch/ls" "$scratch/ls" "$mnt"
	cmp /bin/ls "$scratch/ls"
}

# Mount points that cannot be are named, with what is wrong.
test_mount_point() {
	"$reel" init "$container"
	refused "there is no such directory" "$container" "$scratch/none"
	: >"$scratch/file"
	refused "not a directory" "$container" "$scratch/file"
}

# A mount whose daemon was killed is told from other trouble, with the command that helps; also when the kernel
# still remembers its root's attributes.
test_left_over_mount() {
	mount_it -o create
	stat "$mnt" >/dev/null
	kill -KILL "$daemon"
	wait "$daemon" 2>/dev/null || true
	daemon=
	expect_error "fusermount3 -u $mnt" timeout 20 "$reelfs" -f "$container" "$mnt"
	fusermount3 -u "$mnt"
	mount_it
}

# What is mounted there already is not mounted once more, which is said at once and of no process.
test_mounted_already() {
	mount_it -o create
	expect_error "is mounted on $mnt already" timeout 5 "$reelfs" "$container" "$mnt"
	expect 1 "$(findmnt -rn -o TARGET --mountpoint "$mnt" | wc -l)" mounts
}

# A container inside its own mount point is refused, also through links and when it is yet to be made.
test_inside_its_mount_point() {
	"$reel" init "$mnt/c.reel"
	refused "inside its own mount point" "$mnt/c.reel" "$mnt"
	ln -s "$mnt/c.reel" "$scratch/link"
	refused "inside its own mount point" "$scratch/link" "$mnt"
	refused "inside its own mount point" -o create "$mnt/new.reel" "$mnt"
	[ ! -e "$mnt/new.reel" ] || fail "a container was made"
	mkdir "$mnt/sub"
	mount_it_on_sub
}

# The other way round, a mount point below the container's folder, is fine.
mount_it_on_sub() {
	container=$mnt/c.reel
	mnt=$mnt/sub
	mount_it
	: >"$mnt/f"
	unmount_it
	mnt=${mnt%/sub}
}

# Odd characters in paths do no harm and show in /proc/mounts, escaped as the kernel does.
test_odd_paths() {
	local source
	container="$scratch/a, b\\c=d"
	mnt="$scratch/mount, here\\"
	mkdir "$mnt"
	"$reelfs" -o create "$container" "$mnt"
	: >"$mnt/f"
	source=$(awk '/ fuse\.reelfs / { print $(NF - 1) }' /proc/self/mountinfo | grep -F "$scratch/")
	expect "$container" "$(printf %b "$source")" "source (as shown: $source)"
	unmounted
}

# In the background reelfs returns when the mount works, with nothing on any output, and does not keep the terminal.
test_background() {
	local out
	out=$("$reelfs" -o create "$container" "$mnt" 2>&1)
	expect "" "$out" output
	mountpoint -q "$mnt" || fail "nothing is mounted when reelfs has returned"
	echo works >"$mnt/f"
	unmounted
}

# In the background a failure is told and the status is 1, just as in the foreground.
test_background_failure() {
	"$reel" init "$container"
	mount_it
	refused_while_mounted
	unmount_it
}

refused_while_mounted() {
	local status=0 other=$scratch/other
	mkdir "$other"
	"$reelfs" -o lock_wait=0 "$container" "$other" 2>"$scratch/error" || status=$?
	expect 1 $status
	expect 1 "$(wc -l <"$scratch/error")" "lines on standard error ($(cat "$scratch/error"))"
	grep -q "$daemon" "$scratch/error" || fail "the holder's number $daemon is not in: $(cat "$scratch/error")"
	! mountpoint -q "$other" || fail "something is mounted"
}

# Relative paths work in the background, too, although the daemon leaves the folder.
test_relative_paths() {
	cd "$scratch"
	"$reelfs" -o create c.reel mnt
	echo works >mnt/f
	cd /
	unmounted
	[ -s "$container" ] || fail "the container is not where it was to be"
}

# Set-id bits and devices have no effect unless asked for; the type and source are shown.
test_default_flags() {
	mount_it -o create
	mount_flags | grep -q nosuid || fail "not nosuid: $(mount_flags)"
	mount_flags | grep -q nodev || fail "not nodev: $(mount_flags)"
	expect "fuse.reelfs $container" "$(findmnt -n -o FSTYPE,SOURCE --mountpoint "$mnt" | tr -s ' ')"
	findmnt -n -o OPTIONS --mountpoint "$mnt" | grep -q default_permissions || fail "permissions are not checked"
}

# Root may ask for set-id bits and devices, anybody for less.
test_flags_asked_for() {
	need_root
	mount_it -o create,allow_suid,allow_dev,noexec
	! mount_flags | grep -q nosuid || fail "nosuid although allow_suid was asked for"
	! mount_flags | grep -q nodev || fail "nodev although allow_dev was asked for"
	mount_flags | grep -q noexec || fail "noexec was asked for"
}

# A read-only mount changes neither the tree nor the container, and works beside a writer.
test_read_only() {
	mount_it -o create
	echo text >"$mnt/f"
	unmount_it
	cp "$container" "$scratch/want"
	mount_it -o ro
	expect text "$(cat "$mnt/f")"
	expect_error "Read-only" touch "$mnt/g"
	expect_error "Read-only" rm -f "$mnt/f"
	expect_error "Read-only" chmod 600 "$mnt/f"
	unmount_it
	cmp "$scratch/want" "$container"
}

# fsname replaces the container's path as the source.
test_fsname() {
	mount_it -o create,fsname=other
	expect other "$(findmnt -n -o SOURCE --mountpoint "$mnt")"
}

# One thread, a /dev/fuse for each thread, and many threads all work.
test_threads() {
	local options
	for options in "-s" "-o clone_fd" "-o max_threads=32"; do
		# shellcheck disable=SC2086 # two words
		mount_it $options -o create
		echo "$options" >"$mnt/f"
		expect "$options" "$(cat "$mnt/f")"
		unmount_it
	done
}

# In a container of the oldest format one NUL byte is a deletion, or a value where that is asked for.
test_nul() {
	cp "$source_tree/tests/compat/vectors/v019-nul1.bin" "$container"
	mount_it -o ro
	expect 2 "$(find "$mnt" -type f | wc -l)" files
	remount_it -o ro,nul=value
	expect 4 "$(find "$mnt" -type f | wc -l)" files
	expect " 00" "$(od -An -tx1 "$mnt/dac7aa6c458a90ae")"
	unmount_it
	refused "option 'nul=x': it is nul=value or nul=deletion" -o ro,nul=x "$container" "$mnt"
}

run_tests "$@"
