# The store, as the library of this project's programs and as libreel, which has the functions of reel.h only.
noinst_LTLIBRARIES += libstore.la
libstore_la_SOURCES = \
	src/store/append.c src/store/append.h \
	src/store/behind.c \
	src/store/compact.c \
	src/store/convert.c \
	src/store/copy.c src/store/copy.h \
	src/store/disk.c src/store/disk.h \
	src/store/engine.h \
	src/store/entry.c \
	src/store/explain.c \
	src/store/extend.c \
	src/store/foreign.c \
	src/store/format.c src/store/format.h \
	src/store/guard.c \
	src/store/hash.c src/store/hash.h \
	src/store/holder.c src/store/holder.h \
	src/store/import.c \
	src/store/index.c \
	src/store/iter.c \
	src/store/keys.c \
	src/store/lock.c \
	src/store/lookup.c \
	src/store/map.c src/store/map.h \
	src/store/move.c \
	src/store/open.c \
	src/store/place.c \
	src/store/read.c \
	src/store/reel.c src/store/reel.h \
	src/store/refresh.c \
	src/store/reread.c \
	src/store/reserve.c \
	src/store/salvage.c \
	src/store/search.c src/store/search.h \
	src/store/snapshot.c \
	src/store/store.h \
	src/store/stream.c \
	src/store/survey.c \
	src/store/swap.c \
	src/store/sync.c \
	src/store/tail.c \
	src/store/target.c src/store/target.h \
	src/store/torn.c \
	src/store/u64table.c src/store/u64table.h \
	src/store/visit.c \
	src/store/watch.c \
	src/store/write.c \
	src/store/writer.c
libstore_la_LIBADD = $(XXHASH_LIBS) $(DEFLATE_LIBS)

lib_LTLIBRARIES = libreel.la
libreel_la_SOURCES =
libreel_la_LIBADD = libstore.la $(XXHASH_LIBS) $(DEFLATE_LIBS)
libreel_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -no-undefined -export-symbols $(srcdir)/src/store/libreel.sym
EXTRA_libreel_la_DEPENDENCIES = src/store/libreel.sym
EXTRA_DIST += src/store/libreel.sym
include_HEADERS = src/store/reel.h
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = reel.pc
