# What every program does before anything else. Knows nothing of the other folders.
noinst_LTLIBRARIES += libprocess.la
libprocess_la_SOURCES = src/process/inherited.c src/process/inherited.h
