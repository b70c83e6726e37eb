#!/usr/bin/env bash
# make install and make uninstall: the helpers of mount(8) and fsck(8) are linked where these look. Nothing of the machine is
# touched here: the folder that stands for /sbin is the test's.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh" || exit

# hook TARGET [VARIABLE=VALUE]...: what make runs after it has installed the programs, or before it has removed them.
hook() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$build" "$1" prefix="$PWD/usr" mounthelperdir="$PWD/sbin" "${@:2}"
}

# Puts stand-ins for the programs where make installs them.
programs() {
	mkdir -p "$PWD/usr/bin" "$PWD/usr/sbin"
	cp /bin/true "$PWD/usr/bin/reelfs"
	cp /bin/true "$PWD/usr/sbin/fsck.reelfs"
}

# Expects a link for each name, that works, and none that is left by an uninstallation.
test_links() {
	programs
	hook install-exec-hook
	is "$(readlink "$PWD/sbin/mount.fuse.reelfs")" "$PWD/usr/bin/reelfs"
	is "$(readlink "$PWD/sbin/fsck.fuse.reelfs")" "$PWD/usr/sbin/fsck.reelfs"
	"$PWD/sbin/fsck.reelfs"
	"$PWD/usr/sbin/mount.fuse.reelfs"
	hook install-exec-hook
	hook uninstall-hook
	is "$(find "$PWD/sbin" "$PWD/usr/sbin" -name '*fuse*')" ""
}

# Expects links to the later place in the stage of a package.
test_stage() {
	run 0 hook install-exec-hook DESTDIR="$PWD/stage" prefix=/opt/reelfs mounthelperdir=/sbin
	is "$err" ""
	is "$(readlink "$PWD/stage$(realpath /sbin)/mount.fuse.reelfs")" /opt/reelfs/bin/reelfs
	run 0 hook uninstall-hook DESTDIR="$PWD/stage" prefix=/opt/reelfs mounthelperdir=/sbin
	is "$(find "$PWD/stage" ! -type d)" ""
}

# Expects one link only where the helpers are installed in that folder itself, and just that in a check of a distribution.
test_nothing_to_link() {
	programs
	run 0 hook install-exec-hook mounthelperdir="$PWD/usr/sbin"
	is "$err" ""
	"$PWD/usr/sbin/fsck.fuse.reelfs"
	run 0 hook install-exec-hook mounthelperdir=no
	is "$err" ""
	[ ! -e "$PWD/sbin" ] || fail "there are links"
	grep -q '^AM_DISTCHECK_CONFIGURE_FLAGS *= *--with-mount-helper-dir=no' "$source_tree/Makefile.am" || fail "distcheck would link"
}

# Expects to be told what is missing, and the command for it, where the folder cannot be written to.
test_not_writable() {
	programs
	: >"$PWD/sbin"
	run 0 hook install-exec-hook
	matches "$err" "*NOT COMPLETE*ln -sf '$PWD/usr/bin/reelfs' '$PWD/sbin'/mount.fuse.reelfs*fsck.fuse.reelfs*"
}

# Expects what belongs to somebody else to be left, by an uninstallation too, and told.
test_left() {
	programs
	mkdir "$PWD/sbin"
	echo other >"$PWD/sbin/mount.fuse.reelfs"
	ln -s /bin/true "$PWD/sbin/fsck.reelfs"
	run 0 hook install-exec-hook
	matches "$err" "*mount.fuse.reelfs is there already*fsck.reelfs is there already*ln -sf*mount.fuse.reelfs*"
	hook uninstall-hook
	is "$(cat "$PWD/sbin/mount.fuse.reelfs") $(readlink "$PWD/sbin/fsck.reelfs")" "other /bin/true"
	[ ! -L "$PWD/sbin/fsck.fuse.reelfs" ] || fail "our link is left"
}

run_tests "$@"
