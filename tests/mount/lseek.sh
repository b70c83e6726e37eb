#!/usr/bin/env bash
# lseek(2) with SEEK_DATA and SEEK_HOLE.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
ranges=$build/tests/mount/ranges

data_runs() {
	in_one_line "$ranges" data-runs "$1"
}

# write_at FILE OFFSET LENGTH
write_at() {
	head -c "$3" /dev/urandom | dd of="$1" bs=64K oflag=seek_bytes seek="$2" conv=notrunc status=none
}

# Data is found where it was written, holes are where nothing was, by the page; also after a remount.
test_data_and_holes() {
	truncate -s 1000000 "$mnt/f"
	write_at "$mnt/f" 102400 69632
	write_at "$mnt/f" 500000 1
	expect '102400 172032 499712 503808' "$(data_runs "$mnt/f")"
	remount_it
	expect '102400 172032 499712 503808' "$(data_runs "$mnt/f")"
}

# From inside data SEEK_DATA stays, from inside a hole SEEK_HOLE does; the end of the file counts as a hole.
test_from_inside() {
	truncate -s 300000 "$mnt/f"
	write_at "$mnt/f" 102400 40960
	write_at "$mnt/f" 249856 50144
	expect 120000 "$("$ranges" seek "$mnt/f" data 120000)"
	expect 143360 "$("$ranges" seek "$mnt/f" hole 120000)"
	expect 102400 "$("$ranges" seek "$mnt/f" data 7)"
	expect 7 "$("$ranges" seek "$mnt/f" hole 7)"
	expect 300000 "$("$ranges" seek "$mnt/f" hole 250000)"
}

# ENXIO: from the end on, before the start, and SEEK_DATA where only a hole is left.
test_enxio() {
	truncate -s 300000 "$mnt/f"
	write_at "$mnt/f" 0 1000
	expect_error 'lseek: ENXIO' "$ranges" seek "$mnt/f" data 4096
	expect_error 'lseek: ENXIO' "$ranges" seek "$mnt/f" data 300000
	expect_error 'lseek: ENXIO' "$ranges" seek "$mnt/f" hole 300000
	expect_error 'lseek: ENXIO' "$ranges" seek "$mnt/f" hole 300001
	expect_error 'lseek: ENXIO' "$ranges" seek "$mnt/f" data -1
	: >"$mnt/empty"
	expect_error 'lseek: ENXIO' "$ranges" seek "$mnt/empty" data 0
	expect_error 'lseek: ENXIO' "$ranges" seek "$mnt/empty" hole 0
}

# A file that is all data has no hole but its end; one without data, none but a hole.
test_all_and_nothing() {
	write_at "$mnt/all" 0 200000
	truncate -s 8T "$mnt/nothing"
	remount_it
	expect '0 200000' "$(data_runs "$mnt/all")"
	expect '' "$(data_runs "$mnt/nothing")"
	expect 0 "$("$ranges" seek "$mnt/nothing" hole 0)"
}

# What the kernel has not yet written of an open file is never called a hole: it is not told where data is, and
# cp and tar, which then read all of the file, lose nothing.
test_written_and_open() {
	truncate -s 3000000 "$mnt/f"
	cat >"$scratch/script" <<-'EOF'
		cp --sparse=auto "$1" "$2/copy" && tar -C "$(dirname "$1")" -Scf "$2/tar" "$(basename "$1")"
	EOF
	"$ranges" written-then "$mnt/f" 2000000 late sh "$scratch/script" "$mnt/f" "$scratch"
	cmp "$mnt/f" "$scratch/copy"
	tar -C "$scratch" -xf "$scratch/tar"
	cmp "$mnt/f" "$scratch/f"
	expect late "$(tail -c +2000001 "$mnt/f" | head -c 4)"
}

# The same for data past the end that the file system knows of.
test_appended_and_open() {
	truncate -s 3000000 "$mnt/f"
	remount_it
	"$ranges" written-then "$mnt/f" 5000000 late cp --sparse=auto "$mnt/f" "$scratch/copy"
	expect 5000004 "$(stat -c %s "$scratch/copy")"
	cmp "$mnt/f" "$scratch/copy"
}

# The same for a store in a mapping that outlives its descriptor.
test_stored_in_a_mapping() {
	truncate -s 3000000 "$mnt/f"
	"$ranges" stored-then "$mnt/f" 2000000 late cp --sparse=auto "$mnt/f" "$scratch/copy"
	cmp "$mnt/f" "$scratch/copy"
	expect late "$(tail -c +2000001 "$scratch/copy" | head -c 4)"
}

# Of a file that is open for writing, EINVAL: the kernel may hold data that the file system does not know.
test_open_for_writing() {
	truncate -s 3000000 "$mnt/f"
	exec 3<>"$mnt/f"
	expect_error 'lseek: EINVAL' "$ranges" seek "$mnt/f" data 0
	expect_error 'lseek: EINVAL' "$ranges" seek "$mnt/f" hole 0
	exec 3>&-
	expect 0 "$("$ranges" seek "$mnt/f" hole 0)"
}

# The same without the writeback cache: the size is known, so all up to there is said to be data.
test_open_for_writing_without_writeback() {
	remount_it -o no_writeback_cache
	truncate -s 3000000 "$mnt/f"
	exec 3<>"$mnt/f"
	expect '0 3000000' "$(data_runs "$mnt/f")"
	exec 3>&-
	expect '' "$(data_runs "$mnt/f")"
}

run_tests "$@"
