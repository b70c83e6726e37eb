/*
 * caller.h - what the sender of a request may do, where the kernel leaves that to the file system.
 */
#ifndef REELFS_CALLER_H
#define REELFS_CALLER_H

#include <fuse_lowlevel.h>

/*
 * Which set-id bits of inode `ino` a change of its contents or owner by the sender takes away: enum fs_kill. To be asked in
 * the handler of the request. Costs nothing where the inode has none.
 */

/* The kernel has said that the sender lacks CAP_FSETID. */
unsigned caller_kills(fuse_req_t req, fuse_ino_t ino);
/* It has not said anything (fallocate, copy_file_range). */
unsigned caller_may_kill(fuse_req_t req, fuse_ino_t ino);

#endif
