/*
 * watched.h - put before everything else in the sources of `reel import` that the tests of crashes compile: the calls
 * with which it changes a container go through life_import.c, which adds a state after each.
 */
#ifndef CRASH_WATCHED_H
#define CRASH_WATCHED_H

#define fs_open           watched_open
#define fs_close          watched_close
#define fs_mkdir          watched_mkdir
#define fs_mknod          watched_mknod
#define fs_symlink        watched_symlink
#define fs_link           watched_link
#define fs_unlink         watched_unlink
#define fs_setattr        watched_setattr
#define fs_setxattr       watched_setxattr
#define fs_removexattr    watched_removexattr
#define fs_file_flush     watched_file_flush
#define fs_file_release   watched_file_release
#define reel_write_stream watched_write_stream

#endif
