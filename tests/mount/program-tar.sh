#!/usr/bin/env bash
# tar(1): what it packs and unpacks is the same tree, and it knows what has not changed.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
# shellcheck source=tests/mount/trees.sh
. "$(dirname "$0")/trees.sh" || exit 1

attributes=(--xattrs --xattrs-include='*')

# pack TREE ARCHIVE [OPTION...]
pack() {
	# --format=posix keeps the nanoseconds.
	tar -C "$1" --format=posix "${attributes[@]}" "${@:3}" -cf "$2" .
}

# unpack ARCHIVE FOLDER [OPTION...]
unpack() {
	mkdir "$2"
	tar -C "$2" "${attributes[@]}" --warning=no-timestamp "${@:3}" -xpf "$1"
}

# Unpacked in the mount.
test_into_the_mount() {
	make_odd_tree "$scratch/odd"
	pack "$scratch/odd" "$scratch/odd.tar"
	copies "$scratch/odd" "$mnt/odd" unpack "$scratch/odd.tar" "$mnt/odd"
}

# Packed from the mount, and the same once more after a remount; compared by tar itself.
test_from_the_mount() {
	make_odd_tree "$mnt/odd"
	pack "$mnt/odd" "$scratch/odd.tar"
	tar -C "$mnt/odd" -df "$scratch/odd.tar" || fail "tar -d finds differences"
	remount_it
	tar -C "$mnt/odd" -df "$scratch/odd.tar" || fail "tar -d finds differences after a remount"
	unpack "$scratch/odd.tar" "$scratch/out"
	same_tree "$mnt/odd" "$scratch/out"
}

# The archive in the mount too, compressed: appended to, listed, and unpacked beside it.
test_archive_in_the_mount() {
	make_plain_tree "$mnt/plain"
	pack "$mnt/plain" "$mnt/plain.tar"
	echo late >"$mnt/late"
	tar -C "$mnt" -rf "$mnt/plain.tar" late
	gzip -k "$mnt/plain.tar"
	remount_it
	gzip -t "$mnt/plain.tar.gz" || fail "the archive is broken"
	unpack "$mnt/plain.tar.gz" "$mnt/out"
	expect late "$(cat "$mnt/out/late")"
	rm "$mnt/out/late"
	touch -r "$mnt/plain" "$mnt/out"
	same_tree "$mnt/plain" "$mnt/out"
}

# With -S the holes are found in the mount, and take no room in a container.
test_sparse() {
	truncate -s 200M "$scratch/sparse"
	echo middle | dd of="$scratch/sparse" bs=1 seek=100M conv=notrunc status=none
	tar -C "$scratch" -Scf "$scratch/in.tar" sparse
	tar -C "$mnt" -xf "$scratch/in.tar"
	[ "$(stat -c %s "$container")" -lt 1000000 ] || fail "the container has $(stat -c %s "$container") bytes"
	tar -C "$mnt" -Scf "$scratch/out.tar" sparse
	[ "$(stat -c %s "$scratch/out.tar")" -lt 1000000 ] || fail "the archive has $(stat -c %s "$scratch/out.tar") bytes"
	remount_it
	cmp "$scratch/sparse" "$mnt/sparse"
}

# incremental ARCHIVE: packs what changed since the last time, and lists the files among that.
incremental() {
	tar -C "$mnt" --no-check-device --listed-incremental="$scratch/snapshot" -cf "$scratch/$1" plain
	tar -tf "$scratch/$1" | grep -v '/$' || true
}

# An incremental archive has what changed and nothing else, also after a remount: inode numbers and times stay.
# Unpacked in order, the archives give the tree, with what was removed.
test_incremental() {
	make_plain_tree "$mnt/plain"
	[ "$(incremental 0.tar | wc -l)" -gt 100 ] || fail "the full archive has too few files"
	expect "" "$(incremental 1.tar)" "files that did not change"
	remount_it
	expect "" "$(incremental 2.tar)" "files that did not change, after a remount"
	# tar compares times of files, which are those of the last tick, with the exact time of its last start.
	tick
	cp "$scratch/snapshot" "$scratch/snapshot.2"
	echo more >>"$mnt/plain/fs.h"
	mv "$mnt/plain/can" "$mnt/plain/could"
	rm "$mnt/plain/kd.h"
	expect "plain/fs.h" "$(incremental 3.tar | grep -v /could/)" "changed at $(stat -c %.9Y "$mnt/plain/fs.h"), after $(tr '\0' ' ' <"$scratch/snapshot.2" | sed -n '2s/ /./p' | cut -d' ' -f1)"
	mkdir "$mnt/again"
	for i in 0 1 2 3; do
		tar -C "$mnt/again" --listed-incremental=/dev/null -xf "$scratch/$i.tar"
	done
	remount_it
	same_contents "$mnt/plain" "$mnt/again/plain"
}

# All of /usr/include, in and out.
long_include() {
	pack /usr/include "$scratch/include.tar"
	copies /usr/include "$mnt/include" unpack "$scratch/include.tar" "$mnt/include"
	pack "$mnt/include" "$scratch/out.tar"
	unpack "$scratch/out.tar" "$scratch/out"
	same_tree /usr/include "$scratch/out"
}

# st_dev is a number that Linux gives at the mounting, the lowest free one. When another mount has it the next time, an
# incremental archive has everything anew, as tar takes it for another file system; with --no-check-device it does not.
test_incremental_when_the_device_number_has_changed() {
	local before other
	mkdir "$mnt/d"
	echo text >"$mnt/d/f"
	incremental() {
		tar -C "$mnt" -g "$scratch/$1" -cf "$scratch/d.tar" "${@:2}" d
		in_one_line tar -tf "$scratch/d.tar"
	}
	expect 'd/ d/f' "$(incremental list)"
	before=$(stat -c %d "$mnt")
	unmount_it
	other=$scratch/other
	mkdir "$other"
	for ((i = 0; i < 5; i++)); do
		start_daemon "$scratch/log$i" "$other" -o create "$scratch/c$i.reel" "$other"
		disown "$daemon"
		daemon=
		mount_it
		[ "$(stat -c %d "$mnt")" -eq "$before" ] || break
		unmount_it
	done
	[ "$(stat -c %d "$mnt")" -ne "$before" ] || skip "the device number does not change here"
	cp "$scratch/list" "$scratch/kept"
	expect 'd/ d/f' "$(incremental list)"
	expect 'd/' "$(incremental kept --no-check-device)"
	while mountpoint -q "$other"; do
		fusermount3 -u "$other"
	done
}

run_tests "$@"
