#!/usr/bin/env bash
# File capabilities: the attribute security.capability.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
# shellcheck source=tests/mount/users.sh
. "$(dirname "$0")/users.sh" || exit 1

# capable: $mnt/f, a program with a capability.
capable() {
	need_root
	need_programs setcap getcap
	cp /bin/cat "$mnt/f"
	setcap cap_dac_read_search+ep "$mnt/f"
	has_capability || fail "setcap had no effect"
}

has_capability() {
	getcap "$mnt/f" | grep -q cap_dac_read_search=ep
}

# They are kept, through rename, link, chmod, touch and reading.
test_kept() {
	capable
	mv "$mnt/f" "$mnt/g"
	ln "$mnt/g" "$mnt/f"
	chmod 711 "$mnt/f"
	touch -a -m "$mnt/f"
	cat "$mnt/f" >/dev/null
	has_capability || fail "they are gone"
	remount_it -o allow_other
	has_capability || fail "they are gone after a remount"
}

# A write takes them away, one by root too, for good; with the writeback cache and without.
test_write() {
	capable
	printf x | dd of="$mnt/f" conv=notrunc status=none
	! has_capability || fail "they are still there"
	remount_it -o allow_other,no_writeback_cache
	! has_capability || fail "they are there again"
	setcap cap_dac_read_search+ep "$mnt/f"
	printf x | dd of="$mnt/f" conv=notrunc status=none
	! has_capability || fail "they are still there without the writeback cache"
}

# So does truncating, by truncate(2) and by open(2).
test_truncate() {
	capable
	truncate -s 100 "$mnt/f"
	! has_capability || fail "they are still there after truncate(2)"
	setcap cap_dac_read_search+ep "$mnt/f"
	: >"$mnt/f"
	! has_capability || fail "they are still there after open(2)"
}

# And fallocate(2) and copy_file_range(2).
test_ranges() {
	capable
	fallocate -z -o 0 -l 4096 "$mnt/f"
	! has_capability || fail "they are still there after fallocate(2)"
	cp /bin/cat "$mnt/from"
	setcap cap_dac_read_search+ep "$mnt/f"
	"$build/tests/mount/ranges" copy "$mnt/from" 0 "$mnt/f" 0 32768 >/dev/null
	! has_capability || fail "they are still there after copy_file_range(2)"
}

# And a change of owner or group.
test_chown() {
	capable
	chown "$bob" "$mnt/f"
	! has_capability || fail "they are still there after chown"
	setcap cap_dac_read_search+ep "$mnt/f"
	chgrp "$team" "$mnt/f"
	! has_capability || fail "they are still there after chgrp"
}

# What was written before they were given does not take them away when the kernel writes it back.
test_written_before() {
	need_root
	need_programs setcap getcap
	cp /bin/cat "$mnt/f"
	exec 3<>"$mnt/f"
	head -c 100000 /bin/cat >&3
	setcap cap_dac_read_search+ep "$mnt/f"
	exec 3>&-
	sync -f "$mnt"
	has_capability || fail "they are gone"
	cmp /bin/cat "$mnt/f"
}

# A program has them in a mount with -o allow_suid, and in no other.
test_exec() {
	capable
	echo secret >"$scratch/secret"
	chmod 600 "$scratch/secret"
	expect_error "Permission denied" as "$alice" "$mnt/f" "$scratch/secret"
	remount_it -o allow_other,allow_suid
	expect secret "$(as "$alice" "$mnt/f" "$scratch/secret")"
}

# "reel import" keeps them.
test_imported() {
	need_root
	need_programs setcap getcap
	mkdir "$scratch/a"
	cp /bin/cat "$scratch/a/f"
	setcap cap_dac_read_search+ep "$scratch/a/f"
	unmount_it
	"$reel" import "$container" "$scratch/a" >/dev/null
	mount_it -o allow_other
	has_capability || fail "they are gone"
}

# requests NAME: how many of them the daemon has got.
requests() {
	grep -c "opcode: $1 " "$scratch/log" || true
}

# Plain writes do not pay for it: the kernel asks for the attribute at most once after it has got to know a file, and never at
# a write.
test_writes_send_no_getxattr() {
	local before writes
	remount_it -o allow_other,no_writeback_cache,debug
	dd if=/dev/zero of="$mnt/f" bs=4096 count=1 status=none
	before=$(requests GETXATTR)
	writes=$(requests WRITE)
	dd if=/dev/zero of="$mnt/f" bs=4096 count=100 conv=notrunc status=none
	expect "$((writes + 100))" "$(requests WRITE)" "WRITE requests"
	[ "$(requests GETXATTR)" -le $((before + 1)) ] || fail "$(($(requests GETXATTR) - before)) GETXATTR for 100 writes"
	[ "$before" -le 1 ] || fail "$before GETXATTR for a new file"
}

# The same with the writeback cache, where the kernel alone decides when it writes.
test_writes_send_no_getxattr_with_writeback() {
	remount_it -o allow_other,debug
	dd if=/dev/zero of="$mnt/f" bs=4096 count=100 status=none
	[ "$(requests GETXATTR)" -le 1 ] || fail "$(requests GETXATTR) GETXATTR for 100 writes"
}

make_users
run_tests "$@"
