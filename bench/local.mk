# Programs of the measurements; bench/compare builds them when it needs them.
EXTRA_PROGRAMS += bench/smallfiles
bench_smallfiles_SOURCES = bench/smallfiles.c
EXTRA_DIST += bench/compare
