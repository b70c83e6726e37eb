noinst_LTLIBRARIES += libstore.la
libstore_la_SOURCES = src/store/reel.h src/store/engine.h
libstore_la_LIBADD = $(XXHASH_LIBS) $(DEFLATE_LIBS)
