noinst_LTLIBRARIES += libfs.la
libfs_la_SOURCES = \
	src/fs/acl.c src/fs/acl.h \
	src/fs/apply.c src/fs/apply.h \
	src/fs/atime.c src/fs/atime.h \
	src/fs/atime_pack.c src/fs/atime_pack.h \
	src/fs/attr.c src/fs/attr.h \
	src/fs/ballast.c src/fs/ballast.h \
	src/fs/check.c \
	src/fs/checkpoint.c src/fs/checkpoint.h \
	src/fs/clock.c src/fs/clock.h \
	src/fs/commit.c src/fs/commit.h \
	src/fs/compact.c src/fs/compact.h \
	src/fs/contents.c src/fs/contents.h \
	src/fs/copy.c \
	src/fs/create.c src/fs/create.h \
	src/fs/data.c src/fs/data.h \
	src/fs/dir.c \
	src/fs/extents.c \
	src/fs/file.c src/fs/file.h \
	src/fs/fs.c src/fs/fs.h \
	src/fs/import.c src/fs/import.h \
	src/fs/info.c \
	src/fs/layout.h \
	src/fs/load.c \
	src/fs/locate.c src/fs/locate.h \
	src/fs/memory.c src/fs/memory.h \
	src/fs/moved.c \
	src/fs/nameless.c src/fs/nameless.h \
	src/fs/names.c src/fs/names.h \
	src/fs/open.c src/fs/open.h \
	src/fs/plan.c src/fs/plan.h \
	src/fs/ranges.c src/fs/ranges.h \
	src/fs/read.c \
	src/fs/record.c src/fs/record.h \
	src/fs/refused.c src/fs/refused.h \
	src/fs/rekey.c src/fs/rekey.h \
	src/fs/rename.c \
	src/fs/room.c src/fs/room.h \
	src/fs/salvage.c src/fs/salvage.h \
	src/fs/salvage_acls.c \
	src/fs/salvage_count.c \
	src/fs/salvage_files.c \
	src/fs/salvage_mend.c \
	src/fs/salvage_names.c \
	src/fs/salvage_paths.c \
	src/fs/salvage_replay.c \
	src/fs/salvage_seals.c \
	src/fs/seal.c src/fs/seal.h \
	src/fs/shared.c src/fs/shared.h \
	src/fs/space.c \
	src/fs/spill.c src/fs/spill.h \
	src/fs/state.h \
	src/fs/syncer.c src/fs/syncer.h \
	src/fs/table.h \
	src/fs/tree.c src/fs/tree.h \
	src/fs/turns.c src/fs/turns.h \
	src/fs/wbuf.c src/fs/wbuf_pool.c src/fs/wbuf.h \
	src/fs/whole.c src/fs/whole.h \
	src/fs/write.c \
	src/fs/xattr.c
libfs_la_LIBADD = libstore.la $(JUDY_LIBS)
