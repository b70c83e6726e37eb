noinst_LTLIBRARIES += libfs.la
libfs_la_SOURCES = src/fs/fs.h
libfs_la_LIBADD = libstore.la
