bin_PROGRAMS += reel
reel_SOURCES = tools/reel.c
reel_LDADD = libfs.la libstore.la
