#!/usr/bin/env bash
# fsck.reelfs: options and exit statuses as e2fsck has them. What it finds in damaged containers is in tests/fsck.
. "${srcdir:-.}/tests/cli/lib.sh" || exit

fsck() {
	"$build/fsck.reelfs" "$@"
}

# A container with a torn append.
torn() {
	reel init c
	reel write c a hello
	printf xxxxx >>c
}

# Expects status 0 and one line.
test_clean_container() {
	reel init c
	reel write c a hello
	run 0 fsck c
	matches "$out" "c: clean, 2 inodes, *"
	run 0 fsck -f c
	matches "$out" "c: checked, 2 inodes, *"
	is "$err" ""
}

# Expects damage in contents to be found with -f, as a clean end says nothing of it.
test_force_reads_everything() {
	reel init c
	reel write c a hello
	flip c "$(extent_of c a)"
	run 0 fsck -p c
	run 4 fsck -fp c
}

# Expects each of the three to cut it off, status 1, and a clean second pass.
test_torn_append_is_repaired() {
	local option size
	for option in -a -p -y; do
		rm -f c
		torn
		size=$(stat -c %s c)
		run 1 fsck $option c
		matches "$out" "*the last 5 bytes*cut off the 5 bytes*"
		is "$(stat -c %s c)" $((size - 5))
		run 0 fsck $option c
	done
}

# Expects status 4 and no change with -n, and without any option where nobody can be asked.
test_nothing_is_repaired_unasked() {
	torn
	unchanged c fsck -n c
	run 4 fsck -n c
	unchanged c fsck c
	run 4 fsck c </dev/null
}

# Expects the bytes in the file that was named.
test_torn_bytes_are_kept() {
	torn
	run 1 fsck -p --keep-torn=kept c
	is "$(cat kept)" xxxxx
}

# Expects status 8 and the process that has it mounted; the mount goes on. -n checks all the same.
test_container_in_use_is_refused() {
	reel init c
	mount_it c
	echo text >mnt/f
	run 8 fsck -p c
	matches "$out" "c: process $daemon has the container open*"
	run 8 fsck c
	run 0 fsck -fn c
	matches "$out" "c: warning: it is in use*"
	is "$(cat mnt/f)" text
	unmount_it
	run 0 fsck -f c
}

# Expects status 8 where there is nothing to check.
test_what_cannot_be_checked() {
	mkdir folder
	seq 100 >text
	for name in missing folder text; do
		run 8 fsck -p $name
		matches "$out" "$name: *"
	done
	seq 100 | cmp - text
}

# Expects status 16.
test_wrong_usage() {
	run 16 fsck
	run 16 fsck c d
	run 16 fsck --frobnicate c
	run 16 fsck -n -p c
	run 16 fsck -C x c
	is "$(ls)" ""
}

# Expects lines that rise to 100 on the descriptor.
test_progress_goes_to_a_descriptor() {
	reel init c
	head -c 1000000 /dev/urandom | reel write c a
	run 0 fsck -f -C 7 c 7>progress
	is "$(tail -n 1 progress)" "1 100 100 c"
	sort -n -k 2 -c progress || fail "$(cat progress)"
}

# Expects more with -v and the time with -t, status 0.
test_verbose_and_timing() {
	reel init c
	run 0 fsck -v -t c
	matches "$out" "*directories *1*c: took *.* s"
	run 0 fsck -V
	matches "$out" "fsck.reelfs *"
}

# Expects a descriptor that is not open to be wrong usage: the container would get its number.
test_progress_needs_an_open_descriptor() {
	reel init c
	unchanged c fsck -f -C 7 c 7>&-
	run 16 fsck -f -C 7 c 7>&-
	matches "$err" "*no such descriptor*"
}

# Expects the repair, and its status, whatever of the first three descriptors is closed, and nothing else in the container; but
# an error where all that was asked for is text.
test_standard_descriptors_closed() {
	local size status
	for closed in 0 1 2 01 02 12 012; do
		rm -f c
		torn
		size=$(stat -c %s c)
		status=0
		(
			[[ $closed != *0* ]] || exec 0<&-
			[[ $closed != *1* ]] || exec 1>&-
			[[ $closed != *2* ]] || exec 2>&-
			exec "$build/fsck.reelfs" -p c
		) || status=$?
		is "$status" 1
		is "$(stat -c %s c)" $((size - 5))
		reel check c
	done
	status=0
	fsck c >&- || status=$?
	is "$status" 0
	fsck --help >&- || status=$?
	is "$status" 8
}

# Expects the repair to be made, and status 1 and 8, when nobody reads what it says.
test_nobody_reads() {
	local status=0
	torn
	mkfifo pipe
	(exec 5<>pipe && exec 6>pipe 5>&- && exec "$build/fsck.reelfs" -p c >&6) || status=$?
	is $status 9
	run 0 fsck c
	torn_again=$(stat -c %s c)
	printf xxxxx >>c
	status=0
	"$build/fsck.reelfs" -p c >/dev/full || status=$?
	is $status 9
	is "$(stat -c %s c)" "$torn_again"
}

# Expects SIGTERM to end it although whoever started it had that blocked, here while it writes its progress.
test_blocked_signal() {
	local status=0 pid i
	reel init c
	mkdir files
	for i in $(seq 100); do echo "$i" >"files/$i"; done
	reel import c files
	long=$(printf './%.0s' $(seq 1500))c
	mkfifo pipe
	exec 8<>pipe
	"$build/tests/mount/started" blocked "$build/fsck.reelfs" -f -C 8 "$long" >said 2>&1 &
	pid=$!
	until grep -qE '^(1|64) 0x8 ' "/proc/$pid/syscall"; do
		kill -0 $pid || fail "it ended: $(cat said)"
	done
	kill -TERM $pid
	for ((i = 0; i < 200; i++)); do
		kill -0 $pid 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL $pid 2>/dev/null || true
	wait $pid || status=$?
	is $status 32
}

# Expects status 32 when a signal ends it, here while it waits for someone to read its progress.
test_signal() {
	local status=0 pid long i
	reel init c
	mkdir files
	for i in $(seq 100); do echo "$i" >"files/$i"; done
	reel import c files
	long=$(printf './%.0s' $(seq 1500))c
	mkfifo pipe
	exec 8<>pipe
	"$build/fsck.reelfs" -f -C 8 "$long" >said 2>&1 &
	pid=$!
	# In write(2), whose number is one of these, to descriptor 8.
	until grep -qE '^(1|64) 0x8 ' "/proc/$pid/syscall"; do
		kill -0 $pid || fail "it ended: $(cat said)"
	done
	kill -INT $pid
	wait $pid || status=$?
	is $status 32
}

# Expects fsck(8) to find the program by the type, and its status. It takes for a device what begins with a slash.
test_through_fsck_8() {
	torn
	export PATH=$build:$PATH
	run 1 command fsck -t reelfs -a "$PWD/c"
	run 0 command fsck -t reelfs "$PWD/c"
}

# Expects the manual page to have every option of --help.
test_manual_page_has_every_option() {
	local option page=$source_tree/docs/man/fsck.reelfs.8
	run 0 fsck --help
	matches "$out" "Usage: fsck.reelfs *"
	while read -r option; do
		[ "$option" = --help ] || grep -q -e "Fl -${option#--}" "$page" || fail "no $option in the manual page"
	done < <(grep -o -e '--[a-z-]*' "$scratch/out" | sort -u)
}

run_tests
