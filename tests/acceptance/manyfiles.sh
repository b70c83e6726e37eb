#!/usr/bin/env bash
# One directory holds many files, each with its own contents, and lists each name once.
# The tests named long_* run when they are named on the command line (tools/soak).
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh" || exit 1

many=$build/tests/mount/many

# expect_files FIRST STEP LAST: the directory holds the files FIRST, FIRST + STEP, ... and nothing else.
expect_files() {
	seq "$@" >"$scratch/want"
	find "$mnt/many" -mindepth 1 -printf '%f\n' | sort -n | cmp - "$scratch/want" || fail "the names listed are wrong"
	(cd "$mnt/many" && seq "$@" | xargs cat) | cmp - "$scratch/want" || fail "the contents are wrong"
}

# many_files COUNT: made, listed, half of them removed, all of them removed, each with a remount after it.
many_files() {
	local count=$1 i
	mkdir "$mnt/many"
	for ((i = 1; i <= count; i++)); do
		echo "$i" >"$mnt/many/$i"
	done
	expect_files 1 1 "$count"
	remount_it
	expect_files 1 1 "$count"
	(cd "$mnt/many" && seq 2 2 "$count" | xargs rm)
	expect_files 1 2 "$count"
	remount_it
	expect_files 1 2 "$count"
	rm -r "$mnt/many"
	remount_it
	expect "" "$(ls -A "$mnt")" "what is left after rm -r"
}

# seconds COMMAND...: how long it takes; its output goes to $scratch/out.
seconds() {
	local start=$EPOCHREALTIME
	"$@" >"$scratch/out"
	awk -v "start=$start" -v "end=$EPOCHREALTIME" 'BEGIN { printf "%.1f\n", end - start }'
}

# expect_names COUNT: the directory lists 1 to COUNT, each once.
expect_names() {
	seq "$1" | sort >"$scratch/want"
	find "$mnt/many" -mindepth 1 -printf '%f\n' | sort | cmp - "$scratch/want" || fail "the names listed are wrong"
}

# many_names COUNT: empty files, made one by one, listed, and removed one by one, with remounts. Says how long it took, and how
# long in a folder beside the container.
many_names() {
	local count=$1 where here=() there=()
	mkdir "$mnt/many" "$scratch/many"
	here=("$("$many" make "$mnt/many" "$count")")
	expect_names "$count"
	remount_it
	here+=("$(seconds ls -f "$mnt/many")")
	expect_names "$count"
	here+=("$("$many" remove "$mnt/many" "$count")")
	expect "" "$(ls -A "$mnt/many")" "what is left"
	remount_it
	expect "" "$(ls -A "$mnt/many")" "what is left after a remount"
	there=("$("$many" make "$scratch/many" "$count")" "$(seconds ls -f "$scratch/many")")
	there+=("$("$many" remove "$scratch/many" "$count")")
	for where in "here ${here[*]}" "$(stat -f -c %T "$scratch") ${there[*]}"; do
		echo "# $count names: make, list, remove: $where s"
	done
}

test_20000_names() {
	many_names 20000
}

long_1000000_names() {
	many_names 1000000
}

test_3000_files() {
	many_files 3000
}

long_200000_files() {
	many_files 200000
}

run_tests "$@"
