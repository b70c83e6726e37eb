#!/usr/bin/env bash
# The quick share of the crash states: a few rounds of each workload. tools/crash-states runs more.
exec "${REELFS_BUILD:-$PWD}/tests/crash/states" -n 3
