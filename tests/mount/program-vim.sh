#!/usr/bin/env bash
# vim(1): files are edited, with and without backups, and are what they were in all but contents.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
need_programs vim

# edit FILE OPTION...: replaces "old" by "new" in it with vim's settings and these options, and saves.
edit() {
	# By default there are no backups below /tmp.
	local file=$1 options=(--cmd 'set backupskip=')
	shift
	for option; do
		options+=(--cmd "set $option")
	done
	vim -es -u NONE -i NONE -n "${options[@]}" -c '%s/old/new/g' -c wq "$file" || fail "vim with $*: status $?"
}

make_file() {
	printf 'an old line\nand an old one\n' >"$mnt/f"
	chmod 640 "$mnt/f"
	setfattr -n user.note -v kept "$mnt/f"
}

expect_edited() {
	expect_contents "$mnt/f" $'an new line\nand an new one\n'
	expect 640 "$(stat -c %a "$mnt/f")" mode
}

# However it writes: over the file, or to a new one that takes the name. The backup is the file as it was.
test_edit_with_backup() {
	local how
	for how in backupcopy=yes backupcopy=no backupcopy=auto; do
		make_file
		edit "$mnt/f" backup $how
		expect_edited
		expect "f f~" "$(cd "$mnt" && echo f*)" names
		expect_contents "$mnt/f~" $'an old line\nand an old one\n'
		remount_it
		expect_edited
		rm "$mnt"/f*
	done
}

# Without a backup no other name is left.
test_edit_without_backup() {
	make_file
	edit "$mnt/f" nobackup nowritebackup
	expect "f" "$(ls -A "$mnt")" names
	remount_it
	expect_edited
}

# A file with several names is written over, and keeps its names, as is one that a link leads to.
test_links() {
	make_file
	ln "$mnt/f" "$mnt/hard"
	ln -s f "$mnt/symbolic"
	edit "$mnt/symbolic" nobackup
	[ -L "$mnt/symbolic" ] || fail "the link was replaced"
	[ "$mnt/f" -ef "$mnt/hard" ] || fail "the names were torn apart"
	remount_it
	expect_edited
	expect_contents "$mnt/hard" $'an new line\nand an new one\n'
}

# What was typed before vim and the daemon were killed is recovered from the swap file.
test_swap_file() {
	make_file
	(vim -es -u NONE -i NONE --cmd "set swapfile directory=$mnt" -c '%s/old/new/g' -c preserve \
		-c "call system('kill -KILL ' . getpid())" "$mnt/f" || true) 2>/dev/null
	kill_it
	mount_it
	[ -s "$mnt/f.swp" ] || fail "there is no swap file: $(ls -A "$mnt")"
	expect_contents "$mnt/f" $'an old line\nand an old one\n'
	vim -es -u NONE -i NONE --cmd "set directory=$mnt" -c "recover $mnt/f" -c 'wq!' || fail "vim could not recover: status $?"
	expect_edited
}

run_tests "$@"
