#!/usr/bin/env bash
# Killing the daemon at any moment loses nothing that had returned: after each kill and remount, reel check is clean,
# and every name, attribute and byte in each worker's directory is what it knows (tests/crash/worker.c); data in
# files that were neither closed nor synced may be missing. Four workers work at a time, so that kills fall into
# shared commits. Kills also fall into unmounting, compaction, and the recovery from the kill before.
# The moments are random: the seed is printed, and taken from the second argument.
# usage: kill-loop.sh [ROUNDS [SEED]]     (default 20)
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh" || exit 1

rounds=${1:-20}
seed=${2:-$$}
worker=$build/tests/crash/worker
workers=4
size_max=$((64 << 20)) # of the container; past it the round ends with a compaction that nobody kills

# Of this shell's RANDOM, so that a seed gives the same choices; what the machine makes of them is its own.
pause() {
	sleep "$(printf '0.%06d' $((RANDOM * 32 % ($1 * 1000))))"
}

start_workers() {
	local i
	pids=() to=() from=()
	for ((i = 0; i < workers; i++)); do
		mkdir "$mnt/$i"
		mkfifo "$scratch/to.$i" "$scratch/from.$i"
		"$worker" "$mnt/$i" $((seed * 10 + i)) "$scratch/calls.$i" <"$scratch/to.$i" >"$scratch/from.$i" 2>"$scratch/worker.$i" &
		pids+=($!)
		exec {fd}>"$scratch/to.$i"
		to+=("$fd")
		exec {fd}<"$scratch/from.$i"
		from+=("$fd")
	done
}

stop_workers() {
	local i status
	tell end
	for ((i = 0; i < workers; i++)); do
		status=0
		wait "${pids[i]}" || status=$?
		expect 0 $status "status of worker $i"
	done
}

tell() {
	local i
	for ((i = 0; i < workers; i++)); do
		echo "$1" >&"${to[i]}"
	done
}

# give_up ROUND WORKER WHAT: keeps what the failure can be understood from.
give_up() {
	local kept
	wait "${pids[$2]}" || true
	kept=$(mktemp -d "${TMPDIR:-/tmp}/kill-loop.XXXXXX")
	cp "$container" "$scratch/calls.$2" "$scratch/log" "$kept/"
	fail "round $1: worker $2: $3; kept in $kept: the container as it is now, and the worker's calls"
}

# answers PATTERN ROUND: one line of each worker, like the pattern of the shell; they stay in ${answer[@]}.
answers() {
	local i line
	answer=()
	for ((i = 0; i < workers; i++)); do
		read -r -t 120 -u "${from[i]}" line || give_up "$2" $i "$(cat "$scratch/worker.$i")"
		# shellcheck disable=SC2053 # it is a pattern
		[[ $line == $1 ]] || fail "round $2: worker $i said '$line', expected '$1'"
		answer+=("$line")
	done
}

# Takes away whatever mount there is, once its daemon is dead.
take_away() {
	kill -KILL "$daemon" 2>/dev/null || true
	wait "$daemon" 2>/dev/null || true
	daemon=
	fusermount3 -uz "$mnt" 2>/dev/null || true
}

run_and_kill() {
	tell run
	pause 250
	take_away
	answers 'down *' "$1"
}

# killed_at_call N COMMAND...: it is killed before the Nth of its calls that change a file, so that every moment between two
# has its turn, however short it is.
killed_at_call() {
	local calls=pwritev,pwritev2,fdatasync,ftruncate,fallocate,rename,renameat2
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 exec strace -fqq -o /dev/null -e trace=$calls \
		-e inject=$calls:signal=KILL:when="$1" "${@:2}"
}

run_and_kill_at_a_call() {
	local reelfs=traced_reelfs call=$((1 + RANDOM % 150))
	unmount_it
	# shellcheck disable=SC2317 # called by try_mount
	traced_reelfs() {
		killed_at_call "$call" "$build/reelfs" "$@"
	}
	if try_mount 2>/dev/null; then
		tell run
		answers 'down *' "$1"
	fi
	take_away
}

run_and_kill_unmounting() {
	tell run
	pause 200
	kill -USR1 "${pids[@]}"
	answers paused "$1"
	fusermount3 -u "$mnt"
	pause 10
	take_away
}

run_and_kill_compaction() {
	local pid call=$((1 + RANDOM % 50))
	tell run
	pause 200
	kill -USR1 "${pids[@]}"
	answers paused "$1"
	unmount_it
	if [ $((RANDOM % 2)) -eq 0 ]; then
		killed_at_call "$call" "$reel" compact "$container" >"$scratch/compact" 2>&1 &
		pid=$!
	else
		"$reel" compact "$container" >"$scratch/compact" 2>&1 &
		pid=$!
		pause $((5 + RANDOM % 40))
		kill -KILL $pid 2>/dev/null || true
	fi
	wait $pid 2>/dev/null || true
	rm -f "$container".new-*
}

# A mount that is killed before it is one, some times in a row.
run_and_kill_recovery() {
	local times=$((1 + RANDOM % 3))
	run_and_kill "$1"
	while [ $times -gt 0 ]; do
		"$reelfs" -f "$container" "$mnt" 2>>"$scratch/log" &
		daemon=$!
		pause 12
		take_away
		times=$((times - 1))
	done
}

verify() {
	"$reel" check "$container" >"$scratch/check" 2>&1 || fail "round $1: $(head -n 20 "$scratch/check")"
	tell verify
	answers 'ok *' "$1"
}

# A container that grows for ever would make the checks take longer and longer.
keep_small() {
	[ "$(stat -c %s "$container")" -gt $size_max ] || return 0
	unmount_it
	"$reel" compact "$container" >"$scratch/compact" || fail "round $1: compaction failed"
	mount_it
	verify "$1"
}

# Of ten rounds seven kill the working daemon, four of them at a system call, and one each unmounting, compacting and
# recovering.
test_kills() {
	local round how kills=(0 0 0 0 0)
	need_tracing
	echo "# seed $seed"
	RANDOM=$seed
	start_workers
	for ((round = 1; round <= rounds; round++)); do
		case $((round % 10)) in
		3) how=1 && run_and_kill_unmounting $round ;;
		5) how=2 && run_and_kill_compaction $round ;;
		7) how=3 && run_and_kill_recovery $round ;;
		2 | 4 | 6 | 8) how=4 && run_and_kill_at_a_call $round ;;
		*) how=0 && run_and_kill $round ;;
		esac
		kills[how]=$((kills[how] + 1))
		mount_it
		verify $round
		keep_small $round
	done
	stop_workers
	echo "# $rounds rounds: ${kills[0]} kills of the daemon at work, ${kills[4]} at a system call, ${kills[1]} unmounting, ${kills[2]} compactions, ${kills[3]} recoveries"
	echo "# calls that returned and were found: $(printf '%s\n' "${answer[@]}" | awk '{ n += $3 } END { print n }')"
}

run_tests
