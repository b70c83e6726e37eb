# shellcheck shell=bash
# Two unprivileged users for the tests of permissions, who exist as long as the script runs. To be sourced after lib.sh;
# a script calls make_users before run_tests, and its tests begin with need_root.
#
# $alice and $bob are their names, each with a group of the same name; $team is a group that alice belongs to
# besides her own, and bob does not.
alice=rfa$$
bob=rfb$$
team=rft$$
# They may use the mounts that root makes.
# shellcheck disable=SC2034 # lib.sh uses it
mount_options=(-o "create,allow_other")

remove_users() {
	userdel "$alice"
	userdel "$bob"
	groupdel "$team"
} >/dev/null 2>&1

make_users() {
	# Without root there are none, and need_root skips each test.
	[ "$(id -u)" -eq 0 ] || return 0
	trap remove_users EXIT
	if ! groupadd "$team" || ! useradd -M -U -G "$team" "$alice" || ! useradd -M -U "$bob"; then
		bail_out "the users for the tests cannot be made; see the message above"
	fi
}

# as USER COMMAND...: with the user's groups.
as() {
	local user=$1
	shift
	setpriv --reuid "$user" --regid "$user" --init-groups -- "$@"
}

