noinst_LTLIBRARIES += libstore.la
libstore_la_SOURCES = src/store/reel.h src/store/engine.h \
	src/store/append.c src/store/append.h src/store/disk.c src/store/disk.h src/store/format.h src/store/guard.c \
	src/store/hash.c src/store/hash.h src/store/index.c src/store/iter.c src/store/lock.c src/store/map.c \
	src/store/map.h src/store/open.c src/store/reel.c src/store/reserve.c src/store/search.c src/store/search.h \
	src/store/store.h src/store/sync.c src/store/u64table.c src/store/u64table.h src/store/tail.c src/store/torn.c \
	src/store/write.c
libstore_la_LIBADD = $(XXHASH_LIBS) $(DEFLATE_LIBS)
