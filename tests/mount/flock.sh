#!/usr/bin/env bash
# flock(2): locks of whole files.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

# try FILE [OPTION...]: whether another process gets a lock at once.
try() {
	local file=$1
	shift
	flock -n "$@" "$file" true
}

# An exclusive lock keeps all others out until it is given up.
test_exclusive() {
	exec 3>"$mnt/f"
	flock -x 3
	! try "$mnt/f" -x || fail "a second exclusive lock was given"
	! try "$mnt/f" -s || fail "a shared lock was given beside an exclusive one"
	flock -u 3
	try "$mnt/f" -x || fail "no lock was given after the unlock"
	exec 3>&-
}

# Shared locks are given beside each other, and no exclusive one; one holder alone can make its own exclusive.
test_shared() {
	: >"$mnt/f"
	exec 3<"$mnt/f" 4<"$mnt/f"
	flock -s 3
	flock -s 4
	try "$mnt/f" -s || fail "a third shared lock was refused"
	! flock -n -x 3 || fail "an exclusive lock was given beside a shared one"
	exec 4<&-
	flock -n -x 3 || fail "the only holder was refused an exclusive lock"
	! try "$mnt/f" -s || fail "a shared lock was given beside an exclusive one"
	exec 3<&-
}

# The lock is the open file's: a child inherits it, and it ends with the last descriptor, however its process ends.
test_inherited() {
	exec 3>"$mnt/f"
	flock -x 3
	sleep 1000 &
	exec 3>&-
	! try "$mnt/f" -x || fail "a lock was given while a child holds one"
	kill -KILL $!
	wait $! 2>/dev/null || true
	try "$mnt/f" -x || fail "no lock was given after the end of the last holder"
}

# Who waits gets the lock when it is given up.
test_wait() {
	exec 3>"$mnt/f"
	flock -x 3
	flock -x "$mnt/f" touch "$mnt/got" 3>&- &
	! try "$mnt/f" -x || fail "a second exclusive lock was given"
	[ ! -e "$mnt/got" ] || fail "the lock was given too early"
	exec 3>&-
	wait $!
	[ -e "$mnt/got" ] || fail "who waited did not get the lock"
}

# Directories can be locked as well.
test_directory() {
	mkdir "$mnt/d"
	exec 3<"$mnt/d"
	flock -x 3
	! try "$mnt/d" -x || fail "a second exclusive lock was given"
	exec 3<&-
	try "$mnt/d" -x || fail "no lock was given after the unlock"
}

# A file that was renamed while it was locked is locked under its new name.
test_renamed() {
	: >"$mnt/f"
	flock -F -n "$mnt/f" sh -c "mv '$mnt/f' '$mnt/g' && ! flock -n '$mnt/g' true"
}

run_tests "$@"
