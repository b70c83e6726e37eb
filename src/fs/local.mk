noinst_LTLIBRARIES += libfs.la
libfs_la_SOURCES = src/fs/fs.h
libfs_la_LIBADD = libstore.la
libfs_la_SOURCES += src/fs/ranges.c src/fs/ranges.h src/fs/spill.c src/fs/spill.h src/fs/wbuf.c src/fs/wbuf.h
