# shellcheck shell=bash
# Trees for programs to copy, and how two of them are compared. Sourced after tests/mount/lib.sh, whose $scratch and $mnt it uses.

# A tree with one of everything that a tree can hold and any user can make, and what only root can.
make_odd_tree() {
	local tree=$1
	mkdir -p "$tree/empty" "$tree/deep/er/est"
	: >"$tree/zero"
	printf '\0' >"$tree/nul"
	printf 'one\n' >"$tree/one"
	ln "$tree/one" "$tree/one.hard"
	ln "$tree/one" "$tree/deep/er/one.hard"
	ln -s one "$tree/one.symbolic"
	ln -s "$(printf '%01000d' 0)" "$tree/long.symbolic"
	ln "$tree/nul" "$tree/deep/nul.hard"
	printf 'text' >"$tree/$(printf 'line\nbreak \303\244 \377')"
	mkfifo "$tree/fifo"
	truncate -s 10M "$tree/sparse"
	printf 'end' >>"$tree/sparse"
	printf 'old' >"$tree/old"
	touch -d '1969-12-31 23:59:58.123456789 UTC' "$tree/old"
	touch -d '2106-02-07 06:28:17.999999999 UTC' "$tree/one"
	touch -h -d '2001-09-09 01:46:40.000000001 UTC' "$tree/one.symbolic"
	printf 'secret' >"$tree/mode400"
	chmod 400 "$tree/mode400"
	chmod 1777 "$tree/empty"
	setfattr -n user.note -v 'kept' "$tree/one"
	setfattr -n user.note -v 'kept too' "$tree/deep"
	[ "$(id -u)" -ne 0 ] || make_odd_things_of_root "$tree"
	touch -d '2020-02-02 02:02:02.020202020 UTC' "$tree/deep/er" "$tree/deep" "$tree"
}

make_odd_things_of_root() {
	local tree=$1
	mknod "$tree/null" c 1 3
	printf 'more secret' >"$tree/mode000"
	chmod 000 "$tree/mode000"
	chown 12345:54321 "$tree/old" "$tree/deep/er"
	chown -h 1:2 "$tree/one.symbolic"
	printf 'set-id' >"$tree/setid"
	chmod 6755 "$tree/setid"
}

# A tree with 150 text files, and none of the odd things. With a modification time of long ago.
make_plain_tree() {
	mkdir -p "$1"
	(cd /usr/include/linux && cp -r can usb [f-k]*.h stat.h "$1/")
	find "$1" -exec touch -d '2020-02-02 02:02:02' {} +
}

# describe TREE: one line for each name with all that must survive; hard links by the group's first name.
describe() {
	(
		cd "$1" || exit
		find . -printf '%P\001%y\001%m\001%U:%G\001%T@\001%l\001%n\001%i\001%s\0' | LC_ALL=C sort -z |
			awk -v RS='\0' -F'\001' '{
				size = $2 == "d" ? "-" : $9
				links = $2 == "d" ? "-" : $7
				if (!($8 in first)) first[$8] = $1
				printf "%s|%s|%s|%s|%s|%s|%s|%s|%s\n", $1, $2, $3, $4, $5, $6, links, size, first[$8]
			}'
		find . -type c -exec stat -c '%n %t:%T' {} + | LC_ALL=C sort
		getfattr -h -R -P -d -m '^user\.' . 2>/dev/null | awk -v RS= -v FS='\n' -v OFS='|' '{ $1 = $1; print }' | LC_ALL=C sort
	)
}

checksums() {
	(cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum)
}

# same_tree A B: fails unless they are.
same_tree() {
	# shellcheck disable=SC2154 # lib.sh sets it
	describe "$1" >"$scratch/a.tree"
	describe "$2" >"$scratch/b.tree"
	[ -s "$scratch/a.tree" ] || fail "$1 could not be read"
	diff "$scratch/a.tree" "$scratch/b.tree" >"$scratch/tree.diff" ||
		fail "$2 differs from $1 in attributes:"$'\n'"$(head -n 20 "$scratch/tree.diff")"
	checksums "$1" >"$scratch/a.sums"
	checksums "$2" >"$scratch/b.sums"
	diff "$scratch/a.sums" "$scratch/b.sums" >"$scratch/sums.diff" ||
		fail "$2 differs from $1 in contents:"$'\n'"$(head -n 20 "$scratch/sums.diff")"
}

# same_contents A B: names, types and bytes are, whatever owners and times.
same_contents() {
	diff -r --no-dereference "$1" "$2" >"$scratch/contents.diff" ||
		fail "$2 differs from $1:"$'\n'"$(head -n 20 "$scratch/contents.diff")"
}

# copies TREE COPY COMMAND...: the command makes COPY, in the mount, of TREE; the two are the same before and after a
# remount.
copies() {
	local tree=$1 copy=$2
	shift 2
	"$@" || fail "$* ended with status $?"
	same_tree "$tree" "$copy"
	remount_it
	same_tree "$tree" "$copy"
}
