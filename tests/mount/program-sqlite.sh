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
		writer "$1" "$i" &
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

# killed JOURNAL: the daemon is killed while the writers work; what they were told is committed is there afterwards.
killed() {
	local i pid last
	make_database "$1"
	transactions=1000
	start_writers "$1"
	until [ "$(cat "$scratch"/written.* 2>/dev/null | grep -c committed)" -ge 20 ]; do
		sleep 0.05
	done
	kill_it
	for pid in "${pids[@]}"; do
		! wait "$pid" || fail "a writer ended well although the mount went away"
	done
	mount_it
	sound
	for ((i = 1; i <= writers; i++)); do
		last=$(sed -n 's/^committed //p' "$scratch/written.$i" | tail -n 1)
		expect "${last:-0}" "$(sql "select count(*) from n where writer = $i and number <= ${last:-0}")" "rows of writer $i that were committed"
	done
	expect "$(sql 'select count(*) from n')" "$(sql 'select value from sum')" "sum of the shared row"
}

test_wal_killed() {
	killed wal
}

test_delete_killed() {
	killed delete
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
