# shellcheck shell=bash
# For tests on the daemon in the background, as users start it. To be sourced after lib.sh.

# in_background COMMAND...: it has to end by itself with status 0, and leave a mount. $server and $watcher are then the two
# processes.
in_background() {
	local process
	"$@" || fail "status $? of: $*"
	server='' watcher=''
	while read -r process; do
		process=${process%/cmdline}
		case $(cat "$process/comm" 2>/dev/null) in
		reelfs-keeper) watcher=${process#/proc/} ;;
		reelfs | mount.fuse.reel) server=${process#/proc/} ;;
		esac
	done < <(grep -lsaF "${mnt:?}" /proc/[0-9]*/cmdline)
	if [ -z "$server" ] || [ -z "$watcher" ]; then
		fail "the processes are not found"
	fi
}

# gone: the daemon has ended; who has to collect it may take its time.
gone() {
	local i
	for ((i = 0; i < 400; i++)); do
		grep -q '^State:.[^ZX]' "/proc/$server/status" 2>/dev/null || return 0
		sleep 0.05
	done
	fail "the daemon has not ended"
}

end_background() {
	take_off
	gone
}
