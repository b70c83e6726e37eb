/*
 * inherited.h - what a program has got from whoever started it, and is to be rid of (I1 and I2 in docs/DESIGN.md).
 * For the very start of main(), before anything is opened, and while there is a single thread. Never logs.
 */
#ifndef REELFS_INHERITED_H
#define REELFS_INHERITED_H

/*
 * (I1) Gives each of the descriptors 0, 1 and 2 that is closed one that fails when it is used. Otherwise the container would
 * get that number, and messages would be written into it.
 */
void inherited_fill_standard(void);

/*
 * (I1) Closes every descriptor past 2, except `keep` (-1: none) and those that one of the `arguments` (NULL ends them) names
 * as /dev/fd/N, /proc/self/fd/N or /proc/thread-self/fd/N. These are closed in programs that this one starts.
 */
void inherited_close(char *const *arguments, int keep);

/* (I1) From now on 0, 1 and 2 lead nowhere, whatever they were. */
void inherited_drop_standard(void);

/* (I2) No signal is ignored or blocked any more, and no timer of the caller's runs. */
void inherited_reset_signals(void);

#endif
