/*
 * watched.h - put before everything else in the sources of `reel import` that the tests of crashes compile: the calls
 * with which it changes a container go through life_import.c, which adds a state after each. So does its end.
 */
#ifndef CRASH_WATCHED_H
#define CRASH_WATCHED_H

#include "config.h"

#include <stdio.h>
#include <unistd.h>

#define fs_open           watched_open
#define fs_close          watched_close
#define fs_mkdir          watched_mkdir
#define fs_mknod          watched_mknod
#define fs_symlink        watched_symlink
#define fs_link           watched_link
#define fs_link_over      watched_link_over
#define fs_unlink         watched_unlink
#define fs_setattr        watched_setattr
#define fs_setxattr       watched_setxattr
#define fs_removexattr    watched_removexattr
#define fs_file_flush     watched_file_flush
#define fs_file_release   watched_file_release
#define reel_write_stream watched_write_stream

/* Where the program ends, and what it says then. */
#define _exit  watched_exit
#define fclose watched_fclose
#undef stderr
#define stderr watched_stderr

void watched_exit(int status) __attribute__((noreturn));
int watched_fclose(FILE *f);
extern FILE *watched_stderr;

#endif
