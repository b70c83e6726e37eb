/*
 * remount.h - mount -o remount, which mount(8) leaves to the helper.
 */
#ifndef REELFS_REMOUNT_H
#define REELFS_REMOUNT_H

/* Gives the mount at `mountpoint` the MS_* flags. 0, or -1 (logged). */
int remount(const char *mountpoint, unsigned long flags);

#endif
