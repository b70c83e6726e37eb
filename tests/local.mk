# Unit tests: one Check program a folder of src/, tests/unit/<folder>/.

# Whole tasks through a real mount, and kills under load; tools/soak runs their long forms.
acceptance_tests = \
	tests/acceptance/roundtrip.sh tests/acceptance/sizes.sh tests/acceptance/manyfiles.sh \
	tests/acceptance/names.sh tests/acceptance/foreign.sh tests/acceptance/badinput.sh \
	tests/crash/kill-loop.sh
TESTS += $(acceptance_tests)
EXTRA_DIST += $(acceptance_tests) tests/acceptance/lib.sh
noinst_PROGRAMS += tests/crash/writer
tests_crash_writer_SOURCES = tests/crash/writer.c
