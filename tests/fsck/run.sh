#!/usr/bin/env bash
# Each folder here is a damaged container, kept as `container.gz`: one that today's programs no longer make is still
# judged in the same way. `make` says what is wrong with it, and made it, in the shell, with the functions below
# and those of tests/cli/lib.sh. `expect` is what fsck.reelfs -fp says and its exit status; where that leaves faults, it is also
# what reel check --repair says. The second pass, over what was repaired, must be clean.
# usage: run.sh [--write [NAME]]     (makes the containers anew, and what is said of them: look at the changes!)
# shellcheck disable=SC2317 # functions for the recipes
. "${srcdir:-.}/tests/cli/lib.sh" || exit

# A small tree, each file a transaction of its own.
tree() {
	reel init c
	reel write c d/a hello
	reel write c b 'the file b'
	reel write c d/c 'the last one'
}

# last_entry_start CONTAINER: where the entry before the last one ends.
last_entry_start() {
	od -An -tu8 -j $(($(stat -c %s "$1") - 12)) -N 8 "$1" | tr -d ' '
}

# checkpoint_offset CONTAINER: of the newest checkpoint with more than an empty tree. A seal's flags are at its byte 12.
checkpoint_offset() {
	local offset flags found=
	while IFS=: read -r offset _; do
		flags=$(od -An -tu4 -j $((offset + 12)) -N 4 "$1" | tr -d ' ')
		[ $((flags & 1)) -eq 0 ] || found=$offset
	done < <(grep -obUa REELFSTX "$1")
	echo "$found"
}

# said COMMAND...: prints what it prints, and its status. The size of a container that is made is not what is tested,
# nor what libmagic says of contents.
said() {
	local status=0
	"$@" >"$scratch/said" 2>&1 || status=$?
	sed -E 's/^(new: has what is whole of c) .*/\1/; s/(lost\+found as entry-[0-9]+): .*/\1/' "$scratch/said"
	echo "status $status"
	return $status
}

fsck() {
	"$build/fsck.reelfs" "$@"
}

# make_one NAME: makes its container anew.
make_one() {
	# shellcheck disable=SC1090 # one of the folders here
	. "$cases/$1/make"
	gzip -9n <c >"$cases/$1/container.gz"
}

# check_one NAME: writes what is said to the file got, and fails if the second pass is not clean.
check_one() {
	local status=0
	gunzip <"$cases/$1/container.gz" >c
	cp c before
	said fsck -fp c >got || status=$?
	case $status in
	0 | 8) cmp c before || fail "the container was changed" ;;
	4)
		cmp c before || fail "the container was changed"
		said reel check --repair=new c >>got || true
		mv new c
		;;
	esac
	[ $status -eq 8 ] || run 0 fsck -fp c
}

cases=$source_tree/tests/fsck
mapfile -t names < <(cd "$cases" && printf '%s\n' */make | sed 's|/make$||')
if [ "${1:-}" = --write ]; then
	for name in ${2:-"${names[@]}"}; do
		rm -rf "$scratch/case"
		mkdir "$scratch/case"
		(cd "$scratch/case" && set -e && make_one "$name" && check_one "$name" && cp got "$cases/$name/expect") || echo "$name failed"
	done
	exit
fi
echo "1..${#names[@]}"
n=0
failed=0
for name in "${names[@]}"; do
	n=$((n + 1))
	mkdir "$scratch/case"
	if (
		set -e
		cd "$scratch/case"
		check_one "$name"
		diff -u "$cases/$name/expect" got
	) >"$scratch/log" 2>&1; then
		echo "ok $n - $name"
	else
		sed 's/^/# /' "$scratch/log"
		echo "not ok $n - $name"
		failed=1
	fi
	rm -rf "$scratch/case"
done
exit $failed
