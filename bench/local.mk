# Programs of the measurements, made when asked for: make bench/store, make bench/smallfiles.
EXTRA_PROGRAMS += bench/smallfiles bench/store
bench_smallfiles_SOURCES = bench/smallfiles.c
bench_store_SOURCES = \
	bench/container.c bench/container.h \
	bench/limits.c \
	bench/measure.c bench/measure.h \
	bench/reading.c \
	bench/store.c \
	bench/writing.c
bench_store_LDADD = libreel.la
EXTRA_DIST += bench/README.md bench/against-reference bench/compare
