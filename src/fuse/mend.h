/*
 * mend.h - sets right what the kernel has cached of an inode and is no longer so: after a close that failed, what was written
 * is taken back here, while its page cache, and with the writeback cache its size, still have it.
 */
#ifndef REELFS_MEND_H
#define REELFS_MEND_H

#include <stdbool.h>
#include <stdint.h>

#include <fuse_lowlevel.h>

struct mount;

/* Starts the threads that do it. The mount has been made, and nobody serves it yet. 0, or -1 after a message. */
int mend_start(struct mount *m, const char *mountpoint);
/* Ends them: after the loop has ended and the mount is gone, while the session is still there. */
void mend_stop(void);

/* fs_options.stale; cache_arg is the struct mount. */
void mend_stale(void *cache_arg, uint64_t ino, unsigned stale);

/* Whether what is cached of the inode is still to be set right. */
bool mend_is_due(uint64_t ino);

typedef void (*mend_again_fn)(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
/*
 * To be called first by the handlers of OPEN without O_TRUNC and of GETATTR without a file: the kernel then holds no lock for
 * which a truncation waits. fi: NULL, or what is to be there later. True: what is cached of the inode is being set right, or
 * may have to be in a moment, and `again` will be called when it is; there is nothing to answer yet.
 */
bool mend_postpones(fuse_req_t req, fuse_ino_t ino, const struct fuse_file_info *fi, mend_again_fn again);

/*
 * Has the kernel ask for the attributes of an inode that has begun to fail, and calls `again` when it does: for the answer to a
 * request that failed. False: that cannot be had, and `again` will not be called.
 */
bool mend_expires(fuse_req_t req, fuse_ino_t ino, const struct fuse_file_info *fi, mend_again_fn again);

/*
 * Whether the request comes of the mending itself. LOOKUP, OPEN and SETATTR are then about the inode mend_inode(), whatever
 * their names and sizes, and change nothing: their answers tell the kernel what is so.
 */
bool mend_asks(fuse_req_t req);
uint64_t mend_inode(void);
/* The handler of OPEN has served the mending. */
void mend_opened(void);

#endif
