# Unit tests: one Check program a folder of src/, tests/unit/<folder>/.

EXTRA_DIST += tests/lib.sh

# Whole tasks through a real mount, and kills under load; tools/soak runs their long forms.
acceptance_tests = \
	tests/acceptance/sizes.sh tests/acceptance/manyfiles.sh \
	tests/acceptance/names.sh tests/acceptance/foreign.sh tests/acceptance/badinput.sh \
	tests/crash/kill-loop.sh
TESTS += $(acceptance_tests)
EXTRA_DIST += $(acceptance_tests)
noinst_PROGRAMS += tests/crash/worker
tests_crash_worker_SOURCES = \
	tests/crash/worker.c tests/crash/call.c tests/crash/call.h tests/crash/call_choose.c tests/crash/compare.c \
	tests/crash/model.c tests/crash/model.h

# Every state that a crash could leave, from records of what was written; tools/crash-states runs more of it.
TESTS += tests/crash/states.sh
EXTRA_DIST += tests/crash/states.sh
noinst_PROGRAMS += tests/crash/states
crash_life_sources = tests/crash/life.c tests/crash/life.h tests/crash/life_files.c tests/crash/life_import.c \
	tests/crash/life_keys.c tests/crash/life_random.c tests/crash/life_repair.c tests/crash/life_spill.c tests/crash/picture.c tests/crash/picture.h \
	tests/crash/workloads.c tests/crash/workloads_begun.c tests/crash/workloads.h tests/crash/record.c tests/crash/record.h tests/crash/moment.c tests/crash/moment.h
crash_life_cppflags = $(AM_CPPFLAGS) -DVECTORS_DIR='"$(abs_srcdir)/tests/compat/vectors"'
tests_crash_states_SOURCES = tests/crash/states.c tests/crash/explore.c tests/crash/explore_keys.c \
	tests/crash/explore.h $(crash_life_sources)
tests_crash_states_CPPFLAGS = $(crash_life_cppflags)
tests_crash_states_LDADD = libcrashimport.la libfs.la libstore.la

# Each call to the disk and each allocation failing in turn, in the same workloads; tools/faults runs all of them.
TESTS += tests/faults/disk.sh
EXTRA_DIST += tests/faults/disk.sh
noinst_PROGRAMS += tests/faults/faults
tests_faults_faults_SOURCES = tests/faults/faults.c tests/faults/failing.c tests/faults/failing.h \
	tests/faults/memory.c tests/faults/memory.h tests/crash/explore.c tests/crash/explore_keys.c tests/crash/explore.h \
	$(crash_life_sources)
tests_faults_faults_CPPFLAGS = $(crash_life_cppflags) -I$(srcdir)/tests/crash
tests_faults_faults_LDADD = libcrashimport.la libfaultsspill.la libfs.la libstore.la
tests_faults_faults_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray \
	-Wl,--wrap=aligned_alloc,--wrap=strdup,--wrap=strndup,--wrap=asprintf,--wrap=free \
	-Wl,-u,wbuf_new,-u,spill_open

# The write buffer, in place of libfs's (hence -u above), with its system calls on spill files in the test's hands.
noinst_LTLIBRARIES += libfaultsspill.la
libfaultsspill_la_SOURCES = tests/faults/spilled.h src/fs/wbuf.c src/fs/wbuf_pool.c src/fs/spill.c
libfaultsspill_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/faults -include $(srcdir)/tests/faults/spilled.h

# The sources of `reel import`, with a watch on what they change.
noinst_LTLIBRARIES += libcrashimport.la
libcrashimport_la_SOURCES = tests/crash/watched.h tools/host_walk.c tools/host_walk.h tools/cmd_import.c tools/import_tree.c tools/import_entries.c tools/put.c \
	tools/attributes.c tools/common.c tools/paths.c tools/text.c tools/messages.c tools/output.c tools/progress.c tools/keys.c
libcrashimport_la_CPPFLAGS = $(AM_CPPFLAGS) -include $(srcdir)/tests/crash/watched.h

# Dirty ranges and write buffers.
check_PROGRAMS += tests/unit/fs/test_ranges tests/unit/fs/test_wbuf tests/unit/fs/test_wbuf_model
tests_unit_fs_test_ranges_SOURCES = tests/unit/fs/test_ranges.c
tests_unit_fs_test_ranges_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_ranges_LDADD = libfs.la $(CHECK_LIBS)
tests_unit_fs_test_wbuf_SOURCES = tests/unit/fs/test_wbuf.c
tests_unit_fs_test_wbuf_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_wbuf_LDADD = libfs.la $(CHECK_LIBS)
tests_unit_fs_test_wbuf_model_SOURCES = tests/unit/fs/test_wbuf_model.c
tests_unit_fs_test_wbuf_model_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_wbuf_model_LDADD = libfs.la $(CHECK_LIBS)

# The program reel, one script for each subcommand and for what they share.
cli_tests = \
	tests/cli/help.sh tests/cli/init.sh tests/cli/write.sh tests/cli/cat.sh tests/cli/ls.sh tests/cli/rm.sh \
	tests/cli/mv.sh tests/cli/info.sh tests/cli/stat.sh tests/cli/check.sh tests/cli/repair.sh tests/cli/part.sh tests/cli/fsck.sh tests/cli/keys.sh \
	tests/cli/readonly.sh tests/cli/mounted.sh tests/cli/copy.sh tests/cli/import.sh tests/cli/compact.sh \
	tests/cli/convert.sh tests/cli/hashes.sh tests/cli/progress.sh tests/cli/traps.sh
TESTS += $(cli_tests)
EXTRA_DIST += $(cli_tests) tests/cli/lib.sh

# Damaged containers: what fsck.reelfs and the repair say of them.
TESTS += tests/fsck/run.sh
EXTRA_DIST += tests/fsck

# System calls on a mount, one script for each subject.
mount_tests = \
	tests/mount/names.sh tests/mount/attrs.sh tests/mount/atime.sh tests/mount/killpriv.sh tests/mount/rename.sh tests/mount/open-files.sh \
	tests/mount/append.sh tests/mount/truncate.sh tests/mount/mmap.sh tests/mount/readdir.sh tests/mount/xattr.sh \
	tests/mount/statfs.sh tests/mount/options.sh tests/mount/mount-helper.sh tests/mount/two-writers.sh tests/mount/two-machines.sh \
	tests/mount/full-disk.sh tests/mount/file-limit.sh tests/mount/read-only-disk.sh tests/mount/container-cut.sh tests/mount/failing-disk.sh \
	tests/mount/doubles.sh tests/mount/underlying.sh tests/mount/messages.sh tests/mount/inherited.sh tests/mount/unread.sh tests/mount/beneath.sh \
	tests/mount/signals.sh tests/mount/ending.sh tests/mount/hand-over.sh tests/mount/tmpfile.sh tests/mount/btime.sh \
	tests/mount/acl.sh tests/mount/capabilities.sh tests/mount/permissions.sh tests/mount/mount-as-user.sh tests/mount/started.sh tests/mount/callers-mount.sh tests/mount/overlay.sh \
	tests/mount/file-handles.sh tests/mount/flock.sh tests/mount/fcntl-locks.sh tests/mount/socket.sh tests/mount/fifo.sh tests/mount/memory.sh \
	tests/mount/devices.sh tests/mount/inotify.sh tests/mount/exec.sh tests/mount/utimensat.sh tests/mount/link-limit.sh tests/mount/fanotify.sh
TESTS += $(mount_tests)
EXTRA_DIST += $(mount_tests) tests/mount/lib.sh tests/mount/users.sh tests/mount/machine.sh tests/mount/holding.sh tests/mount/background.sh
noinst_PROGRAMS += tests/mount/syscall tests/mount/tmpfile tests/mount/handles tests/mount/peers tests/mount/many tests/mount/held tests/mount/caller tests/mount/started tests/mount/readings
tests_mount_syscall_SOURCES = tests/mount/syscall.c
noinst_PROGRAMS += tests/mount/passing
tests_mount_passing_SOURCES = tests/mount/passing.c
tests_mount_passing_CFLAGS = $(AM_CFLAGS) $(FUSE_CFLAGS)
tests_mount_passing_LDADD = $(FUSE_LIBS)
tests_mount_tmpfile_SOURCES = tests/mount/tmpfile.c
# What is agreed with the kernel: two files of src/fuse, and no mount.
check_PROGRAMS += tests/mount/agreed
TESTS += tests/mount/agreed
tests_mount_agreed_SOURCES = tests/mount/agreed.c src/fuse/init.c src/fuse/wire.c
tests_mount_agreed_CPPFLAGS = $(AM_CPPFLAGS) -DFUSE_USE_VERSION=312
tests_mount_agreed_CFLAGS = $(AM_CFLAGS) $(FUSE_CFLAGS)
tests_mount_agreed_LDADD = $(FUSE_LIBS)
tests_mount_readings_SOURCES = tests/mount/readings.c tests/mount/calls.h tests/readings.h
tests_mount_handles_SOURCES = tests/mount/handles.c tests/mount/calls.h
noinst_PROGRAMS += tests/mount/fanotify
tests_mount_fanotify_SOURCES = tests/mount/fanotify.c tests/mount/calls.h
tests_mount_peers_SOURCES = tests/mount/peers.c tests/mount/calls.h
tests_mount_caller_SOURCES = tests/mount/caller.c
tests_mount_held_SOURCES = tests/mount/held.c tests/mount/calls.h
tests_mount_started_SOURCES = tests/mount/started.c tests/mount/calls.h
tests_mount_many_SOURCES = tests/mount/many.c tests/mount/calls.h

# Ranges of files: holes, allocation, copies, mappings.
check_PROGRAMS += tests/unit/fs/test_memory tests/unit/fs/test_space tests/unit/fs/test_copy tests/unit/fs/test_copy_threads
tests_unit_fs_test_memory_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_memory_LDADD = $(fs_test_libs)
tests_unit_fs_test_memory_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=reallocarray
tests_unit_fs_test_space_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_space_LDADD = $(fs_test_libs)
tests_unit_fs_test_copy_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_copy_LDADD = $(fs_test_libs)
tests_unit_fs_test_copy_threads_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_copy_threads_LDADD = $(fs_test_libs)
range_tests = tests/mount/lseek.sh tests/mount/fallocate.sh tests/mount/copy_file_range.sh \
	tests/mount/sparse.sh tests/mount/direct-io.sh tests/mount/sync.sh tests/mount/coherent.sh tests/mount/open-log.sh \
	tests/mount/cached-attributes.sh tests/mount/taken-back.sh
TESTS += $(range_tests)
EXTRA_DIST += $(range_tests)
noinst_PROGRAMS += tests/mount/ranges tests/mount/cached tests/mount/coherent
tests_mount_ranges_SOURCES = tests/mount/ranges.c tests/mount/calls.h
tests_mount_cached_SOURCES = tests/mount/cached.c tests/mount/calls.h
tests_mount_coherent_SOURCES = tests/mount/coherent.c tests/mount/calls.h

# Programs of other people, which find in a mount what they find elsewhere. tools/soak runs their long forms.
program_tests = \
	tests/mount/program-borg.sh tests/mount/program-cp.sh tests/mount/program-dbench.sh tests/mount/program-dpkg.sh \
	tests/mount/program-find.sh tests/mount/program-gcc.sh tests/mount/program-git.sh tests/mount/program-install.sh \
	tests/mount/program-restic.sh tests/mount/program-rsync.sh tests/mount/program-sed.sh tests/mount/program-sqlite.sh \
	tests/mount/program-stress-ng.sh tests/mount/program-tar.sh tests/mount/program-vim.sh tests/mount/program-zip.sh
TESTS += $(program_tests)
EXTRA_DIST += $(program_tests) tests/mount/trees.sh

# The store.
check_PROGRAMS += tests/unit/store/test_foreign
tests_unit_store_test_foreign_SOURCES = tests/unit/store/test_foreign.c tests/unit/store/faulty.c tests/unit/store/faulty.h \
	$(store_test_sources)
tests_unit_store_test_foreign_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_store_test_foreign_LDADD = libstore.la $(CHECK_LIBS)
check_PROGRAMS += tests/unit/store/test_write tests/unit/store/test_open tests/unit/store/test_faults \
	tests/unit/store/test_threads tests/unit/store/test_sums
store_test_sources = tests/unit/store/support.c tests/unit/store/support.h tests/unit/store/runner.h
tests_unit_store_test_write_SOURCES = tests/unit/store/test_write.c $(store_test_sources)
tests_unit_store_test_write_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_store_test_write_LDADD = libstore.la $(CHECK_LIBS)
tests_unit_store_test_open_SOURCES = tests/unit/store/test_open.c $(store_test_sources)
tests_unit_store_test_open_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_store_test_open_LDADD = libstore.la $(CHECK_LIBS)
tests_unit_store_test_faults_SOURCES = tests/unit/store/test_faults.c tests/unit/store/faulty.c tests/unit/store/faulty.h \
	$(store_test_sources)
tests_unit_store_test_faults_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_store_test_faults_LDADD = libstore.la $(CHECK_LIBS)
tests_unit_store_test_threads_SOURCES = tests/unit/store/test_threads.c $(store_test_sources)
tests_unit_store_test_threads_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_store_test_threads_LDADD = libstore.la $(CHECK_LIBS)
tests_unit_store_test_sums_SOURCES = tests/unit/store/test_sums.c $(store_test_sources)
tests_unit_store_test_sums_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_store_test_sums_LDADD = libstore.la $(CHECK_LIBS)

# The library: what reel.h has beyond single entries.
library_tests = tests/unit/store/test_traps tests/unit/store/test_compact tests/unit/store/test_concurrent \
	tests/unit/store/test_library tests/unit/store/test_writer tests/unit/store/test_behind tests/unit/store/test_chance \
	tests/unit/store/test_survey
check_PROGRAMS += $(library_tests)
tests_unit_store_test_traps_SOURCES = tests/unit/store/test_traps.c tests/unit/store/faulty.c tests/unit/store/faulty.h \
	$(store_test_sources)
tests_unit_store_test_traps_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_store_test_traps_LDADD = libstore.la $(CHECK_LIBS)
tests_unit_store_test_compact_SOURCES = tests/unit/store/test_compact.c tests/unit/store/faulty.c tests/unit/store/faulty.h \
	$(store_test_sources)
tests_unit_store_test_compact_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_store_test_compact_LDADD = libstore.la $(CHECK_LIBS)
tests_unit_store_test_library_SOURCES = tests/unit/store/test_library.c $(store_test_sources)
tests_unit_store_test_library_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_store_test_library_LDADD = libstore.la $(CHECK_LIBS)
tests_unit_store_test_survey_SOURCES = tests/unit/store/test_survey.c $(store_test_sources)
tests_unit_store_test_survey_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_store_test_survey_LDADD = libstore.la $(CHECK_LIBS)
tests_unit_store_test_behind_SOURCES = tests/unit/store/test_behind.c $(store_test_sources)
tests_unit_store_test_chance_SOURCES = tests/unit/store/test_chance.c $(store_test_sources)
tests_unit_store_test_chance_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_store_test_chance_LDADD = libstore.la $(CHECK_LIBS)
tests_unit_store_test_behind_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_store_test_behind_LDADD = libstore.la $(CHECK_LIBS)
tests_unit_store_test_writer_SOURCES = tests/unit/store/test_writer.c tests/unit/store/faulty.c tests/unit/store/faulty.h \
	$(store_test_sources)
tests_unit_store_test_writer_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_store_test_writer_LDADD = libstore.la $(CHECK_LIBS)
tests_unit_store_test_concurrent_SOURCES = tests/unit/store/test_concurrent.c $(store_test_sources)
tests_unit_store_test_concurrent_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_store_test_concurrent_LDADD = libstore.la $(CHECK_LIBS)

# libreel installed, and used by the example program.
TESTS += tests/library/installed.sh tests/cli/helpers.sh
EXTRA_DIST += tests/library/installed.sh tests/cli/helpers.sh tests/tsan.sh examples/notes.c

# The store against the reference engine's containers.
check_PROGRAMS += tests/compat/test_vectors tests/compat/test_damage tests/compat/test_convert
compat_sources = tests/compat/manifest.c tests/compat/manifest.h tests/unit/store/support.c tests/unit/store/support.h
compat_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JSONC_CFLAGS) -I$(srcdir)/tests/unit/store \
	-DVECTORS_DIR='"$(abs_srcdir)/tests/compat/vectors"'
tests_compat_test_vectors_SOURCES = tests/compat/test_vectors.c $(compat_sources)
tests_compat_test_vectors_CFLAGS = $(compat_cflags)
tests_compat_test_vectors_LDADD = libstore.la $(CHECK_LIBS) $(JSONC_LIBS)
tests_compat_test_damage_SOURCES = tests/compat/test_damage.c $(compat_sources)
tests_compat_test_damage_CFLAGS = $(compat_cflags)
tests_compat_test_damage_LDADD = libstore.la $(CHECK_LIBS) $(JSONC_LIBS)
tests_compat_test_convert_SOURCES = tests/compat/test_convert.c $(compat_sources)
tests_compat_test_convert_CFLAGS = $(compat_cflags)
tests_compat_test_convert_LDADD = libstore.la $(CHECK_LIBS) $(JSONC_LIBS)
EXTRA_DIST += tests/compat/vectors

# The file system in a container, without a mount.
fs_tests = \
	tests/unit/fs/test_names tests/unit/fs/test_rename tests/unit/fs/test_contents tests/unit/fs/test_open_files \
	tests/unit/fs/test_import tests/unit/fs/test_moved tests/unit/fs/test_recovery tests/unit/fs/test_full tests/unit/fs/test_threads \
	tests/unit/fs/test_operations tests/unit/fs/test_repair tests/unit/fs/test_damage tests/unit/fs/test_atime tests/unit/fs/test_acl tests/unit/fs/test_torn \
	tests/unit/fs/test_turns tests/unit/fs/test_whole tests/unit/fs/test_writers tests/unit/fs/test_stale tests/unit/fs/test_promises \
	tests/unit/fs/test_dropped tests/unit/fs/test_logs tests/unit/fs/test_readings
check_PROGRAMS += $(fs_tests)
check_LTLIBRARIES = tests/unit/fs/libharness.la
fs_test_libs = tests/unit/fs/libharness.la libfs.la libstore.la $(CHECK_LIBS)
tests_unit_fs_libharness_la_SOURCES = \
	tests/unit/fs/foreign.c tests/unit/fs/foreign.h \
	tests/unit/fs/harness.c tests/unit/fs/harness.h tests/unit/fs/harness_main.c tests/unit/fs/harness_tree.c \
	tests/unit/fs/model.c tests/unit/fs/model.h \
	tests/unit/fs/no_room.c tests/unit/fs/no_room.h \
	tests/unit/fs/operations.c tests/unit/fs/operations.h \
	tests/unit/fs/operations_contents.c tests/unit/fs/operations_parts.h \
	tests/unit/fs/written.c tests/unit/fs/written.h
tests_unit_fs_libharness_la_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_acl_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_acl_LDADD = $(fs_test_libs)
tests_unit_fs_test_names_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_names_LDADD = $(fs_test_libs)
tests_unit_fs_test_readings_SOURCES = tests/unit/fs/test_readings.c tests/readings.h
tests_unit_fs_test_readings_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_readings_LDADD = $(fs_test_libs)
tests_unit_fs_test_rename_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_rename_LDADD = $(fs_test_libs)
tests_unit_fs_test_open_files_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_open_files_LDADD = $(fs_test_libs)
tests_unit_fs_test_contents_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_contents_LDADD = $(fs_test_libs)
tests_unit_fs_test_import_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_import_LDADD = $(fs_test_libs)
tests_unit_fs_test_moved_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_moved_LDADD = $(fs_test_libs)
tests_unit_fs_test_recovery_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_recovery_LDADD = $(fs_test_libs)
tests_unit_fs_test_full_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_full_LDADD = $(fs_test_libs)
tests_unit_fs_test_threads_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_threads_LDADD = $(fs_test_libs)
tests_unit_fs_test_operations_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_operations_LDADD = $(fs_test_libs)
tests_unit_fs_test_dropped_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_dropped_LDADD = $(fs_test_libs)
tests_unit_fs_test_whole_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_whole_LDADD = $(fs_test_libs)
tests_unit_fs_test_repair_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_repair_LDADD = $(fs_test_libs)
tests_unit_fs_test_damage_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_damage_LDADD = $(fs_test_libs)
tests_unit_fs_test_atime_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_atime_LDADD = $(fs_test_libs)
tests_unit_fs_test_torn_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_torn_LDADD = $(fs_test_libs)
tests_unit_fs_test_turns_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_turns_LDADD = $(fs_test_libs)
tests_unit_fs_test_writers_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_writers_LDADD = $(fs_test_libs)
tests_unit_fs_test_stale_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_stale_LDADD = $(fs_test_libs)
tests_unit_fs_test_logs_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_logs_LDADD = $(fs_test_libs)
tests_unit_fs_test_promises_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_fs_test_promises_LDADD = $(fs_test_libs)

include tests/fuzz/local.mk
