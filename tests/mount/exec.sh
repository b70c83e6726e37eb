#!/usr/bin/env bash
# execve(2) of programs and scripts in the mount.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

# start_long_run FOLDER: a program of the folder runs until it is killed.
start_long_run() {
	cp /bin/sleep "$1/program"
	"$1/program" 1000 &
	running=$!
	trap 'kill "$running" 2>/dev/null || true; clean_up' EXIT
	until [ "$(readlink "/proc/$running/exe")" = "$1/program" ]; do
		kill -0 "$running" || fail "the program does not run"
		sleep 0.01
	done
}

# A program runs from the kernel's cache, and in a new mount from the container.
test_program() {
	cp /bin/echo "$mnt/program"
	for _ in cached not; do
		expect "some words" "$("$mnt/program" some words)"
		remount_it
	done
}

# A script runs with the interpreter that its first line names, which may lie in the mount too.
test_script() {
	cp /bin/sh "$mnt/sh"
	cat >"$mnt/script" <<-EOF
		#!$mnt/sh
		echo "\$0 \$1"
	EOF
	chmod +x "$mnt/script"
	expect "$mnt/script word" "$("$mnt/script" word)"
	remount_it
	expect "$mnt/script word" "$("$mnt/script" word)"
}

# Without the mode bit nothing is run, also for root.
test_mode() {
	cp /bin/echo "$mnt/program"
	chmod 666 "$mnt/program"
	expect_error "Permission denied" "$mnt/program"
}

# With -o noexec nothing is run.
test_noexec() {
	cp /bin/echo "$mnt/program"
	remount_it -o noexec
	expect_error "Permission denied" "$mnt/program"
}

# A program that runs cannot be written, as on other file systems: ETXTBSY. It can be replaced,
# renamed and removed, and runs on.
test_running_program_is_busy() {
	local where
	for where in "$scratch" "$mnt"; do
		start_long_run "$where"
		expect_error "Text file busy" dd if=/dev/null of="$where/program" conv=notrunc status=none
		expect_error "Text file busy" dd if=/dev/null of="$where/program" status=none
		cp /bin/sleep "$where/new"
		mv "$where/new" "$where/program"
		rm "$where/program"
		kill -0 "$running"
		expect "$where/program (deleted)" "$(readlink "/proc/$running/exe")"
		kill "$running"
		wait "$running" || true
	done
}

# When it has ended it can be written again.
test_ended_program_is_free() {
	start_long_run "$mnt"
	kill "$running"
	wait "$running" || true
	echo text >"$mnt/program"
	expect_contents "$mnt/program" $'text\n'
}

# A file that is open for writing cannot be run, as on other file systems.
test_open_for_writing_is_busy() {
	local where
	for where in "$scratch" "$mnt"; do
		cp /bin/echo "$where/program"
		exec 3>>"$where/program"
		expect_error "Text file busy" "$where/program"
		exec 3>&-
		expect word "$("$where/program" word)"
	done
}

# With -o allow_suid a set-id program runs as its owner; with -o nosuid as who calls it.
test_set_id() {
	need_root
	cp /usr/bin/id "$mnt/id"
	chown 4321:8765 "$mnt/id"
	chmod 6755 "$mnt/id"
	remount_it -o allow_other,allow_suid
	expect "4321 8765" "$(in_one_line as_other "$mnt/id" -u) $(as_other "$mnt/id" -g)"
	remount_it -o allow_other,nosuid
	expect "12345 12345" "$(as_other "$mnt/id" -u) $(as_other "$mnt/id" -g)"
}

as_other() {
	setpriv --reuid 12345 --regid 12345 --clear-groups "$@"
}

run_tests "$@"
