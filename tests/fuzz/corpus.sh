#!/usr/bin/env bash
# What the fuzzers once found stays found: each harness is given the inputs in tests/fuzz/corpus/, which are small.
# Prints TAP, a test for each harness. tools/fuzz looks for more.
set -uo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${REELFS_BUILD:-$PWD}
n=0
echo 1..5
for harness in container legacy operations replay store; do
	n=$((n + 1))
	if out=$("$build/tests/fuzz/fuzz_$harness" "$top/tests/fuzz/corpus/$harness" 2>&1); then
		echo "ok $n - $harness: $out"
	else
		head -n 100 <<<"$out" | sed 's/^/# /'
		echo "not ok $n - $harness"
	fi
done
