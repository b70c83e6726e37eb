#!/usr/bin/env bash
# What `reel` says about itself, and what it answers to a wrong command line.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh" || exit

commands=(init ls cat write mv rm copy move import info stat keys check compact convert)
aliases=(read:cat rename:mv delete:rm metadata:stat)

# Expects --help to list every command on standard output, exit status 0.
test_help_lists_every_command() {
	local command
	run 0 reel --help
	for command in "${commands[@]}"; do
		matches "$out" "*"$'\n'"  $command *"
	done
	is "$err" ""
}

# Expects the same from `reel help`.
test_help_is_also_a_command() {
	run 0 reel help
	is "$out" "$(reel --help)"
}

# Expects the version that configure was given.
test_version_is_that_of_the_package() {
	run 0 reel --version
	matches "$out" "reel (reelfs) [0-9]*.[0-9]*"
}

# Expects each command's --help to begin with its usage, on standard output, exit status 0.
test_every_command_has_help() {
	local command
	for command in "${commands[@]}"; do
		run 0 reel "$command" --help
		matches "$out" "Usage: reel $command *CONTAINER*Options:*--help*"
		is "$err" ""
		is "$(reel help "$command")" "$out"
	done
}

# Expects the manual page to have every command and option that --help shows.
test_manual_page_has_every_command_and_option() {
	local command option page=$source_tree/docs/man/reel.1
	for command in "${commands[@]}"; do
		grep -q "^\.It Cm $command " "$page" || fail "no $command in the manual page"
		run 0 reel "$command" --help
		while read -r option; do
			grep -q -e "Fl -$option" "$page" || fail "no $command --$option in the manual page"
		done < <(grep -o -e '--[a-z]*' "$scratch/out" | cut -c 3-)
	done
}

# Expects status 2 and a line that points to the help.
test_no_command_is_a_usage_error() {
	fails 2 "reel: *--help*" reel
}

# Expects status 2 and a line with the word.
test_unknown_command_is_a_usage_error() {
	fails 2 "reel: frobnicate: unknown command*" reel frobnicate c
	fails 2 "reel: frobnicate: unknown command*" reel help frobnicate
}

# Expects status 2 and a line with the option; nothing is made.
test_unknown_options_are_usage_errors() {
	local command
	for command in "${commands[@]}"; do
		fails 2 "reel: $command: *--frobnicate*" reel "$command" --frobnicate c p q
		fails 2 "reel: $command: *-Z*" reel "$command" -Z c p q
	done
	is "$(ls)" ""
}

# Expects status 2 and the usage in the line.
test_missing_arguments_are_usage_errors() {
	local command
	for command in "${commands[@]}"; do
		fails 2 "reel: $command: *usage: reel $command*" reel "$command"
	done
	for command in cat write rm mv stat copy move import convert; do
		fails 2 "reel: $command: *usage: reel $command*" reel "$command" c
	done
	fails 2 "reel: mv: *usage: reel mv*" reel mv c from
}

# Expects status 2 and a line with the first argument that is too much; nothing is made.
test_extra_arguments_are_usage_errors() {
	fails 2 "reel: init: extra: unexpected*" reel init c extra
	fails 2 "reel: ls: extra: unexpected*" reel ls c path extra
	fails 2 "reel: write: extra: unexpected*" reel write c key value extra
	fails 2 "reel: mv: extra: unexpected*" reel mv c from to extra
	fails 2 "reel: info: extra: unexpected*" reel info c extra
	fails 2 "reel: stat: extra: unexpected*" reel stat c path extra
	fails 2 "reel: check: extra: unexpected*" reel check c extra
	fails 2 "reel: copy: extra: unexpected*" reel copy c key d extra
	fails 2 "reel: import: extra: unexpected*" reel import c . extra
	fails 2 "reel: compact: extra: unexpected*" reel compact c extra
	fails 2 "reel: convert: extra: unexpected*" reel convert c d extra
	fails 2 "reel: keys: extra: unexpected*" reel keys c extra
	is "$(ls)" ""
}

# Expects status 2 and a line that says so.
test_option_with_an_argument_too_many_is_a_usage_error() {
	fails 2 "reel: info: option '--json' takes no value*" reel info --json=yes c
}

# Expects status 2 and a line with what is missing.
test_option_without_its_argument_is_a_usage_error() {
	fails 2 "reel: cat: option '--buffer-size' needs a SIZE*" reel cat c p -b
	fails 2 "reel: cat: option '--buffer-size' needs a SIZE*" reel cat c p --buffer-size
}

# Expects each second name to be in the help and the manual page, and to have the help of the first.
test_aliases_are_documented() {
	local alias command page=$source_tree/docs/man/reel.1
	for alias in "${aliases[@]}"; do
		command=${alias#*:}
		alias=${alias%:*}
		matches "$(reel --help)" "*
  $command *(also: $alias)*"
		run 0 reel "$alias" --help
		is "$(sed 1d <<<"$out")" "$(reel "$command" --help | sed 1d)"
		matches "$out" "Usage: reel $alias *'reel $command' and 'reel $alias' are the same command.*"
		grep -q "^\.Cm $alias$" "$page" || fail "no $alias in the manual page"
	done
}

# Expects the second names to do what the first do, and messages to have the name that was used.
test_aliases_work() {
	reel init c
	reel write c a contents
	is "$(reel read c a)" contents
	run 0 reel rename c a b
	is "$(reel metadata --json c b | jq -r .path)" b
	run 0 reel delete c b
	is "$(reel ls c)" ""
	fails 1 "reel: delete: b: not in c*" reel delete c b
	fails 2 "reel: rename: *usage: reel rename *" reel rename c
}

run_tests
