#!/usr/bin/env bash
# inotify(7): who watches a file or a directory is told what happens there.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

# watch FOLDER: from now on its events are written to $scratch/events, one a line: EVENTS NAME.
watch() {
	need_programs inotifywait
	rm -f "$scratch/watcher" # that of a watcher before says "established", too
	inotifywait -m --format '%e %f' "$1" >"$scratch/events" 2>"$scratch/watcher" &
	watcher=$!
	trap 'kill "$watcher" 2>/dev/null || true; clean_up' EXIT
	until grep -qs established "$scratch/watcher"; do
		kill -0 "$watcher" || fail "inotifywait: $(cat "$scratch/watcher")"
		sleep 0.01
	done
}

# events: what came until now, without the names "last" and without opening and closing for reading.
events() {
	: >"$watched/last"
	until grep -q 'CLOSE_WRITE.* last' "$scratch/events"; do
		kill -0 "$watcher" || fail "inotifywait: $(cat "$scratch/watcher")"
		sleep 0.01
	done
	grep -v -e ' last$' -e '^OPEN' -e NOWRITE -e '^ACCESS' "$scratch/events"
}

# changes FOLDER: one of each kind.
changes() {
	echo text >"$1/f"
	chmod 600 "$1/f"
	mv "$1/f" "$1/g"
	ln "$1/g" "$1/h"
	rm "$1/g"
	mkdir "$1/d"
	rmdir "$1/d"
	mv "$1/h" "$1/../h"
}

# Making, writing, closing, changing of attributes, renaming and removing are told, in order, with the names.
test_directory() {
	watched=$mnt/watched
	mkdir "$watched"
	watch "$watched"
	changes "$watched"
	events >"$scratch/told"
	diff "$scratch/told" - <<-EOF || fail "the events differ"
		CREATE f
		MODIFY f
		CLOSE_WRITE,CLOSE f
		ATTRIB f
		MOVED_FROM f
		MOVED_TO g
		CREATE h
		DELETE g
		CREATE,ISDIR d
		DELETE,ISDIR d
		MOVED_FROM h
	EOF
}

# The same events come as from another file system.
test_as_elsewhere() {
	local where
	for where in "$mnt" "$scratch"; do
		watched=$where/watched
		mkdir "$watched"
		watch "$watched"
		changes "$watched"
		events >"$scratch/told.${where##*/}"
		kill "$watcher"
	done
	diff "$scratch/told.${mnt##*/}" "$scratch/told.${scratch##*/}" || fail "the events differ"
}

# A file that is watched itself tells of its end.
test_removed_file() {
	watched=$mnt
	: >"$mnt/f"
	watch "$mnt/f"
	rm "$mnt/f"
	until grep -q DELETE_SELF "$scratch/events"; do
		kill -0 "$watcher" || fail "inotifywait: $(cat "$scratch/watcher")"
		sleep 0.01
	done
}

run_tests "$@"
