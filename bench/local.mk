# Programs of the measurements, made when asked for: make bench/store, make bench/smallfiles.
EXTRA_PROGRAMS += bench/smallfiles bench/store
bench_smallfiles_SOURCES = bench/smallfiles.c
bench_store_SOURCES = bench/limits.c bench/measure.c bench/measure.h bench/store.c
bench_store_LDADD = libstore.la
EXTRA_DIST += bench/against-reference bench/compare
