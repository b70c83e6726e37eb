/* rlimits.h - what the daemon may use of the machine. */
#ifndef REELFS_RLIMITS_H
#define REELFS_RLIMITS_H

/*
 * (I3) Raises the caller's soft limits to the hard ones, and gives threads a stack whose size does not depend on them. Says
 * which hard ones a mount will run into. To be called before there are threads.
 */
void rlimits_raise(void);

#endif
