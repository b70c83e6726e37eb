#!/usr/bin/env bash
# dbench(1): many clients of a file server at once; each finds its files as it left them.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
need_programs dbench

# serve CLIENTS SECONDS [OPTION...]: dbench looks at the sizes and the errors of all that its clients do.
serve() {
	dbench -D "$mnt" -t "$2" "${@:3}" "$1" >"$scratch/said" 2>&1 || fail "dbench $*: $(tail -n 20 "$scratch/said")"
	grep -q '^Throughput [1-9]' "$scratch/said" || fail "dbench $* did nothing: $(tail -n 20 "$scratch/said")"
	remount_it
	expect "" "$(find "$mnt" -type f)" "files that were left"
}

test_clients() {
	serve 8 3
}

# All that is written is synced.
test_clients_with_sync() {
	serve 4 2 -S -F
}

long_clients() {
	serve 64 60
	serve 16 30 -s
}

run_tests "$@"
