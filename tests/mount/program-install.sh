#!/usr/bin/env bash
# install(1): files come with the mode, owner and times that are asked for.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

# Folders on the way, mode and times.
test_install() {
	touch -d 2001-01-01 "$scratch/old"
	install -D -p -m 4751 "$scratch/old" "$mnt/usr/local/bin/old"
	install -d -m 1777 "$mnt/a/b/c"
	remount_it
	expect 4751 "$(stat -c %a "$mnt/usr/local/bin/old")" mode
	expect "$(stat -c %y "$scratch/old")" "$(stat -c %y "$mnt/usr/local/bin/old")" "time"
	expect 1777 "$(stat -c %a "$mnt/a/b/c")" "mode of the folder"
	expect 755 "$(stat -c %a "$mnt/a/b")" "mode of the folder above"
}

# Owner and group.
test_owner() {
	need_root
	echo x >"$scratch/f"
	install -o 12345 -g 54321 -m 640 "$scratch/f" "$mnt/f"
	remount_it
	expect "12345 54321 640" "$(stat -c '%u %g %a' "$mnt/f")"
}

# A program that runs is replaced without an error, and goes on. -s strips it, and it runs then, too.
test_replace_a_running_program() {
	install /bin/sleep "$mnt/program"
	"$mnt/program" 1000 &
	local running=$!
	until [ "/proc/$running/exe" -ef "$mnt/program" ]; do
		kill -0 $running || fail "the program did not run"
		sleep 0.01
	done
	expect_error "busy" cp /bin/true "$mnt/program"
	install -s -b /bin/true "$mnt/program"
	kill -0 $running || fail "the program that ran has ended"
	kill $running
	wait $running || true
	"$mnt/program" || fail "the new program does not run"
	remount_it
	"$mnt/program" || fail "the new program does not run after a remount"
	cmp "$mnt/program~" /bin/sleep
}

# With -C a file that is the same is not written again.
test_compare() {
	local before
	echo x >"$scratch/f"
	install -C -m 644 "$scratch/f" "$mnt/f"
	before=$(stat -c '%i %y' "$mnt/f")
	remount_it
	install -C -m 644 "$scratch/f" "$mnt/f"
	expect "$before" "$(stat -c '%i %y' "$mnt/f")"
	echo y >"$scratch/f"
	install -C -m 644 "$scratch/f" "$mnt/f"
	[ "$before" != "$(stat -c '%i %y' "$mnt/f")" ] || fail "a file that is another was left alone"
	expect y "$(cat "$mnt/f")"
}

run_tests "$@"
