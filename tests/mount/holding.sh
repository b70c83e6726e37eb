# shellcheck shell=bash
# What the tests share that end or kill a mount while a program has files open in it. To be sourced after lib.sh.
held=$build/tests/mount/held
holder= # the process that has the files open

# hold ARGUMENT...: starts the program (see held.c) and waits until it has written.
hold() {
	rm -f "$scratch/holding"
	mkfifo "$scratch/holding"
	# Descriptor 8 keeps it waiting.
	exec 8<>"$scratch/holding"
	"${holding_as[@]}" "$held" "$@" <"$scratch/holding" 8>&- >"$scratch/ready" 2>"$scratch/holder" &
	holder=$!
	until [ -s "$scratch/ready" ]; do
		kill -0 "$holder" 2>/dev/null || fail "the program that holds files open: $(cat "$scratch/holder")"
		sleep 0.01
	done
}
# In front of the program: another namespace, another user.
holding_as=()

let_go() {
	kill -KILL "$holder" 2>/dev/null || true
	wait "$holder" 2>/dev/null || true
	exec 8>&-
	holder=
}

# compare_held FOLDER FILES PIECES
compare_held() {
	"$held" compare "$@" 2>"$scratch/difference" || fail "$1: $(cat "$scratch/difference")"
}

# until_true SECONDS COMMAND...: false when it has not become true by then.
until_true() {
	local until=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -le $until ] || return 1
		sleep 0.01
	done
}

# writes_come COUNT: the log of a mount with -d has that many requests to write.
writes_come() {
	[ "$(messages "opcode: WRITE")" -ge "$1" ]
}

# keeper: the process that reaches the mount for the daemon.
keeper() {
	pgrep -P "$daemon" -x reelfs-keeper
}
