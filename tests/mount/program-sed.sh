#!/usr/bin/env bash
# sed -i and perl -i: files are replaced by edited ones.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
# shellcheck source=tests/mount/trees.sh
. "$(dirname "$0")/trees.sh" || exit 1
need_programs perl

# Hundreds of files at once, as on another file system; modes stay.
test_many_files() {
	make_plain_tree "$scratch/plain"
	chmod 600 "$scratch/plain/fs.h"
	cp -a "$scratch/plain" "$mnt/plain"
	for tree in "$scratch/plain" "$mnt/plain"; do
		find "$tree" -name '*.h' -exec sed -i 's/int/INT/g; /^$/d' {} +
	done
	same_contents "$scratch/plain" "$mnt/plain"
	grep -q INT "$mnt/plain/fs.h" || fail "sed replaced nothing"
	remount_it
	same_contents "$scratch/plain" "$mnt/plain"
	expect 600 "$(stat -c %a "$mnt/plain/fs.h")" mode
}

# With a suffix the old file is kept under it, and is the old inode.
test_backup() {
	local inode
	echo old >"$mnt/f"
	inode=$(stat -c %i "$mnt/f")
	sed -i.bak s/old/new/ "$mnt/f"
	remount_it
	expect new "$(cat "$mnt/f")"
	expect old "$(cat "$mnt/f.bak")"
	expect "$inode" "$(stat -c %i "$mnt/f.bak")" "inode of the backup"
	[ "$inode" != "$(stat -c %i "$mnt/f")" ] || fail "the new file has the old inode"
}

# Whoever has the old file open goes on reading that.
test_reader_keeps_the_old_file() {
	seq 1 100000 >"$mnt/f"
	exec 3<"$mnt/f"
	IFS= read -r line <&3
	expect 1 "$line"
	sed -i 's/.*/changed/' "$mnt/f"
	expect 100000 "$(tail -n 1 <&3)" "last line of the old file"
	exec 3<&-
	expect changed "$(tail -n 1 "$mnt/f")"
}

# With --follow-symlinks the file that a link leads to is edited; without, the link is replaced by a file.
test_symbolic_link() {
	echo old >"$mnt/f"
	ln -s f "$mnt/link"
	sed -i --follow-symlinks s/old/new/ "$mnt/link"
	expect new "$(cat "$mnt/f")"
	[ -L "$mnt/link" ] || fail "the link was replaced"
	sed -i s/new/newer/ "$mnt/link"
	[ ! -L "$mnt/link" ] || fail "the link is still one"
	expect "new newer" "$(in_one_line cat "$mnt/f" "$mnt/link")"
}

# perl works on a file that it has unlinked.
test_perl() {
	seq 1 100000 >"$mnt/f"
	perl -pi.orig -e 's/7/seven/g' "$mnt/f"
	perl -pi -e 's/8/eight/g' "$mnt/f"
	remount_it
	seq 1 100000 | cmp - "$mnt/f.orig"
	seq 1 100000 | sed 's/7/seven/g; s/8/eight/g' | cmp - "$mnt/f"
}

run_tests "$@"
