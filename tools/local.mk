bin_PROGRAMS += reel
reel_SOURCES = tools/reel.c tools/common.c tools/common.h tools/messages.c tools/text.c tools/text.h tools/output.c \
	tools/paths.c tools/paths.h tools/keys.c tools/keys.h tools/progress.c tools/progress.h tools/put.c tools/put.h \
	tools/attributes.c tools/attributes.h tools/import.h tools/import_tree.c tools/import_entries.c tools/file_json.c tools/file_json.h \
	tools/cmd_init.c tools/cmd_ls.c tools/cmd_cat.c tools/cmd_write.c tools/cmd_rm.c tools/cmd_mv.c \
	tools/cmd_copy.c tools/cmd_import.c tools/cmd_info.c tools/cmd_stat.c tools/cmd_keys.c tools/cmd_check.c tools/host_walk.c tools/host_walk.h \
	tools/cmd_compact.c tools/cmd_convert.c tools/nul_values.c tools/nul_values.h tools/filetype.c tools/filetype.h
reel_LDADD = libfs.la libstore.la libprocess.la
dist_man_MANS += docs/man/reel.1

# fsck(8) looks for a program named after the type.
sbin_PROGRAMS += fsck.reelfs
fsck_reelfs_SOURCES = tools/fsck.c tools/common.h tools/messages.c tools/text.c tools/text.h tools/output.c \
	tools/progress.c tools/progress.h
fsck_reelfs_LDADD = libfs.la libstore.la libprocess.la
dist_man_MANS += docs/man/fsck.reelfs.8

# Needs xfstests, which is built elsewhere.
EXTRA_DIST += tools/xfstests tests/xfstests/expected
