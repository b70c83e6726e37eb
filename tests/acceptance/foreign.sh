#!/usr/bin/env bash
# Expects that files and entries are the same thing seen from two sides: what reel write puts into a
# container shows in the mount, and what is copied into the mount reads back with reel cat.
# shellcheck source=tests/acceptance/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1

mkdir "$mnt"
"$reel" init "$container" || fail "reel init failed"
"$reel" write "$container" docs/a.txt hello || fail "reel write failed"
seq 100000 | "$reel" write "$container" docs/long || fail "reel write of standard input failed"
mount_container
[ "$(cat "$mnt/docs/a.txt")" = hello ] || fail "docs/a.txt is not what reel write wrote"
seq 100000 | cmp - "$mnt/docs/long" || fail "docs/long is not what reel write wrote"
pass "entries written by reel write are files of the mount"

cp /usr/include/stdio.h "$mnt/docs/" || fail "cp failed"
mkdir -p "$mnt/a/b/c"
echo nested >"$mnt/a/b/c/d"
"$reel" cat "$container" docs/stdio.h | cmp - /usr/include/stdio.h || fail "reel cat beside the mount differs"
unmount_container
"$reel" cat "$container" docs/stdio.h | cmp - /usr/include/stdio.h || fail "reel cat differs"
[ "$("$reel" cat "$container" a/b/c/d)" = nested ] || fail "reel cat a/b/c/d differs"
pass "files copied into the mount read back with reel cat"

"$reel" write "$container" docs/a.txt changed || fail "reel write over a file failed"
"$reel" mv "$container" a/b/c/d a/moved || fail "reel mv failed"
"$reel" rm "$container" docs/long || fail "reel rm failed"
mount_container
[ "$(cat "$mnt/docs/a.txt")" = changed ] || fail "docs/a.txt does not have its new contents"
[ "$(cat "$mnt/a/moved")" = nested ] || fail "a/moved does not have the contents moved"
[ ! -e "$mnt/a/b/c/d" ] || fail "a/b/c/d is still there after reel mv"
[ ! -e "$mnt/docs/long" ] || fail "docs/long is still there after reel rm"
pass "reel write, mv and rm show in the mount"
stop_container
