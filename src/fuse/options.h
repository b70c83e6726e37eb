/*
 * options.h - what the command line of reelfs and mount.fuse.reelfs asks for.
 */
#ifndef REELFS_OPTIONS_H
#define REELFS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <fuse_opt.h>

#include "fs.h"
#include "trust.h"

struct options {
	char *container;    /* as given */
	char *mountpoint;   /* as given */
	bool help, version; /* nothing else was looked at */
	bool foreground;    /* -f, -d */
	bool debug;         /* -d */
	bool helper;        /* called by mount(8) as mount.fuse.reelfs */
	bool fake;          /* mount -f: check, but mount nothing */
	bool remount;       /* -o remount: only the flags of an existing mount change */
	bool repeated;      /* with it: what /proc/mounts shows is among the options */
	bool sloppy;        /* mount -s: unknown options are ignored */
	bool create;        /* make the container where there is none */
	bool read_only;     /* -o ro */
	bool writeback;     /* the kernel collects small writes */
	bool xattrs;        /* extended attributes exist */
	bool clone_fd;      /* each thread its own /dev/fuse */
	bool auto_unmount;  /* when this process is killed */
	bool own_fsname;    /* the user gave -o fsname= */
	bool allow_other;   /* all users may use it */
	bool allow_root;    /* root, too, but nobody else */
	unsigned max_threads;
	uint64_t memory;      /* bytes; 0: not asked for, and later (memory.h): no limit */
	bool nul_values;      /* one NUL byte is a value in a container of the oldest format */
	unsigned lock_wait;   /* seconds */
	bool lock_wait_given; /* so it is a limit in every case */
	unsigned sync;        /* seconds; 0: never */
	enum fs_atime atime;  /* what reading does to access times */
	bool no_dir_atime;    /* but not to those of directories */
	char *keep_torn;      /* or NULL */
	unsigned long flags;  /* MS_* of mount(2) that were asked for, but those of trust; used by remount alone */
	struct trust trust;
	struct fuse_args fuse; /* what is left for libfuse: the program's name and options it knows */
};

/*
 * Fills *o. 0, or -1 when the command line is wrong: a line that says why was logged. Ends with
 * options_free() in both cases.
 */
int options_parse(struct options *o, int argc, char **argv);
void options_free(struct options *o);

/* Writes the text of --help to standard output. */
void options_help(void);

#endif
