#!/usr/bin/env bash
# SQLite: several processes write one database at a time; none of their transactions is lost, with any kind of journal.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
need_programs sqlite3

writers=4
transactions=25

sql() {
	sqlite3 -batch -cmd '.timeout 60000' "$mnt/db" "$@"
}

# make_database JOURNAL
make_database() {
	expect "$1" "$(sql "pragma journal_mode = $1; create table n(writer, number, filler); create table sum(value); insert into sum values (0);" | head -n 1)"
	sql 'create index by_number on n(number)'
}

# writer JOURNAL NUMBER: each transaction reads and changes a row that all share, adds one of its own, and tells of it in
# the file written.NUMBER once it is committed.
writer() {
	local i
	for ((i = 1; i <= transactions; i++)); do
		echo "begin immediate; insert into n values ($2, $i, hex(randomblob(300)));
			update sum set value = value + 1; commit;
			select 'committed $i';"
	done | sqlite3 -batch -bail -cmd '.timeout 60000' -cmd "pragma journal_mode = $1" "$mnt/db" >"$scratch/written.$2" 2>"$scratch/error.$2"
}

# start_writers JOURNAL: their process ids are in the array pids.
start_writers() {
	local i
	pids=()
	for ((i = 1; i <= writers; i++)); do
		writer "$1" "$i" 2>/dev/null &
		pids+=($!)
	done
}

sound() {
	expect ok "$(sql 'pragma integrity_check')" "integrity_check"
}

# concurrent JOURNAL: all transactions of all writers are in the database, before and after a remount.
concurrent() {
	local pid
	make_database "$1"
	start_writers "$1"
	for pid in "${pids[@]}"; do
		wait "$pid" || fail "a writer failed: $(cat "$scratch"/error.*)"
	done
	sound
	remount_it
	sound
	expect $((writers * transactions)) "$(sql 'select value from sum')" "sum of the shared row"
	expect $((writers * transactions)) "$(sql 'select count(*) from (select distinct writer, number from n)')" rows
}

# A write-ahead log, which all share in memory.
test_wal() {
	concurrent wal
}

# A rollback journal that is unlinked, cut to nothing or overwritten at each commit.
test_delete() {
	concurrent delete
}

test_truncate() {
	concurrent truncate
}

test_persist() {
	concurrent persist
}

# until_committed NUMBER: waits until the writers were told of so many transactions.
until_committed() {
	until [ "$(cat "$scratch"/written.* 2>/dev/null | grep -c committed)" -ge "$1" ]; do
		sleep 0.05
	done
}

# The database is whole, and has every transaction that a writer was told of.
nothing_lost() {
	local i last
	sound
	for ((i = 1; i <= writers; i++)); do
		last=$(sed -n 's/^committed //p' "$scratch/written.$i" | tail -n 1)
		expect "${last:-0}" "$(sql "select count(*) from n where writer = $i and number <= ${last:-0}")" "rows of writer $i that were committed"
	done
	expect "$(sql 'select count(*) from n')" "$(sql 'select value from sum')" "sum of the shared row"
}

# daemon_killed JOURNAL: while the writers work.
daemon_killed() {
	local pid
	make_database "$1"
	transactions=1000
	start_writers "$1"
	until_committed 20
	kill_it
	for pid in "${pids[@]}"; do
		! wait "$pid" || fail "a writer ended well although the mount went away"
	done
	mount_it
	nothing_lost
}

test_wal_daemon_killed() {
	daemon_killed wal
}

test_delete_daemon_killed() {
	daemon_killed delete
}

# writers_killed JOURNAL TRANSACTIONS: they are killed one after the other, each in the middle of something, when they
# have done so many in all; the next round begins with what they leave.
writers_killed() {
	local pid round
	make_database "$1"
	transactions=100000
	for round in 1 2; do
		rm -f "$scratch"/written.*
		start_writers "$1"
		for pid in "${pids[@]}"; do
			until_committed "$2"
			pkill -KILL -P "$pid" || fail "a writer had ended: $(cat "$scratch"/error.*)"
			wait "$pid" || true
		done
		[ "$round" -eq 2 ] || remount_it
		nothing_lost
		sql "update n set writer = writer + 100"
	done
}

test_wal_writers_killed() {
	writers_killed wal 20
}

test_delete_writers_killed() {
	writers_killed delete 20
}

long_killed() {
	writers=16
	writers_killed wal 2000
	rm "$mnt"/db*
	writers_killed truncate 500
	rm "$mnt"/db*
	rm -f "$scratch"/written.*
	daemon_killed persist
}

# Vacuum, backup and restore give a database with the same rows.
test_vacuum_and_backup() {
	make_database wal
	sql "with recursive c(x) as (select 1 union all select x + 1 from c where x < 3000) insert into n select 1, x, hex(randomblob(400)) from c"
	sql "delete from n where number % 2"
	local sum
	sum=$(sql 'select count(*), sum(number), sum(length(filler)) from n')
	sql vacuum
	sql ".backup '$mnt/backup'"
	remount_it
	sound
	expect "$sum" "$(sql 'select count(*), sum(number), sum(length(filler)) from n')" "after vacuum"
	expect "$sum" "$(sqlite3 "$mnt/backup" 'select count(*), sum(number), sum(length(filler)) from n')" "in the backup"
	sqlite3 "$mnt/backup" .dump | sqlite3 "$mnt/restored"
	expect "$sum" "$(sqlite3 "$mnt/restored" 'select count(*), sum(number), sum(length(filler)) from n')" "in the restored dump"
}

run_tests "$@"
