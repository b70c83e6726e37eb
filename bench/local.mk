# Programs of the measurements, made when asked for: make bench/store, make bench/smallfiles, make bench/torn.
EXTRA_PROGRAMS += bench/smallfiles bench/store bench/torn
bench_smallfiles_SOURCES = bench/smallfiles.c
bench_store_SOURCES = \
	bench/container.c bench/container.h \
	bench/limits.c \
	bench/measure.c bench/measure.h \
	bench/reading.c \
	bench/store.c \
	bench/writing.c
bench_store_LDADD = libreel.la
bench_torn_SOURCES = bench/measure.c bench/measure.h bench/torn.c
bench_torn_LDADD = libfs.la libstore.la
EXTRA_DIST += bench/README.md bench/against-reference bench/compare
