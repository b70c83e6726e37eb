#!/usr/bin/env bash
# dpkg(1): packages are unpacked as on any file system.
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
# shellcheck source=tests/mount/trees.sh
. "$(dirname "$0")/trees.sh" || exit 1
need_programs dpkg

# Packages that were downloaded once stay in the build.
packages=$build/tests/packages

# get_package NAME: $package is its file, from what apt keeps or the network.
get_package() {
	package=$(find /var/cache/apt/archives "$packages" -name "$1_*.deb" -print -quit 2>/dev/null) || true
	[ -z "$package" ] || return 0
	mkdir -p "$packages"
	(cd "$packages" && apt-get -q download "$1") >"$scratch/apt" 2>&1 ||
		skip "apt-get cannot download $1: $(tail -n 1 "$scratch/apt")"
	package=$(find "$packages" -name "$1_*.deb" -print -quit)
}

# extract FOLDER: with times of directories that do not depend on when that was.
extract() {
	dpkg -x "$package" "$1"
	find "$1" -type d -exec touch -d 2020-02-02 {} +
}

# dpkg -x of the package $1 gives the same tree as elsewhere.
extracts() {
	get_package "$1"
	extract "$scratch/want"
	[ "$(find "$scratch/want" | wc -l)" -gt 1000 ] || fail "$package is too small for this test"
	copies "$scratch/want" "$mnt/package" extract "$mnt/package"
}

test_extract() {
	extracts vim-runtime
}

# 15,000 files.
long_extract() {
	extracts libboost1.74-dev
}

# make_package VERSION NAME...: a package with those files and folders of a plain tree and one that all versions have; $package is
# its file.
make_package() {
	local root=$scratch/p$1
	mkdir -p "$root/DEBIAN" "$root/usr/share/reelfs-test"
	printf '%s\n' "Package: reelfs-test" "Version: $1" "Architecture: all" "Maintainer: nobody <nobody@localhost>" \
		"Description: test" >"$root/DEBIAN/control"
	echo "$1" >"$root/usr/share/reelfs-test/version"
	(cd "$scratch/plain" && cp -r "${@:2}" "$root/usr/share/reelfs-test/")
	package=$scratch/$1.deb
	dpkg-deb --root-owner-group -Znone -b "$root" "$package" >/dev/null
}

run_dpkg() {
	dpkg --root="$mnt/root" --force-not-root --force-script-chrootless --log="$scratch/dpkg.log" "$@" >"$scratch/said" 2>&1 ||
		fail "dpkg $*: $(cat "$scratch/said")"
}

# Installed, upgraded, checked and purged in a root of its own, which syncs and renames every file.
test_install_and_upgrade() {
	make_plain_tree "$scratch/plain"
	mkdir -p "$mnt/root/var/lib/dpkg/info" "$mnt/root/var/lib/dpkg/updates"
	touch "$mnt/root/var/lib/dpkg/status"
	make_package 1 fs.h kd.h can
	run_dpkg -i "$package"
	expect 1 "$(cat "$mnt/root/usr/share/reelfs-test/version")"
	remount_it
	make_package 2 fs.h stat.h usb
	run_dpkg -i "$package"
	remount_it
	expect "ii  2" "$(dpkg-query --admindir="$mnt/root/var/lib/dpkg" -W -f '${db:Status-Abbrev} ${Version}' reelfs-test)"
	run_dpkg --verify reelfs-test
	expect "" "$(cat "$scratch/said")" "what dpkg --verify finds"
	same_contents "$scratch/p2/usr/share/reelfs-test" "$mnt/root/usr/share/reelfs-test"
	run_dpkg --purge reelfs-test
	[ ! -e "$mnt/root/usr/share/reelfs-test" ] || fail "files are left: $(ls "$mnt/root/usr/share/reelfs-test")"
}

run_tests "$@"
