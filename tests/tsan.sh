#!/usr/bin/env bash
# Builds the tests with threads under ThreadSanitizer, in a folder of its own, and runs them. Not part of
# `make check`, because the whole of it has to be built for this.
# usage: tests/tsan.sh [FOLDER]
set -euo pipefail

source_tree=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-$(mktemp -d "${TMPDIR:-/tmp}/reel-tsan.XXXXXX")}
programs="tests/unit/store/test_threads tests/unit/store/test_concurrent tests/unit/store/test_compact tests/unit/store/test_writer tests/unit/store/test_library tests/unit/fs/test_threads"

mkdir -p "$folder"
cd "$folder"
[ -f Makefile ] || "$source_tree/configure" CFLAGS='-g -O1 -fsanitize=thread' LDFLAGS='-fsanitize=thread' >/dev/null
# shellcheck disable=SC2086 # a list
make -s -j"$(nproc)" $programs
for program in $programs; do
	echo "$program"
	TSAN_OPTIONS="halt_on_error=1 ${TSAN_OPTIONS:-}" "./$program"
done
