#!/usr/bin/env bash
# O_APPEND, and many writers at once.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

# Two descriptors that append take turns, none overwrites the other.
test_two_descriptors() {
	exec 3>>"$mnt/f" 4>>"$mnt/f"
	echo one >&3
	echo two >&4
	echo three >&3
	exec 3>&- 4>&-
	remount_it
	expect_contents "$mnt/f" $'one\ntwo\nthree\n'
}

# Appending to a file of an earlier mount keeps what it had.
test_to_an_old_file() {
	printf 'old' >"$mnt/f"
	remount_it
	printf 'new' >>"$mnt/f"
	remount_it
	expect_contents "$mnt/f" oldnew
}

# A file made with O_APPEND and O_WRONLY is right across a page's border.
test_create_for_appending() {
	local i
	for ((i = 0; i < 100; i++)); do
		printf '%0100d' "$i"
	done >"$scratch/want"
	exec 3>>"$mnt/f"
	for ((i = 0; i < 100; i++)); do
		printf '%0100d' "$i" >&3
	done
	exec 3>&-
	remount_it
	cmp "$scratch/want" "$mnt/f"
}

append_from_all() {
	local writer i pids=()
	for writer in 1 2 3 4 5 6 7 8; do
		(
			for ((i = 0; i < 200; i++)); do
				echo "writer $writer line $i" >>"$mnt/f"
			done
		) &
		pids+=($!)
	done
	wait "${pids[@]}"
}

expect_all_lines() {
	local writer i
	for writer in 1 2 3 4 5 6 7 8; do
		for ((i = 0; i < 200; i++)); do
			echo "writer $writer line $i"
		done
	done | sort >"$scratch/want"
	sort "$mnt/f" | cmp - "$scratch/want" || fail "lines are missing or broken"
}

# Eight processes that append to one file lose no line and break none.
test_concurrent() {
	append_from_all
	expect_all_lines
	remount_it
	expect_all_lines
}

# The same without the writeback cache.
test_concurrent_without_writeback() {
	remount_it -o no_writeback_cache
	append_from_all
	expect_all_lines
}

# Eight processes that write different parts of one file lose nothing.
test_concurrent_parts() {
	local part pids=()
	head -c 8000000 /dev/urandom >"$scratch/want"
	for part in 0 1 2 3 4 5 6 7; do
		dd if="$scratch/want" of="$mnt/f" bs=10000 skip=$((part * 100)) seek=$((part * 100)) count=100 conv=notrunc status=none &
		pids+=($!)
	done
	wait "${pids[@]}"
	cmp "$scratch/want" "$mnt/f"
	remount_it
	cmp "$scratch/want" "$mnt/f"
}

# Eight processes that make, rename and remove files in one directory all succeed.
test_concurrent_names() {
	local worker pids=()
	mkdir "$mnt/d"
	for worker in 1 2 3 4 5 6 7 8; do
		(
			set -e
			for ((i = 0; i < 100; i++)); do
				echo "$worker $i" >"$mnt/d/$worker.$i"
				mv "$mnt/d/$worker.$i" "$mnt/d/$worker-$i"
				[ $((i % 2)) -eq 0 ] || rm "$mnt/d/$worker-$i"
			done
		) &
		pids+=($!)
	done
	for worker in "${pids[@]}"; do
		wait "$worker" || fail "a worker failed"
	done
	expect 400 "$(find "$mnt/d" -type f | wc -l)" files
	remount_it
	expect 400 "$(find "$mnt/d" -type f | wc -l)" "files after a remount"
	expect "3 8" "$(cat "$mnt/d/3-8")"
}

run_tests "$@"
