/*
 * trust.h - whether set-id programs and devices work in the mount: never unless root asks in words that nothing gives unasked.
 *
 * "suid" and "dev" ask for nothing: mount.fuse3, to which mount(8) turns where it does not find mount.fuse.reelfs, gives both
 * to whoever has not said otherwise; with mount.fuse.reelfs mount(8) takes them for defaults and leaves them out. "allow_suid"
 * and "allow_dev" reach this program both ways, but not in their order among "nosuid" and "nodev", so these prevail.
 */
#ifndef REELFS_TRUST_H
#define REELFS_TRUST_H

#include <stdbool.h>

struct fuse_args;

/* Sets of MS_NOSUID and MS_NODEV. */
struct trust {
	unsigned long given;   /* the mount is to do without: allow_suid, allow_dev */
	unsigned long refused; /* they were given themselves */
	unsigned long usual;   /* "suid" and "dev" were given for */
};

/* Takes one of the six words. */
void trust_take(struct trust *t, const char *word);

/*
 * When all have been taken: those of `given` are left that hold, and libfuse is told in *args. `mounts`: this program is about
 * to mount, so it says where "suid" or "dev" were given for nothing, and lets nobody but root ask. 0, or -1 (logged).
 */
int trust_settle(struct trust *t, struct fuse_args *args, bool mounts);

/*
 * libfuse has mounted at `path`: where it has left that to fusermount3, as with auto_unmount, that knows no way to say "suid"
 * and "dev". Says so where it cannot be set right.
 */
void trust_mounted(const struct trust *t, const char *path);

#endif
