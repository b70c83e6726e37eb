/*
 * remount.h - mount -o remount, which mount(8) leaves to the helper.
 */
#ifndef REELFS_REMOUNT_H
#define REELFS_REMOUNT_H

struct options;

/*
 * Gives the mount at o->mountpoint the flags that were asked for; of nosuid and nodev it keeps what it has unless they or
 * allow_suid and allow_dev were among them. 0, or -1 (logged), with nothing changed.
 */
int remount(const struct options *o);

#endif
