# Fuzz harnesses. In a build with --enable-fuzzing (clang) they are fuzzers; in any other they replay the corpus.
fuzz_harnesses = \
	tests/fuzz/fuzz_container tests/fuzz/fuzz_replay tests/fuzz/fuzz_store tests/fuzz/fuzz_legacy \
	tests/fuzz/fuzz_operations
noinst_PROGRAMS += $(fuzz_harnesses)
fuzz_common = tests/fuzz/fuzz.c tests/fuzz/fuzz.h
fuzz_ldadd = libfs.la libstore.la
if FUZZING
fuzz_mutate = tests/fuzz/mutate.c tests/fuzz/reseal.c
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
else
TESTS += tests/fuzz/corpus.sh
fuzz_common += tests/fuzz/main.c
fuzz_mutate =
fuzz_ldflags = $(AM_LDFLAGS)
endif

tests_fuzz_fuzz_container_SOURCES = tests/fuzz/fuzz_container.c tests/fuzz/exercise.c tests/fuzz/text.c \
	$(fuzz_common) $(fuzz_mutate)
tests_fuzz_fuzz_container_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_container_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_replay_SOURCES = tests/fuzz/fuzz_replay.c tests/fuzz/build.c tests/fuzz/build.h tests/fuzz/exercise.c \
	tests/fuzz/text.c $(fuzz_common)
tests_fuzz_fuzz_replay_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_replay_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_store_SOURCES = tests/fuzz/fuzz_store.c tests/fuzz/text.c $(fuzz_common) $(fuzz_mutate)
tests_fuzz_fuzz_store_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_store_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_legacy_SOURCES = tests/fuzz/fuzz_legacy.c tests/fuzz/build.c tests/fuzz/build.h $(fuzz_common)
tests_fuzz_fuzz_legacy_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_legacy_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_operations_SOURCES = tests/fuzz/fuzz_operations.c $(fuzz_common)
tests_fuzz_fuzz_operations_CFLAGS = $(AM_CFLAGS) -I$(srcdir)/tests/unit/fs
tests_fuzz_fuzz_operations_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_operations_LDADD = tests/unit/fs/libharness.la $(fuzz_ldadd)
EXTRA_DIST += tests/fuzz/mutate.c tests/fuzz/reseal.c tests/fuzz/main.c tests/fuzz/corpus.sh tests/fuzz/corpus tools/fuzz
