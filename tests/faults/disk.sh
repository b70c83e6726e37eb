#!/usr/bin/env bash
# The quick share of faults of the disk. tools/faults tries all of them.
exec "${REELFS_BUILD:-$PWD}/tests/faults/faults"
