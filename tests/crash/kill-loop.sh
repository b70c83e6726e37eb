#!/usr/bin/env bash
# Killing the daemon at any moment loses nothing that had returned: after each kill and remount, reel check is
# clean, and every file whose close() (or removal, or renaming) had returned is what tests/crash/writer
# wrote. Four writers run at a time, so that kills fall into shared commits.
# The moments are random: the seed is printed, and taken from the second argument.
# usage: kill-loop.sh [ROUNDS [SEED]]     (default 5)
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh" || exit 1

rounds=${1:-5}
seed=${2:-$$}
RANDOM=$seed
writer=$build/tests/crash/writer
writers=4
went_away=3 # the writer's exit status when the mount went away

# write_and_kill ROUND: starts the writers in new folders, and kills the daemon under them.
write_and_kill() {
	local round=$1 i status pids=()
	for ((i = 0; i < writers; i++)); do
		mkdir "$mnt/$round.$i"
		"$writer" run "$mnt/$round.$i" "$scratch/log.$round.$i" $((seed * 1000000 + round * 10 + i)) &
		pids+=($!)
	done
	sleep "$(printf '0.%03d' $((50 + RANDOM % 900)))"
	for i in "${pids[@]}"; do
		kill -0 "$i" 2>/dev/null || fail "round $round: a writer ended before the kill"
	done
	kill_it
	for i in "${pids[@]}"; do
		status=0
		wait "$i" || status=$?
		expect $went_away $status "round $round: a writer's status"
	done
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

# Every round checks the whole container and the round's files; every tenth all files, before a new container
# keeps the checks from taking longer and longer.
test_kills() {
	local round first=1
	echo "# seed $seed"
	for ((round = 1; round <= rounds; round++)); do
		write_and_kill $round
		mount_it
		"$reel" check "$container" >"$scratch/check" 2>&1 || fail "round $round: $(head -n 20 "$scratch/check")"
		verify $round $round
		if [ $((round % 10)) -eq 0 ] || [ $round -eq "$rounds" ]; then
			verify $first $round
			remount_it
			verify $first $round
			unmount_it
			rm "$container" "$scratch"/log.*
			mount_it -o create
			first=$((round + 1))
		fi
	done
	echo "# $(sort -u "$scratch/verified" | awk '{ n += $2 } END { print n }') files verified"
}

run_tests
