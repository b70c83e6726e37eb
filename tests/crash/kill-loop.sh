#!/usr/bin/env bash
# Expects that killing the daemon at any moment loses nothing that had returned: after each kill and
# remount, reel check is clean, and every file whose close() (or removal, or renaming) had returned
# is what tests/crash/writer wrote. Four writers run at a time, so that kills fall into shared commits.
# The moments are random: the seed is printed, and taken from the second argument.
# usage: kill-loop.sh [ROUNDS [SEED]]     (default 5)
# shellcheck source=tests/acceptance/lib.sh
. "$(dirname "$0")/../acceptance/lib.sh" || exit 1

rounds=${1:-5}
seed=${2:-$$}
RANDOM=$seed
writer=$top_build/tests/crash/writer
writers=4
killed=3 # the writer's exit status when the mount went away

# Starts the writers in new folders of this round, and kills the daemon under them.
write_and_kill() {
	local round=$1 i pids=()
	for ((i = 0; i < writers; i++)); do
		mkdir "$mnt/$round.$i" || fail "round $round: mkdir failed"
		"$writer" run "$mnt/$round.$i" "$scratch/log.$round.$i" $((seed * 1000000 + round * 10 + i)) &
		pids+=($!)
	done
	sleep "$(printf '%d.%03d' 0 $((50 + RANDOM % 900)))"
	for i in "${pids[@]}"; do
		kill -0 "$i" 2>/dev/null || fail "round $round: a writer ended before the kill"
	done
	kill -KILL "$daemon"
	wait "$daemon" 2>/dev/null
	daemon=
	for i in "${pids[@]}"; do
		wait "$i"
		[ $? -eq $killed ] || fail "round $round: a writer failed"
	done
	umount -l "$mnt" 2>/dev/null || fusermount3 -uz "$mnt" || fail "round $round: the dead mount cannot be removed"
}

# verify FIRST LAST: the folders of these rounds against the writers' logs.
verify() {
	local round i
	for ((round = $1; round <= $2; round++)); do
		for ((i = 0; i < writers; i++)); do
			"$writer" verify "$mnt/$round.$i" "$scratch/log.$round.$i" >>"$scratch/verified" ||
				fail "round $round: $(tail -n 5 "$scratch/verified")"
		done
	done
}

echo "seed $seed"
first=1
for ((round = 1; round <= rounds; round++)); do
	[ -n "$daemon" ] || start_container
	write_and_kill $round
	mount_container
	"$reel" check "$container" || fail "round $round: reel check found faults"
	verify $round $round
	# A new container now and then, so that checking all of it does not take longer and longer.
	if [ $((round % 10)) -eq 0 ] || [ "$round" -eq "$rounds" ]; then
		verify $first $round
		stop_container
		rm "$container" "$scratch"/log.*
		first=$((round + 1))
	fi
done
pass "$rounds kills, $(sort -u "$scratch/verified" | awk '{ n += $2 } END { print n }') files verified"
