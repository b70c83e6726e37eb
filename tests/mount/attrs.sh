#!/usr/bin/env bash
# Modes, owners and times.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
mount_options=(-o "create,allow_other")

# as_other COMMAND...: runs it as a user without privileges.
as_other() {
	setpriv --reuid 12345 --regid 12345 --clear-groups "$@"
}

# The umask is applied to what is made, and all twelve bits of chmod are kept.
test_modes() {
	(
		umask 027
		: >"$mnt/f"
		mkdir "$mnt/d"
	)
	expect 640 "$(stat -c %a "$mnt/f")"
	expect 750 "$(stat -c %a "$mnt/d")"
	chmod 7531 "$mnt/f"
	chmod 1777 "$mnt/d"
	remount_it -o allow_other
	expect 7531 "$(stat -c %a "$mnt/f")"
	expect 1777 "$(stat -c %a "$mnt/d")"
}

# What a user makes is that user's; chown and chgrp are kept.
test_owners() {
	need_root
	chmod 777 "$mnt"
	as_other mkdir "$mnt/d"
	expect 12345:12345 "$(stat -c %u:%g "$mnt/d")"
	: >"$mnt/f"
	chown 4000000000:77 "$mnt/f"
	ln -s x "$mnt/l"
	chown -h 5:6 "$mnt/l"
	remount_it -o allow_other
	expect 4000000000:77 "$(stat -c %u:%g "$mnt/f")"
	expect 5:6 "$(stat -c %u:%g "$mnt/l")"
}

# The kernel refuses what mode and owner forbid.
test_permissions() {
	need_root
	echo secret >"$mnt/f"
	chmod 600 "$mnt/f"
	expect_error "Permission denied" as_other cat "$mnt/f"
	expect_error "Permission denied" as_other mkdir "$mnt/d"
	expect_error "not permitted" as_other chmod 777 "$mnt/f"
	chmod 604 "$mnt/f"
	expect secret "$(as_other cat "$mnt/f")"
}

# In a directory with the sticky bit only the owner removes a file.
test_sticky() {
	need_root
	mkdir -m 1777 "$mnt/tmp"
	: >"$mnt/tmp/root"
	expect_error "not permitted" as_other rm -f "$mnt/tmp/root"
	as_other mkdir "$mnt/tmp/own"
	as_other rmdir "$mnt/tmp/own"
}

# What is made in a setgid directory has its group; a directory has the bit, too.
test_setgid_directory() {
	need_root
	mkdir "$mnt/d"
	chgrp 321 "$mnt/d"
	chmod 2777 "$mnt/d"
	as_other mkdir "$mnt/d/sub"
	as_other sh -c ": >'$mnt/d/f'"
	expect 321 "$(stat -c %g "$mnt/d/f")"
	expect 321 "$(stat -c %g "$mnt/d/sub")"
	[ -g "$mnt/d/sub" ] || fail "the new directory has no setgid bit"
}

# Times are kept to the nanosecond, before 1970 and after 2038 too, of links as well.
test_times() {
	: >"$mnt/f"
	ln -s x "$mnt/l"
	mkdir "$mnt/d"
	touch -m -d '2001-02-03 04:05:06.123456789 UTC' "$mnt/f"
	touch -a -d '2002-02-03 04:05:06.987654321 UTC' "$mnt/f"
	touch -h -d '1901-12-13 20:45:52.000000001 UTC' "$mnt/l"
	touch -d '2299-01-01 00:00:00.999999999 UTC' "$mnt/d"
	remount_it -o allow_other
	expect '981173106.123456789 1012709106.987654321' "$(stat -c '%.9Y %.9X' "$mnt/f")"
	expect "$(TZ=UTC date -d '1901-12-13 20:45:52 UTC' +%s)" "$(stat -c %Y "$mnt/l" | sed 's/\..*//')"
	expect "$(date -d '2299-01-01 UTC' +%s).999999999" "$(stat -c %.9Y "$mnt/d")"
}

# later PATH BEFORE FORMAT: the time has moved on.
later() {
	local now
	now=$(stat -c "$3" "$1")
	[[ $now > $2 ]] || fail "$1: time $3 has not moved on from $2"
}

# Making and removing a name changes the directory's mtime and ctime; a link, a chmod and a rename change ctime.
test_times_move() {
	local dir file
	: >"$mnt/f"
	dir=$(stat -c %.9Y "$mnt")
	tick
	: >"$mnt/g"
	later "$mnt" "$dir" %.9Y
	dir=$(stat -c %.9Z "$mnt")
	tick
	rm "$mnt/g"
	later "$mnt" "$dir" %.9Z
	for command in "chmod 600 $mnt/f" "ln $mnt/f $mnt/h" "mv $mnt/h $mnt/i"; do
		file=$(stat -c %.9Z "$mnt/f")
		tick
		$command
		later "$mnt/f" "$file" %.9Z
	done
}

# Of files that changed several times within a tick, too, the times are the same after a remount.
test_times_of_quick_changes() {
	local i
	for ((i = 0; i < 30; i++)); do
		truncate -s 1M "$mnt/f$i"
		echo end >>"$mnt/f$i"
		: >"$mnt/g$i"
		echo x >"$mnt/g$i"
		fallocate -l 5000 "$mnt/g$i"
	done
	stat -c '%n %.9Y %.9Z' "$mnt"/* >"$scratch/before"
	remount_it -o allow_other
	stat -c '%n %.9Y %.9Z' "$mnt"/* | diff "$scratch/before" - || fail "the times above have changed"
}

# What is made after a file was written is not older, whoever stamps the one and the other.
test_times_follow_each_other() {
	local i
	for ((i = 0; i < 200; i++)); do
		# Linux gives finer times once somebody has looked at one.
		echo x >>"$scratch/f"
		[ "$scratch/f" -nt "$scratch" ] || true
		echo x >>"$scratch/f"
		echo x >"$mnt/written"
		: >"$mnt/made$i"
		[ ! "$mnt/made$i" -ot "$mnt/written" ] || fail "the file that was made later is older: $(stat -c '%.9Y' "$mnt/written" "$mnt/made$i" | xargs)"
		echo x >"$mnt/written"
		[ ! "$mnt/written" -ot "$mnt/made$i" ] || fail "the file that was written later is older: $(stat -c '%.9Y' "$mnt/made$i" "$mnt/written" | xargs)"
	done
}

# A write changes mtime and ctime, and neither closing nor remounting changes them again.
test_times_of_a_write() {
	local before after
	echo a >"$mnt/f"
	before=$(stat -c %.9Y "$mnt/f")
	tick
	echo b >>"$mnt/f"
	later "$mnt/f" "$before" %.9Y
	after=$(stat -c '%.9Y %.9Z' "$mnt/f")
	remount_it -o allow_other
	expect "$after" "$(stat -c '%.9Y %.9Z' "$mnt/f")" "times after a remount"
}

# Times that the kernel gives and those that reelfs gives are of one clock: none goes back when a new file is written.
test_times_of_a_first_write() {
	"$syscall" times-of-first-writes "$mnt"
}

# touch -r after a copy (as cp -a does) outlives the write-back of the data.
test_times_set_while_open() {
	exec 3>"$mnt/f"
	echo data >&3
	touch -d '2003-03-03 03:03:03.333333333 UTC' "$mnt/f"
	exec 3>&-
	expect 1046660583.333333333 "$(stat -c %.9Y "$mnt/f")"
	remount_it -o allow_other
	expect 1046660583.333333333 "$(stat -c %.9Y "$mnt/f")"
}

run_tests "$@"
