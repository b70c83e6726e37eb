bin_PROGRAMS += reelfs
reelfs_SOURCES = src/fuse/main.c
reelfs_CFLAGS = $(AM_CFLAGS) $(FUSE_CFLAGS)
reelfs_LDADD = libfs.la libstore.la $(FUSE_LIBS)
