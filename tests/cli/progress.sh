#!/usr/bin/env bash
# What takes longer than a second shows on a terminal how far it is.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh" || exit

# on_terminal COMMAND: runs it with standard error and output on a terminal of its own, whose text goes to the file screen.
on_terminal() {
	script -qefc "$1" screen >/dev/null
}

# Writes what it is given to the fifo in; then, when the screen shows the bar, the end of the input.
feed() {
	{
		printf '%s' "$1"
		until grep -q 'reel: write:' screen 2>/dev/null; do
			sleep 0.05
		done
	} >in
}

# Expects the command's name, bytes and seconds while it waits for input, and the line to be erased at its end.
test_terminal_shows_a_bar() {
	need_programs script
	reel init c
	mkfifo in
	feed contents &
	on_terminal "'$build/reel' write c a <in"
	wait $!
	grep -q 'reel: write: 8 bytes, [0-9]* s' screen || fail "$(cat screen)"
	matches "$(grep -a 'reel: write:' screen)" $'*\r\e[K*\r\e[K*'
	is "$(reel cat c a)" contents
}

# Expects nothing from the same command when standard error is no terminal.
test_nothing_is_shown_elsewhere() {
	entries c
	run 0 reel write c a < <(printf contents && sleep 1.5)
	is "$out$err" ""
	is "$(reel cat c a)" contents
}

run_tests
