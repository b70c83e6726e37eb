bin_PROGRAMS += reelfs
reelfs_SOURCES = \
	src/fuse/ask.c src/fuse/ask.h \
	src/fuse/caller.c src/fuse/caller.h \
	src/fuse/clone.c src/fuse/clone.h \
	src/fuse/daemon.c src/fuse/daemon.h \
	src/fuse/device.c src/fuse/device.h \
	src/fuse/handles.c src/fuse/handles.h \
	src/fuse/handover.c src/fuse/handover.h \
	src/fuse/help.c \
	src/fuse/init.c \
	src/fuse/keeper.c src/fuse/keeper.h \
	src/fuse/keeper_main.c src/fuse/keeper_protocol.h \
	src/fuse/log.c src/fuse/log.h \
	src/fuse/log_queue.c src/fuse/log_queue.h \
	src/fuse/log_repeats.c src/fuse/log_repeats.h \
	src/fuse/loop.c src/fuse/loop.h \
	src/fuse/main.c \
	src/fuse/memory.c src/fuse/memory.h \
	src/fuse/mend.c src/fuse/mend.h \
	src/fuse/mounts.c src/fuse/mounts.h \
	src/fuse/ops.c src/fuse/ops.h \
	src/fuse/ops_attr.c \
	src/fuse/ops_dir.c \
	src/fuse/ops_file.c \
	src/fuse/ops_names.c \
	src/fuse/ops_range.c \
	src/fuse/ops_xattr.c \
	src/fuse/options.c src/fuse/options.h \
	src/fuse/paths.c src/fuse/paths.h \
	src/fuse/remount.c src/fuse/remount.h \
	src/fuse/rlimits.c src/fuse/rlimits.h \
	src/fuse/served.c src/fuse/served.h \
	src/fuse/session.c src/fuse/session.h \
	src/fuse/signals.c src/fuse/signals.h \
	src/fuse/trust.c src/fuse/trust.h \
	src/fuse/wire.c src/fuse/wire.h
reelfs_CPPFLAGS = $(AM_CPPFLAGS) -DFUSE_USE_VERSION=312
reelfs_CFLAGS = $(AM_CFLAGS) $(FUSE_CFLAGS)
reelfs_LDADD = libfs.la libstore.la libprocess.la $(FUSE_LIBS)

dist_man_MANS += docs/man/reelfs.1 docs/man/mount.fuse.reelfs.8

# mount(8) looks for a program named after the type, and fsck(8) for one after that in fstab(5).
link_helpers = DESTDIR='$(DESTDIR)' bindir='$(bindir)' sbindir='$(sbindir)' helperdir='$(mounthelperdir)' \
	bash $(srcdir)/tools/link-helpers
install-exec-hook:
	$(link_helpers) install

uninstall-hook:
	$(link_helpers) uninstall
